"""Customers and their addresses. Every path here is inferred: only the pages' titles were readable."""

from __future__ import annotations

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site, Table
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

ALL = "/api/v1/customers"
ONE = f"{ALL}/{{id}}"
ADDRESSES = f"{ONE}/addresses"
_CUSTOMER = TypeAdapter(models.Customer)
_ADDRESS = TypeAdapter(models.Address)


class Customers(Resource):
    """Customers, sales agents among them, and addresses."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("PUT", ALL, self._save),
            ("GET", ONE, self._get),
            ("PATCH", ONE, self._patch),
            ("DELETE", ONE, self._delete),
            ("GET", ADDRESSES, self._addresses),
            ("POST", ADDRESSES, self._add_address),
        )

    def _save(self, site: Site, request: Request) -> Answer:
        sent = self._problems.body(request, _CUSTOMER).sent()
        # inferred: a customer is matched by external ID, else by email.
        external, email = sent.get("external_id"), sent.get("email")
        if external is None and email is None:
            raise self._problems.refuse(400, "external_id or email is needed.", INVALID, "external_id")
        found = site.customers.by("external_id", external) or site.customers.by("email", email)
        return self._store(site, sent, found)

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._shown(site, self._customer(site, request)))

    def _patch(self, site: Site, request: Request) -> Answer:
        return self._store(site, self._problems.body(request, _CUSTOMER).sent(), self._customer(site, request))

    def _delete(self, site: Site, request: Request) -> Answer:
        customer = self._customer(site, request)
        site.customers.remove(customer["id"])
        for address in self._addresses_of(site, customer):
            site.addresses.remove(address["id"])
        return NO_CONTENT

    def _addresses(self, site: Site, request: Request) -> Answer:
        found = self._addresses_of(site, self._customer(site, request))
        return json_answer([_without_owner(address) for address in found])

    def _add_address(self, site: Site, request: Request) -> Answer:
        customer = self._customer(site, request)
        sent = self._problems.body(request, _ADDRESS).sent()
        self._check(site.addresses, sent, None)
        kept = {name: value for name, value in sent.items() if value is not None}
        address = {"id": site.addresses.new_id(), "customer_id": customer["id"], **kept}
        site.addresses.put(address)
        return json_answer(_without_owner(address), int(self._state.switches.spark_created_status))

    def _store(self, site: Site, sent: JsonObject, customer: JsonObject | None) -> Answer:
        self._check(site.customers, sent, None if customer is None else customer["id"])
        if customer is None:
            customer = {"id": site.customers.new_id(), "created_at": site.now}
        record = {**customer, **sent, "updated_at": site.now}
        record = {name: value for name, value in record.items() if value is not None}
        site.customers.put(record)
        return json_answer(self._shown(site, record))

    def _check(self, table: Table, sent: JsonObject, own_id: str | None) -> None:
        external = sent.get("external_id")
        if external is not None and external.startswith(table.prefix):
            raise self._problems.refuse(400, f"external_id must not start with {table.prefix}.", INVALID, "external_id")
        for member in table.taken(sent, own_id):
            raise self._problems.refuse(409, f"The {member} {sent[member]} is taken.", TAKEN, member)

    def _customer(self, site: Site, request: Request) -> JsonObject:
        found = site.customers.find(request.ids["id"])
        if found is None:
            raise self._problems.not_found("Customer", request.ids["id"])
        return found

    def _addresses_of(self, site: Site, customer: JsonObject) -> list[JsonObject]:
        return [address for address in site.addresses.records.values() if address["customer_id"] == customer["id"]]

    def _shown(self, site: Site, customer: JsonObject) -> JsonObject:
        return {**customer, "addresses": [_without_owner(each) for each in self._addresses_of(site, customer)]}


def _without_owner(address: JsonObject) -> JsonObject:
    return {name: value for name, value in address.items() if name != "customer_id"}
