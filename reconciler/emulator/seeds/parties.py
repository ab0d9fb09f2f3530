"""Parties of a generated marketplace: warehouses, suppliers, catalogs, buyers, users, groups."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.seeds.seed import FlawLog, Row
from reconciler.emulator.seeds.words import (
    CITIES,
    FIRST_NAMES,
    LAST_NAMES,
    SPECS,
    STREETS,
    TRADES,
    WARES,
    Dice,
)

WAREHOUSES = ("warehouse-1", "warehouse-2", "shop-leeds")
SUPPLIERS = ("supplier-northern", "supplier-ruhr", "supplier-lowlands")
# Whom the shop's API client acts as while nobody is logged in.
ANONYMOUS = "anonymous-shopper"
RETAIL, TRADE = "retail", "trade"
RANGES = ("essentials", "professional")
OPENED = "2025-01-06T09:00:00.000+00:00"
_ADDRESS_FLAW, _EMAIL_FLAW = 8, 11
# Of the first 40 users every fourth, then one in 50.
USER_FLAWS = ("no-email", "email-in-capitals", "inactive-user", "html-in-user-name", "discount-is-text")
_EARLY_USERS, _EARLY_FLAW, _USER_FLAW = 40, 4, 50


class Company(Struct):
    """Buyer, as far as products and orders need it."""

    id: str
    groups: list[str] = []
    in_several_groups: bool = False
    users: list[str] = []
    addresses: list[str] = []


def fixed_rows() -> Iterator[Row]:
    """Yield warehouses, suppliers, specs, catalogs and categories: what does not depend on the number of products."""
    for number, place in enumerate(WAREHOUSES):
        yield "AdminAddress", (), {"ID": place, "AddressName": place.title(), **_place(number), "DateCreated": OPENED}
    for number, supplier in enumerate(SUPPLIERS):
        name = supplier.removeprefix("supplier-").title()
        yield "Supplier", (), {"ID": supplier, "Name": f"{name} Supply", "Active": True, "DateCreated": OPENED}
        address = {"ID": f"{supplier}-dock", "AddressName": "Dock", **_place(number), "DateCreated": OPENED}
        yield "SupplierAddress", (supplier,), address
        yield "SupplierUser", (supplier,), _user(Dice("supplier", number), f"{supplier}-sales", "example.org")
    yield "AdminUser", (), _user(Dice("admin"), "shop-manager", "example.com")
    for order, (spec, (title, options)) in enumerate(SPECS.items()):
        known = {"ID": spec, "Name": title, "ListOrder": order, "Required": True, "DefinesVariant": True}
        yield "Spec", (), {**known, "DefaultOptionID": options[0][0], "OptionCount": len(options)}
        for position, (option, value, kind, markup) in enumerate(options):
            body = {"ID": option, "Value": value, "ListOrder": position, "PriceMarkupType": kind, "PriceMarkup": markup}
            yield "SpecOption", (spec,), body
    yield "Spec", (), {"ID": "print", "Name": "Text to print", "ListOrder": 9, "AllowOpenText": True}
    for catalog in (RETAIL, TRADE):
        yield "Catalog", (), {"ID": catalog, "Name": catalog.title(), "Active": True}
    yield from _categories()


def leaf_category(category: str, high: bool) -> str:
    """Return the ID of a product's category: within the ware's, by its range."""
    return f"{category}-{RANGES[high]}"


def _categories() -> Iterator[Row]:
    """Yield departments, in them the wares' categories, in these two ranges. The trade catalog has departments only."""
    departments = list(dict.fromkeys(ware.department for ware in WARES))
    for order, department in enumerate(departments):
        wares = list(dict.fromkeys(ware.category for ware in WARES if ware.department == department))
        top = {"ID": department, "Name": department.title(), "Active": True, "ListOrder": order}
        yield "Category", (RETAIL,), {**top, "ChildCount": len(wares)}
        yield "Category", (TRADE,), top
        for position, category in enumerate(wares):
            middle = {"ID": category, "Name": category.title(), "ParentID": department, "Active": True}
            yield "Category", (RETAIL,), {**middle, "ListOrder": position, "ChildCount": len(RANGES)}
            for rank, name in enumerate(RANGES):
                leaf = {"ID": f"{category}-{name}", "Name": name.title(), "ParentID": category, "Active": True}
                yield "Category", (RETAIL,), {**leaf, "ListOrder": rank}


