"""Settings, customer groups and the store's currency."""

from __future__ import annotations

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.login import Login
from reconciler.emulator.sparklayer.problems import TAKEN, UNKNOWN_ID, Problems
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import BASE_GROUP, JsonObject, Site
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

_SETTINGS = TypeAdapter(list[models.Setting])
_GROUP = TypeAdapter(models.Group)
_CURRENCY = TypeAdapter(models.StoreCurrency)
GROUPS = "/api/v1/customer-groups"


class Core(Resource):
    """What is set for a whole site.

    Args:
        state: for the switches.
        problems: makes the errors.
        login: knows which key may write settings.
    """

    def __init__(self, state: State, problems: Problems, login: Login) -> None:
        super().__init__(state, problems)
        self._login = login

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("PATCH", "/api/v1/settings", self._set),
            ("GET", GROUPS, self._groups),
            ("POST", GROUPS, self._add_group),
            ("PUT", "/api/v1/store-currency", self._set_currency),
        )

    def _set(self, site: Site, request: Request) -> Answer:
        pairs = self._problems.body(request, _SETTINGS)
        if not self._login.settings[site.id].may_write_settings:
            # documented: the sentence. inferred: the status; see the switch.
            status = int(self._state.switches.spark_settings_refusal)
            raise self._problems.refuse(status, "Global settings unavailable for updates, please contact support")
        for pair in pairs:
            site.settings[pair.key] = pair.value
        return NO_CONTENT

    def _shown(self, site: Site) -> list[JsonObject]:
        # inferred: whether the root is listed; see the switch.
        listed = self._state.switches.spark_base_group == "listed"
        return [group for slug, group in site.groups.items() if listed or slug != BASE_GROUP]

    def _groups(self, site: Site, _request: Request) -> Answer:
        return json_answer(self._shown(site))

    def _add_group(self, site: Site, request: Request) -> Answer:
        group: models.Group = self._problems.body(request, _GROUP)
        parent = group.parent_slug or BASE_GROUP
        if group.slug in site.groups:
            raise self._problems.refuse(400, f"The slug {group.slug} is taken.", TAKEN, "slug")
        if parent not in site.groups:
            raise self._problems.refuse(400, f"There is no group {parent}.", UNKNOWN_ID, "parent_slug")
        site.groups[group.slug] = {"slug": group.slug, "name": group.name, "parent_slug": parent}
        return json_answer(self._shown(site), int(self._state.switches.spark_created_status))

    def _set_currency(self, site: Site, request: Request) -> Answer:
        wanted: models.StoreCurrency = self._problems.body(request, _CURRENCY)
        if site.currency not in (None, wanted.currency_code):
            raise self._problems.refuse(409, f"The base currency is {site.currency} and cannot be changed.")
        site.currency = wanted.currency_code
        return json_answer({"currency_code": site.currency})
