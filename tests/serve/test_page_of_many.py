"""The page over many environments: nobody waits for all of them to be read, and it says as of when it is."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any, cast

import pytest

from reconciler.serve.page import glances
from reconciler.serve.page.glances import FEW, Glances
from reconciler.serve.service import Served, Service
from reconciler.sync.monitor.overview import Facts, State
from support.page_samples import good
from support.sync_samples import NOW

NAMES = [f"shop-{number:02}" for number in range(FEW + 5)]


class Environment:
    """One that is served, as far as the page asks for it."""

    consumers = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def share(self, _access: object) -> None:
        pass

    def reopened(self, _now: object) -> Any:
        return self

    opened_at = NOW


def test_who_looks_first_waits_a_moment_and_later_ones_see_what_was_read_and_as_of_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go_on, reads, clock = threading.Event(), list[str](), [NOW]

    def gathered(served: Any, _session: object, _now: object, *, whole: bool) -> Facts:
        reads.append(served.name)
        if served.name == NAMES[0]:
            may_go_on.wait(30)
        return good(served.name)

    async def looks() -> None:
        environments = {name: cast("Served", Environment(name)) for name in NAMES}
        service = Service(environments, now=lambda: clock[0])
        found = Glances(service)
        first = {each.environment: each for each in await found.several(NAMES)}
        assert (first[NAMES[0]].state, first[NAMES[0]].reasons) == (
            State.UNKNOWN,
            ("It is being read: look again in a moment",),
        )
        assert first[NAMES[1]].facts.statuses
        clock[0] = NOW + timedelta(seconds=90)
        may_go_on.set()
        await asyncio.gather(*service.tasks)
        again = {each.environment: each for each in await found.several(NAMES)}
        assert again[NAMES[0]].facts.statuses
        # What was read before is shown as of then, while it is read anew.
        assert again[NAMES[1]].at == NOW
        await asyncio.gather(*service.tasks)

    monkeypatch.setattr(glances, "_gathered", gathered)
    monkeypatch.setattr(glances, "_FIRST_LOOK_SECONDS", 0.5)
    monkeypatch.setattr(Glances, "_look", _nobody_asks)
    asyncio.run(looks())
    assert set(reads) == set(NAMES)


async def _nobody_asks(*_: object) -> None: ...
