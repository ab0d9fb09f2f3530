"""Base of the sync configurations: one path each, PUT to create, PATCH to change, DELETE to remove."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

from reconciler.errors import NotFound, UnexpectedAnswer
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, Observed, SpecT_co, Volume
from reconciler.kind.semantics import State, fields_of


async def read_sync(reader: Reader, path: str, members: Collection[str]) -> Wire | None:
    """Read a sync configuration, or None where none is configured.

    inferred: a GET of a sync that is not configured answers 404, or 200 with null members (fact sheet §2).

    Args:
        reader: the connection.
        path: its path.
        members: what such a configuration may have.

    Raises:
        UnexpectedAnswer: the answer is something else: it must not look like a sync that is not configured.
    """
    try:
        wire = await reader.get(path)
    except NotFound:
        return None
    if not isinstance(wire, dict) or (wire and not any(name in wire for name in members)):
        raise UnexpectedAnswer(
            f"GET {path}: the answer is not a sync configuration",
            request=f"GET {path}",
            next_step="Check apiUrl, and that no proxy or gateway answers in the API's place.",
        )
    return None if wire.get("DeliveryConfigID") is None else wire


class SyncKind(Kind[SpecT_co]):
    """A sync configuration: a live object that is a path rather than a record."""

    @abstractmethod
    def path(self, live_id: str) -> str:
        """Return the API path of the configuration with this ID."""

    def write_path(self, live_id: str) -> str | None:
        return self.path(live_id)

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return await self._read_at(reader, self.path(live_id))

    async def _read_at(self, reader: Reader, path: str) -> Wire | None:
        return await read_sync(reader, path, {node.wire for node in fields_of(self.spec).values()})

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return _object(await writer.put(self.path(live_id), body))

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return _object(await writer.patch(self.path(live_id), body))

    async def delete(self, writer: Writer, live_id: str) -> None:
        await writer.delete(self.path(live_id))

    def resends(self, desired: State, observed: Observed, changed: frozenset[str], volume: Volume | None) -> str | None:
        del observed, volume
        if self.pause_field not in changed or desired.get(self.pause_field or "") is True:
            return None
        # documented: changes are held and consolidated while it is paused; how many there are, no endpoint tells.
        return "what changed during the pause is sent now, each record once; the API does not tell how many wait"


class SingletonKind(SyncKind[SpecT_co]):
    """A sync configuration of which a marketplace has one. Its live ID is the last part of its path."""

    api_path: str

    def path(self, live_id: str) -> str:  # noqa: ARG002 - one path whatever the ID
        return self.api_path

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:  # noqa: ARG002 - the ID is the path's
        return self.api_path.rpartition("/")[2]

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        wire = await self._read_at(reader, self.api_path)
        return {} if wire is None else {self.live_id("", {}): wire}


def _object(answer: Any) -> Wire | None:
    return answer if isinstance(answer, dict) else None
