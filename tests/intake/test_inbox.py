"""Messages are in the ledger when `take` returns: what they name is wanted, and what depends on them will be."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import LedgerError
from reconciler.intake import raising
from reconciler.intake.dependencies import Flows
from reconciler.intake.inbox import AsyncInbox, Inbox
from reconciler.ledger.data import inbox_rows
from reconciler.ledger.data.inbox_model import MALFORMED, NOTHING, PLACED, UNKNOWN
from reconciler.ledger.data.inbox_store import InboxStore
from reconciler.ledger.data.model import DataScope
from reconciler.ledger.writer import Ledger
from reconciler.ordercloud.deliveries.message import Malformed, Message, Missed
from reconciler.sync.datasync import TYPE_NAMES
from support.ledger_content import content

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCOPES = {name: DataScope("test", "https://api.example#site", "ordercloud", name) for name in TYPE_NAMES}


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url, lambda: NOW) as opened:
        yield opened


@pytest.fixture
def inbox(ledger):
    return Inbox(InboxStore(ledger.database, list(SCOPES.values())), Flows(frozenset(TYPE_NAMES)))


def product(key, **members):
    return Message("product.updated", {"ProductID": key, **members})


def deleted(key):
    return Message("product.deleted", {"ProductID": key})


def level(ledger, key, data_type="products"):
    return ledger.store(SCOPES[data_type]).records.levels([key])[key]


def test_what_a_message_names_is_wanted_once_however_many_name_it(inbox, ledger):
    inbox.take([product("p"), product("p"), product("q")])
    inbox.take([product("p")])
    assert (level(ledger, "p").wanted, level(ledger, "q").wanted) == (2, 1)
    assert level(ledger, "p").is_open


def test_a_dead_record_is_tried_again_when_a_message_names_it(inbox, ledger):
    store = ledger.store(SCOPES["products"])
    with store.lock("test"):
        store.runs.begin("walk", "c", "test", NOW, walks=True, full=False)
        store.records.failed("p", 5, None, dead=True)
        assert level(ledger, "p").dead
        inbox.take([product("p")])
    assert (level(ledger, "p").dead, level(ledger, "p").is_open) == (False, True)


def test_messages_are_counted_by_type_and_outcome(inbox):
    taken = inbox.take(
        [product("p"), Message("entitysync.supplier.updated", {"ID": "s"}), Message("cart", {"ID": 1}), Malformed("it")]
    )
    assert taken.counts == {PLACED: 1, NOTHING: 1, UNKNOWN: 1, MALFORMED: 1}
    inbox.take([product("q")])
    overview = inbox.store.overview()
    assert [(each.type, each.taken) for each in overview.types if each.outcome == PLACED] == [("product.updated", 2)]
    assert (overview.taken, overview.last_at, overview.minutes) == (5, NOW, ((NOW, 5),))


def test_unknown_messages_are_kept_without_their_values_and_not_for_ever(inbox):
    inbox.take([Message(f"new{number}", {"Password": "s3cret"}) for number in range(inbox_rows.MOST_UNKNOWN)])
    inbox.take([Message("x" * 5_000, {f"Name{number}\0\ud800": "s3cret" for number in range(500)})])
    overview = inbox.store.overview()
    assert overview.unknown[0].type == "x" * 200
    assert len(overview.unknown[0].members) == 50
    assert overview.unknown[1].members == ("Password",)
    assert "s3cret" not in str(overview)


def test_a_flood_of_types_is_counted_in_one(inbox):
    for start in range(0, 300, 100):
        inbox.take([Message(f"t{number}", {}) for number in range(start, start + 100)])
    overview = inbox.store.overview()
    assert len(overview.types) == inbox_rows.MOST_TYPES + 1
    assert overview.taken == 300


def test_what_depends_on_a_message_is_kept_once(inbox):
    buyer = Message("entitysync.buyer.updated", {"ID": "acme"})
    inbox.take([buyer, buyer])
    inbox.take([buyer])
    waiting = inbox.store.waiting(10)
    assert [each.names["type"] for each in waiting] == ["customers", "party-prices"]
    assert inbox.store.overview().later == 2
    assert inbox.store.raise_from(waiting[0], {"customers": ["acme.a"]}, "acme.a")
    inbox.take([buyer])  # the first is under way: what it has passed has to be raised again
    assert [each.position for each in inbox.store.waiting(10)] == ["acme.a", None, None]


def test_a_batch_is_raised_by_one_alone(inbox, ledger):
    inbox.take([Message("entitysync.buyer.updated", {"ID": "acme"})])
    first, _ = inbox.store.waiting(10)
    assert inbox.store.raise_from(first, {"customers": ["acme.a"]}, None)
    assert not inbox.store.raise_from(first, {"customers": ["acme.a"]}, None)
    assert level(ledger, "acme.a", "customers").wanted == 1


def test_what_depends_on_a_message_is_raised_in_batches_by_whoever_comes_next(inbox, ledger, monkeypatch):
    monkeypatch.setattr(raising, "_BATCH", 10)
    keys = [f"acme.u{number:02}" for number in range(25)]
    store = ledger.store(SCOPES["customers"])
    store.records.want([*keys, "acme2.u", "zz.u"])
    inbox.take([Message("entitysync.buyer.updated", {"ID": "acme", "Active": False})])
    assert raising.raise_waiting(inbox.store)
    assert store.records.levels(["acme.u09", "acme.u10"])["acme.u09"].wanted == 2
    assert inbox.store.overview().later == 1
    killed = Inbox(InboxStore(ledger.database, list(SCOPES.values())), inbox.flows)  # another process goes on
    while raising.raise_waiting(killed.store):
        pass
    levels = store.records.levels([*keys, "acme2.u", "zz.u"])
    assert {levels[key].wanted for key in keys} == {2}
    assert levels["acme2.u"].wanted == levels["zz.u"].wanted == 1
    assert inbox.store.overview().later == 0


def test_a_user_without_a_buyer_is_found_by_its_id_among_the_known(inbox, ledger):
    store = ledger.store(SCOPES["customers"])
    store.records.want(["acme.jane", "other.jane", "acme.mary-jane", "acme.janet"])
    inbox.take([Message("entitysync.buyeruser.deleted", {"ID": "jane"})])
    assert raising.raise_waiting(inbox.store)
    levels = store.records.levels(["acme.jane", "other.jane", "acme.mary-jane", "acme.janet"])
    assert {key for key, level in levels.items() if level.wanted == 2} == {"acme.jane", "other.jane"}


def test_only_changed_prices_of_a_product_raise_price_lists(inbox):
    inbox.take([product("p", PartyPriceSchedules=[{"Party": "acme"}])])
    [lists] = inbox.store.waiting(10)
    inbox.store.raise_from(lists, {}, None)
    inbox.take([product("p", PartyPriceSchedules=[{"Party": "acme"}], Name="new")])
    assert inbox.store.waiting(10) == []
    inbox.take([product("p", PartyPriceSchedules=[])])
    assert len(inbox.store.waiting(10)) == 1


def test_that_a_record_is_deleted_stands_for_as_long_as_an_update_may_come_late(ledger_url):
    moments = [NOW]
    with Ledger.open(ledger_url, lambda: moments[-1]) as ledger:
        inbox = Inbox(InboxStore(ledger.database, list(SCOPES.values())), Flows(frozenset(TYPE_NAMES)))
        records = ledger.store(SCOPES["products"]).records

        def told():
            found = records.told(["p"])["p"]
            return found.gone, bool(found.members), found.revision, found.age

        inbox.take([product("p", Name="old")])
        assert told() == (False, True, 1, timedelta())
        inbox.take([deleted("p")])
        assert told() == (True, False, 2, timedelta())
        moments.append(NOW + timedelta(minutes=9))
        inbox.take([product("p", Name="late")])
        assert told() == (True, False, 3, timedelta(minutes=9))
        moments.append(NOW + timedelta(minutes=11))
        inbox.take([product("p", Name="made anew")])
        assert told() == (False, True, 4, timedelta())


def test_minutes_are_counted_for_an_hour_by_every_process(ledger_url):
    moments = [NOW]
    with Ledger.open(ledger_url, lambda: moments[-1]) as ledger:
        one, other = (
            Inbox(InboxStore(ledger.database, list(SCOPES.values())), Flows(frozenset(TYPE_NAMES))) for _ in range(2)
        )
        for minutes in (0, 0, 1, 61.5):
            moments.append(NOW + timedelta(minutes=minutes))
            for inbox in (one, other):
                inbox.take([product("p"), Message("new", {})])
        overview = one.store.overview()
    later = [NOW + timedelta(minutes=minutes) for minutes in (1, 61)]
    assert overview.minutes == tuple((minute, 4) for minute in later)
    assert [(each.type, each.taken) for each in overview.types] == [("new", 8), ("product.updated", 8)]


def test_a_message_without_a_place_asks_for_one_walk(inbox, ledger):
    stock = Message("entitysync.inventoryrecord.deleted", {"ID": "r"})
    inbox.take([stock, stock])
    inbox.take([stock])
    store = ledger.store(SCOPES["products"])
    assert store.runs.wanted() == {"light"}
    with store.lock("test"):
        run = store.runs.begin("light", "c", "test", NOW, lists=True, walks=False, full=False, takes=["light"])
        inbox.take([stock])  # it may have passed the product already
        store.runs.end(run.id, "finished", NOW)
    assert store.runs.wanted() == {"light"}


def test_messages_that_are_gone_ask_for_a_walk_of_every_data_type_and_are_counted_as_no_message(inbox, ledger):
    stock = Message("entitysync.inventoryrecord.deleted", {"ID": "r"})
    inbox.take([stock, Missed(7, "the broker did not keep them"), stock])
    assert all(ledger.store(scope).runs.wanted() == {"walk"} for scope in SCOPES.values())
    assert [(each.type, each.taken) for each in inbox.store.overview().types] == [(stock.type, 2)]


def test_hostile_texts_are_taken_and_touch_nothing(inbox):
    for text in ("\0", "\ud800", "x" * 10_000_000, "'; DROP TABLE data_records; --"):
        inbox.take([product(text), Message(text[:100_000], {text[:1_000]: text[:1_000]})])
    assert inbox.store.overview().count(PLACED) == 0


def test_what_many_bring_at_once_is_committed_together(inbox, ledger, monkeypatch):
    commits = []
    take = inbox.store.take
    monkeypatch.setattr(
        inbox.store, "take", lambda arrivals: (commits.append(sum(arrivals.counts.values())), take(arrivals))
    )

    async def bring():
        async with AsyncInbox(inbox) as many:
            await asyncio.gather(*(many.take(product(f"p{number}")) for number in range(200)))
            assert many.raised.is_set()

    asyncio.run(bring())
    assert sum(commits) == 200
    assert len(commits) < 10
    assert ledger.store(SCOPES["products"]).records.open_count() == 200


def test_a_commit_that_fails_acknowledges_nothing_and_the_next_goes_through(inbox, monkeypatch):
    take, fails = inbox.store.take, [LedgerError("full")]

    def taking(arrivals):
        if fails:
            raise fails.pop()
        take(arrivals)

    monkeypatch.setattr(inbox.store, "take", taking)

    async def bring():
        async with AsyncInbox(inbox) as many:
            with pytest.raises(LedgerError):
                await many.take(product("p"))
            await many.take(product("p"))

    asyncio.run(bring())
    assert inbox.store.overview().taken == 1


def test_nothing_of_a_payload_that_is_not_needed_is_in_the_ledger(inbox, ledger_url):
    inbox.take(
        [
            product("p", Name="Shoe", xp={"key": "s3cret"}),
            Message(
                "entitysync.buyeruser.updated",
                {"ID": "j", "CompanyID": "acme", "Phone": "s3cret", "Password": "s3cret"},
            ),
        ]
    )
    assert "s3cret" not in json.dumps(content(ledger_url), default=str)
