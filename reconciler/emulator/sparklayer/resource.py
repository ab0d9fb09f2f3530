"""Base of every resource of SparkLayer's room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from reconciler.emulator.sparklayer.login import SiteHandler
from reconciler.emulator.sparklayer.problems import Problems
from reconciler.emulator.state import State

Routes = Iterable[tuple[str, str, SiteHandler]]


class Resource(ABC):
    """Operations on one part of what a site holds.

    Args:
        state: for the switches.
        problems: makes the errors.
    """

    def __init__(self, state: State, problems: Problems) -> None:
        self._state = state
        self._problems = problems

    @abstractmethod
    def routes(self) -> Routes:
        """Return method, path and handler of every operation."""
