"""SparkLayer's sync log: what a merchant sees of each integration's syncs."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

MOST_ERRORS = 5000
ALL = "/api/v1/sync-log"
ONE = f"{ALL}/{{integration}}/{{data_type}}"
# documented: products and customers. inferred: the others, from the Ignite trigger.
DataType = Literal["products", "customers", "purchases", "merchant", "customer_groups"]
DATA_TYPES = frozenset(get_args(DataType))
_TIMES = ("started_full_sync", "last_full_sync", "last_full_sync_succeeded")


class PartialSyncLog(models.FullSyncLog):
    """inferred, every member: the documentation page of the partial sync was not readable. This is the one place."""

    last_partial_sync: models.Moment | None = None
    errors: list[models.SyncLogError] | None = None
    resolved_external_ids: Annotated[list[str], Field()] | None = None


_FULL = TypeAdapter(models.FullSyncLog)
_PARTIAL = TypeAdapter(PartialSyncLog)


class SyncLog(Resource):
    """Sync logs by integration and data type."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("DELETE", ALL, self._clear),
            ("GET", ONE, self._get),
            ("PUT", ONE, self._put),
            ("PATCH", ONE, self._patch),
            ("GET", f"{ONE}/errors", self._get_errors),
        )

    def _clear(self, site: Site, _request: Request) -> Answer:
        site.logs.clear()
        return NO_CONTENT

    def _key(self, request: Request) -> str:
        data_type = request.ids["data_type"]
        # inferred: whether there is a log of purchases; see the switch.
        refused = data_type == "purchases" and self._state.switches.spark_log_purchases == "refused"
        if refused or data_type not in DATA_TYPES:
            raise self._problems.refuse(400, f"{data_type} is no data type.", INVALID, "data_type")
        return f"{request.ids['integration']}/{data_type}"

    def _log(self, site: Site, request: Request) -> JsonObject:
        log = site.logs.get(self._key(request))
        # documented: 404 until a full sync was recorded.
        if log is None or not log["full"]:
            raise self._problems.not_found("Sync log", self._key(request))
        return log

    def _status(self, log: JsonObject) -> JsonObject:
        times = {name: value for name, value in log["times"].items() if value is not None}
        return {**times, "error_count": len(log["errors"])}

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._status(self._log(site, request)))

    def _get_errors(self, site: Site, request: Request) -> Answer:
        log = self._log(site, request)
        return json_answer({**self._status(log), "errors": list(log["errors"].values())[:MOST_ERRORS]})

    def _put(self, site: Site, request: Request) -> Answer:
        key = self._key(request)
        sent: models.FullSyncLog = self._problems.body(request, _FULL)
        errors = self._unique(sent.errors or [])
        times = {name: getattr(sent, name) for name in _TIMES}
        # documented: timestamps left out are cleared. inferred: not that of partial syncs, which has no place here.
        times["last_partial_sync"] = site.logs.get(key, {}).get("times", {}).get("last_partial_sync")
        site.logs[key] = {"full": True, "times": times, "errors": errors}
        return self._recorded()

    def _patch(self, site: Site, request: Request) -> Answer:
        key = self._key(request)
        sent: PartialSyncLog = self._problems.body(request, _PARTIAL)
        added = self._unique(sent.errors or [])
        log = site.logs.get(key)
        if log is None:
            # inferred: whether it works before any full sync; see the switch.
            if self._state.switches.spark_partial_before_full == "not_found":
                raise self._problems.not_found("Sync log", key)
            log = {"full": False, "times": {}, "errors": {}}
        errors = {name: item for name, item in log["errors"].items() if name not in (sent.resolved_external_ids or ())}
        errors |= added
        if len(errors) > MOST_ERRORS:
            # inferred: what happens beyond the cap; see the switch.
            if self._state.switches.spark_partial_over_cap == "refused":
                raise self._problems.refuse(400, f"At most {MOST_ERRORS} errors are kept.", INVALID, "errors")
            errors = dict(list(errors.items())[:MOST_ERRORS])
        members = ("last_partial_sync", *_TIMES)
        times = {name: getattr(sent, name) for name in members if name in sent.model_fields_set}
        site.logs[key] = {**log, "times": log["times"] | times, "errors": errors}
        return self._recorded()

    def _unique(self, errors: list[models.SyncLogError]) -> dict[str, JsonObject]:
        found: dict[str, JsonObject] = {}
        for index, error in enumerate(errors):
            if error.external_id in found:
                raise self._problems.refuse(
                    400, f"external_id {error.external_id} is there twice.", INVALID, f"errors.{index}.external_id"
                )
            found[error.external_id] = error.model_dump(exclude_none=True)
        return found

    def _recorded(self) -> Answer:
        # inferred: the status; see the switch.
        return NO_CONTENT if self._state.switches.spark_sync_log_status == "204" else Answer(200)
