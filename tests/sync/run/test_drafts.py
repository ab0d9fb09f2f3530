"""Mapping that is much work, beside the event loop: in a process of its own, or here where that cannot be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.sync.products.datatype import Products
from reconciler.sync.products.settings import product_settings
from reconciler.sync.run import drafts, mapper_process
from reconciler.sync.run.drafts import Drafts
from reconciler.sync.run.mapper_process import HEAD, content_of, message, serve

_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_DOUBLED = " | ".join(["xp.Eaten", *["[@, @][]"] * 20])
_COSTLY = Products(product_settings({"products": {"mapping": {"title": f"({_DOUBLED}) && Name"}}}))


def _record(key: str) -> dict[str, Any]:
    return {"ID": key, "Name": "Chair", "xp": {"Eaten": list(range(10))}}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record is much work from the start."""
    monkeypatch.setattr(drafts, "_BURST_SECONDS", -1.0)


def test_a_mapping_that_eats_its_budget_is_carried_out_in_another_process_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drafts, "_MUCH_SECONDS", 0.0)
    monkeypatch.setattr(drafts, "_BURST_SECONDS", 0.000_001)
    monkeypatch.setattr(drafts, "_SHARE", 0.0)  # however long the other process takes to start
    here: list[str] = []
    mapped = Products.map

    def map_(self: Products, record: Any, now: datetime, facts: Any) -> Any:
        here.append(record["ID"])
        return mapped(self, record, now, facts)

    monkeypatch.setattr(Products, "map", map_)

    async def scenario() -> list[Any]:
        them = Drafts(_COSTLY)
        try:
            return [await them.of(_record(key), _NOW, "GBP") for key in "abc"]
        finally:
            await them.close()

    found = asyncio.run(scenario())
    assert here == ["a"]
    assert found == [mapped(_COSTLY, _record(key), _NOW, "GBP") for key in "abc"]
    assert {problem.code for each in found for problem in each.problems} >= {"costly-mapping"}


def test_what_no_other_process_can_map_is_mapped_here(impatient: None) -> None:
    here: list[str] = []

    def map_(record: Any, now: datetime, facts: Any) -> Any:
        here.append(record["ID"])
        return _COSTLY.map(record, now, facts)

    async def scenario() -> list[str]:
        data: Any = SimpleNamespace(map=map_)  # a function within a function cannot be sent
        them = Drafts(data)
        return [(await them.of(_record(key), _NOW, "GBP")).key for key in "ab"]

    assert asyncio.run(scenario()) == here == ["a", "b"]


def test_records_that_are_little_work_start_no_process() -> None:
    async def scenario() -> None:
        them = Drafts(Products(product_settings({"products": {}})))
        for number in range(100):
            await them.of({"ID": str(number)}, _NOW, "GBP")
        assert them._process is None

    asyncio.run(scenario())


def test_the_other_process_is_told_facts_once_and_ends_with_its_input() -> None:
    requests = BytesIO(b"".join(message(each) for each in (((_COSTLY, "GBP"), _record("a"), _NOW), (None, {}, _NOW))))
    answers = BytesIO()
    serve(requests, answers)
    answers.seek(0)
    found = []
    while head := answers.read(HEAD.size):
        found.append(content_of(answers.read(*HEAD.unpack(head))))
    assert [draft for draft, _ in found] == [_COSTLY.map(each, _NOW, "GBP") for each in (_record("a"), {})]
    assert all(seconds > 0 for _, seconds in found)


def test_no_secret_goes_to_the_other_process(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OC_CLIENT_SECRET", "hush")
    given: list[Any] = []

    async def refuse(*words: str, env: dict[str, str], **_: Any) -> None:
        given.append((words, env))
        raise OSError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    asyncio.run(Drafts(_COSTLY).of(_record("a"), _NOW, "GBP"))
    [(words, env)] = given
    assert words[-1] == mapper_process.__name__
    assert "hush" not in env.values()
