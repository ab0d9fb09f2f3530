"""Rules of buyers, suppliers, users and addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID, Marketplace
from reconciler.emulator.ordercloud.commerce.resource import Preset, Rules, Scope
from reconciler.emulator.ordercloud.errors import invalid, refuse
from reconciler.emulator.ordercloud.models import JsonObject, Problems

_STATE_COUNTRIES = ("US", "CA")


def username_of(row: JsonObject) -> str:
    """Return the username of a user as it is looked up: without regard to case."""
    return (row.get("Username") or "").lower()


def password_hash(password: str) -> str:
    """Return the hash that is kept of a password. It only has to tell a right one from a wrong one on a laptop."""
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).hexdigest()


class CompanyRules(Rules):
    """Rules of companies: usernames stay with the users of one that gets another ID."""

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if before is None or before["ID"] == row["ID"]:
            return
        for username, (resource, users_scope, user_id) in list(market.usernames.items()):
            moved = (row["ID"],)
            if users_scope == (before["ID"],) and user_id in market.store.table(resource, moved):
                market.usernames[username] = (resource, moved, user_id)


class BuyerRules(CompanyRules):
    """Rules of buyers: without a default catalog, one is made under the buyer's ID."""

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if before is None and not row.get("DefaultCatalogID"):
            row["DefaultCatalogID"] = row["ID"]
            if row["ID"] not in market.store.table("Catalog"):
                market.insert("Catalog", (), {"ID": row["ID"], "Name": row["Name"], "Active": True})


class UserRules(Rules):
    """Rules of users: usernames are unique across the marketplace; of a password the hash is kept, beside the row.

    Args:
        resource: name of the resource.
        groups: name of the assignments to user groups, if there are groups.
    """

    def __init__(self, resource: str, groups: str | None) -> None:
        self._resource = resource
        self._groups = groups

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        own = (self._resource, scope, (before or row)["ID"])
        if market.usernames.get(row["Username"].lower(), own) != own:
            # inferred: code and status; that usernames are unique is published.
            raise refuse(409, "User.UsernameMustBeUnique", "Username must be unique across the marketplace.")

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        password = row.pop("Password", None)
        if password is not None:
            market.passwords[username_of(row)] = password_hash(password)
            row["PasswordLastSetDate"] = market.now()

    def saved(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        if before is not None:
            password = self._forget(market, before)
            if password is not None:
                market.passwords.setdefault(username_of(row), password)
        self.restored(market, scope, row)

    def restored(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        # A seed may leave the username out, or use one twice: the first keeps it.
        market.usernames.setdefault(username_of(row), (self._resource, scope, row["ID"]))

    def removed(self, market: Marketplace, scope: Scope, row: JsonObject) -> None:
        self._forget(market, row)

    def _forget(self, market: Marketplace, row: JsonObject) -> str | None:
        """Forget the username of a user, and return the hash of the password that went with it."""
        name = username_of(row)
        held = market.usernames.get(name)
        if held is not None and held[0] == self._resource and held[2] == row["ID"]:
            del market.usernames[name]
            return market.passwords.pop(name, None)
        return None

    def shown(self, market: Marketplace, scope: Scope, shown: JsonObject) -> JsonObject:
        return {**shown, "CompanyID": scope[0] if scope else MARKETPLACE_ID}

    def presets(self, market: Marketplace, scope: Scope, options: Mapping[str, str]) -> Sequence[Preset]:
        group_id = options.get("userGroupID")
        if not group_id or self._groups is None:
            return ()
        table = market.store.table(self._groups, scope)
        key = ("group", group_id, market.store.versions[self._groups])
        return [Preset(key, lambda: lambda entry, _row: f"{group_id}/{entry}" in table)]


class ApiClientRules(Rules):
    """Rules of API clients: their secrets are shown to nobody, and so kept nowhere."""

    def complete(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        row.pop("ClientSecret", None)


class AddressRules(Rules):
    """Rules of addresses: State and Zip are required in the US and Canada."""

    def check(self, market: Marketplace, scope: Scope, row: JsonObject, before: JsonObject | None) -> None:
        check_address(row)


def check_address(row: JsonObject) -> None:
    """Refuse an address of the US or Canada without State or Zip, and a country that is no two letters."""
    problems: Problems = []
    if len(row["Country"]) != 2:
        problems.append(("Country", "Country has to have two letters."))
    if row["Country"].upper() in _STATE_COUNTRIES:
        problems += [
            (name, f"{name} is required in {row['Country']}.") for name in ("State", "Zip") if not row.get(name)
        ]
    if problems:
        raise invalid(problems)
