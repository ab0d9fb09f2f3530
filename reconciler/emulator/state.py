"""State of an emulator, all of it that can change: dumped, loaded and reset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reconciler.emulator.clock import Clock
from reconciler.emulator.faults import Faults
from reconciler.emulator.requestlog import LogSetting, RequestLog
from reconciler.emulator.room import Room
from reconciler.emulator.switches import Switches
from reconciler.emulator.traffic import Traffic, TrafficSetting
from reconciler.errors import LoadError

_NEXT_STEP = "Take one with secrets, from GET /_emulator/state?secrets=true, or a file that an emulator kept."


class State:
    """State of an emulator: clock, switches, faults, traffic, request log and the emulated APIs.

    Args:
        switches: as they are at the start and after a reset.
        traffic: latency and rate limit at the start and after a reset.
        make_rooms: makes the emulated APIs around this state.
    """

    def __init__(
        self, switches: Switches, traffic: TrafficSetting, make_rooms: Callable[[State], Sequence[Room]]
    ) -> None:
        self._at_start = (switches, traffic)
        self.switches = switches
        self.traffic = Traffic(traffic)
        self.clock = Clock()
        self.faults = Faults()
        self.requests = RequestLog()
        self.revision = 0
        self.rooms = {room.name: room for room in make_rooms(self)}

    def reset(self) -> None:
        """Reset to the start: empty APIs, real time, no faults, an empty request log."""
        switches, traffic = self._at_start
        self.switches = switches
        self.traffic.set(traffic)
        self.clock.reset()
        self.faults.clear()
        self.requests.clear()
        self.requests.setting = LogSetting()
        for room in self.rooms.values():
            room.reset()

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return clock, switches and every API's state as JSON; values of write-only members only with `secrets`."""
        return {
            "clock": self.clock.dump(),
            "switches": self.switches.model_dump(),
            **{name: room.dump(secrets=secrets) for name, room in self.rooms.items()},
        }

    def load(self, dumped: Any) -> None:
        """Load a dump that was made with secrets.

        Raises:
            LoadError: it is no such dump; the state is then as it was, or as after a reset.
            UsageError: it names a switch that there is not.
        """
        # Any other JSON object would be taken for an empty emulator, and its file be written over.
        parts = dumped.keys() if isinstance(dumped, dict) else ()
        missing = [name for name in ("clock", "switches", *self.rooms) if name not in parts]
        if missing:
            raise LoadError(f"this is no state of an emulator: {', '.join(missing)} missing", next_step=_NEXT_STEP)
        try:
            self.switches = self._at_start[0].changed(dumped["switches"])
            self.clock.load(dumped["clock"])
            for name, room in self.rooms.items():
                room.reset()
                room.load(dumped[name])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.reset()
            raise LoadError("this is no state of an emulator", next_step=_NEXT_STEP) from error
