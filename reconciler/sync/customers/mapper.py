"""Mapper of customers: from a user with its buyer, groups and addresses to a draft, as docs/sync.md says. Pure.

A draft names the members that we map; what it does not name stays as it is at the site. A member with a problem is not
named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.ordercloud.readers.flaws import BadRecord
from reconciler.sparklayer.customer_bodies import ACTIVE, ADDRESSES, BALANCE, INACTIVE, PAYMENT, PRICE_LISTS
from reconciler.sync.customers.addresses import Addresses, addresses_of
from reconciler.sync.customers.limits import MOST_CHILDREN, too_long, too_many_customers
from reconciler.sync.customers.model import FLAW, GROUPS, NUMBER, PARENT, PART, SCHEDULES, CustomerDraft, Parent
from reconciler.sync.customers.record import key_of, parent_of, shown
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.customers.values import account, flag, percentage, texts
from reconciler.sync.mapping.fields import Unfit, check, evaluated
from reconciler.sync.mapping.identity import address_external_id, is_usable
from reconciler.sync.mapping.limits import reserved
from reconciler.sync.mapping.values import (
    Misfit,
    calendar_date,
    mapping,
    number,
    objects,
    text,
    text_or_none,
    wire_number,
)
from reconciler.sync.parties.schedules import PartySchedules, currency_of
from reconciler.sync.parties.users import about_user, email_of
from reconciler.sync.problem import RecordProblem

ValueT = TypeVar("ValueT")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_BILLING, _SHIPPING = "default_billing_address_id", "default_shipping_address_id"
# Members that need no more than a text of the user, the buyer or the mapping.
_TEXTS: tuple[tuple[str, str, str | None], ...] = (
    ("first_name", "firstName", "FirstName"),
    ("last_name", "lastName", "LastName"),
    ("title", "title", None),
    ("accounting_id", "accountingID", None),
    ("role", "role", None),
)


class SiteFacts(Struct, frozen=True):
    """What the mapper must know of the site.

    Args:
        groups: slugs of its customer groups; None: nobody asks for any.
    """

    groups: frozenset[str] | None = None


def draft(record: Mapping[str, Any], settings: CustomerSettings, facts: SiteFacts | None) -> CustomerDraft:
    """Return what the target should hold of a user, and what is wrong with it. Never raises on a record.

    Args:
        record: the user, with `Buyer`, `UserGroups` and `Addresses`.
        settings: of the DataSync.
        facts: of the site; None: not known.
    """
    key = key_of(record)
    if isinstance(number := record.get(NUMBER), int):
        problem = RecordProblem(key, PART, "too-many-customers", too_many_customers(number))
        return CustomerDraft(key, problems=(problem,), is_whole=False)
    if (fault := _flaw(record, key)) is not None:
        return CustomerDraft(key, problems=(fault,), is_whole=False)
    settings = replace(settings, rules=settings.rules.for_record())
    mapping_ = _Mapping(key, shown(record), settings, facts)
    return mapping_.draft(record.get(PARENT), record.get(SCHEDULES), record.get(GROUPS) or ())


class _Mapping:
    """Maps one record, member by member.

    Args:
        key: external ID of the customer.
        record: what expressions see.
        settings: of the DataSync.
        facts: of the site.
    """

    def __init__(
        self, key: str, record: Mapping[str, Any], settings: CustomerSettings, facts: SiteFacts | None
    ) -> None:
        self._key = key
        self._record = record
        self._settings = settings
        self._facts = facts or SiteFacts()
        self._named: Wire = {"external_id": key}
        self._problems: list[RecordProblem] = []
        self._opening: Wire = {}
        # Walks alone count who is below whom.
        self._parent_is_full: bool | None = None

    def draft(self, parent: Any, schedules: Any, groups: Sequence[str]) -> CustomerDraft:
        """Return the draft.

        Args:
            parent: a `Parent`, where the source looked for it.
            schedules: `PartySchedules`, where customers have lists of their own.
            groups: IDs of the groups that the user is in.
        """
        inside = self._attempt(self._where)
        email = self._attempt(self._email)
        self._member("email", lambda: email)
        for member, key, source in _TEXTS:
            if source is not None or self._maps(key):
                self._member(member, partial(self._text, member, key, source))
        self._member("company_name", self._company)
        self._member("status", self._status)
        self._optional("currency_code", self._currency)
        self._optional("group", self._group, always=self._maps("group") or bool(self._settings.groups))
        self._mapped_members()
        addresses = addresses_of(self._key, self._record)
        self._problems += addresses.problems
        soft = self._addresses(addresses)
        kept_defaults = {_BILLING: addresses.kept_billing, _SHIPPING: addresses.kept_shipping}
        if "group" in self._named and self._named["group"] is None:
            # Nobody gave it a group here, and one that somebody gave it there stays.
            soft |= {"group"}
        self._own_list(schedules, groups)
        whole = inside is not None and email is not None and not addresses.are_too_many and self._takes_parent(parent)
        return CustomerDraft(
            key=self._key,
            named=self._named,
            username=_username(self._record),
            email=email,
            kept=addresses.kept,
            kept_defaults={name: own for name, own in kept_defaults.items() if own is not None and name in soft},
            soft=soft,
            opening=self._opening,
            problems=tuple(dict.fromkeys(self._problems)),
            is_whole=whole,
            parent_is_full=self._parent_is_full,
        )

    def _mapped_members(self) -> None:
        """Name the members that have no default."""
        for member, key, convert, expected in (
            ("sales_agent_groups", "salesAgentGroups", texts, "list of texts"),
            (PRICE_LISTS, "priceLists", texts, "list of price list slugs"),
            ("tax_exempt", "taxExempt", flag, "true or false"),
        ):
            if self._maps(key):
                self._member(member, partial(self._evaluated, key, convert, expected))
        if self._maps("discountPercentage"):
            self._member("discount_percentage", self._discount)
        if self._maps("paymentOnAccount"):
            self._member(PAYMENT, self._account)

    def _where(self) -> str:
        """Evaluate the scope once more, where it is a mistake of the manifest that fails on this record."""
        if self._settings.where is not None:
            evaluated(self._settings.where, "where", self._key, about_user(self._record), flag, "truth value")
        return ""

    def _own_list(self, schedules: Any, groups: Sequence[str]) -> None:
        """Name the one price list of our own that the user needs, which is complete for it."""
        if self._settings.lists_prefix is None or not isinstance(schedules, PartySchedules):
            return
        buyer = text_or_none(self._record.get("CompanyID")) or ""
        found = schedules.combination(buyer, groups, currency_of(self._record))
        self._named[PRICE_LISTS] = [] if found is None else [found.slug]

    def _email(self) -> str:
        email = email_of(self._record, self._settings.scope.email)
        if email is None:
            raise Unfit(self._key, "no-email", "The user has no e-mail address. Set Email in OrderCloud.")
        if _EMAIL.fullmatch(email) is None:
            message = "The e-mail address is none that can be written to. Correct Email in OrderCloud."
            raise Unfit(self._key, "bad-email", message)
        check(self._key, too_long("email", email))
        return email

    def _text(self, member: str, key: str, source: str | None) -> str | None:
        mapped = self._maps(key)
        value = self._evaluated(key, text, "text") if mapped else text_or_none(self._record.get(source or ""))
        if value is not None:
            check(self._key, too_long(member, value))
        return value

    def _company(self) -> str | None:
        if self._maps("companyName"):
            value = self._evaluated("companyName", text, "text")
        else:
            value = text_or_none(mapping(self._record.get("Buyer")).get("Name"))
        if value is not None:
            check(self._key, too_long("company_name", value))
        return value

    def _status(self) -> str:
        if self._maps("status"):
            found = self._evaluated("status", _status_word, "status (active, inactive)")
            if found is not None:
                return found
        buyer = mapping(self._record.get("Buyer"))
        active = self._record.get("Active") is True and buyer.get("Active") is not False
        return ACTIVE if active else INACTIVE[0]

    def _currency(self) -> str | None:
        if self._maps("currencyCode"):
            return self._evaluated("currencyCode", _currency_code, "currency code")
        found = text_or_none(mapping(self._record.get("Locale")).get("Currency"))
        return found if found is not None and _CURRENCY.fullmatch(found) else None

    def _group(self) -> str | None:
        slug = self._group_by_membership()
        if slug is None and self._maps("group"):
            slug = self._evaluated("group", text, "text")
        known = self._facts.groups
        if slug is not None and known is not None and slug not in known:
            message = f"The site has no customer group {slug}. Create it, or correct the group."
            raise Unfit(self._key, "unknown-group", message)
        return slug

    def _group_by_membership(self) -> str | None:
        """Return the slug of the customer group that the manifest maps a group of the user to."""
        slugs: dict[str, str] = {}
        buyer = text_or_none(self._record.get("CompanyID")) or ""
        for group in objects(self._record.get("UserGroups")):
            own = text_or_none(group.get("ID")) or ""
            slug = self._settings.groups.get(f"{buyer}.{own}", self._settings.groups.get(own))
            if slug is not None:
                slugs.setdefault(slug, own)
        if len(slugs) > 1:
            words = " and ".join(sorted(slugs.values()))
            message = f"The user is in {words}, which are mapped to several customer groups. Leave one of them."
            raise Unfit(self._key, "ambiguous-group", message)
        return next(iter(slugs), None)

    def _discount(self) -> int | float | None:
        found = self._evaluated("discountPercentage", percentage, "number of percent points from 0 to 100")
        return None if found is None else wire_number(found)

    def _account(self) -> Wire | None:
        """Return credit limit, currency and terms; a balance goes with a creation alone, and with its date."""
        found = self._evaluated("paymentOnAccount", account, "object with credit_limit and the like")
        if found is None:
            return None
        try:
            limit, balance = number(found.get("credit_limit")), number(found.get("balance"))
            day = calendar_date(found.get("balance_date"))
        except Misfit as misfit:
            message = f"The mapping of paymentOnAccount has {misfit.shown}, which is no number or no date."
            raise Unfit(self._key, "bad-mapping", message) from None
        if balance is not None and day is None:
            message = "The mapping of paymentOnAccount has a balance without a balance_date. Add it."
            raise Unfit(self._key, "bad-mapping", message)
        if balance is not None and day is not None:
            self._opening = {"balance": wire_number(balance), "balance_date": day.isoformat()}
        kept = {name: value for name, value in found.items() if name not in BALANCE}
        return (
            {**kept, "credit_limit": None if limit is None else wire_number(limit)} if "credit_limit" in kept else kept
        )

    def _addresses(self, addresses: Addresses) -> frozenset[str]:
        """Name addresses and default addresses; return the defaults that no mapping names."""
        self._named[ADDRESSES] = list(addresses.bodies.values())
        soft = set()
        for member, key, own in (
            (_BILLING, "defaultBillingAddress", addresses.billing),
            (_SHIPPING, "defaultShippingAddress", addresses.shipping),
        ):
            if self._maps(key):
                self._member(member, partial(self._default, key, addresses))
            else:
                # None: one that we wrote goes, and one that somebody chose there stays.
                self._named[member] = None if own is None else address_external_id(self._key, own)
                soft.add(member)
        return frozenset(soft)

    def _default(self, key: str, addresses: Addresses) -> str | None:
        own = self._evaluated(key, text, "ID of an address")
        if own is None:
            return None
        if own not in addresses.bodies:
            message = f"The mapping of {key} gives {own[:60]}, which is no address that the customer gets."
            raise Unfit(self._key, "bad-mapping", message)
        return address_external_id(self._key, own)

    def _takes_parent(self, parent: Any) -> bool:
        """Name the parent where the mapping asks for one, and return whether the customer can be written with it."""
        if not self._maps("parentCustomerID"):
            return True
        if not isinstance(parent, Parent):
            found = self._attempt(lambda: parent_of(self._record, self._settings) or "")
            if found is None:
                return False
            parent = Parent(found) if found else None
        self._named["parent_customer_id"] = None if parent is None else parent.external_id
        if parent is None or parent.children:
            self._parent_is_full = parent is not None and parent.children > MOST_CHILDREN
        fault = None if parent is None else _parent_fault(parent)
        if fault is not None:
            self._problems.append(RecordProblem(self._key, PART, *fault))
        return fault is None

    def _maps(self, key: str) -> bool:
        return key in self._settings.rules.expressions

    def _evaluated(self, key: str, convert: Callable[[Any], ValueT | None], expected: str) -> ValueT | None:
        return evaluated(self._settings.rules.expressions[key], key, self._key, self._record, convert, expected)

    def _member(self, member: str, make: Callable[[], Any]) -> None:
        """Name a member; one that something is wrong with stays as it is at the site."""
        try:
            self._named[member] = make()
        except Unfit as fault:
            self._problems.append(fault.problem(PART))

    def _optional(self, member: str, make: Callable[[], Any], *, always: bool = False) -> None:
        """Name a member that has a value; without one it stays as it is, unless the mapping is there to clear it."""
        self._member(member, make)
        if not always and self._named.get(member) is None:
            self._named.pop(member, None)

    def _attempt(self, make: Callable[[], str]) -> str | None:
        try:
            return make()
        except Unfit as fault:
            self._problems.append(fault.problem(PART))
            return None


def _flaw(record: Mapping[str, Any], key: str) -> RecordProblem | None:
    flaw = record.get(FLAW)
    if isinstance(flaw, BadRecord):
        message = f"OrderCloud's answer on the user cannot be used: {flaw.reason}. Correct it in OrderCloud."
        return RecordProblem(key, PART, "bad-record" if flaw.has_id else "no-id", message)
    if not all(is_usable(text_or_none(record.get(name)) or "") for name in ("CompanyID", "ID")):
        return RecordProblem(key, PART, "no-id", "The user has no usable ID.")
    fault = reserved("customer", key, "the buyer")
    return None if fault is None else RecordProblem(key, PART, "over-limit", fault)


def _parent_fault(parent: Parent) -> tuple[str, str] | None:
    name = parent.external_id
    if parent.in_cycle:
        return "parent-cycle", f"The parent {name} has this customer above itself. Correct one of them."
    if not parent.is_there:
        return "missing-parent", f"There is no customer {name}, which is mapped as the parent. Correct the parent."
    if parent.children > MOST_CHILDREN:
        words = f"The parent {name} has {parent.children:,} sub-accounts, and SparkLayer takes {MOST_CHILDREN}."
        return "too-many-sub-accounts", f"{words} Give some of them another parent."
    return None


def _username(record: Mapping[str, Any]) -> str | None:
    name = text_or_none(record.get("Username"))
    return None if name is None else name.casefold()


def _status_word(value: Any) -> str | None:
    word = text(value)
    if word is not None and word not in (ACTIVE, *INACTIVE):
        raise Misfit(value)
    return INACTIVE[0] if word in INACTIVE else word


def _currency_code(value: Any) -> str | None:
    code = text(value)
    if code is not None and _CURRENCY.fullmatch(code) is None:
        raise Misfit(value)
    return code