class Parties:
    """Buyers of a generated marketplace; `companies` is filled as `rows` is consumed.

    Args:
        products: how many products there are: a larger shop has more buyers.
        seed_number: of the marketplace.
        buyers: how many business customers; None: by the products.
        users: how many users these have in all; None: two to six each.
    """

    def __init__(self, products: int, seed_number: int, buyers: int | None = None, users: int | None = None) -> None:
        self.companies: list[Company] = []
        self._dice = Dice(seed_number, "parties")
        # What was added later has dice of its own, so that what was there before stays as it is.
        self._more = Dice(seed_number, "people")
        self._shoppers = 5 + products // 1_000
        self._businesses = 4 + min(products // 500, 196) if buyers is None else buyers
        self._each = None if users is None else max(round(users / max(self._businesses, 1)), 1)
        self._addresses = 0
        self._users = 0
        self._people = 0
        self._flaws = 0
        self._due = False

    def rows(self, flaws: FlawLog) -> Iterator[Row]:
        """Yield the shop's own customers, then the business customers with their groups and price levels."""
        retail = Company(RETAIL)
        yield "Buyer", (), _buyer(RETAIL, "Retail customers", RETAIL)
        for number in range(self._shoppers):
            yield from self._person(retail, f"shopper-{number:05d}", "example.com", flaws)
            yield from self._address(retail, f"home-{number:05d}", flaws)
        yield "CatalogAssignment", (), _sees(RETAIL, RETAIL)
        yield "BuyerUser", (RETAIL,), _user(Dice("anonymous"), ANONYMOUS, "example.com")
        client = {"ID": "storefront", "AppName": "Storefront", "Active": True, "IsAnonBuyer": True}
        yield "ApiClient", (), {**client, "DefaultContextUserName": ANONYMOUS}
        self.companies.append(retail)
        for number in range(self._businesses):
            yield from self._business(number, flaws)

    def _business(self, number: int, flaws: FlawLog) -> Iterator[Row]:
        dice = self._dice
        name = f"{dice.pick(LAST_NAMES)} {dice.pick(TRADES)}"
        company = Company(f"b2b-{number:04d}")
        # Every third has a catalog of its own, which the API makes where none is named.
        own_catalog = number % 3 == 2
        buyer = _buyer(company.id, name, None if own_catalog else TRADE)
        yield "Buyer", (), {**buyer, "xp": {"erpNumber": f"ERP-{number:05d}", "creditLimit": 500 * (number % 20)}}
        yield "CatalogAssignment", (), _sees(company.id if own_catalog else TRADE, company.id)
        yield "SupplierBuyer", (dice.pick(SUPPLIERS),), {"BuyerID": company.id}
        for title in ("Buyers", "Site managers", "Approvers")[: dice.between(1, 3)]:
            group = title.lower().replace(" ", "-")
            company.groups.append(group)
            yield "UserGroup", (company.id,), {"ID": group, "Name": title}
        for _ in range(self._each or dice.between(2, 6)):
            user = f"{company.id}-user-{len(company.users) + 1}"
            yield from self._person(company, user, f"{company.id}.example", flaws)
            assignment = {"UserGroupID": dice.pick(company.groups), "UserID": user}
            yield "UserGroupAssignment", (company.id,), assignment
            yield from self._second_group(company, assignment)
        for place in range(dice.between(1, 4)):
            yield from self._address(company, f"site-{place + 1}", flaws)
        group_address = {"AddressID": company.addresses[0], "UserGroupID": company.groups[0]}
        yield "AddressAssignment", (company.id,), {**group_address, "IsShipping": True, "IsBilling": True}
        yield from self._own_addresses(company)
        if number % 4 == 0:
            hidden = {"CategoryID": "office", "BuyerID": company.id, "Visible": False, "ViewAllProducts": False}
            yield "CategoryAssignment", (RETAIL,), hidden
        self.companies.append(company)

    def _person(self, company: Company, user_id: str, domain: str, flaws: FlawLog) -> Iterator[Row]:
        body = _user(self._dice, user_id, domain)
        self._users += 1
        if self._users >= _EMAIL_FLAW and company.users:
            self._users = 0
            body["Email"] = f"{company.users[0]}@{domain}"
            flaws.note("duplicate-email", f"{company.id}/{user_id}")
        if company.id != RETAIL:
            self._complete(company, body, flaws)
        company.users.append(user_id)
        yield "BuyerUser", (company.id,), body

    def _complete(self, company: Company, body: JsonObject, flaws: FlawLog) -> None:
        """Complete a user with what business customers have, and with a flaw now and then."""
        dice = self._more
        self._people += 1
        body["Phone"] = f"+44 113 496 0{dice.between(100, 999)}"
        xp: JsonObject = {"erpNumber": f"C{self._people:06d}", "title": dice.pick(("Ms", "Mr", "Dr", ""))}
        if dice.roll() < 0.4:
            xp["discount"] = dice.pick((2.5, 5, 7.25, 10, 12.5))
        body["xp"] = xp
        early = self._people <= _EARLY_USERS
        self._due |= self._people % (_EARLY_FLAW if early else _USER_FLAW) == _EARLY_FLAW - 1
        # The first one of a company stays well: the addresses of others are compared with its own.
        if not self._due or not company.users or not body["Email"].startswith(body["ID"]):
            return
        self._due = False
        flaw = USER_FLAWS[self._flaws % len(USER_FLAWS)]
        self._flaws += 1
        flaws.note(flaw, f"{company.id}/{body['ID']}")
        match flaw:
            case "no-email":
                del body["Email"]
            case "email-in-capitals":
                body["Email"] = f"{company.users[0]}@{company.id}.example".upper()
            case "inactive-user":
                body["Active"] = False
            case "html-in-user-name":
                body["FirstName"] = f"<b>{body['FirstName']}</b> <script>alert('x')</script>"
            case _:
                xp["discount"] = "ca. 10 %"

    def _second_group(self, company: Company, first: JsonObject) -> Iterator[Row]:
        """Yield for every third user who could be in another group that it is."""
        others = [group for group in company.groups if group != first["UserGroupID"]]
        if others and self._more.roll() < 0.34:
            company.in_several_groups = True
            yield "UserGroupAssignment", (company.id,), {**first, "UserGroupID": self._more.pick(others)}

    def _own_addresses(self, company: Company) -> Iterator[Row]:
        """Yield which addresses some users have for themselves, and what the whole company has."""
        dice = self._more
        for user in company.users:
            if dice.roll() < 0.4:
                named = {"AddressID": dice.pick(company.addresses), "UserID": user}
                yield "AddressAssignment", (company.id,), {**named, "IsShipping": True, "IsBilling": dice.roll() < 0.5}
        if dice.roll() < 0.6:
            everybody = {"AddressID": company.addresses[-1], "IsShipping": dice.roll() < 0.7, "IsBilling": True}
            yield "AddressAssignment", (company.id,), everybody

    def _address(self, company: Company, address_id: str, flaws: FlawLog) -> Iterator[Row]:
        dice = self._dice
        body = {
            "ID": address_id,
            "AddressName": address_id.replace("-", " ").title(),
            "FirstName": dice.pick(FIRST_NAMES),
            "LastName": dice.pick(LAST_NAMES),
            **_place(dice.between(0, 10_000)),
            "Phone": f"+44 20 7946 0{dice.between(100, 999)}",
            "DateCreated": OPENED,
        }
        self._addresses += 1
        if self._addresses % _ADDRESS_FLAW == 0:
            del body["Street1"]
            flaws.note("address-without-street", f"{company.id}/{address_id}")
        company.addresses.append(address_id)
        yield "BuyerAddress", (company.id,), body


def _buyer(buyer_id: str, name: str, catalog: str | None) -> JsonObject:
    body = {"ID": buyer_id, "Name": name, "Active": True, "DateCreated": OPENED}
    return {**body, "DefaultCatalogID": catalog} if catalog else body


def _sees(catalog: str, buyer: str) -> JsonObject:
    return {"CatalogID": catalog, "BuyerID": buyer, "ViewAllCategories": True, "ViewAllProducts": True}


def _user(dice: Dice, user_id: str, domain: str) -> JsonObject:
    return {
        "ID": user_id,
        "Username": user_id,
        "FirstName": dice.pick(FIRST_NAMES),
        "LastName": dice.pick(LAST_NAMES),
        "Email": f"{user_id}@{domain}",
        "Active": True,
        "DateCreated": OPENED,
    }


def _place(number: int) -> JsonObject:
    city, county, code = CITIES[number % len(CITIES)]
    street = STREETS[number // len(CITIES) % len(STREETS)]
    return {"Street1": f"{number % 250 + 1} {street}", "City": city, "State": county, "Zip": code, "Country": "GB"}
