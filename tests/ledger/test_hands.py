"""Several hands work on one run: what fences each is its membership and its claims, and they wait for no lock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import LockLost
from reconciler.ledger.data.model import DataScope, ProblemRow, Result
from reconciler.ledger.writer import Ledger

SCOPE = DataScope("test", "https://api.example#site", "ordercloud", "products")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRINT = b"\x01" * 16


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture
def keeper(ledger):
    store = ledger.store(SCOPE)
    with store.lock("keeper"):
        run = store.runs.begin("full", "digest", "keeper", NOW, walks=True, full=True)
        store.hands.take(run.id, takes=True)
        yield store


def hand_of(ledger, store):
    hand = ledger.store(SCOPE)
    hand.hands.join(store.runs.unfinished().id, "hand")
    return hand


def due(store, token="t", limit=9):
    return [level.key for level in store.records.claim_due(limit, datetime.now(UTC) + timedelta(days=1), 600, token)]


class TestMembership:
    def test_a_hand_writes_records_without_the_lock_and_nothing_of_the_run(self, ledger, keeper):
        hand = hand_of(ledger, keeper)
        run = keeper.runs.unfinished().id
        keeper.records.want(["a"])
        assert due(hand) == ["a"]
        hand.records.begin_writes([("a", ["product"])])
        assert hand.records.record([Result("a", prints={"product": PRINT}, token="t")], run, {"written": 1}) == []
        hand.records.seen(run, {"b": None})
        hand.records.failed("c", 1, None)
        assert keeper.runs.run(run).counts == {"written": 1}
        for write in (
            lambda: hand.runs.end(run, "finished", NOW),
            lambda: hand.runs.update(run, listed=True),
            lambda: hand.problems.close_unconfirmed(run),
            lambda: hand.log.to_log(9),
        ):
            with pytest.raises(LockLost):
                write()

    def test_a_hand_ends_with_its_run(self, ledger, keeper):
        hand = hand_of(ledger, keeper)
        keeper.runs.end(keeper.runs.unfinished().id, "finished", NOW)
        with pytest.raises(LockLost):
            hand.records.record([Result("a")], None)
        with pytest.raises(LockLost):
            ledger.store(SCOPE).hands.join(keeper.runs.last().id, "late")

    def test_a_hand_ends_with_a_new_run(self, ledger, keeper):
        hand = hand_of(ledger, keeper)
        keeper.records.want(["a"])
        assert due(hand) == ["a"]
        keeper.runs.begin("full", "digest", "keeper", NOW, walks=True, full=True)
        with pytest.raises(LockLost):
            hand.records.seen(None, {"a": None})
        assert due(keeper) == ["a"], "its claims end with it"

    def test_another_keeper_ends_the_one_before_and_no_other_hand(self, ledger, keeper):
        hand = hand_of(ledger, keeper)
        keeper.records.want(["a", "b"])
        assert due(hand, limit=1) == ["a"]
        assert due(keeper, limit=1) == ["b"]
        ledger.unlock(SCOPE.lock_name, force=True)
        new = ledger.store(SCOPE)
        with new.lock("new"):
            with pytest.raises(LockLost):
                keeper.records.record([Result("b")], None)
            run = new.runs.resume(new.runs.unfinished().id, "new").id
            assert due(new) == ["b"], "the claim of the hand still holds, that of the keeper does not"
            assert hand.records.record([Result("a", prints={"product": PRINT}, token="t")], run) == []
            assert not new.records.levels(["a"])["a"].is_open

    def test_the_same_word_for_a_claim_is_another_claim_in_another_hand(self, ledger, keeper):
        one, two = hand_of(ledger, keeper), hand_of(ledger, keeper)
        keeper.records.want(["a"])
        assert due(one, "t") == ["a"]
        assert due(two, "t") == []
        assert two.records.record([Result("a", prints={"product": PRINT}, token="t")], None) == ["a"]
        assert one.records.record([Result("a", prints={"product": PRINT}, token="t")], None) == []


def side_by_side(*works):
    """Run each in a thread of its own, all at once, and raise what any of them raises."""
    start, errors = threading.Barrier(len(works)), []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised again, where the test sees it
            errors.append(error)

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class TestSideBySide:
    """What SQLite lines up by itself has to be right on PostgreSQL, too."""

    def test_no_wish_is_lost(self, ledger, keeper):
        keys = [f"{number:02}" for number in range(20)]
        stores = [ledger.store(SCOPE) for _ in range(4)]
        # In different orders, as they come.
        orders = [keys, keys[::-1], keys[10:] + keys[:10], keys[::2] + keys[1::2]]
        for _ in range(5):
            side_by_side(
                *(
                    lambda store=store, order=order: store.records.want(order)
                    for store, order in zip(stores, orders, strict=True)
                )
            )
        assert {level.wanted for level in keeper.records.levels(keys).values()} == {20}

    def test_who_asks_for_a_name_gets_it_or_hears_of_it(self, ledger, keeper):
        giver, taker = hand_of(ledger, keeper), hand_of(ledger, keeper)
        for number in range(30):
            name = ("sku", str(number))
            giver.names.claim_many({"a": [name]})
            before = keeper.records.levels(["b"])
            side_by_side(
                lambda: giver.names.claim_many({"a": []}),
                lambda name=name: taker.names.claim_many({"b": [name]}),
            )
            woken = keeper.records.levels(["b"]).keys() - before.keys() or (
                before and keeper.records.levels(["b"])["b"].wanted > before["b"].wanted
            )
            assert bool(woken) != (keeper.names.owners([name]) == {name: "b"})

    def test_a_name_that_two_want_at_once_has_one_owner(self, ledger, keeper):
        one, two = hand_of(ledger, keeper), hand_of(ledger, keeper)
        names, found = [("sku", str(number)) for number in range(20)], {}
        side_by_side(
            lambda: found.update(one.names.claim_many({"a": names})),
            lambda: found.update(two.names.claim_many({"b": names[::-1]})),
        )
        owners = keeper.names.owners(names)
        assert owners.keys() == set(names)
        for key in ("a", "b"):
            assert found[key] == {name: owner for name, owner in owners.items() if owner != key}

    def test_a_record_is_claimed_once(self, ledger, keeper):
        keys = [f"{number:03}" for number in range(60)]
        keeper.records.want(keys)
        hands, taken = [hand_of(ledger, keeper) for _ in range(3)], []

        def work(hand):
            while claimed := due(hand, limit=5):
                taken.extend(claimed)

        side_by_side(*(lambda hand=hand: work(hand) for hand in hands))
        # Who meets locked rows may go home early; nothing is taken twice, and the rest is there for the next.
        taken += due(keeper, limit=100)
        assert sorted(taken) == keys

    def test_counts_and_problems_add_up(self, ledger, keeper):
        run = keeper.runs.unfinished().id
        hands = [hand_of(ledger, keeper) for _ in range(3)]

        def work(hand, number):
            for turn in range(10):
                problem = ProblemRow("shared", "product", "no-sku", "it has none", "https://x")
                wrong = () if turn % 3 == number else (problem,)
                hand.records.record([Result(f"{number}", problems=wrong)], run, {"written": 1})

        side_by_side(*(lambda hand=hand, number=number: work(hand, number) for number, hand in enumerate(hands)))
        assert keeper.runs.run(run).counts == {"written": 30}
        wrong = {problem.key for problem in keeper.problems.listed(9)}
        assert keeper.problems.open_count() == bool(wrong)
        assert [error.external_id for error in keeper.log.to_log(9)[0]] == ["shared"] * bool(wrong)
