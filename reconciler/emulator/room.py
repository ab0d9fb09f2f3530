"""Room of the emulator, the base of each emulated API: its routes and its state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Iterable
from typing import Any, ClassVar

from reconciler.emulator.routing import ControlHandler, Handler, Router
from reconciler.emulator.wire import Answer, Refusal, Request


class Room(ABC):
    """One emulated API under one path prefix. Handlers are plain functions, so each request is atomic.

    Class attributes:
        name: the first path segment, in lower case, and the key in the state dump.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.router: Router[Handler] = Router()

    def answer(self, request: Request) -> Answer:
        """Route the request and answer it."""
        found = self.router.find(request, skip=1)
        if isinstance(found, frozenset):
            return self.failure(405 if found else 404)
        try:
            return found(request)
        except Refusal as refusal:
            return refusal.answer

    def before(self, request: Request) -> Awaitable[Answer | None] | None:  # noqa: ARG002 (most rooms ask nobody)
        """Ask whoever has a say before a request is carried out; an answer stands instead of it. None: nobody has."""
        return None

    @abstractmethod
    def failure(self, status: int, code: str | None = None, message: str | None = None) -> Answer:
        """Return an error in this API's form; code and message default to what the API says with this status."""

    def control_routes(self) -> Iterable[tuple[str, str, ControlHandler]]:
        """Return the room's endpoints of the control API: method, path, handler. Its docstring is listed there."""
        return ()

    def start(self, loop: AbstractEventLoop) -> None:  # noqa: B027 (most rooms have nothing to do)
        """Begin what goes on in the background."""

    def stop(self) -> None:  # noqa: B027
        """End what goes on in the background."""

    @abstractmethod
    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return the room's state as JSON; without `secrets`, write-only members are `present` or `absent`."""

    @abstractmethod
    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""

    @abstractmethod
    def reset(self) -> None:
        """Reset to the state at the start."""
