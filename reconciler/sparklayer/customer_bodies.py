"""Bodies of customers: what we map and what a site has beside it, brought together and compared. Pure.

A PUT replaces the whole customer: what it leaves out is cleared (documented). So a body is made by `merged`, and
what is compared by `projected`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from reconciler.kind.connection import Json, Wire

ACTIVE = "active"
# inferred: which status deactivates; only `active` may log in (documented). Tried in this order.
INACTIVE = ("inactive", "disabled")
ADDRESSES, PRICE_LISTS, PAYMENT = "addresses", "price_lists", "payment_on_account"
# documented: what a PUT sets, and clears where it is left out. inferred: that there is no more than this.
MEMBERS = (
    "external_id",
    "email",
    "title",
    "first_name",
    "last_name",
    "company_name",
    "status",
    "group",
    "role",
    "currency_code",
    "accounting_id",
    "sales_agent_groups",
    PRICE_LISTS,
    "discount_percentage",
    PAYMENT,
    "parent_customer_id",
    "tax_exempt",
    "default_billing_address_id",
    "default_shipping_address_id",
    "available_shipping_addresses",
    ADDRESSES,
)
# What is SparkLayer's own to move, and never sent over an account that is there; see docs/sync.md.
BALANCE = ("balance", "balance_date")
# inferred: that a default and the list of shipping addresses name an address by its external ID as well.
_ADDRESS_REFERENCES = ("default_billing_address_id", "default_shipping_address_id")
_ADDRESS_MEMBERS = (
    "external_id",
    "title",
    "first_name",
    "last_name",
    "company",
    "address_line1",
    "address_line2",
    "city",
    "region_code",
    "postal_code",
    "country_code",
    "phone",
    "mobile",
    "nickname",
)


def balance_of(answer: Json) -> Json:
    """Return the balance that a customer shows; None where it shows none."""
    account = answer.get(PAYMENT) if isinstance(answer, dict) else None
    return account.get("balance") if isinstance(account, dict) else None


class Share(Struct, frozen=True):
    """How what we map of a customer stands beside what others keep there.

    Args:
        prefixes: how the external IDs of its addresses begin that are ours; all others are carried over.
        kept: external IDs of addresses that are ours and cannot be written now: they stay as they are.
        lists_prefix: how the slugs of price lists begin that are ours: we map those alone, and the others are carried
            over. None: we map all of them, or none.
        written: by member, what we wrote last: what the site has otherwise since is somebody's choice.
        soft: members of which such a choice stays, because no mapping names them.
        written_addresses: by external ID, the members of our addresses that we wrote last: one of these that is not
            mapped any more is cleared, and any other one is somebody's, and stays.
    """

    prefixes: tuple[str, ...]
    kept: frozenset[str] = frozenset()
    lists_prefix: str | None = None
    written: Mapping[str, str] = {}
    soft: frozenset[str] = frozenset()
    written_addresses: Mapping[str, frozenset[str]] = {}

    def renamed(self, external_id: Any) -> Any:
        """Return the external ID that an address of ours has from now on: the first prefix is that of today."""
        for old in self.prefixes[1:]:
            if isinstance(external_id, str) and external_id.startswith(old):
                return self.prefixes[0] + external_id.removeprefix(old)
        return external_id


def merged(named: Mapping[str, Any], found: Wire, share: Share) -> Wire:
    """Return the body that replaces a customer: what is named, and what the site has beside it. Pure.

    Args:
        named: what we map by member; None clears it.
        found: what the site has.
        share: which of the addresses, lists and defaults are ours.
    """
    found = _renamed(found, share)
    named = _without_choices(named, found, share)
    body = {name: found[name] for name in MEMBERS if name not in named and found.get(name) is not None}
    body |= {name: value for name, value in named.items() if value is not None}
    if ADDRESSES in named:
        body[ADDRESSES] = _merged_addresses(named[ADDRESSES] or (), objects_of(found.get(ADDRESSES)), share)
        _drop_dangling(body, named, found, share)
    elif ADDRESSES in body:
        body[ADDRESSES] = [_sendable(address) for address in objects_of(found.get(ADDRESSES))]
    if share.lists_prefix is not None and PRICE_LISTS in named:
        foreign = [slug for slug in _texts(found.get(PRICE_LISTS)) if not slug.startswith(share.lists_prefix)]
        body[PRICE_LISTS] = [*(named[PRICE_LISTS] or ()), *foreign]
        if not body[PRICE_LISTS]:
            del body[PRICE_LISTS]
    account = found.get(PAYMENT)
    if isinstance(account, dict) and PAYMENT not in named:
        body[PAYMENT] = account
    elif isinstance(account, dict) and isinstance(named[PAYMENT], dict):
        body[PAYMENT] = {**account, **named[PAYMENT]}
    return without_balance(body)


def without_balance(body: Wire) -> Wire:
    """Return a body without the balance: SparkLayer moves it with each order, and what we have is old."""
    account = body.get(PAYMENT)
    if not isinstance(account, dict):
        return body
    kept = {name: value for name, value in account.items() if name not in BALANCE and value is not None}
    return {**{name: value for name, value in body.items() if name != PAYMENT}, **({PAYMENT: kept} if kept else {})}


def with_balance(body: Wire, balance: Json) -> Wire:
    """Return a body with the balance that was just read, for a site that clears what is left out."""
    return {**body, PAYMENT: {**(body.get(PAYMENT) or {}), "balance": balance}}


def projected(named: Mapping[str, Any], found: Wire, share: Share) -> Wire:
    """Reduce what the site has to what is named, in canonical form; arguments as for `merged`. Pure."""
    found = _renamed(found, share)
    choices = named.keys() - _without_choices(named, found, share).keys()
    seen: Wire = {}
    for name, value in named.items():
        has = found.get(name)
        if name in choices:
            seen[name] = value
        elif name == ADDRESSES:
            ours = [address for address in objects_of(has) if _is_ours(address, share.prefixes)]
            bodies = {address["external_id"]: address for address in value or ()}
            seen[name] = [
                _without_additions(address, bodies, share)
                for address in ours
                if address["external_id"] not in share.kept
            ]
        elif name == PRICE_LISTS and share.lists_prefix is not None:
            seen[name] = [slug for slug in _texts(has) if slug.startswith(share.lists_prefix)]
        elif name == PAYMENT and isinstance(value, dict) and isinstance(has, dict):
            seen[name] = {member: has.get(member) for member in value}
        elif name in _ADDRESS_REFERENCES:
            # One that is kept, and is not there any more, nobody can name.
            is_lost = value in share.kept and not _is_there(value, found)
            seen[name] = value if is_lost else _external_reference(has, found)
        else:
            seen[name] = has
    return canonical_customer(seen)


def canonical_customer(body: Mapping[str, Any]) -> Wire:
    """Return what is compared of a customer: without nulls, empty lists and balance; any inactive status as one."""
    canonical: Wire = {}
    for name, value in without_balance(dict(body)).items():
        if value is None or value in ("", [], {}):
            continue
        if name == ADDRESSES:
            addresses = [_sendable(address) for address in objects_of(value)]
            canonical[name] = sorted(addresses, key=lambda address: str(address.get("external_id")))
        elif name == "sales_agent_groups":
            canonical[name] = sorted(_texts(value))
        elif name == "status" and value in INACTIVE:
            canonical[name] = INACTIVE[0]
        else:
            canonical[name] = value
    return canonical


def objects_of(listed: Json) -> list[Wire]:
    """Return the objects of a list; none where it is no list."""
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _renamed(found: Wire, share: Share) -> Wire:
    """Return what the site has with the external IDs that our addresses have from now on: their user was renamed."""
    if len(share.prefixes) < 2:
        return found
    addresses: dict[Any, Wire] = {}
    others = []
    for address in objects_of(found.get(ADDRESSES)):
        if (external := _external(address)) is None:
            others.append(address)
        else:
            addresses.setdefault(share.renamed(external), {**address, "external_id": share.renamed(external)})
    references = {name: share.renamed(found[name]) for name in _ADDRESS_REFERENCES if name in found}
    listed = {ADDRESSES: [*addresses.values(), *others]} if ADDRESSES in found else {}
    return {**found, **references, **listed}


def _without_choices(named: Mapping[str, Any], found: Wire, share: Share) -> Mapping[str, Any]:
    """Leave out the defaults that somebody chose at the site: neither what we wrote last, nor an address that goes."""
    chosen = set()
    for name in share.soft & named.keys():
        reference = _external_reference(found.get(name), found)
        goes = (
            isinstance(reference, str) and reference.startswith(share.prefixes) and not _stays(reference, named, share)
        )
        if reference is not None and not goes and reference != share.renamed(share.written.get(name)):
            chosen.add(name)
    return {name: value for name, value in named.items() if name not in chosen}


def _stays(reference: str, named: Mapping[str, Any], share: Share) -> bool:
    """Whether an address of ours is there after the write."""
    return reference in share.kept or any(
        address.get("external_id") == reference for address in named.get(ADDRESSES) or ()
    )


def _merged_addresses(ours: Collection[Wire], found: Collection[Wire], share: Share) -> list[Wire]:
    named = {address["external_id"] for address in ours}
    there = {_external(address): address for address in found}
    carried = [
        address for address in found if not _is_ours(address, share.prefixes) or address["external_id"] in share.kept
    ]
    return [
        *(_with_additions(address, there.get(address["external_id"]), share) for address in ours),
        *(_sendable(address) for address in carried if _external(address) not in named),
    ]


def _with_additions(address: Wire, found: Wire | None, share: Share) -> Wire:
    """Return an address of ours with what somebody added to it at the site."""
    if found is None:
        return address
    ours = address.keys() | share.written_addresses.get(address["external_id"], frozenset())
    return {**address, **{name: value for name, value in _sendable(found).items() if name not in ours}}


def _without_additions(found: Wire, bodies: Mapping[str, Wire], share: Share) -> Wire:
    """Reduce an address of ours to what we map of it, and what we wrote and do not map any more."""
    address = bodies.get(found["external_id"])
    if address is None:
        return found
    ours = address.keys() | share.written_addresses.get(found["external_id"], frozenset())
    return {name: value for name, value in found.items() if name in ours}


def _drop_dangling(body: Wire, named: Mapping[str, Any], found: Wire, share: Share) -> None:
    """Drop a default that names an address of ours which is not there: carried over, or kept and gone meanwhile."""
    there = {_external(address) for address in body[ADDRESSES]}
    for name in _ADDRESS_REFERENCES:
        if name not in body or (name in named and named[name] not in share.kept):
            continue
        reference = _external_reference(body[name], found)
        if isinstance(reference, str) and reference.startswith(share.prefixes):
            if reference in there:
                body[name] = reference
            else:
                del body[name]


def _is_there(external_id: str, found: Wire) -> bool:
    return any(_external(address) == external_id for address in objects_of(found.get(ADDRESSES)))


def _external_reference(reference: Json, found: Wire) -> Json:
    """Return the external ID of the address that a reference names by SparkLayer's own ID; else what it says."""
    for address in objects_of(found.get(ADDRESSES)):
        if reference is not None and reference == address.get("id"):
            return address.get("external_id") or reference
    return reference


def _is_ours(address: Wire, prefixes: tuple[str, ...]) -> bool:
    external = _external(address)
    return external is not None and external.startswith(prefixes)


def _external(address: Wire) -> str | None:
    external = address.get("external_id")
    return external if isinstance(external, str) else None


def _sendable(address: Wire) -> Wire:
    """Return an address as it is sent. inferred: that its own ID, where it has no external one, keeps it the same."""
    members = _ADDRESS_MEMBERS if _external(address) else ("id", *_ADDRESS_MEMBERS)
    return {name: address[name] for name in members if address.get(name) not in (None, "")}


def _texts(listed: Json) -> list[str]:
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
