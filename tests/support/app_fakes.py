"""An environment without manifests, network or terminal, and a face that remembers what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.app import connections
from reconciler.app.unattended import Unattended
from reconciler.kind.connection import Json
from reconciler.ledger.url import parse
from reconciler.manifest.connection import Connection, Settings
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.secret import Secret
from support.apply_fakes import NOW, URL, FakeApi, WidgetKind


class ListedWidgets(WidgetKind):
    """Widgets whose live side can be listed."""

    async def read(self, reader: Any) -> dict[str, Any]:
        found = await reader.get("/widgets")
        return {wire["ID"]: wire for wire in found}


class World(FakeApi):
    """A live side that can be listed, and gives out itself for reading."""

    def read_only(self) -> World:
        return self

    async def get(self, path: str, params: Any = None) -> Json:
        if path == "/widgets":
            return [self._visible(each) for each in sorted(self.objects)]
        return await super().get(path, params)


class Remembering(Unattended):
    """Remembers what it hears; agrees where it is told to."""

    def __init__(self, *, agrees: bool = False, on_question: Callable[[], None] | None = None) -> None:
        super().__init__(asyncio.Event())
        self._agrees = agrees
        self._on_question = on_question
        self.heard: list[str] = []

    def agrees(self, plan: Any) -> bool:
        self.heard.append(f"asked about {', '.join(change.key for change in plan.changes)}")
        if self._on_question is not None:
            self._on_question()
        return self._agrees

    def leaves_alone(self, changes: Any) -> None:
        self.heard.append(f"left alone {', '.join(change.key for change in changes)}")

    def progresses(self, progress: Any) -> None:
        if progress.result is not None:
            self.heard.append(f"{progress.change.key} {progress.result.outcome}")


def session_of(folder: Path, *desired: Desired, name: str = "test") -> Session:
    """Return an environment that wants these widgets."""
    secret = Secret("(literal)", lambda: "secret")
    return Session(
        name=name,
        manifests=(),
        kinds={"Widget": ListedWidgets()},
        desired=desired,
        connections={"widgets": Connection("widgets", URL, f"{URL}/token", "id", secret, 100)},
        settings=Settings(parse(f"sqlite:///{folder}/ledger.db"), None, Guardrails(maxDeletes=99), "Sunday 03:00"),
        opened_at=NOW,
    )


def connect_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, every connection leads to this live side."""

    @asynccontextmanager
    async def opened(*_args: Any, **_options: Any) -> AsyncIterator[World]:
        yield world

    monkeypatch.setattr(connections, "open_reader", opened)
    monkeypatch.setattr(connections, "open_writer", opened)
