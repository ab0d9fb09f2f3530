"""A second mapping of customers, written from docs/sync.md alone: which customers a site should hold, in plain code.

It shares nothing with `reconciler.sync`. `expected_customers` reads the emulator's dump of OrderCloud,
`found_customers` that of a SparkLayer site.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from support.naive import NoNumber, number, text, xp_of

Json = dict[str, Any]
Mapped = Callable[[Json, Json], Any]
"""Takes a user and its buyer, as the API shows them."""

# What the merchant reads, by what is wrong.
MESSAGES = {
    "bad-email": "The e-mail address is none",
    "duplicate-email": r"The e-mail address .* is already used by",
    "unknown-group": "The site has no customer group",
    "ambiguous-group": r"The user is in .* which are mapped to several",
    "incomplete-address": "The address has no ",
    "left-scope": "The user is no longer among those that flow",
    "bad-mapping": "The mapping of ",
    "missing-parent": "There is no customer ",
}
_ADDRESS = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "company": "CompanyName",
    "address_line1": "Street1",
    "address_line2": "Street2",
    "city": "City",
    "region_code": "State",
    "postal_code": "Zip",
    "country_code": "Country",
    "phone": "Phone",
    "nickname": "AddressName",
}
# Of what a log takes, a share is for prices of their own.
MOST_LOGGED = 4_000
_NEEDED = ("address_line1", "city", "country_code")
_OWN = frozenset({"id", "uuid", "created_at", "updated_at"})


@dataclass
class CustomerOptions:
    """What the DataSync says of customers; `group_slugs`: user group ID to the slug of the customer group.

    `inactive` is the status that deactivates at this site; `default_users_known`: whether API clients may be read;
    `renamed`: the external IDs that users got whose username stayed, by the one before.
    """

    buyers: list[str] | None = None
    group_slugs: dict[str, str] = field(default_factory=dict)
    mapping: dict[str, Mapped] = field(default_factory=dict)
    inactive: str = "inactive"
    on_delete: str = "deactivate"
    default_users_known: bool = True
    renamed: dict[str, str] = field(default_factory=dict)

    def newest(self, external_id: str) -> str:
        """Return the external ID that a user has by now."""
        while external_id in self.renamed:
            external_id = self.renamed[external_id]
        return external_id


@dataclass
class Customers:
    """Customers by external ID, each with its `addresses` by external ID; problems by external ID, as codes."""

    by_id: dict[str, Json] = field(default_factory=dict)
    errors: dict[str, set[str]] = field(default_factory=dict)

    def problem(self, external_id: str, code: str) -> None:
        self.errors.setdefault(external_id, set()).add(code)


class Parties:
    """What the API's lists of parties return, put together from a dump."""

    def __init__(self, ordercloud: Json) -> None:
        self.objects = ordercloud["commerce"]["objects"]

    def rows(self, resource: str, parents: str = "") -> list[Json]:
        found: list[Json] = self.objects.get(resource, {}).get(parents, [])
        return found

    def users(self, patterns: list[str] | None) -> Iterator[tuple[Json, Json]]:
        """Yield every user of the buyers whose ID a pattern fits, with its buyer."""
        for buyer in self.rows("Buyer"):
            if patterns is None or any(fnmatch.fnmatchcase(buyer["ID"], pattern) for pattern in patterns):
                for user in self.rows("BuyerUser", buyer["ID"]):
                    yield user, buyer

    def default_users(self) -> set[str]:
        clients = self.rows("ApiClient")
        return {client["DefaultContextUserName"].lower() for client in clients if client.get("DefaultContextUserName")}

    def groups_of(self, buyer_id: str, user_id: str) -> list[str]:
        """Return the IDs of a user's groups, in order."""
        tied = self.rows("UserGroupAssignment", buyer_id)
        return sorted({row["UserGroupID"] for row in tied if row["UserID"] == user_id})

    def assigned(self, buyer_id: str, user_id: str) -> list[tuple[int, Json]]:
        """Return the assignments of addresses that reach a user: 0 its own, 1 a group's, 2 the buyer's."""
        groups = self.groups_of(buyer_id, user_id)
        found = []
        for row in self.rows("AddressAssignment", buyer_id):
            if row.get("UserID"):
                if row["UserID"] == user_id:
                    found.append((0, row))
            elif row.get("UserGroupID"):
                if row["UserGroupID"] in groups:
                    found.append((1, row))
            else:
                found.append((2, row))
        return found


