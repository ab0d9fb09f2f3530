"""How a run listens for events once it has done all else."""

from __future__ import annotations

import asyncio


class Bell:
    """Rings where something was raised, for all who listen to it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever listens."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    @property
    def next(self) -> asyncio.Event:
        """Set by the next ring."""
        return self._event


class Listening:
    """How a run listens for events, and how it is told that it has listened enough.

    Args:
        bell: rings where something was raised in this process. What others raise is found by asking twice a second.
    """

    def __init__(self, bell: Bell | None = None) -> None:
        self.bell = Bell() if bell is None else bell
        self.begun = asyncio.Event()
        """Set when the run has done all else."""
        self.enough = asyncio.Event()
        """Ends it."""
        self.outdone = False
        """Whether it ended because somebody wants a full sync."""
