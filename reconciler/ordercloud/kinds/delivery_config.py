"""DeliveryConfig: a named set of delivery targets (`/integrations/deliveryconfig`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from reconciler.errors import NotFound, Problem, UnexpectedAnswer
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, ManifestView, Observed, Refusal
from reconciler.kind.semantics import FieldSemantics, Risk, SpecModel, State, fields_of, from_wire, to_wire
from reconciler.ordercloud.kinds.delivery_checks import check_delivery
from reconciler.ordercloud.kinds.delivery_targets import DeliveryTargets
from reconciler.ordercloud.lists import list_by_id

PATH = "integrations/deliveryconfig"
TARGETS = fields_of(DeliveryTargets)
# The target was renamed between SDK versions; live may use either name.
MAILCHIMP, MANDRILL = "Mailchimp", "Mandrill"


class DeliveryConfigSpec(SpecModel):
    """A delivery config."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=100), FieldSemantics(identity=True)] | None = (
        Field(default=None, description="OrderCloud ID: letters, digits, - and _. Left out: metadata.name.")
    )
    name: Annotated[str, Field(min_length=1, max_length=128)] = Field(description="Name shown in the portal.")
    enabled: Annotated[bool, FieldSemantics(risk=Risk.STOPS_SYNC, risk_when=False)] = Field(
        default=True,
        description="While false, nothing is delivered and sync calls fail. To hold changes back, pause the sync.",
    )
    delivery_targets: DeliveryTargets = Field(description="Where it sends.")


class DeliveryConfigKind(Kind[DeliveryConfigSpec]):
    """A delivery config, by ID."""

    name = "DeliveryConfig"
    api = "ordercloud"
    spec = DeliveryConfigSpec
    role = "DeliveryConfigAdmin"
    summary = "A named set of delivery targets that syncs point at."
    delete_risk = Risk.LOSES_DATA
    target_paths = ("deliveryTargets",)

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("id") or name)

    def write_path(self, live_id: str) -> str | None:
        return f"{PATH}/{live_id}"

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {live_id: _checked(wire) for live_id, wire in (await list_by_id(reader, PATH)).items()}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        try:
            wire = await reader.get(f"{PATH}/{live_id}")
        except NotFound:
            return None
        return _checked(wire) if isinstance(wire, dict) else None

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        answer = await writer.post(PATH, {**body, "ID": live_id})
        return await _taken_as_mandrill(writer, live_id, body, answer)

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        answer = await writer.patch(f"{PATH}/{live_id}", body)
        return await _taken_as_mandrill(writer, body.get("ID") or live_id, body, answer)

    async def delete(self, writer: Writer, live_id: str) -> None:
        await writer.delete(f"{PATH}/{live_id}")

    def observe(self, live_id: str, wire: Wire) -> Observed:
        observed = super().observe(live_id, wire)
        targets = _live_targets(wire)
        state = observed.state | {"deliveryTargets": from_wire(DeliveryTargets, targets)}
        return Observed(self.name, live_id, state, wire)

    def update_body(self, desired: State, observed: Observed, changed: frozenset[str]) -> Wire:
        """Return the changed members; a change inside the targets sends all of them.

        How deep the vendor's PATCH merges is not published, so the body says the same under every answer: each target
        whole, what goes as an explicit null, what we do not know as it was read.
        """
        plain = super().update_body(desired, observed, frozenset(path for path in changed if not _in_targets(path)))
        if not any(map(_in_targets, changed)):
            return plain
        live = _targets_of(observed.wire)
        wanted = desired.get("deliveryTargets", {})
        body: Wire = {name: _as_sent(value) for name, value in live.items() if _is_unknown_target(name) and value}
        for name, node in TARGETS.items():
            wire_name = MANDRILL if node.wire == MAILCHIMP and MANDRILL in live and MAILCHIMP not in live else node.wire
            if name in wanted and node.model is not None:
                body[wire_name] = _merged(node.model, wanted[name], live.get(wire_name) or {})
            elif live.get(wire_name) is not None:
                body[wire_name] = None
        return plain | {"DeliveryTargets": body}

    def refusals(
        self, desired: State, observed: Observed, changed: frozenset[str], ignored: frozenset[str]
    ) -> Iterable[Refusal]:
        """Refuse to send the targets while live has write-only members there that we do not hold."""
        if not any(map(_in_targets, changed)):
            return
        live = _live_targets(observed.wire)
        for name in live:
            if _is_unknown_target(name):
                yield Refusal(
                    "loses-data",
                    f"live has the target {name}, which this version does not know; "
                    "sending the targets could lose its write-only members",
                )
        wanted = desired.get("deliveryTargets", {})
        for name, node in TARGETS.items():
            if node.wire not in live or name not in wanted or node.model is None:
                continue
            for path in _unheld(node.model, wanted[name], f"deliveryTargets.{name}", ignored):
                yield Refusal(
                    "loses-data",
                    f"{path} is write-only and not held by the manifest; sending the targets could lose it",
                )

    def notes(self, observed: Observed) -> Iterable[str]:
        for name in _live_targets(observed.wire):
            if _is_unknown_target(name):
                yield f"has the target {name}, which this version does not know; it is left as it is"

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        return check_delivery(manifests)


