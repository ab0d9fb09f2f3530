"""Target state of a customer: its draft resolved against the names of others; of one that leaves, deactivated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.sparklayer.customer_bodies import ADDRESSES, INACTIVE, Share, canonical_customer
from reconciler.sync.customers.limits import MOST_CHILDREN
from reconciler.sync.customers.model import (
    EVERYBODY,
    LEAVING,
    PART,
    USERNAME,
    CustomerDraft,
    HeldCustomer,
    email_name,
    held_to_json,
)
from reconciler.sync.datatype import Name, TargetState
from reconciler.sync.mapping.digest import digest_of
from reconciler.sync.mapping.identity import address_prefix
from reconciler.sync.problem import RecordProblem


class Outcome(Struct):
    """What a write told of a customer; a sink fills it in, and the ledger keeps it.

    Args:
        own_id: SparkLayer's own ID; None: not known.
        extra: what was carried over, by member.
        parent_id: SparkLayer's own ID of the parent.
        has_no_email: somebody else has the email at the site.
        is_missing: the site does not have it.
    """

    own_id: str | None = None
    extra: Mapping[str, Any] | None = None
    parent_id: str | None = None
    has_no_email: bool = False
    is_missing: bool = False


class CustomerState(TargetState, frozen=True, kw_only=True):
    """State that the target should have of a customer.

    Args:
        named: what is mapped, by member; what is not named stays as it is there.
        share: which of the addresses, lists and defaults there are ours.
        opening: members of the account that go with a creation alone.
        before: what the target holds.
        deletes: it is to be deleted, not deactivated.
        outcome: what a write tells.
    """

    named: Mapping[str, Any] = field(default_factory=dict)
    share: Share = field(default_factory=lambda: Share(()))
    opening: Mapping[str, Any] = field(default_factory=dict)
    before: HeldCustomer = field(default_factory=HeldCustomer)
    deletes: bool = False
    username: str | None = None
    outcome: Outcome = field(default_factory=Outcome)

    def held(self, *, whole: bool) -> Mapping[str, Any]:
        return held_to_json(self._after(whole=whole))

    def _after(self, *, whole: bool) -> HeldCustomer:
        before, outcome = self.before, self.outcome
        if not self.prints and not self.removes:
            return before
        if self.deletes:
            return HeldCustomer() if whole else before
        if not whole and before.exists:
            return before
        named = {**before.named, **self.named} if self.gone else self.named
        return HeldCustomer(
            external_id=before.external_id if self.gone else self.key,
            own_id=outcome.own_id or before.own_id,
            named=named,
            extra=before.extra if outcome.extra is None else outcome.extra,
            username=self.username,
            is_gone=self.gone,
            was_lost=outcome.is_missing,
            parent_id=outcome.parent_id or (before.parent_id if _parent(named) == _parent(before.named) else None),
        )


def usernames_of(state: CustomerState) -> list[Name]:
    """Return the names that a customer keeps whose email somebody else has at the site."""
    return sorted({*_present(_username(state.username)), *_emails(state.before)})


def print_of(named: Mapping[str, Any]) -> bytes:
    """Return the fingerprint of what is mapped, or of what the site has of that."""
    return digest_of(canonical_customer(named))


def names_of(draft: CustomerDraft, held: HeldCustomer) -> list[Name]:
    """Return what a customer needs for itself, and what it has until the target holds it no more."""
    names = {_username(draft.username or held.username), *_emails(held)}
    if draft.is_whole and draft.email is not None:
        names.add(email_name(draft.email))
        names.update(_leaving(draft, held) or ())
    return sorted(name for name in names if name is not None)


def held_names(held: HeldCustomer) -> list[Name]:
    """Return the names under which the target holds something of a customer."""
    return sorted(name for name in {_username(held.username), *_emails(held)} if name is not None)


def resolve(draft: CustomerDraft, taken: Mapping[Name, str], held: HeldCustomer, lists: str | None) -> CustomerState:
    """Return the state that the target should have of a user.

    Args:
        draft: of it.
        taken: names that others have, and the keys of those.
        held: what the target holds.
        lists: how the slugs of price lists of our own begin, where customers have some.
    """
    others = {name: owner for name, owner in taken.items() if owner != draft.key}
    return replace(_resolved(draft, others, held, lists), was=_predecessor(draft, others, held))


def _resolved(draft: CustomerDraft, others: Mapping[Name, str], held: HeldCustomer, lists: str | None) -> CustomerState:
    if draft.key == EVERYBODY:
        # It is told and keeps nothing back.
        return CustomerState(key=draft.key, prints={}, problems=draft.problems, before=held)
    owner = None if draft.email is None else others.get(email_name(draft.email))
    if draft.parent_is_full is None and draft.parent is not None and draft.parent == held.full_parent:
        return _held_back(draft, held, (*draft.problems, full_parent(draft.key, draft.parent)))
    if not draft.is_whole or draft.email is None:
        return _held_back(draft, held, draft.problems)
    share = share_of(draft.key, draft.kept, draft.soft, held, lists)
    named = _with_kept_defaults(draft, share)
    problems = draft.problems
    keeps: Collection[Name] = _present(_username(draft.username), email_name(draft.email))
    if owner is not None:
        problems = (*problems, duplicate_email(draft.key, draft.email, f"customer {owner}"))
        if not _lets_go(draft, held, others, owner):
            return _held_back(draft, held, problems)
        # It is written under none for a moment, and goes on waiting.
        named = {**named, "email": parked(draft.key)}
    return CustomerState(
        key=draft.key,
        prints={PART: print_of(named)},
        problems=problems,
        keeps=keeps,
        named=named,
        share=share,
        opening=draft.opening,
        before=held,
        username=draft.username or held.username,
        news=held.full_parent is not None,
    )


def deleted(key: str, held: HeldCustomer, *, deletes: bool, outside: bool) -> CustomerState:
    """Return the state that the target should have of a customer whose user is gone or left the scope.

    Args:
        key: of the record.
        held: what the target holds.
        deletes: the manifest wants it deleted where the user is gone.
        outside: the user exists, and left the scope.
    """
    if outside or not held.exists:
        problems = () if not outside else (left_scope(key),)
        return CustomerState(
            key=key, prints={}, problems=problems, gone=not outside, before=held, keeps=held_names(held)
        )
    if deletes:
        return CustomerState(
            key=key, prints={}, removes=frozenset({PART}), gone=True, before=held, deletes=True, keeps=[]
        )
    named = {"status": INACTIVE[0]}
    return CustomerState(
        key=key,
        prints={PART: print_of(named)},
        gone=True,
        named=named,
        share=Share(()),
        before=held,
        keeps=held_names(held),
        username=held.username,
    )


def share_of(key: str, kept: frozenset[str], soft: frozenset[str], held: HeldCustomer, lists: str | None) -> Share:
    """Return which addresses, lists and defaults at the target are ours."""
    prefixes = dict.fromkeys(address_prefix(each) for each in (key, held.external_id) if each is not None)
    written = {name: value for name, value in held.named.items() if isinstance(value, str)}
    share = Share(tuple(prefixes), kept, lists, written, soft)
    addresses = {share.renamed(each["external_id"]): frozenset(each) for each in held.named.get(ADDRESSES) or ()}
    return replace(share, written_addresses=addresses)


def parked(key: str) -> str:
    """Return the address that a customer has for a moment while several exchange theirs; `.invalid` reaches nobody."""
    return f"{blake2b(key.encode(), digest_size=12).hexdigest()}@parked.invalid"


def duplicate_email(key: str, email: str, owner: str) -> RecordProblem:
    """Return what a merchant reads of an email that something else has."""
    words = f"The e-mail address {email} is already used by {owner}. Give one of them another one."
    return RecordProblem(key, PART, "duplicate-email", words)


def full_parent(key: str, parent: str) -> RecordProblem:
    """Return what a merchant reads of a customer whose parent has more customers below it than SparkLayer takes."""
    words = f"The parent {parent} has more than {MOST_CHILDREN} sub-accounts, which is what SparkLayer takes."
    return RecordProblem(key, PART, "too-many-sub-accounts", f"{words} Give some of them another parent.")


def left_scope(key: str) -> RecordProblem:
    """Return what a merchant reads of a customer whose user left the scope."""
    words = "The user is no longer among those that flow (customers.buyers, customers.where, an e-mail address)"
    return RecordProblem(key, PART, "left-scope", f"{words}: the customer stays as it is.")


def lost(held: HeldCustomer) -> HeldCustomer:
    """Return what is known of a customer that the site turned out not to have."""
    return replace(held, was_lost=True)


def body_of(held: HeldCustomer) -> Wire:
    """Return all that is known to be at the target, for a site that does not show it."""
    body = {**held.extra, **{name: value for name, value in held.named.items() if value is not None}}
    addresses = [*(held.named.get(ADDRESSES) or ()), *(held.extra.get(ADDRESSES) or ())]
    return {**body, ADDRESSES: addresses} if addresses else body


def _with_kept_defaults(draft: CustomerDraft, share: Share) -> Mapping[str, Any]:
    """Return what is named, with the defaults that we wrote and that name an address which stays as it is."""
    stay = {
        name: reference
        for name, reference in draft.kept_defaults.items()
        if share.renamed(share.written.get(name)) == reference
    }
    return {**draft.named, **stay}


def _held_back(draft: CustomerDraft, held: HeldCustomer, problems: tuple[RecordProblem, ...]) -> CustomerState:
    full = draft.parent if draft.parent_is_full else held.full_parent if draft.parent_is_full is None else None
    return CustomerState(
        key=draft.key,
        prints={},
        problems=problems,
        held_back=True,
        before=replace(held, full_parent=full),
        username=draft.username,
        news=full != held.full_parent,
    )


def _predecessor(draft: CustomerDraft, others: Mapping[Name, str], held: HeldCustomer) -> str | None:
    """Return the customer that has the user's name, which is unique in the marketplace: the user may have been that."""
    name = _username(draft.username)
    return None if name is None or held.exists else others.get(name)


def _parent(named: Mapping[str, Any]) -> Any:
    return named.get("parent_customer_id")


def _emails(held: HeldCustomer) -> list[Name]:
    return [] if held.email is None else [email_name(held.email)]


def _username(username: str | None) -> Name | None:
    return None if username is None else (USERNAME, username)


def _present(*names: Name | None) -> list[Name]:
    return [name for name in names if name is not None]


def _leaving(draft: CustomerDraft, held: HeldCustomer) -> tuple[Name, Name] | None:
    """Return what a customer that changes its address asks for: that of its own, and that of the one it waits for."""
    if draft.email is None or held.email is None or draft.email.casefold() == held.email.casefold():
        return None
    return (LEAVING, held.email.casefold()), (LEAVING, draft.email.casefold())


def _lets_go(draft: CustomerDraft, held: HeldCustomer, others: Mapping[Name, str], owner: str) -> bool:
    """Whether a customer has to let go of its address first: somebody waits for it, and who it waits for moves too.

    So addresses that go round arrive: of the customers of a circle the last one that is looked at sees both.
    """
    asked = _leaving(draft, held)
    return asked is not None and asked[0] in others and others.get(asked[1]) == owner
