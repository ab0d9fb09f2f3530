"""When stock need not be read again, and when a stamp is found to prove nothing: each case in which a memo is wrong."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.ordercloud.readers.stock import memo_of
from reconciler.sparklayer.kinds.data_sync.expressions import Expression
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.products.settings import ProductSettings
from reconciler.sync.products.stock_memory import Note, StockMemory, disproves, noted

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STAMP, LATER = "2026-11-20T10:00:00+00:00", "2026-11-21T10:00:00+00:00"
Json = dict[str, Any]


def record(address: str, quantity: Any, stamp: str = STAMP) -> Json:
    return {"ID": f"{address}-{quantity}", "AddressID": address, "QuantityAvailable": quantity, "LastUpdated": stamp}


def product(*records: Json, stamp: str = STAMP, **inventory: Any) -> Json:
    total = sum(each["QuantityAvailable"] for each in records)
    whole = {"Enabled": True, "QuantityAvailable": total, "LastUpdated": stamp, **inventory}
    return {"ID": "p", "VariantCount": 0, "Inventory": whole, "InventoryRecords": list(records)}


def tracked(**quantities: int) -> Json:
    variants = [
        {"ID": name, "Inventory": {"QuantityAvailable": number}, "InventoryRecords": [record("main", number)]}
        for name, number in quantities.items()
    ]
    inventory = {
        "Enabled": True,
        "VariantLevelTracking": True,
        "QuantityAvailable": sum(quantities.values()),
        "LastUpdated": STAMP,
    }
    return {"ID": "p", "VariantCount": len(variants), "Inventory": inventory, "Variants": variants}


def memo(read: Json) -> Any:
    found = memo_of(read)
    assert found is not None
    return found


class TestWhatIsAsItWas:
    def test_it_fits_and_gives_the_sum_by_address(self) -> None:
        read = product(record("main", 3), record("main", 4), record("north", 0))
        found = memo(read)
        assert found.fits(read)
        assert found.of_product() == [
            {"AddressID": "main", "QuantityAvailable": 7},
            {"AddressID": "north", "QuantityAvailable": 0},
        ]

    @pytest.mark.parametrize(
        "otherwise",
        [
            {"LastUpdated": LATER},
            {"LastUpdated": None},
            {"QuantityAvailable": 8},
            {"QuantityAvailable": None},
        ],
        ids=["stamp", "no-stamp", "sum", "no-sum"],
    )
    def test_it_does_not_where_the_list_shows_something_else(self, otherwise: Json) -> None:
        read = product(record("main", 7))
        assert not memo(read).fits({**read, "Inventory": {**read["Inventory"], **otherwise}})

    def test_it_does_not_where_stock_came_to_stand_at_the_variants(self) -> None:
        read = product(record("main", 7))
        now = {**read, "VariantCount": 2, "Inventory": {**read["Inventory"], "VariantLevelTracking": True}}
        assert not memo(read).fits(now)

    def test_variants_have_theirs(self) -> None:
        found = memo(tracked(red=3, blue=4))
        shown = [{"ID": "red", "Inventory": {"QuantityAvailable": 3}}, {"ID": "blue", "Inventory": None}]
        restored = found.of_variants(shown)
        assert [each["InventoryRecords"][0]["QuantityAvailable"] for each in restored] == [3, 4]

    def test_a_new_variant_and_one_with_another_sum_are_read(self) -> None:
        found = memo(tracked(red=3, blue=4))
        assert found.of_variants([{"ID": "red"}, {"ID": "green"}]) is None
        # The product's sum is the same: four of one variant became three, and three of the other four.
        assert found.of_variants([{"ID": "red", "Inventory": {"QuantityAvailable": 4}}, {"ID": "blue"}]) is None

    @pytest.mark.parametrize("odd", [record("main", 1.5), {**record("main", 1), "AddressID": None}])
    def test_records_that_cannot_be_told_in_short_are_not_kept(self, odd: Json) -> None:
        assert memo_of(product(odd)) is None

    def test_the_only_place_is_one_of_the_product_itself(self) -> None:
        assert memo(product(record("main", 3), record("main", 4))).only_place == "main"
        assert memo(product(record("main", 3), record("north", 0))).only_place is None
        assert memo(tracked(red=3)).only_place is None


class TestWhatIsKept:
    def test_a_stamp_that_is_older_than_the_lag_is(self) -> None:
        found = memo(product(record("main", 7)))
        assert noted(None, found, NOW) == Note(found)

    @pytest.mark.parametrize("minutes", [-5, 0, 9])
    def test_a_young_stamp_is_not_as_stock_may_move_again_under_it(self, minutes: int) -> None:
        stamp = (NOW - timedelta(minutes=minutes)).isoformat()
        assert noted(None, memo(product(record("main", 7), stamp=stamp)), NOW) is None

    def test_a_stamp_that_is_no_time_is_not(self) -> None:
        assert noted(None, memo(product(record("main", 7), stamp="soon")), NOW) is None

    def test_what_moved_under_its_stamp_is_in_question_until_the_stamp_moves(self) -> None:
        before, after = memo(product(record("main", 7))), memo(product(record("north", 7)))
        in_question = noted(Note(before), after, NOW)
        assert in_question == Note(after, NOW)
        assert noted(in_question, after, NOW + timedelta(hours=1)) == in_question
        moved = memo(product(record("north", 7), stamp=LATER))
        assert noted(in_question, moved, NOW) == Note(moved)

    @pytest.mark.parametrize("moved_at", [None, NOW])
    def test_it_comes_back_from_the_ledger_as_it_was(self, moved_at: datetime | None) -> None:
        note = Note(memo(product(record("main", 7))), moved_at)
        assert Note.from_json(note.to_json()) == note

    @pytest.mark.parametrize(
        "data", [{}, {"stamp": 1}, {"stamp": "x", "tracked": True, "levels": []},
                 {"stamp": "x", "tracked": True, "levels": {"a": {"b": "1"}}}]
    )  # fmt: skip
    def test_what_is_none_of_ours_is_nothing(self, data: Json) -> None:
        assert Note.from_json(data) is None


class TestAStampThatProvesNothing:
    OLD = (NOW - timedelta(hours=3)).isoformat()

    def test_stock_that_moved_long_ago_under_the_stamp_disproves_it(self) -> None:
        before = Note(memo(product(record("main", 7))))
        read = product(record("main", 4, self.OLD), record("north", 3, self.OLD))
        assert disproves(before, read, memo(read), NOW)

    def test_stock_that_moved_just_now_does_not_as_the_index_may_lag(self) -> None:
        before = Note(memo(product(record("main", 7))))
        read = product(record("main", 4, (NOW - timedelta(minutes=2)).isoformat()), record("north", 3, STAMP))
        read["InventoryRecords"][1]["LastUpdated"] = (NOW - timedelta(minutes=2)).isoformat()
        assert not disproves(before, read, memo(read), NOW)

    def test_a_record_that_went_disproves_it_once_the_lag_is_over(self) -> None:
        read = product(record("main", 7))
        after = memo(read)
        before = Note(memo(product(record("main", 7), record("north", 0))))
        assert not disproves(before, read, after, NOW)
        in_question = noted(before, after, NOW)
        assert not disproves(in_question, read, after, NOW + timedelta(minutes=9))
        assert disproves(in_question, read, after, NOW + timedelta(minutes=11))

    def test_variants_that_come_and_go_are_no_stock_that_moved(self) -> None:
        before, read = Note(memo(tracked(red=0, blue=4))), tracked(green=0, blue=4)
        assert not disproves(before, read, memo(read), NOW)
        assert noted(before, memo(read), NOW) == Note(memo(read))

    def test_a_stamp_that_moved_proves_what_it_should(self) -> None:
        read = product(record("main", 4, self.OLD), stamp=LATER)
        assert not disproves(Note(memo(product(record("main", 7)))), read, memo(read), NOW)


class Kept:
    """Memos in memory."""

    def __init__(self) -> None:
        self.memos: dict[str, Any] = {}
        self.distrusted: list[str] = []
        self.asked: list[str] = []

    async def recall(self, keys: Any) -> dict[str, Any]:
        self.asked += keys
        return {key: self.memos[key] for key in keys if key in self.memos}

    async def keep(self, noted: Any) -> None:
        self.memos |= noted

    async def distrust(self, key: str) -> None:
        self.distrusted.append(key)


def test_what_an_event_read_is_what_a_walk_recalls_while_the_list_lags() -> None:
    kept = Kept()

    async def main() -> None:
        memory = StockMemory(kept, lambda: NOW)
        await memory.keep([product(record("main", 7))])
        # The system itself has the new stock; the index shows the product as it was.
        await memory.keep([product(record("main", 4, NOW.isoformat()), QuantityAvailable=7)])
        assert await memory.recall(["p"]) == {}
        assert kept.distrusted == []

    asyncio.run(main())


def test_the_ledger_is_asked_for_nothing_where_no_product_has_records() -> None:
    kept = Kept()
    asyncio.run(StockMemory(kept, lambda: NOW).keep([product()]))
    assert (kept.asked, kept.memos) == ([], {})


@pytest.mark.parametrize(
    ("text", "spares"),
    [
        ("xp.SKU || ID", True),
        ("xp.Images[*].Url | [0]", True),
        ("Product.xp.Gallery[?Main].Url | [0]", True),
        ("InventoryRecords[0].AddressID", False),
        ('"Inv\\u0065ntoryRecords"[0].xp.when', False),
        ("Inventory.QuantityAvailable", True),
        ("* | [0]", False),
        ("values(Product)[0]", False),
        ("to_string(Variants)", False),
        ("length(to_string(@))", False),
    ],
)
def test_nothing_is_spared_where_an_expression_may_see_inventory_records(text: str, spares: bool) -> None:
    rules = MappingRules({"variants.restockDate": Expression(text)})
    assert ProductSettings(rules=rules).spares_stock is spares
