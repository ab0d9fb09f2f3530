"""Syncs of products, entities and orders, and the error config: save, patch, delete, get, and the /sync operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from reconciler.emulator.ordercloud.errors import invalid, not_found, refuse
from reconciler.emulator.ordercloud.models import JsonObject, Problems, checked_body
from reconciler.emulator.ordercloud.sync_models import SINGLETONS, Operation, Singleton
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

ERROR_CONFIG_PATH = "/integrations/ErrorConfig"


class Syncs:
    """Configurations that a marketplace has at most once, and the sync operations that it accepted.

    Args:
        state: for switches and clock.
        delivery_configs: the delivery configs by ID, to check references against.
        check_record: refuses an operation (path of the sync, body) for a record that there is not.
        resync: delivers the record that an operation names.
    """

    def __init__(
        self,
        state: State,
        delivery_configs: Mapping[str, JsonObject],
        check_record: Callable[[str, JsonObject], None],
        resync: Callable[[str, JsonObject], None],
    ) -> None:
        self._state = state
        self._check_record = check_record
        self._resync = resync
        self._delivery_configs = delivery_configs
        self.stored: dict[str, JsonObject] = {}
        self.operations: list[JsonObject] = []

    def routes(self) -> Iterable[tuple[str, str, str, Handler]]:
        """Return role, method, path and handler of every operation."""
        for singleton in SINGLETONS:
            for method, handler in (
                ("GET", self._get),
                ("PUT", self._save),
                ("PATCH", self._patch),
                ("DELETE", self._delete),
            ):
                yield singleton.role, method, f"/v1{singleton.path}", partial(handler, singleton)
            operation = singleton.operation
            if operation is not None:
                handler = partial(self._sync, singleton.path, operation, "sdk")
                yield singleton.role, "POST", f"/v1{operation.path}", handler
                if operation.guide_path is not None:
                    handler = partial(self._sync, singleton.path, operation, "guide")
                    yield singleton.role, "POST", f"/v1{operation.guide_path}", handler
        yield "ErrorConfigAdmin", "POST", f"/v1{ERROR_CONFIG_PATH}/validate", self._validate_error_config

    def holders(self, delivery_config_id: str) -> list[str]:
        """Return the paths of the configurations that point at this delivery config."""
        return [path for path, config in self.stored.items() if config["DeliveryConfigID"] == delivery_config_id]

    def renamed(self, old_id: str, new_id: str) -> None:
        """Point the syncs of a renamed delivery config at its new ID."""
        for path in self.holders(old_id):
            self.stored[path]["DeliveryConfigID"] = new_id

    def reset(self) -> None:
        """Remove all configurations and operations."""
        self.stored.clear()
        self.operations.clear()

    def _get(self, singleton: Singleton, _request: Request) -> Answer:
        config = self.stored.get(singleton.path)
        # inferred: "expect 404 NotFound; keep a fallback for 200 with null members"; see the switch.
        answers = self._state.switches.unconfigured_sync
        if config is None and answers == "not_found":
            raise not_found(singleton.model.name, "")
        if config is None:
            return json_answer({} if answers == "empty" else dict.fromkeys(singleton.model.members))
        return json_answer(singleton.model.show(config, "absent"))

    def _save(self, singleton: Singleton, request: Request) -> Answer:
        creates = singleton.path not in self.stored
        body = checked_body(singleton.model, request)
        # inferred: "swagger states 200 for all Save operations; accept 201"; see the switch.
        return self._store(singleton, body, int(self._state.switches.put_create_status) if creates else 200)

    def _patch(self, singleton: Singleton, request: Request) -> Answer:
        config = self._configured(singleton)
        return self._store(singleton, {**config, **checked_body(singleton.model, request)}, 200)

    def _delete(self, singleton: Singleton, _request: Request) -> Answer:
        # inferred: "expect 404; treat as done"; see the switch.
        if self._state.switches.unconfigured_delete == "not_found":
            self._configured(singleton)
        self.stored.pop(singleton.path, None)
        return NO_CONTENT

    def _sync(self, path: str, operation: Operation, spelling: str, request: Request) -> Answer:
        # inferred: which spelling is a path where there are two; see the switch.
        if operation.guide_path is not None and self._state.switches.sync_spelling not in (spelling, "both"):
            raise refuse(404)
        ids = checked_body(operation.body, request, operation.body.missing)
        self._check_runs(self.stored.get(path), operation.not_enabled, "DeliveryConfig.ConfigurationDisabled")
        # inferred: that a record has to exist; see the switch.
        if self._state.switches.unknown_record == "not_found":
            self._check_record(path, ids)
        self.operations.append({"path": operation.path, "ids": ids, "time": self._state.clock.now().isoformat()})
        # In the order of the path, whatever order they were sent in: parents first.
        self._resync(path, {name: ids[name] for name in operation.body.members})
        # inferred: 204, as for other POSTs without a reply model; see the switch.
        return Answer(int(self._state.switches.sync_status))

    def _validate_error_config(self, _request: Request) -> Answer:
        # inferred: what it validates; the code for a disabled delivery config is published.
        self._check_runs(
            self.stored.get(ERROR_CONFIG_PATH), "ErrorConfig.NotConfigured", "ErrorConfig.DeliveryConfigDisabled"
        )
        return NO_CONTENT

    def _check_runs(self, config: JsonObject | None, not_enabled: str, disabled: str) -> None:
        """Refuse an operation where sync or delivery config is missing, or the latter is off. inferred: the 400."""
        if config is None:
            raise refuse(400, not_enabled, "It is not configured.")
        delivery_config = self._delivery_configs.get(config["DeliveryConfigID"])
        if delivery_config is None or not delivery_config.get("Enabled"):
            raise refuse(400, disabled, "The delivery config is disabled.")

    def _configured(self, singleton: Singleton) -> JsonObject:
        config = self.stored.get(singleton.path)
        if config is None:
            raise not_found(singleton.model.name, "")
        return config

    def _store(self, singleton: Singleton, config: JsonObject, status: int) -> Answer:
        problems: Problems = []
        singleton.model.missing(config, problems)
        if problems:
            raise invalid(problems)
        previous = self.stored.get(singleton.path)
        if previous is None or previous["DeliveryConfigID"] != config["DeliveryConfigID"]:
            self._check_reference(config["DeliveryConfigID"])
        self.stored[singleton.path] = config
        return json_answer(singleton.model.show(config, "absent"), status)

    def _check_reference(self, delivery_config_id: str) -> None:
        """Refuse a delivery config that does not exist. inferred: status and code; see the switch."""
        if delivery_config_id in self._delivery_configs:
            return
        if self._state.switches.unknown_config_status == "404":
            raise not_found("DeliveryConfig", delivery_config_id)
        raise refuse(400, "InvalidDeliveryConfigID", f"There is no delivery config {delivery_config_id}.")

    def dump(self) -> dict[str, Any]:
        """Return the configurations by path and the accepted operations. There is no secret among them."""
        return {"syncs": self.stored, "syncOperations": self.operations}

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump` returned."""
        self.reset()
        self.stored.update(dumped["syncs"])
        self.operations.extend(dumped["syncOperations"])