def expected_customers(ordercloud: Json, options: CustomerOptions, before: Customers | None = None) -> Customers:
    """Return what the site should hold, given what it held before: nothing, where that is left out."""
    parties = Parties(ordercloud)
    held = before or Customers()
    wanted = Customers()
    flowing = {}
    there = set()
    for user, buyer in parties.users(None):
        there.add(f"{buyer['ID']}.{user['ID']}")
    for user, buyer in parties.users(options.buyers):
        if flows(user, buyer, options, parties):
            flowing[f"{buyer['ID']}.{user['ID']}"] = (user, buyer)
    emails = _emails(flowing, options, held)
    for external_id, (user, buyer) in flowing.items():
        stays = held.by_id.get(external_id)
        # All problems of a record are told at once, also where it does not go through.
        body = customer(parties, user, buyer, options, stays or {}, wanted)
        email = email_of(user, buyer, options)
        if email is None or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            wanted.problem(external_id, "bad-email")
        elif emails[email.casefold()] != external_id:
            wanted.problem(external_id, "duplicate-email")
        else:
            wanted.by_id[external_id] = body
            continue
        if stays is not None:
            wanted.by_id[external_id] = stays
    for external_id, stays in held.by_id.items():
        if external_id in flowing:
            continue
        if external_id in there:
            wanted.by_id[external_id] = stays
            wanted.problem(external_id, "left-scope")
        elif (now := options.newest(external_id)) in flowing and now not in wanted.by_id:
            # It is still this user's, who cannot be written now.
            wanted.by_id[external_id] = stays
        elif options.on_delete == "deactivate":
            wanted.by_id[external_id] = {**stays, "status": options.inactive}
    return wanted


def flows(user: Json, buyer: Json, options: CustomerOptions, parties: Parties) -> bool:
    """Return whether a user is a customer at all: somebody with an address, and no API client's stand-in."""
    stand_in = options.default_users_known and (user.get("Username") or "").lower() in parties.default_users()
    return email_of(user, buyer, options) is not None and not stand_in


def email_of(user: Json, buyer: Json, options: CustomerOptions) -> str | None:
    mapped = options.mapping.get("email")
    return text(user.get("Email") if mapped is None else mapped(user, buyer))


def _emails(flowing: dict[str, tuple[Json, Json]], options: CustomerOptions, held: Customers) -> dict[str, str]:
    """Return who has each address: who has it at the site, else who was made first, else the lower ID."""
    asked = {key: (email_of(user, buyer, options) or "").casefold() for key, (user, buyer) in flowing.items()}
    at_site = {key: (stays.get("email") or "").casefold() for key, stays in held.by_id.items()}
    # Customers of nobody keep theirs; so do those who do not get another one.
    staying = {key for key in at_site if key not in flowing}
    while True:
        kept = {at_site[key]: key for key in staying}
        asking: dict[str, list[tuple[bool, str, str]]] = {}
        for key, (user, _) in flowing.items():
            rank = (at_site.get(key) != asked[key], user.get("DateCreated") or "", key)
            asking.setdefault(asked[key], []).append(rank)
        found = {email: kept.get(email) or min(those)[2] for email, those in asking.items()}
        stuck = {key for key, email in asked.items() if found[email] != key and at_site.get(key, email) != email}
        if stuck <= staying:
            return found
        staying |= stuck


def customer(
    parties: Parties, user: Json, buyer: Json, options: CustomerOptions, before: Json, wanted: Customers
) -> Json:
    """Return one customer: what is mapped, over what it had before."""
    external_id = f"{buyer['ID']}.{user['ID']}"
    active = user.get("Active") is True and buyer.get("Active") is not False
    named: Json = {
        "external_id": external_id,
        "email": email_of(user, buyer, options),
        "first_name": text(user.get("FirstName")),
        "last_name": text(user.get("LastName")),
        "company_name": text(buyer.get("Name")),
        "status": "active" if active else options.inactive,
    }
    currency = (user.get("Locale") or {}).get("Currency")
    if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency):
        named["currency_code"] = currency
    _group(parties, user, buyer, options, named, wanted)
    _mapped(user, buyer, options, named, wanted)
    _addresses(parties, user, buyer, before, named, wanted)
    kept = {name: value for name, value in before.items() if name not in named}
    return {name: value for name, value in {**kept, **named}.items() if value not in (None, [])}


def _group(parties: Parties, user: Json, buyer: Json, options: CustomerOptions, named: Json, wanted: Customers) -> None:
    found = {}
    for group in parties.groups_of(buyer["ID"], user["ID"]):
        for key in (f"{buyer['ID']}.{group}", group):
            if key in options.group_slugs:
                found[group] = options.group_slugs[key]
                break
    if len(set(found.values())) > 1:
        wanted.problem(named["external_id"], "ambiguous-group")
    elif found:
        named["group"] = next(iter(found.values()))


def _mapped(user: Json, buyer: Json, options: CustomerOptions, named: Json, wanted: Customers) -> None:
    for key, member in (("title", "title"), ("accountingID", "accounting_id"), ("role", "role")):
        if key in options.mapping:
            named[member] = text(options.mapping[key](user, buyer))
    if "taxExempt" in options.mapping:
        value = options.mapping["taxExempt"](user, buyer)
        named["tax_exempt"] = value if isinstance(value, bool) else None
    if "discountPercentage" in options.mapping:
        try:
            share = number(options.mapping["discountPercentage"](user, buyer))
            fits = share is None or 0 <= share <= 100
        except NoNumber:
            fits = False
        if fits:
            named["discount_percentage"] = None if share is None else float(share)
        else:
            wanted.problem(named["external_id"], "bad-mapping")
    if "paymentOnAccount" in options.mapping:
        named["payment_on_account"] = options.mapping["paymentOnAccount"](user, buyer)


