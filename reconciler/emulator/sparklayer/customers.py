"""SparkLayer's customers by platform ID, email or its own IDs: the upsert that replaces them whole, and the delete."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.legacy_customers import LOOKUPS, without_owner
from reconciler.emulator.sparklayer.problems import INVALID, INVALID_ID, MISMATCH, TAKEN, UNKNOWN_ID
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site, Table
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

ONE = "/api/v2/customers/{lookupBy}/{identifier}"
_CUSTOMER = TypeAdapter(models.CustomerV2)
# What names a customer, or is stored beside it.
_APART = frozenset({"id", "legacy_id", "addresses"})


class Customers(Resource):
    """Customers, sales agents and sub-accounts among them, with their addresses.

    A customer is stored under its `cu_` ID, which version 2 calls `legacy_id`; the UUID that it calls `id` is `uuid`.
    """

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("PUT", ONE, self._upsert),
            ("DELETE", ONE, self._delete),
            ("DELETE", "/api/v1/customers/{lookupBy}/{identifier}", self._delete),
        )

    def _upsert(self, site: Site, request: Request) -> Answer:
        sent: models.CustomerV2 = self._problems.body(request, _CUSTOMER)
        found = self._find(site, request)
        own_id = self._own_uuid(site, request, sent, found)
        self._check(site, sent, found)
        before = found or {"id": site.customers.new_id(), "created_at": site.now}
        # documented: what is left out is cleared.
        plain = {name: value for name, value in sent.sent().items() if name not in _APART and value is not None}
        kept = {name: before[name] for name in ("id", "created_at")}
        record = {**kept, **plain, "uuid": own_id, "updated_at": site.now}
        self._keep_balance(before, record)
        site.customers.put(record)
        self._replace_addresses(site, record, sent.addresses or [])
        status = 201 if found is None else 200
        # inferred: what it answers; see the switch.
        if self._state.switches.spark_customer_answer == "empty":
            return Answer(status)
        return json_answer(_shown(site, record), status)

    def _delete(self, site: Site, request: Request) -> Answer:
        customer = self._find(site, request)
        if customer is None:
            raise self._problems.not_found("Customer", request.ids["identifier"])
        site.customers.remove(customer["id"])
        # documented: the primary customer of a company is archived, and external ID and email are free again at once.
        # inferred: that the primary one is whom others call their parent, the word, and that both hold for one.
        if any(site.customers.sharing("parent_customer_id", own_id) for own_id in (customer["id"], _uuid(customer))):
            kept = {name: value for name, value in customer.items() if name not in ("external_id", "email")}
            site.customers.put({**kept, "status": "archived", "updated_at": site.now})
            return NO_CONTENT
        for address in site.addresses_of(customer):
            site.addresses.remove(address["id"])
        return NO_CONTENT

    def _find(self, site: Site, request: Request) -> JsonObject | None:
        lookup, name = request.ids["lookupBy"], request.ids["identifier"]
        if lookup not in LOOKUPS:
            raise self._problems.refuse(400, f"lookupBy is one of {', '.join(LOOKUPS)}.", INVALID, "lookupBy")
        if lookup == "email":
            return site.customer(lookup, name) or next(iter(self._alike(site, name)), None)
        if lookup != "sparklayer" or name.startswith(site.customers.prefix):
            return site.customer(lookup, name)
        return site.customer(lookup, self._as_uuid(name))

    def _alike(self, site: Site, email: str) -> list[JsonObject]:
        """Return who has an email that counts as the same. inferred: whether case tells them apart; see the switch."""
        apart = self._state.switches.spark_email_case == "told_apart"
        return [] if apart else site.customers.sharing("email", email)

    def _as_uuid(self, name: str) -> str:
        try:
            return str(uuid.UUID(name))
        except ValueError:
            raise self._problems.refuse(400, f"{name} is no UUID and no cu_ ID.", INVALID_ID, "identifier") from None

    def _own_uuid(self, site: Site, request: Request, sent: models.CustomerV2, found: JsonObject | None) -> str:
        """Return the UUID that the customer has or gets, once URL and body name the same one."""
        lookup, name = request.ids["lookupBy"], request.ids["identifier"]
        legacy = name.startswith(site.customers.prefix)
        if lookup != "sparklayer":
            member = "external_id" if lookup == "platform" else "email"
            # documented: the body must carry it. inferred: that leaving it out is called the same as another one.
            self._check_same(member, name, getattr(sent, member))
        elif legacy:
            # inferred: SparkLayer's own IDs may be left out, and such an ID that nobody has makes no customer.
            self._check_same("legacy_id", name, sent.legacy_id or name)
            if found is None:
                raise self._problems.not_found("Customer", name)
        else:
            self._check_same("id", self._as_uuid(name), sent.id or self._as_uuid(name))
        if found is not None:
            self._check_same("id", _uuid(found), sent.id or _uuid(found))
            self._check_same("legacy_id", found["id"], sent.legacy_id or found["id"])
            return _uuid(found)
        if sent.id is not None and site.customers.by("uuid", sent.id) is not None:
            raise self._problems.refuse(409, f"The id {sent.id} is taken.", TAKEN, "id")
        # documented: an unknown UUID creates the customer with that ID.
        return self._as_uuid(name) if lookup == "sparklayer" else sent.id or str(uuid.uuid4())

    def _check_same(self, member: str, named: str, sent: str | None) -> None:
        if sent != named:
            raise self._problems.refuse(400, f"{member} is not what the URL names.", MISMATCH, member)

    def _check(self, site: Site, sent: models.CustomerV2, found: JsonObject | None) -> None:
        """Refuse a customer that may not be stored, before anything is. documented: price lists are not looked at."""
        if sent.group is not None and sent.group not in site.groups:
            raise self._problems.refuse(400, f"There is no group {sent.group}.", UNKNOWN_ID, "group")
        if sent.parent_customer_id is not None and site.customer(None, sent.parent_customer_id) is None:
            parent = sent.parent_customer_id
            raise self._problems.refuse(400, f"There is no customer {parent}.", UNKNOWN_ID, "parent_customer_id")
        # inferred: the other status, and that it refuses any that it does not know; see the switch.
        if sent.status not in (None, "active", self._state.switches.spark_customer_status_inactive):
            raise self._problems.refuse(400, f"There is no status {sent.status}.", INVALID, "status")
        own_id = set() if found is None else {found["id"]}
        self._check_taken(site.customers, ("external_id", "email"), sent.sent(), own_id)
        if any(other["id"] not in own_id for other in self._alike(site, sent.email or "")):
            raise self._taken("email", sent.email)
        own = set() if found is None else {address["id"] for address in site.addresses_of(found)}
        seen: set[str] = set()
        for address in sent.addresses or ():
            if address.external_id in seen:
                raise self._taken("external_id", address.external_id)
            seen.add(address.external_id or "")
            self._check_taken(site.addresses, ("external_id",), address.sent(), own)

    def _check_taken(self, table: Table, unique: Sequence[str], sent: JsonObject, own: set[str]) -> None:
        external = sent.get("external_id")
        if external is not None and external.startswith(table.prefix):
            raise self._problems.refuse(400, f"external_id must not start with {table.prefix}.", INVALID, "external_id")
        for member in unique:
            holder = table.by(member, sent.get(member))
            if holder is not None and holder["id"] not in own:
                raise self._taken(member, sent[member])

    def _taken(self, member: str, value: str | None) -> Exception:
        return self._problems.refuse(409, f"The {member} {value} is taken.", TAKEN, member)

    def _keep_balance(self, before: JsonObject, record: JsonObject) -> None:
        """Keep or clear the balance that a write leaves out. inferred: which; see the switch."""
        balance = before.get("payment_on_account", {}).get("balance")
        if balance is not None and self._state.switches.spark_balance_left_out == "kept":
            record["payment_on_account"] = {"balance": balance} | record.get("payment_on_account", {})

    def _replace_addresses(self, site: Site, customer: JsonObject, sent: list[models.Address]) -> None:
        """Replace the addresses of a customer. inferred: one with a known external ID, or its own ID, keeps its ID."""
        before = list(site.addresses_of(customer))
        known = {address["external_id"]: address["id"] for address in before if "external_id" in address}
        known |= {address["id"]: address["id"] for address in before}
        for address in before:
            site.addresses.remove(address["id"])
        for item in sent:
            own_id = known.get(item.external_id or item.id or "") or site.addresses.new_id()
            kept = item.model_dump(exclude_none=True, exclude={"id"})
            site.addresses.put({"id": own_id, "customer_id": customer["id"], **kept})


def _uuid(customer: JsonObject) -> str:
    """Return the UUID of a customer; one from before there were any has the one that its other ID yields."""
    found: str = customer.get("uuid") or str(uuid.uuid5(uuid.NAMESPACE_OID, customer["id"]))
    return found


def _shown(site: Site, customer: JsonObject) -> JsonObject:
    # inferred: that an upsert answers the customer.
    plain = {name: value for name, value in customer.items() if name != "uuid"}
    addresses = [without_owner(each) for each in site.addresses_of(customer)]
    return {**plain, "id": _uuid(customer), "legacy_id": customer["id"], "addresses": addresses}
