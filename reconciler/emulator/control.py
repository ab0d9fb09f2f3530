"""Control API of the emulator, `/_emulator/`, for tests and demos. Never logged, never slowed, never hit by faults."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from reconciler.emulator.bodies import decode, json_object, validated
from reconciler.emulator.clock import ClockSetting
from reconciler.emulator.faults import FaultRule
from reconciler.emulator.requestlog import LogSetting
from reconciler.emulator.routing import ControlHandler, Router
from reconciler.emulator.state import State
from reconciler.emulator.traffic import TrafficSetting
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer
from reconciler.errors import LoadError, UsageError


class Control:
    """Control API over one state."""

    name: ClassVar[str] = "_emulator"

    def __init__(self, state: State) -> None:
        self._state = state
        self._router: Router[ControlHandler] = Router()
        self._endpoints: list[dict[str, str]] = []
        routes: list[tuple[str, str, ControlHandler]] = [
            ("GET", "/_emulator", self._overview),
            ("POST", "/_emulator/reset", self._reset),
            ("GET", "/_emulator/state", self._dump),
            ("PUT", "/_emulator/state", self._load),
            ("GET", "/_emulator/switches", self._switches),
            ("PUT", "/_emulator/switches", self._set_switches),
            ("GET", "/_emulator/faults", self._faults),
            ("POST", "/_emulator/faults", self._add_faults),
            ("DELETE", "/_emulator/faults", self._clear_faults),
            ("GET", "/_emulator/traffic", self._traffic),
            ("PUT", "/_emulator/traffic", self._set_traffic),
            ("GET", "/_emulator/clock", self._clock),
            ("PUT", "/_emulator/clock", self._set_clock),
            ("GET", "/_emulator/requests", self._requests),
            ("PUT", "/_emulator/requests", self._set_requests),
            ("DELETE", "/_emulator/requests", self._clear_requests),
            *(route for room in state.rooms.values() for route in room.control_routes()),
        ]
        for method, path, handler in routes:
            self._router.add(method, path, handler)
            self._endpoints.append({"method": method, "path": path, "does": (handler.__doc__ or "").strip()})

    async def answer(self, request: Request) -> Answer:
        """Answer one request; mistakes get 400 with `error` and what can be done."""
        found = self._router.find(request, skip=0)
        if isinstance(found, frozenset):
            return json_answer({"error": "no such endpoint; GET /_emulator lists them"}, 405 if found else 404)
        try:
            answer = found(request)
            return await answer if isinstance(answer, Awaitable) else answer
        except Refusal as refusal:
            return refusal.answer
        except (UsageError, LoadError) as error:
            return json_answer({"error": error.message, "nextStep": error.next_step}, 400)

    def _overview(self, _request: Request) -> Answer:
        """List these endpoints."""
        return json_answer({"endpoints": self._endpoints})

    def _reset(self, _request: Request) -> Answer:
        """Reset the emulator to its start."""
        self._state.reset()
        return NO_CONTENT

    def _dump(self, request: Request) -> Answer:
        """Dump the whole state; with ?secrets=true the values of write-only members too."""
        return json_answer(self._state.dump(secrets=("secrets", "true") in request.params))

    def _load(self, request: Request) -> Answer:
        """Load a state that was dumped with ?secrets=true."""
        self._state.load(json_object(request))
        return NO_CONTENT

    def _switches(self, _request: Request) -> Answer:
        """List the switches with their values, choices and meaning."""
        return json_answer(self._state.switches.describe())

    def _set_switches(self, request: Request) -> Answer:
        """Set the switches that are named; the others stay."""
        self._state.switches = self._state.switches.changed(json_object(request))
        return self._switches(request)

    def _faults(self, _request: Request) -> Answer:
        """List the faults with how many requests each has seen and hit."""
        return json_answer(self._state.faults.dump())

    def _add_faults(self, request: Request) -> Answer:
        """Add one fault, or a list of them."""
        decoded = decode(request)
        items = decoded if isinstance(decoded, list) else [decoded]
        for rule in [validated(FaultRule, item) for item in items]:
            self._state.faults.add(rule)
        return self._faults(request)

    def _clear_faults(self, _request: Request) -> Answer:
        """Remove all faults."""
        self._state.faults.clear()
        return NO_CONTENT

    def _traffic(self, _request: Request) -> Answer:
        """Show latency and rate limit."""
        return json_answer(self._state.traffic.setting.model_dump())

    def _set_traffic(self, request: Request) -> Answer:
        """Set latency and rate limit."""
        self._state.traffic.set(validated(TrafficSetting, decode(request)))
        return self._traffic(request)

    def _clock(self, _request: Request) -> Answer:
        """Show the emulator's clock."""
        return json_answer(self._state.clock.dump())

    def _set_clock(self, request: Request) -> Answer:
        """Set, advance, freeze or unfreeze the clock."""
        self._state.clock.set(validated(ClockSetting, decode(request)))
        return self._clock(request)

    def _requests(self, _request: Request) -> Answer:
        """List the requests that the APIs saw."""
        return json_answer(self._state.requests.dump())

    def _set_requests(self, request: Request) -> Answer:
        """Set which requests the list keeps the bodies of: {"bodies": glob over the path}."""
        self._state.requests.setting = validated(LogSetting, decode(request))
        return NO_CONTENT

    def _clear_requests(self, _request: Request) -> Answer:
        """Empty the list of requests."""
        self._state.requests.clear()
        return NO_CONTENT
