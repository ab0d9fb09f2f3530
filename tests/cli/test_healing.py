"""Several environments are healed one after the other: one that fails, or a signal, is no end of the others' truth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.heal import Healing
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal import healing
from reconciler.errors import LedgerLocked
from reconciler.reconcile.plan import Breach
from reconciler.reconcile.session import PlanRequest


def environments(*names: str) -> Any:
    settings = SimpleNamespace(heal=())
    return [SimpleNamespace(name=name, lasting=True, settings=settings) for name in names]


def heal_each(*names: str) -> healing.Healed:
    manifests = Path("manifests")
    return healing.heal_each(
        environments(*names), manifests, PlanRequest(), Options(), ephemeral=False, token_cache=False
    )


@pytest.fixture
def healed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    async def heal(session: Any, *_: Any, **__: Any) -> Healing:
        asked.append(session.name)
        if session.name == "locked":
            raise LedgerLocked("somebody else holds the apply lock")
        breach = Breach("maxPause", "too long", ("ProductSync/products",))
        return replace(Healing(), refused=(breach,) if session.name == "refused" else ())

    monkeypatch.setattr(healing, "heal", heal)
    return asked


def test_one_that_fails_does_not_keep_the_others_from_being_healed(healed: list[str]) -> None:
    found = heal_each("one", "locked", "refused")
    assert healed == ["one", "locked", "refused"]
    assert found.by_environment.keys() == {"one", "refused"}
    assert found.statuses == [Status.DONE, Status.ERROR, Status.REFUSED]


def test_the_only_one_fails_as_it_is(healed: list[str]) -> None:
    with pytest.raises(LedgerLocked):
        heal_each("locked")
    assert healed == ["locked"]
