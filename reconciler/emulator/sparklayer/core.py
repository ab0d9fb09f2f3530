"""SparkLayer's settings, customer groups and store currency."""

from __future__ import annotations

import re

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
SETTINGS = "/api/v1/settings"
GROUPS = "/api/v1/customer-groups"
# legacy: the Ignite guide sends the base currency under this key.
BASE_CURRENCY = "baseCurrency"
# documented: settings that hold authentication details are not listed. inferred: which those are.
_AUTHENTICATION = re.compile("secret|password|token|credential|api.?key", re.IGNORECASE)


class Core(Resource):
    """Settings, customer groups and currency of a site.

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
            ("GET", SETTINGS, self._list),
            ("PATCH", SETTINGS, self._set),
            ("GET", GROUPS, self._groups),
            ("POST", GROUPS, self._add_group),
            ("PUT", "/api/v1/store-currency", self._set_currency),
        )

    def _list(self, site: Site, _request: Request) -> Answer:
        if self._state.switches.spark_settings_read == "absent":
            raise self._problems.refuse(404, "There is no such page.")
        # inferred: whether a key of the Dashboard may read; see the switch.
        if self._state.switches.spark_settings_read == "refused" and self._is_dashboards(site):
            raise self._problems.refuse(403, "Global settings unavailable, please contact support")
        shown = {key: value for key, value in site.settings.items() if not _AUTHENTICATION.search(key)}
        # inferred: whether the base currency is there, however it was set; see the switch.
        if site.currency is not None and self._state.switches.spark_base_currency_setting == "listed":
            shown[BASE_CURRENCY] = site.currency
        return json_answer([{"key": key, "value": value} for key, value in shown.items()])

    def _is_dashboards(self, site: Site) -> bool:
        return not self._login.settings[site.id].may_write_settings

    def _set(self, site: Site, request: Request) -> Answer:
        pairs: list[models.Setting] = self._problems.body(request, _SETTINGS)
        if self._is_dashboards(site):
            # documented: the sentence. inferred: the status; see the switch.
            status = int(self._state.switches.spark_settings_refusal)
            raise self._problems.refuse(status, "Global settings unavailable for updates, please contact support")
        for pair in pairs:
            if pair.key == BASE_CURRENCY and isinstance(pair.value, str):
                # inferred: that it is the currency of the store, and that it cannot become another here either.
                self._take_currency(site, pair.value)
                continue
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
        self._take_currency(site, wanted.currency_code)
        return json_answer({"currency_code": site.currency})

    def _take_currency(self, site: Site, code: str) -> None:
        if site.currency not in (None, code):
            raise self._problems.refuse(409, f"The base currency is {site.currency} and cannot be changed.")
        site.currency = code
