"""Events of the transport for an observer (`-v`, progress): never a body, a header or a query value."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Call(Struct, frozen=True):
    """A request in words: its method and its path below the API's base, without the query."""

    method: str
    path: str

    def __str__(self) -> str:
        """`METHOD path`, as errors and logs name it."""
        return f"{self.method} {self.path}"


class Exchanged(Struct, frozen=True):
    """One attempt is over. `status` is None where no answer came; `trouble` then says why."""

    call: Call
    attempt: int
    milliseconds: float
    status: int | None = None
    trouble: str | None = None


class Waiting(Struct, frozen=True):
    """The request will be repeated in `seconds`, because of `reason`, e.g. `rate limited`."""

    call: Call
    attempt: int
    seconds: float
    reason: str


class Observer(Protocol):
    """Listens to a client. Its methods must return at once and not raise."""

    def exchanged(self, event: Exchanged) -> None: ...

    def waiting(self, event: Waiting) -> None: ...


class Silent:
    """An observer that says nothing."""

    def exchanged(self, event: Exchanged) -> None:
        """Ignore it."""

    def waiting(self, event: Waiting) -> None:
        """Ignore it."""
