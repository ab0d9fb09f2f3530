"""Legacy customers and addresses of version 1: methods and members from older documentation, paths inferred.

The PUT and DELETE that were supposed beside them were never seen: version 2 has both, in customers.py.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site, Table
from reconciler.emulator.wire import Answer, Request, json_answer

ONE = "/api/v1/customers/{id}"
# inferred: that reads take what the documented delete of version 1 takes.
LOOKED_UP = "/api/v1/customers/{lookupBy}/{identifier}"
ADDRESSES = f"{ONE}/addresses"
LOOKUPS = ("platform", "email", "sparklayer")
_CUSTOMER = TypeAdapter(models.Customer)
_ADDRESS = TypeAdapter(models.Address)


class LegacyCustomers(Resource):
    """Reads and changes of customers, sales agents among them, and of addresses."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("GET", ONE, self._get),
            ("GET", LOOKED_UP, self._look_up),
            ("PATCH", ONE, self._patch),
            ("GET", ADDRESSES, self._addresses),
            ("POST", ADDRESSES, self._add_address),
        )

    def _get(self, site: Site, request: Request) -> Answer:
        self._check_readable()
        return json_answer(self._shown(site, self._customer(site, request)))

    def _look_up(self, site: Site, request: Request) -> Answer:
        self._check_readable()
        lookup, name = request.ids["lookupBy"], request.ids["identifier"]
        if lookup not in LOOKUPS:
            raise self._problems.refuse(400, f"lookupBy is one of {', '.join(LOOKUPS)}.", INVALID, "lookupBy")
        found = site.customer(lookup, name)
        if found is None and lookup == "email" and self._state.switches.spark_email_case == "ignored":
            found = next(iter(site.customers.sharing("email", name)), None)
        if found is None:
            raise self._problems.not_found("Customer", name)
        return json_answer(self._shown(site, found))

    def _check_readable(self) -> None:
        # inferred: whether there is such a path at all; see the switch.
        if self._state.switches.spark_customer_read == "absent":
            raise self._problems.refuse(404, "There is no such page.")

    def _patch(self, site: Site, request: Request) -> Answer:
        sent = self._problems.body(request, _CUSTOMER).sent()
        customer = self._customer(site, request)
        self._check(site.customers, sent, customer["id"])
        record = {**customer, **sent, "updated_at": site.now}
        record = {name: value for name, value in record.items() if value is not None}
        site.customers.put(record)
        return json_answer(self._shown(site, record))

    def _addresses(self, site: Site, request: Request) -> Answer:
        found = site.addresses_of(self._customer(site, request))
        return json_answer([without_owner(address) for address in found])

    def _add_address(self, site: Site, request: Request) -> Answer:
        customer = self._customer(site, request)
        sent = self._problems.body(request, _ADDRESS).sent()
        self._check(site.addresses, sent, None)
        kept = {name: value for name, value in sent.items() if value is not None and name != "id"}
        address = {"id": site.addresses.new_id(), "customer_id": customer["id"], **kept}
        site.addresses.put(address)
        return json_answer(without_owner(address), int(self._state.switches.spark_created_status))

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

    def _shown(self, site: Site, customer: JsonObject) -> JsonObject:
        plain = {name: value for name, value in customer.items() if name != "uuid"}
        return {**plain, "addresses": [without_owner(each) for each in site.addresses_of(customer)]}


def without_owner(address: JsonObject) -> JsonObject:
    """Return an address as reads show it."""
    return {name: value for name, value in address.items() if name != "customer_id"}
