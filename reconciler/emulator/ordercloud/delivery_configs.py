"""Delivery configs: create, save, patch, delete, get, list."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from reconciler.emulator.ordercloud.errors import id_exists, invalid, not_found, refuse
from reconciler.emulator.ordercloud.lists import Listing, list_answer
from reconciler.emulator.ordercloud.models import JsonObject, Model, Problems, check_id, checked_body
from reconciler.emulator.ordercloud.targets import CUSTOM_TARGETS, WITH_MAILCHIMP, WITH_MANDRILL
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.switches import Switches
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

PATH = "/v1/integrations/deliveryconfig"
ONE = f"{PATH}/{{deliveryConfigID}}"
ROLE = "DeliveryConfigAdmin"
_LISTING = Listing(members=("ID", "Name", "Enabled"))


class DeliveryConfigs:
    """Delivery configs of the marketplace.

    Args:
        state: for the switches.
        stored: where they are kept, by ID.
        holders: returns the names of the configurations that point at a delivery config.
        renamed: told of the old and the new ID when one changes.
    """

    def __init__(
        self,
        state: State,
        stored: dict[str, JsonObject],
        holders: Callable[[str], list[str]],
        renamed: Callable[[str, str], None],
    ) -> None:
        self._state = state
        self._stored = stored
        self._holders = holders
        self._renamed = renamed

    def routes(self) -> Iterable[tuple[str, str, Handler]]:
        """Return method, path and handler of every operation."""
        return (
            ("GET", PATH, self._list),
            ("POST", PATH, self._create),
            ("GET", ONE, self._get),
            ("PUT", ONE, self._save),
            ("PATCH", ONE, self._patch),
            ("DELETE", ONE, self._delete),
        )

    @property
    def _model(self) -> Model:
        return WITH_MAILCHIMP if self._state.switches.known_target_name == "mailchimp" else WITH_MANDRILL

    def _show(self, config: JsonObject) -> JsonObject:
        # inferred: members and targets without a value are null, as in OrderCloud's other answers.
        return self._model.show(_renamed_target(config, self._state.switches), self._state.switches.write_only_read)

    def _list(self, request: Request) -> Answer:
        return list_answer(map(self._show, self._stored.values()), _LISTING, request)

    def _get(self, request: Request) -> Answer:
        return json_answer(self._show(self._one(request)))

    def _create(self, request: Request) -> Answer:
        body = self._body(request)
        self._check_complete(body, secrets_of=body.get("DeliveryTargets") or {})
        # documented: generated when absent; inferred: what a generated one looks like.
        config_id = body.get("ID") or secrets.token_urlsafe(16)
        if config_id in self._stored:
            raise id_exists(config_id)
        return self._store(config_id, body, 201)

    def _save(self, request: Request) -> Answer:
        old_id = request.ids["deliveryConfigID"]
        body = self._body(request)
        held = self._held(old_id)
        # inferred: a PUT that creates under an ID takes the one in the body where that says another.
        new_id = body.get("ID") or old_id
        problems: Problems = []
        check_id(new_id, problems)
        if problems:
            raise invalid(problems)
        targets = body.get("DeliveryTargets") or {}
        if held is None:
            self._check_complete(body, secrets_of=targets)
            if new_id in self._stored:
                raise id_exists(new_id)
            return self._store(new_id, body, int(self._state.switches.put_create_status))
        # inferred: "PUT needs all required secrets again"; see the switch.
        kept = self._state.switches.put_without_secrets
        if kept == "keeps":
            _keep_secrets(self._model, body, held)
        fresh = targets if kept == "rejects" else _added(targets, held)
        self._check_complete(body, secrets_of=fresh)
        return self._rename(old_id, new_id, body)

    def _patch(self, request: Request) -> Answer:
        held = self._one(request)
        body = self._body(request)
        old_id = held["ID"]
        new_id = body.get("ID") or old_id
        merged = {**held, **body}
        sent = body.get("DeliveryTargets")
        if sent is not None:
            merged["DeliveryTargets"] = _merged_targets(held["DeliveryTargets"], sent, self._state.switches.patch_depth)
        # A target that a PATCH replaces without its secrets has none afterwards: the behaviour that does most harm.
        self._check_complete(merged, secrets_of=_added(sent or {}, held))
        return self._rename(old_id, new_id, merged)

    def _delete(self, request: Request) -> Answer:
        config_id: str = self._one(request)["ID"]
        holders = self._holders(config_id)
        if holders:
            # documented: the code; inferred: the status, see the switch.
            raise refuse(
                int(self._state.switches.in_use_delete_status),
                "DeliveryConfig.CannotDeleteConfigInUse",
                f"The delivery config is in use: {', '.join(holders)}.",
            )
        del self._stored[config_id]
        return NO_CONTENT

    def _one(self, request: Request) -> JsonObject:
        config_id = request.ids["deliveryConfigID"]
        config = self._held(config_id)
        if config is None:
            raise not_found("DeliveryConfig", config_id)
        return config

    def _held(self, config_id: str) -> JsonObject | None:
        config = self._stored.get(config_id)
        return None if config is None else _renamed_target(config, self._state.switches)

    def _body(self, request: Request) -> JsonObject:
        body = checked_body(self._model, request, _check_sent_id)
        targets = body.get("DeliveryTargets")
        if targets is not None:
            body["DeliveryTargets"] = _understood_names(targets, self._state.switches)
        return body

    def _check_complete(self, config: JsonObject, secrets_of: JsonObject) -> None:
        """Refuse a config that lacks a required member; write-only ones only in the targets of `secrets_of`."""
        problems: Problems = []
        self._model.missing(config, problems, secrets=False)
        stored_targets = config.get("DeliveryTargets") or {}
        targets = self._model.members["DeliveryTargets"].model
        if targets is not None:
            chosen = {name: stored_targets.get(name) for name in secrets_of}
            with_secrets: Problems = []
            targets.missing(chosen, with_secrets, "DeliveryTargets.")
            problems += [problem for problem in with_secrets if problem not in problems]
            known = [
                name for name in targets.members if name not in CUSTOM_TARGETS and stored_targets.get(name) is not None
            ]
            if len(known) > 1:
                # documented: "multiple custom with a single known"; inferred: how a second one is refused.
                problems.append(("DeliveryTargets", f"Only one known integration is allowed, not {', '.join(known)}."))
        if problems:
            raise invalid(problems)

    def _rename(self, old_id: str, new_id: str, config: JsonObject) -> Answer:
        if new_id != old_id:
            if new_id in self._stored:
                raise id_exists(new_id)
            del self._stored[old_id]
            if self._state.switches.renamed_config == "followed":
                self._renamed(old_id, new_id)
        return self._store(new_id, config, 200)

    def _store(self, config_id: str, config: JsonObject, status: int) -> Answer:
        targets = {name: target for name, target in config["DeliveryTargets"].items() if target is not None}
        stored = {**config, "ID": config_id, "DeliveryTargets": targets}
        self._stored[config_id] = stored
        return json_answer(self._show(stored), status)

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return the configs by ID."""
        return {key: config if secrets else self._model.dump(config) for key, config in self._stored.items()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self.reset()
        self._stored.update(dumped)

    def reset(self) -> None:
        """Remove all delivery configs."""
        self._stored.clear()


def _check_sent_id(body: JsonObject, problems: Problems) -> None:
    if body.get("ID") is not None:
        check_id(body["ID"], problems)


def _understood_names(targets: JsonObject, switches: Switches) -> JsonObject:
    """Return targets with Mailchimp under the name that this version of the API has; both names are seen in SDKs."""
    name = switches.known_target_name
    if name == "mandrill_only":
        return {key: target for key, target in targets.items() if key != "Mailchimp"}
    other, own = ("Mandrill", "Mailchimp") if name == "mailchimp" else ("Mailchimp", "Mandrill")
    return {own if key == other else key: target for key, target in targets.items()}


def _renamed_target(config: JsonObject, switches: Switches) -> JsonObject:
    """Return a stored config under today's name of the Mailchimp target, should the switch have changed since."""
    own, other = ("Mailchimp", "Mandrill") if switches.known_target_name == "mailchimp" else ("Mandrill", "Mailchimp")
    targets = config["DeliveryTargets"]
    if other not in targets:
        return config
    renamed = {own if key == other else key: target for key, target in targets.items()}
    return {**config, "DeliveryTargets": renamed}


def _merged_targets(held: JsonObject, sent: JsonObject, depth: str) -> JsonObject:
    """Merge a PATCH into stored targets. A null removes. inferred: how deep it merges; see the switch."""
    if depth == "shallow":
        return sent
    if depth == "targets":
        return {**held, **sent}
    return _deep_merged(held, sent)


def _deep_merged(held: JsonObject, sent: JsonObject) -> JsonObject:
    merged = dict(held)
    for name, value in sent.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[name] = _deep_merged(before, value)
        else:
            merged[name] = value
    return merged


def _added(targets: JsonObject, held: JsonObject) -> JsonObject:
    return {name: target for name, target in targets.items() if held["DeliveryTargets"].get(name) is None}


def _keep_secrets(model: Model, body: JsonObject, held: JsonObject) -> None:
    """Copy write-only members that a body leaves out from what is stored, at every depth."""
    for name, member in model.members.items():
        stored = held.get(name)
        if stored is None:
            continue
        if member.write_only and body.get(name) is None:
            body[name] = stored
        elif member.model is not None and isinstance(body.get(name), dict):
            _keep_secrets(member.model, body[name], stored)
