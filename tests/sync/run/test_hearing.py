"""Trust in messages, measured by runs: walks come less often while all is told, and as before once a change was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.ledger.data.inbox_model import Arrivals
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.writer import Ledger
from reconciler.sync.heard import Feed
from reconciler.sync.mode import Mode
from support.engine import SCOPE, SETTINGS, Engine, Things, quick
from support.levels import levels_of

MESSAGE = "thing.updated"


@dataclass
class Told(Things):
    """Things of which a message tells all; lists show what stands before a `|`, and what holds a `+` is silent."""

    feeds = MappingProxyType({"body": Feed(MESSAGE, (("ThingSync", ""),))})

    def is_silent(self, record: tuple[str, str]) -> bool:
        return "+" in record[1]


class Shop(Engine):
    """An engine whose ledger has its clock, and to which messages come."""

    def message(self, *keys: str) -> None:
        """Take a message about these in; of none: about something else."""
        store = InboxStore(self.levels.store.database, [SCOPE])
        raised: dict[str, Any] = {SCOPE.data_type: dict.fromkeys(keys)} if keys else {}
        store.take(Arrivals(Counter({(MESSAGE, "placed"): 1}), raised))

    def next(self, **duration: float) -> Mode:
        """Run by itself after a while, with a message just before; return how."""
        self.later(**duration)
        self.message()
        return self.run().mode

    def trusted(self) -> None:
        """Come to where the last walk found all to be told."""
        self.run()
        self.message()
        assert self.next(hours=25) is Mode.WALK

    def is_walked(self) -> bool:
        """Whether a walk is due a day after the last one, though messages come."""
        return self.next(hours=25) is Mode.WALK


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    quick(monkeypatch)
    clock: list[Shop] = []
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    settings = replace(SETTINGS, heard_walk_interval=timedelta(days=3))
    things = Told(there={"a": "A", "b": "B", "c": "C"})
    start = datetime.now(UTC)
    with Ledger.open(url, lambda: clock[0].now if clock else start) as ledger:
        shop = Shop(levels_of(ledger, SCOPE), things, settings=settings, now=start)
        clock.append(shop)
        yield shop


def test_what_is_heard_is_walked_every_heard_walk_interval(shop: Shop) -> None:
    shop.trusted()
    assert [shop.next(hours=23) for _ in range(3)] == [Mode.LIGHT] * 3
    assert shop.next(hours=23) is Mode.WALK


def test_without_the_setting_it_is_walked_as_before(shop: Shop) -> None:
    shop.settings = replace(shop.settings, heard_walk_interval=None)
    shop.trusted()
    assert shop.is_walked()


def test_a_data_type_without_a_message_for_everything_is_walked_as_before(shop: Shop) -> None:
    shop.things = Things(there=shop.things.there)
    shop.trusted()
    assert shop.is_walked()


def test_the_first_walk_after_the_first_message_measures_and_none_before(shop: Shop) -> None:
    shop.run()
    assert shop.run(Mode.WALK).mode is Mode.WALK
    assert shop.is_walked()
    assert not shop.is_walked()


def test_an_untold_change_that_lists_do_not_show_is_found_by_the_next_walk_and_brings_the_interval_back(
    shop: Shop,
) -> None:
    shop.trusted()
    shop.things.there["b"] = "B|other"
    assert [shop.next(hours=25) for _ in range(2)] == [Mode.LIGHT] * 2
    assert shop.things.site["b"] == "B"
    # Trust was wrong, and this is how long: no longer than heardWalkInterval.
    assert shop.next(hours=25) is Mode.WALK
    assert shop.things.site["b"] == "B|other"
    assert shop.is_walked()
    # That one found nothing.
    assert not shop.is_walked()


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.WALK])
def test_an_untold_change_that_lists_show_says_that_messages_are_missing(shop: Shop, mode: Mode) -> None:
    shop.trusted()
    shop.things.there["b"] = "B2"
    shop.run(mode)
    assert shop.is_walked()


def test_a_new_record_and_a_deleted_one_are_untold_changes_as_well(shop: Shop) -> None:
    shop.trusted()
    shop.things.there["d"] = "D"
    shop.run(Mode.LIGHT)
    assert shop.is_walked()
    assert not shop.is_walked()
    del shop.things.there["d"]
    shop.run(Mode.LIGHT)
    assert shop.is_walked()


def test_a_change_that_a_message_told_is_none_whoever_comes_first(shop: Shop) -> None:
    shop.trusted()
    shop.things.there |= {"a": "A2", "b": "B|other"}
    shop.message("a", "b")
    assert shop.run(Mode.WALK).counts["written"] == 2
    # The message may be some minutes late.
    shop.things.there["c"] = "C2"
    shop.run(Mode.LIGHT)
    shop.later(minutes=5)
    shop.message("c")
    shop.run()
    assert not shop.is_walked()


def test_a_message_that_comes_hours_later_is_about_another_change(shop: Shop) -> None:
    shop.trusted()
    shop.things.there["b"] = "B2"
    shop.run(Mode.LIGHT)
    shop.later(minutes=30)
    shop.run()
    shop.things.there["b"] = "B3"
    shop.message("b")
    shop.run()
    assert shop.is_walked()


def test_a_full_sync_measures_nothing_as_it_differs_for_reasons_of_its_own(shop: Shop) -> None:
    shop.trusted()
    shop.things.there["b"] = "B2"
    shop.run(Mode.FULL)
    assert shop.is_walked()
    assert not shop.is_walked()


def test_a_record_with_something_that_no_message_tells_is_walked_until_it_is_gone(shop: Shop) -> None:
    shop.trusted()
    shop.things.there["b"] = "B+"
    shop.message("b")
    shop.run()
    assert shop.is_walked()
    assert shop.is_walked()
    shop.things.there["b"] = "B"
    shop.message("b")
    shop.run()
    assert shop.is_walked()
    assert not shop.is_walked()


def test_a_sync_that_was_off_for_a_while_is_not_trusted_before_another_walk(shop: Shop) -> None:
    shop.trusted()
    shop.unheard["body"] = "ThingSync/x is paused"
    shop.run()
    shop.unheard.clear()
    assert shop.is_walked()
    assert not shop.is_walked()


def test_a_walk_during_which_a_sync_was_off_measures_nothing(shop: Shop) -> None:
    shop.trusted()
    shop.unheard["body"] = "ThingSync/x is paused"
    shop.run(Mode.WALK)
    shop.unheard.clear()
    assert shop.is_walked()
    assert not shop.is_walked()


def test_a_feed_that_fell_silent_is_not_trusted(shop: Shop) -> None:
    shop.trusted()
    shop.later(hours=25)
    assert shop.run().mode is Mode.WALK
    # It may have been silent while that one read.
    assert shop.is_walked()
    assert not shop.is_walked()