def _addresses(parties: Parties, user: Json, buyer: Json, before: Json, named: Json, wanted: Customers) -> None:
    external_id = named["external_id"]
    rows = {row["ID"]: row for row in parties.rows("BuyerAddress", buyer["ID"])}
    tied = [(level, row) for level, row in parties.assigned(buyer["ID"], user["ID"]) if row["AddressID"] in rows]
    kept = before.get("addresses", {})
    addresses = {key: held for key, held in kept.items() if not key.startswith(f"{external_id}.")}
    for address_id in sorted({row["AddressID"] for _, row in tied}):
        key = f"{external_id}.{address_id}"
        body = {member: text(rows[address_id].get(name)) for member, name in _ADDRESS.items()}
        if all(body[member] for member in _NEEDED):
            addresses[key] = {"external_id": key, **{name: value for name, value in body.items() if value}}
        else:
            wanted.problem(key, "incomplete-address")
            if key in kept:
                addresses[key] = kept[key]
    named["addresses"] = addresses
    for member, flag in (("default_billing_address_id", "IsBilling"), ("default_shipping_address_id", "IsShipping")):
        fitting = [(level, row["AddressID"]) for level, row in tied if row.get(flag)]
        there = [each for each in sorted(fitting) if f"{external_id}.{each[1]}" in addresses]
        named[member] = f"{external_id}.{there[0][1]}" if there else None


# What the site holds


def found_customers(site: Json, problems: list[Json]) -> Customers:
    """Return the customers that a site holds, without what the site itself decides.

    Args:
        site: the dump.
        problems: those of the data type, as `sync errors --format json` tells them.
    """
    found = Customers()
    of_customer: dict[str, list[Json]] = {}
    for each in site["addresses"]["records"]:
        of_customer.setdefault(each["customer_id"], []).append(each)
    for record in site["customers"]["records"]:
        body = {name: value for name, value in record.items() if name not in _OWN and value not in (None, [])}
        body["addresses"] = {
            each.get("external_id", each["id"]): {
                name: value for name, value in each.items() if name not in ("id", "customer_id")
            }
            for each in of_customer.get(record["id"], [])
        }
        if "discount_percentage" in body:
            body["discount_percentage"] = float(Decimal(str(body["discount_percentage"])))
        found.by_id[record.get("external_id") or record["id"]] = body
    for problem in problems:
        found.problem(problem["external_id"], problem["code"])
    return found


def log_differences(site: Json, found: Customers, log: str = "ordercloud/customers") -> list[str]:
    """Return where the sync log tells merchants otherwise than there is to tell; of very many problems it has some."""
    logged: dict[str, set[str]] = {}
    for external_id, error in site["logs"].get(log, {"errors": {}})["errors"].items():
        if not external_id.startswith("prices:"):
            message = error.get("message", "")
            codes = {code for code, pattern in MESSAGES.items() if re.search(pattern, message)}
            logged[external_id] = codes or {message}
    lines = [
        f"sync log of {external_id}: {sorted(codes)}, found {sorted(found.errors.get(external_id, set()))}"
        for external_id, codes in sorted(logged.items())
        if codes != found.errors.get(external_id)
    ]
    room = min(len(found.errors), MOST_LOGGED)
    return lines if len(logged) == room else [*lines, f"the sync log has {len(logged)} problems, and not {room}"]


def customer_differences(wanted: Customers, found: Customers) -> list[str]:
    """Return where they differ, one line each."""
    lines = []
    for external_id in sorted({*wanted.by_id, *found.by_id}):
        want, have = wanted.by_id.get(external_id), found.by_id.get(external_id)
        if want is None or have is None:
            lines.append(f"{external_id}: {'not wanted' if want is None else 'missing'}")
            continue
        lines += [
            f"{external_id} {member}: wanted {want.get(member)}, found {have.get(member)}"
            for member in sorted({*want, *have} - {"price_lists"})
            if want.get(member) != have.get(member)
        ]
    for external_id in sorted({*wanted.errors, *found.errors}):
        want_codes, have_codes = wanted.errors.get(external_id, set()), found.errors.get(external_id, set())
        if want_codes != have_codes:
            lines.append(f"problem of {external_id}: wanted {sorted(want_codes)}, found {sorted(have_codes)}")
    return lines


def discount(user: Json, _buyer: Json) -> Any:
    """Map as `discountPercentage: xp.discount` does."""
    return xp_of(user).get("discount")


def accounting_id(user: Json, _buyer: Json) -> Any:
    """Map as `accountingID: xp.erpNumber` does."""
    return xp_of(user).get("erpNumber")


def title(user: Json, _buyer: Json) -> Any:
    """Map as `title: xp.title` does."""
    return xp_of(user).get("title")
