"""A small live side in memory, a script of what goes wrong at which call, and the way from manifests to a report."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from reconciler.errors import (
    AnswerLost,
    Conflict,
    LoginRefused,
    MissingRole,
    NotFound,
    Place,
    Rejected,
    Unreachable,
)
from reconciler.kind.kind import Kind
from reconciler.kind.semantics import FieldSemantics, SpecModel
from reconciler.ledger.reader import read_memory
from reconciler.ledger.writer import Ledger
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.apply import apply
from reconciler.reconcile.approval import covered_by_run
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.plan import ApplyReport
from reconciler.reconcile.planner import make_plan
from reconciler.reconcile.work import Desired, Planned
from reconciler.secret import Secret

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://api.example/v1"


class Killed(BaseException):
    """The process ended here: nothing after it runs."""


class Fault(Enum):
    """What goes wrong at one call."""

    LOST_BEFORE = "the answer is lost, and the request never arrived"
    LOST_AFTER = "the answer is lost, and the request was carried out"
    KILLED_BEFORE = "we are killed before the request is carried out"
    KILLED_AFTER = "we are killed after the request was carried out"
    REJECTED = "400"
    UNREACHABLE = "no connection"
    FORBIDDEN = "403"
    LOGIN = "401"


_ERRORS = {
    Fault.REJECTED: Rejected("not like this", status=400),
    Fault.UNREACHABLE: Unreachable("no connection"),
    Fault.FORBIDDEN: MissingRole("a role is missing", roles=["WidgetAdmin"]),
    Fault.LOGIN: LoginRefused("the credentials are refused", status=401),
}


@dataclass
class FakeApi:
    """Objects by path, write-only members kept and never returned; `faults` by index of the call, reads included."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[int, Fault] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    effects: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: dict[int, Callable[[FakeApi], None]] = field(default_factory=dict)
    ignored_members: frozenset[str] = frozenset()
    silent: bool = False
    dead: bool = False

    def revive(self) -> None:
        """A new process talks to the same live side."""
        self.dead, self.faults = False, {}

    async def _call(self, method: str, path: str, effect: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        index = len(self.calls)
        self.calls.append((method, path))
        await asyncio.sleep(0)
        if index in self.meanwhile:
            self.meanwhile[index](self)
        fault = self.faults.get(index)
        if fault is Fault.KILLED_BEFORE:
            self.dead = True
            raise Killed
        if fault in _ERRORS:
            raise _ERRORS[fault]
        lost = Unreachable("no answer") if method == "GET" else AnswerLost(f"no answer to {method} {path}")
        if fault is Fault.LOST_BEFORE:
            raise lost
        answer = effect()
        if method != "GET":
            self.effects.append((method, path))
        if fault is Fault.KILLED_AFTER:
            self.dead = True
            raise Killed
        if fault is Fault.LOST_AFTER:
            raise lost
        return None if self.silent and method != "GET" else answer

    def _visible(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise NotFound(f"{path} does not exist", status=404)
        found = copy.deepcopy(self.objects[path])
        found.get("Target", {}).pop("Key", None)
        return found

    def _merge(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        new_path = f"/{path.split('/')[1]}/{body.get('ID', path.rpartition('/')[2])}"
        merged = self.objects.pop(path, {})
        for name, value in body.items():
            if name not in self.ignored_members:
                merged[name] = _revealed(value)
        self.objects[new_path] = {name: value for name, value in merged.items() if value is not None}
        return self._visible(new_path)

    async def get(self, path: str, params: Any = None) -> Any:
        return await self._call("GET", path, lambda: self._visible(path))

    async def post(self, path: str, body: Any = None) -> Any:
        def create() -> Any:
            target = f"{path}/{body['ID']}"
            if target in self.objects:
                raise Conflict("the ID is in use", status=409, vendor_code="IdExists")
            return self._merge(target, body)

        return await self._call("POST", path, create)

    async def put(self, path: str, body: Any) -> Any:
        raise NotImplementedError

    async def patch(self, path: str, body: Any) -> Any:
        def change() -> Any:
            self._visible(path)
            return self._merge(path, body)

        return await self._call("PATCH", path, change)

    async def delete(self, path: str) -> None:
        def remove() -> None:
            self._visible(path)
            del self.objects[path]

        await self._call("DELETE", path, remove)


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _revealed(item) for name, item in value.items()}
    return value.reveal() if isinstance(value, Secret) else value


class TargetSpec(SpecModel):
    """Where a widget sends."""

    key: Annotated[str, FieldSemantics(write_only=True)]


class WidgetSpec(SpecModel):
    """A thing with a size, a secret, and another one that it refers to."""

    id: str | None = None
    size: int = 0
    label: str | None = None
    target: TargetSpec | None = None
    parent: Annotated[str, FieldSemantics(references="Widget")] | None = None


class WidgetKind(Kind[WidgetSpec]):
    """Widgets, by ID."""

    name = "Widget"
    api = "widgets"
    spec = WidgetSpec
    role = "WidgetAdmin"
    summary = "A widget."

    def live_id(self, name, state):
        return str(state.get("id") or name)

    async def read(self, reader):
        raise NotImplementedError

    async def read_one(self, reader, live_id):
        try:
            return await reader.get(f"/widgets/{live_id}")
        except NotFound:
            return None

    async def create(self, writer, live_id, body):
        return await writer.post("/widgets", {**body, "ID": live_id})

    async def update(self, writer, live_id, body):
        return await writer.patch(f"/widgets/{live_id}", body)

    async def delete(self, writer, live_id):
        await writer.delete(f"/widgets/{live_id}")


KINDS = {"Widget": WidgetKind()}


def widget(
    name: str,
    size: int = 0,
    *,
    key: str | None = None,
    parent: str | None = None,
    absent: bool = False,
    new_id: str | None = None,
    renamed_from: tuple[str, ...] = (),
    ignore: frozenset[str] = frozenset(),
) -> Desired:
    """What a manifest wants; `key` is the value of its secret."""
    live_id = new_id or name
    state: dict[str, Any] = {"id": live_id, "size": size}
    if key is not None:
        state["target"] = {"key": Secret(f"${{secret:{name.upper()}}}", lambda: key, Place("w.yaml", 3, 5))}
    if parent is not None:
        state["parent"] = parent
    return Desired(
        "Widget", name, live_id, state, Place("w.yaml", 1, 1), absent, renamed_from=renamed_from, ignore=ignore
    )


def live(*ids: str, **members: Any) -> dict[str, dict[str, Any]]:
    """Live widgets, all with the same members."""
    return {f"/widgets/{live_id}": {"ID": live_id, "Size": 0, **members} for live_id in ids}


class Bench:
    """One ledger file, one live side, and what the manifests want."""

    def __init__(self, folder: Path, api: FakeApi, *desired: Desired) -> None:
        self.url = f"sqlite:///{folder}/ledger.db"
        self.api = api
        self.desired = desired
        self.stop = asyncio.Event()

    def plan(self) -> Planned:
        kind = KINDS["Widget"]
        observed = {}
        for path in self.api.objects:
            live_id = path.rpartition("/")[2]
            observed[live_id] = kind.observe(live_id, self.api._visible(path))
        return make_plan(
            PlanInputs(
                environment="test",
                connections={"widgets": URL},
                kinds=KINDS,
                desired=self.desired,
                live={"Widget": observed},
                memory=read_memory(self.url, "test", [URL]),
                guardrails=Guardrails(maxDeletes=99),
                now=NOW,
            )
        )

    def apply(self, planned: Planned | None = None, *, resume: bool = False, **options: Any) -> ApplyReport:
        planned = planned or self.plan()
        with Ledger.open(self.url) as ledger, ledger.lock("tester") as lock:
            scope: dict[str, Any] = {}
            if resume:
                run = ledger.unfinished_run("test")
                assert run is not None, "nothing to resume"
                found = covered_by_run(run, planned)
                scope = {"approved": found.approved, "earlier": found.earlier, "resumed": True}
            return asyncio.run(
                apply(
                    planned,
                    KINDS,
                    {"widgets": self.api},
                    ledger,
                    lock,
                    holder="tester",
                    stop=self.stop,
                    **(scope | options),
                )
            )


def outcomes(report: ApplyReport) -> dict[str, str]:
    """Outcome by name of the widget."""
    return {result.change.name: result.outcome.value for result in report.results}