async def _taken_as_mandrill(writer: Writer, live_id: str, body: Wire, answer: Any) -> Wire | None:
    """Send Mailchimp again under its old name where the answer has it under neither; return the last answer.

    inferred: an older API drops the new name without a word.
    """
    if not isinstance(answer, dict):
        return None
    sent, taken = _targets_of(body), _targets_of(answer)
    if sent.get(MAILCHIMP) is None or any(taken.get(name) is not None for name in (MAILCHIMP, MANDRILL)):
        return answer
    renamed = {MANDRILL if name == MAILCHIMP else name: value for name, value in sent.items()}
    again = await writer.patch(f"{PATH}/{live_id}", {"DeliveryTargets": renamed})
    return again if isinstance(again, dict) else None


def _in_targets(path: str) -> bool:
    return path == "deliveryTargets" or path.startswith("deliveryTargets.")


def _checked(wire: Wire) -> Wire:
    """Return a config as it was read.

    Raises:
        UnexpectedAnswer: its targets are no objects, so what is live cannot be told.
    """
    targets = wire.get("DeliveryTargets")
    known = {node.wire for node in TARGETS.values()} | {MANDRILL}
    values = [value for name, value in _targets_of(wire).items() if name in known]
    if (targets is None or isinstance(targets, dict)) and all(
        value is None or isinstance(value, dict) for value in values
    ):
        return wire
    raise UnexpectedAnswer(
        f"GET {PATH}: DeliveryTargets of a config are not objects",
        request=f"GET {PATH}",
        next_step="Check apiUrl, and that no proxy or gateway answers in the API's place.",
    )


def _targets_of(wire: Wire) -> Wire:
    targets = wire.get("DeliveryTargets")
    return targets if isinstance(targets, dict) else {}


def _live_targets(wire: Wire) -> Wire:
    """Return the targets that live has, nulls left out, Mailchimp under its current name."""
    targets = {name: value for name, value in _targets_of(wire).items() if value is not None}
    if MANDRILL in targets:
        targets.setdefault(MAILCHIMP, targets.pop(MANDRILL))
    return targets


def _is_unknown_target(wire_name: str) -> bool:
    return wire_name != MANDRILL and all(node.wire != wire_name for node in TARGETS.values())


def _as_sent(value: Any) -> Any:
    """Return a value that came from a read without its nulls and masks: those are never written back."""
    if isinstance(value, dict):
        return {name: _as_sent(item) for name, item in value.items() if item is not None and not _is_mask(item)}
    if isinstance(value, list):
        return [_as_sent(item) for item in value]
    return value


def _is_mask(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.strip("*•")


def _merged(model: type[BaseModel], wanted: State, live: Wire) -> Wire:
    """Return a target as it is to be: our members, explicit nulls for those that go, unknown ones as they were."""
    nodes = fields_of(model)
    known = {node.wire for node in nodes.values()}
    body: Wire = {name: _as_sent(value) for name, value in live.items() if name not in known and value is not None}
    for name, node in nodes.items():
        value = wanted.get(name)
        if value is not None and node.model is not None:
            inner = live.get(node.wire)
            body[node.wire] = _merged(node.model, value, inner if isinstance(inner, dict) else {})
        elif value is not None:
            body |= _with_removals(to_wire(model, {name: value}), {node.wire: live.get(node.wire)})
        elif live and not node.required and (node.semantics.write_only or live.get(node.wire) is not None):
            body[node.wire] = None
    return body


def _with_removals(wanted: Any, live: Any) -> Any:
    """Return free-form data with an explicit null for each key that goes: a PATCH that merges deeply would keep it."""
    if not isinstance(wanted, dict) or not isinstance(live, dict):
        return wanted
    kept = {name: _with_removals(value, live.get(name)) for name, value in wanted.items()}
    return kept | {name: None for name in live if name not in wanted}


def _unheld(model: type[BaseModel], wanted: State, path: str, ignored: frozenset[str]) -> Iterator[str]:
    """Yield the write-only members of a target that would be sent without their value."""
    for name, node in fields_of(model).items():
        here = f"{path}.{name}"
        if node.semantics.write_only and name not in wanted and (node.required or _covers(ignored, here)):
            yield here
        elif node.model is not None and isinstance(wanted.get(name), dict):
            yield from _unheld(node.model, wanted[name], here, ignored)


def _covers(ignored: frozenset[str], path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}.") for prefix in ignored)
