"""Neighbours: other marketplaces under the same host, each with data and clients of its own.

On the real hosts all marketplaces of a region and kind share one URL; whose a request is, its token says.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from reconciler.emulator.bodies import json_object
from reconciler.emulator.ordercloud.auth import Login
from reconciler.emulator.ordercloud.tokens import DEFAULT_CLIENT, form_of
from reconciler.emulator.seeds.files import seed_of
from reconciler.emulator.seeds.seed import EMPTY, Seed
from reconciler.emulator.wire import Answer, Refusal, Request, json_answer


class Neighbour(Protocol):
    """Marketplace beside another, as its room is."""

    login: Login

    def answer(self, request: Request) -> Answer:
        """Answer a request."""

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Dump it as JSON."""

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump` returned."""

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin what goes on in the background."""

    def stop(self) -> None:
        """End what goes on in the background."""


NeighbourT = TypeVar("NeighbourT", bound=Neighbour)


class Neighbours(Generic[NeighbourT]):
    """Neighbours of one marketplace, by name.

    Args:
        make: makes one from a seed.
    """

    def __init__(self, make: Callable[[Seed], NeighbourT]) -> None:
        self._make = make
        self._rooms: dict[str, NeighbourT] = {}
        self._loop: AbstractEventLoop | None = None

    def names(self) -> list[str]:
        """Return their names."""
        return list(self._rooms)

    def named(self, name: str) -> NeighbourT:
        """Return one by name.

        Raises:
            Refusal: there is none.
        """
        found = self._rooms.get(name)
        if found is None:
            message = f"there is no marketplace {name}; PUT /_emulator/marketplaces/{name} makes it"
            raise Refusal(json_answer({"error": message}, 404))
        return found

    def put(self, name: str, request: Request) -> NeighbourT:
        """Add one, or replace it whole with clients and tokens, seeded with the body of a request."""
        seed = seed_of(request.body, "body") if json_object(request) else EMPTY
        before = self._rooms.pop(name, None)
        if before is not None:
            before.stop()
        return self._add(name, self._make(seed))

    def _add(self, name: str, room: NeighbourT) -> NeighbourT:
        self._rooms[name] = room
        if self._loop is not None:
            room.start(self._loop)
        return room

    def of(self, request: Request) -> NeighbourT | None:
        """Return the neighbour whose a request is: by its token, or by the client that asks for one."""
        if not self._rooms:
            return None
        if [segment.lower() for segment in request.segments[1:]] == ["oauth", "token"]:
            return self.with_client(form_of(request).get("client_id", ""))
        return next((room for room in self._rooms.values() if room.login.knows(request)), None)

    def with_client(self, client_id: str) -> NeighbourT | None:
        """Return the neighbour that has an API client with this ID, but for the default one, which all have."""
        if client_id == DEFAULT_CLIENT.id:
            return None
        return next((room for room in self._rooms.values() if room.login.has_client(client_id)), None)

    def check_free(self, client_id: str) -> None:
        """Refuse the ID of an API client that a neighbour has."""
        if self.with_client(client_id) is not None:
            raise taken(client_id)

    def revoke_all(self) -> None:
        """Revoke every token of theirs."""
        for room in self._rooms.values():
            room.login.revoke_all()

    def start(self, loop: AbstractEventLoop) -> None:
        """Begin what goes on in the background, of those to come too."""
        self._loop = loop
        for room in self._rooms.values():
            room.start(loop)

    def stop(self) -> None:
        """End what goes on in the background."""
        self._loop = None
        for room in self._rooms.values():
            room.stop()

    def reset(self) -> None:
        """Remove all of them."""
        for room in self._rooms.values():
            room.stop()
        self._rooms.clear()

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Dump them by name."""
        return {name: room.dump(secrets=secrets) for name, room in self._rooms.items()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump` returned."""
        self.reset()
        for name, held in dumped.items():
            room = self._make(EMPTY)
            room.load(held)
            self._add(name, room)


def taken(client_id: str) -> Refusal:
    """Return a 409 for the ID of an API client that another marketplace has."""
    return Refusal(json_answer({"error": f"another marketplace has a client {client_id}"}, 409))
