"""One data sync with several data types: which are meant, and how they run one after the other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.app.chosen import Chosen, only
from reconciler.app.records import record_keys
from reconciler.app.status import statuses_of_each
from reconciler.app.sync_each import RanEach, run_each
from reconciler.errors import Interrupted, LedgerError, SourceIncomplete, TargetIncomplete, UsageError
from reconciler.ledger.access import Access
from reconciler.ledger.data.model import DataScope
from reconciler.sync.datasync import DataSync, Standing, named, settings_for
from reconciler.sync.run.report import State
from support.engine import Things
from support.sync_samples import NOW, PRODUCTS, settings


class People(Things):
    """A data type whose IDs have a dot, which OrderCloud's cannot have."""

    name = "people"
    noun = "person"
    id_form = "the ID of a person, such as buyer.user"

    def record_of(self, external_id: str) -> str | None:
        return external_id if external_id.count(".") == 1 else None


class Papers(Things):
    """A data type with IDs like those of products."""

    name = "papers"

    def record_of(self, external_id: str) -> str | None:
        return PRODUCTS.record_of(external_id)


def sync(data: Any, name: str = "shop", *, several: bool = True) -> DataSync:
    chosen = settings_for(data, settings(name=name), several=several)
    scope = DataScope("production", "https://site#demo", "ordercloud", data.name)
    return DataSync(name, chosen, data, scope, Standing.APPLIED)


SHOP = (sync(PRODUCTS), sync(People(lights=False)), sync(Papers()))


def chosen(*syncs: DataSync) -> tuple[Chosen, ...]:
    session: Any = SimpleNamespace(name="production")
    return tuple(Chosen(session, each) for each in syncs or SHOP)


def test_a_data_sync_is_all_its_data_types_in_their_order_or_the_one_that_is_named() -> None:
    other = sync(PRODUCTS, "other", several=False)
    assert named((*SHOP, other), "production", "shop") == SHOP
    assert named(SHOP, "production", None, "people") == (SHOP[1],)
    with pytest.raises(UsageError, match="several: shop, other"):
        named((*SHOP, other), "production", None)
    with pytest.raises(UsageError, match="of shop no pepole flow") as refused:
        named(SHOP, "production", "shop", "pepole")
    assert refused.value.next_step == "It has products, people, papers."


def test_a_status_of_a_data_type_that_does_not_flow_is_not_that_of_an_environment_without_data_syncs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.app.status.data_syncs", lambda *_: SHOP)
    monkeypatch.setattr("reconciler.app.status.leaving_syncs", lambda *_: ())
    session: Any = SimpleNamespace(name="production", desired=(), memory=lambda _: None, access=Access())
    with pytest.raises(UsageError, match="of shop no pepole flow"):
        statuses_of_each([session], (), NOW, "pepole")


def test_commands_name_the_data_type_where_there_are_several() -> None:
    assert [each.command for each in SHOP] == ["shop --type products", "shop --type people", "shop --type papers"]
    assert sync(PRODUCTS, several=False).command == "shop"


def test_without_light_walks_everything_is_promised_as_walks_keep_it() -> None:
    people = SHOP[1].settings
    assert people.look_interval == people.walk_interval == settings().walk_interval
    assert people.freshness == settings().walk_interval + settings().freshness
    assert SHOP[0].settings.look_interval == settings().look_interval


def test_the_id_of_a_record_tells_which_data_type_is_meant_where_only_one_can_have_it() -> None:
    assert only(chosen(), ("buyer.user",)).sync.type == "people"
    assert only(chosen(SHOP[0], SHOP[1]), ("P-1/red", "P-2")).sync.type == "products"
    with pytest.raises(UsageError, match="say of which data type is P-1") as unclear:
        only(chosen(), ("P-1",))
    assert unclear.value.next_step == "--type products or papers."
    with pytest.raises(UsageError, match="say which data type is meant"):
        only(chosen())
    assert only(chosen(SHOP[2])).sync.type == "papers"
    with pytest.raises(UsageError, match=r"a b is not the ID of a product, .*, nor the ID of a person"):
        only(chosen(SHOP[0], SHOP[1]), ("P-1", "a b"))


def test_ids_of_several_data_types_are_not_called_wrong() -> None:
    with pytest.raises(UsageError, match=r"P-1, buyer\.user are records of several data types") as mixed:
        only(chosen(SHOP[0], SHOP[1]), ("P-1", "buyer.user"))
    assert mixed.value.next_step == "Name those of one at a time: products or people."


def test_the_id_of_a_variant_stands_for_its_record() -> None:
    assert record_keys(chosen()[0], ["P-1/red", "P-2", "P-1", "P-1/blue"]) == ("P-1", "P-2")
    with pytest.raises(UsageError):
        record_keys(chosen()[0], ["P-1/red/blue"])


def ran(outcomes: dict[str, State | Exception], *, stopped: str = "") -> tuple[RanEach[Any], list[str]]:
    """Run the data types, each with an outcome; return what came of it and which began."""
    begun = []

    async def work(each: Chosen) -> tuple[Any, bool]:
        begun.append(each.sync.type)
        outcome = outcomes.get(each.sync.type, State.FINISHED)
        if isinstance(outcome, Exception):
            raise outcome
        return SimpleNamespace(type=each.sync.type, report=SimpleNamespace(state=outcome)), each.sync.type == stopped

    return asyncio.run(run_each(chosen(), work)), begun


ALL = ["products", "people", "papers"]


@pytest.mark.parametrize("error", [SourceIncomplete("no catalog"), TargetIncomplete("no list")])
def test_a_limit_and_what_one_lacks_say_nothing_of_the_next(error: Exception) -> None:
    found, begun = ran({"products": State.STOPPED, "people": error})
    assert begun == ALL
    assert [each.type for each in found.ended] == ["products", "papers"]
    assert (found.errors, found.left) == ((error,), ())


@pytest.mark.parametrize("outcome", [State.INTERRUPTED, State.CANCELLED, Interrupted("at once"), LedgerError("gone")])
def test_an_api_that_stays_away_and_whoever_ends_one_end_it_for_all(outcome: State | Exception) -> None:
    found, begun = ran({"people": outcome})
    assert begun == ["products", "people"]
    assert [each.sync.type for each in found.left] == ["papers"]
    assert found.ended[0].type == "products"
    assert len(found.errors) == isinstance(outcome, Exception)


def test_a_stop_at_the_end_of_one_begins_no_other() -> None:
    found, begun = ran({}, stopped="products")
    assert (begun, found.stopped) == (["products"], True)
    assert len(found.left) == 2


def test_of_one_data_type_alone_an_error_is_the_command_s() -> None:
    async def work(_: Chosen) -> tuple[Any, bool]:
        raise TargetIncomplete("no list")

    with pytest.raises(TargetIncomplete):
        asyncio.run(run_each(chosen()[:1], work))
