"""People of a marketplace: its users as those who log in, and `/me`, which says who a token is of."""

from __future__ import annotations

import hmac
import zlib

from msgspec import Struct

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID, Marketplace
from reconciler.emulator.ordercloud.commerce.parties import password_hash, username_of
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.models import JsonObject

_KINDS = {"BuyerUser": "buyer", "SupplierUser": "supplier", "AdminUser": "admin"}
_COMPANIES = {"BuyerUser": "Buyer", "SupplierUser": "Supplier"}


class Person(Struct, frozen=True):
    """User of a marketplace.

    Args:
        resource: BuyerUser, SupplierUser or AdminUser.
        scope: the ID of the buyer or supplier; empty of an admin user.
        id: of the user.
    """

    resource: str
    scope: Scope
    id: str

    @property
    def kind(self) -> str:
        """Return the kind of user, as tokens name it: buyer, supplier or admin."""
        return _KINDS[self.resource]

    @property
    def number(self) -> str:
        """Return what stands for the internal database ID, which tokens name. inferred: what one looks like."""
        return str(zlib.crc32("/".join((self.resource, *self.scope, self.id)).encode()))


class People:
    """Users of one marketplace.

    Args:
        market: where they are.
    """

    def __init__(self, market: Marketplace) -> None:
        self._market = market

    def named(self, username: str) -> Person | None:
        """Return the user with a username, which is unique across the marketplace; without regard to case."""
        found = self._market.usernames.get(username.lower())
        return None if found is None else Person(*found)

    def row(self, person: Person) -> JsonObject | None:
        """Return what is stored of a user; None where it is gone."""
        return self._market.row(person.resource, person.scope, person.id)

    def is_active(self, person: Person) -> bool:
        """Return whether a user is there and active."""
        return bool((self.row(person) or {}).get("Active"))

    def is_company_active(self, person: Person) -> bool:
        """Return whether the user's buyer or supplier is active; the marketplace's owner always is."""
        company = _COMPANIES.get(person.resource)
        return company is None or bool((self._market.row(company, (), person.scope[0]) or {}).get("Active"))

    def has_password(self, person: Person, password: str) -> bool:
        """Return whether a password is the user's. Nobody has one who was never given one."""
        held = self._market.passwords.get(username_of(self.row(person) or {}))
        return held is not None and hmac.compare_digest(held, password_hash(password))

    def me(self, person: Person, roles: list[str]) -> JsonObject:
        """Return the answer of `/me` for a user. Members as the SDKs have them; inferred: that Seller is always there.

        Args:
            person: who it is.
            roles: of the token.
        """
        row = self._market.existing(person.resource, person.scope, person.id)
        shown = self._market.show(self._market.resources[person.resource], person.scope, row)
        buyer = supplier = None
        if person.kind == "buyer":
            buyer_row = self._market.existing("Buyer", (), person.scope[0])
            buyer = {"ID": buyer_row["ID"], "DefaultCatalogID": buyer_row.get("DefaultCatalogID")}
        elif person.kind == "supplier":
            supplier = {"ID": person.scope[0]}
        whose = {"Buyer": buyer, "Supplier": supplier, "Seller": {"ID": MARKETPLACE_ID}}
        return {**whose, **shown, "AvailableRoles": roles}


def me_of_client(client: str, roles: list[str]) -> JsonObject:
    """Return the answer of `/me` for a client without a default user: an admin user by the client's name.

    inferred: a real client always has a default user.
    """
    return {
        "Buyer": None,
        "Supplier": None,
        "Seller": {"ID": MARKETPLACE_ID},
        "ID": client,
        "CompanyID": MARKETPLACE_ID,
        "Username": client,
        "FirstName": "",
        "LastName": "",
        "Email": "",
        "Active": True,
        "xp": None,
        "AvailableRoles": roles,
    }
