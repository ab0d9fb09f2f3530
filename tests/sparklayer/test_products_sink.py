"""Products with their variants are at the site as they were written, whatever it answers on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.switches import SPARKLAYER, flipped_switches
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import AnswerLost, ApiError, Conflict, Rejected
from reconciler.kind.connection import Wire
from reconciler.sparklayer.products import canonical_product, read_product, write_product
from support.sparklayer_workbench import read, without_stamps, written

SHIRT: Wire = {
    "external_id": "Shirt 1/ü",
    "title": "Shirt",
    "slug": "shirt-1",
    "variants": [
        {
            "external_id": "Shirt 1/ü/L",
            "sku": "S-L",
            "weight_in_grams": 250,
            "position": 2,
            "cart_image_url": "https://example.com/l.png",
            "status": "live",
            "options": [{"group": "Color", "value": "red"}, {"group": "Size", "value": "L"}],
            "rrp": [{"currency_code": "GBP", "price": 19.99}],
            "settings": [{"customer_group": "base", "pack_size": 6, "min_order_quantity": 12}],
        },
        {"external_id": "Shirt 1/ü/M", "sku": "S-M", "position": 1, "status": "suspended"},
    ],
}
SHORTER: Wire = {
    **SHIRT,
    "title": "A shirt",
    "variants": [
        {"external_id": "Shirt 1/ü/L", "status": "discontinued"},
        {"external_id": "Shirt 1/ü/M", "sku": "S-M2", "position": 1, "status": "live"},
        {"external_id": "Shirt 1/ü/S", "sku": "S-S", "position": 2, "status": "live", "weight_in_grams": 200},
    ],
}
ID = str(SHIRT["external_id"])
SWITCHES = [*flipped_switches(SPARKLAYER), {"spark_duplicate_product": "400", "spark_error_bodies": "empty"}]
ONE = "*/products/*"
ALL = "*/products"


def write(emulator: RunningEmulator, body: Wire, *, exists: bool = False, waits: list[float] | None = None) -> None:
    external_id = str(body["external_id"])
    written(
        emulator.sparklayer_url,
        lambda writer: write_product(writer, external_id, body, exists=exists),
        waits=[] if waits is None else waits,
    )


def held(emulator: RunningEmulator, external_id: str = ID) -> Wire | None:
    found: Wire | None = read(emulator.sparklayer_url, lambda reader: read_product(reader, external_id))
    return found


def methods(emulator: RunningEmulator) -> list[str]:
    return [entry["method"] for entry in emulator.requests() if "/products" in entry["path"]]


def products(emulator: RunningEmulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = emulator.site()["products"]["records"]
    return found


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_what_is_written_is_what_is_read(emulator: RunningEmulator, switches: dict[str, str]) -> None:
    emulator.switch(**switches)
    assert held(emulator) is None
    write(emulator, SHIRT)
    assert held(emulator) == SHIRT
    write(emulator, SHORTER, exists=True)
    assert held(emulator) == SHORTER
    write(emulator, SHIRT, exists=True)
    left_out = [] if switches.get("spark_product_variants") == "replaced" else [SHORTER["variants"][2]]
    assert held(emulator) == {**SHIRT, "variants": [*SHIRT["variants"], *left_out]}


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_wrong_belief_of_what_is_there_does_no_harm(
    emulator: RunningEmulator, switches: dict[str, str], exists: bool, is_there: bool
) -> None:
    emulator.switch(**switches)
    if is_there:
        write(emulator, {**SHIRT, "variants": []})
    write(emulator, SHIRT, exists=exists)
    assert held(emulator) == SHIRT
    assert len(products(emulator)) == 1


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("member", ["slug", "variant"])
@pytest.mark.parametrize("exists", [True, False])
def test_what_another_product_has_is_the_records_fault(
    emulator: RunningEmulator, switches: dict[str, str], member: str, exists: bool
) -> None:
    emulator.switch(**switches)
    write(emulator, SHIRT)
    other = {"external_id": "other", "title": "Other", "slug": "other", "variants": []}
    if exists:
        write(emulator, other)
    taken = {"slug": "shirt-1"} if member == "slug" else {"variants": [{"external_id": "Shirt 1/ü/M", "sku": "X"}]}
    with pytest.raises((Conflict, Rejected)):
        write(emulator, other | taken, exists=exists)
    assert held(emulator, "other") == (other if exists else None)
    assert held(emulator) == SHIRT


@pytest.mark.parametrize("bodies", ["problem", "json", "empty"])
def test_a_body_that_is_refused_is_the_records_fault(emulator: RunningEmulator, bodies: str) -> None:
    emulator.switch(spark_error_bodies=bodies)
    with pytest.raises(Rejected):
        write(emulator, SHIRT | {"title": ""})
    assert products(emulator) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_a_lost_answer_is_settled_and_nothing_is_there_twice(
    emulator: RunningEmulator, when: str, exists: bool, count: int
) -> None:
    if exists:
        write(emulator, SHORTER)
    emulator.fault("reset", method="PATCH" if exists else "POST", path=f"{ALL}*", when=when, count=count)
    write(emulator, SHIRT, exists=exists)
    found = held(emulator)
    assert found is not None
    assert found["variants"][:2] == SHIRT["variants"]
    assert (found["title"], len(products(emulator))) == ("Shirt", 1)


def test_a_create_that_was_carried_out_is_not_written_again(emulator: RunningEmulator) -> None:
    emulator.fault("reset", method="POST", path=ALL, when="after")
    write(emulator, SHIRT)
    assert methods(emulator) == ["POST", "GET"]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    ("effect", "status"), [("reset", 500), ("status", 500), ("status", 502), ("broken_json", 500), ("truncated", 500)]
)
def test_what_stays_unknown_is_said(emulator: RunningEmulator, exists: bool, effect: str, status: int) -> None:
    if exists:
        write(emulator, SHIRT)
    emulator.clear_requests()
    method = "PATCH" if exists else "POST"
    # Of an answer that comes broken the write was done: reading back settles a create.
    emulator.fault(effect, status=status, method=method, path=f"{ALL}*", count=None)
    if not exists and effect in ("broken_json", "truncated"):
        write(emulator, SHIRT)
        assert methods(emulator) == ["POST", "GET"]
        return
    with pytest.raises(AnswerLost):
        write(emulator, SHIRT, exists=exists)
    assert methods(emulator).count(method) == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_429_is_waited_for(emulator: RunningEmulator, method: str) -> None:
    write(emulator, SHORTER)
    emulator.fault("too_many", method=method, path=f"{ALL}*", seconds=7)
    waits: list[float] = []
    write(emulator, {**SHIRT, "external_id": "new", "slug": "new", "variants": []}, waits=waits)
    write(emulator, SHORTER, exists=True, waits=waits)
    assert max(waits) >= 7


def test_a_key_without_the_right_plan_is_not_taken_for_a_product_that_is_there(emulator: RunningEmulator) -> None:
    emulator.fault("status", status=403, path=f"{ALL}*", count=None)
    with pytest.raises(ApiError) as caught:
        write(emulator, SHIRT)
    assert caught.value.status == 403


def test_discontinuing_what_is_gone_makes_nothing(emulator: RunningEmulator) -> None:
    gone = {"external_id": ID, "variants": [{"external_id": "Shirt 1/ü/M", "status": "discontinued"}]}
    for exists in (True, False):
        write(emulator, gone, exists=exists)
    assert products(emulator) == []
    write(emulator, SHIRT)
    write(emulator, gone, exists=True)
    found = held(emulator)
    assert found is not None
    assert (found["title"], found["variants"][1]) == ("Shirt", gone["variants"][0])


def test_a_member_that_is_left_out_is_cleared(emulator: RunningEmulator) -> None:
    write(emulator, SHIRT)
    bare = {"external_id": "Shirt 1/ü/L", "sku": "S-L", "status": "live"}
    write(emulator, {**SHIRT, "variants": [bare, SHIRT["variants"][1]]}, exists=True)
    [stored] = [each for each in emulator.site()["variants"]["records"] if each["external_id"] == bare["external_id"]]
    assert without_stamps(stored).keys() == {"id", "product_id", *bare}


def test_members_that_are_not_ours_survive_and_are_not_compared(emulator: RunningEmulator) -> None:
    write(emulator, SHIRT)
    variant = "api/v1/variants/Shirt%201%2F%C3%BC%2FM"
    written(emulator.sparklayer_url, lambda writer: writer.patch(variant, {"tax_type": 2}))
    assert held(emulator) == SHIRT
    write(emulator, SHORTER, exists=True)
    stored = {each["external_id"]: each for each in emulator.site()["variants"]["records"]}
    assert stored["Shirt 1/ü/M"]["tax_type"] == 2


def test_the_canonical_form_is_the_same_whatever_a_read_shows() -> None:
    shown = {
        "id": "pp_1",
        "created_at": "2026-11-01T00:00:00Z",
        "external_id": "p",
        "title": "P",
        "slug": "p",
        "variants": [
            {"external_id": None, "sku": "theirs"},
            {
                "id": "pv_2",
                "external_id": "p/b",
                "sku": "B",
                "weight_in_grams": 250.0,
                "cart_image_url": None,
                "stock": [{"stock_level": 1}],
                "options": [{"value": "L", "group": "Size"}, {"group": "Color", "value": "red", "id": 4}],
                "rrp": [{"currency_code": "GBP", "price": 10.0}, {"currency_code": "EUR", "price": 12.5}],
                "settings": [{"customer_group": "base", "pack_size": 1, "display": None}],
                "status": "live",
            },
            {"id": "pv_1", "external_id": "p/a", "sku": "A", "status": "discontinued", "position": 3},
        ],
    }
    assert canonical_product(shown) == {
        "external_id": "p",
        "title": "P",
        "slug": "p",
        "variants": [
            {"external_id": "p/a", "status": "discontinued"},
            {
                "external_id": "p/b",
                "sku": "B",
                "weight_in_grams": 250,
                "options": [{"group": "Color", "value": "red"}, {"group": "Size", "value": "L"}],
                "rrp": [{"currency_code": "EUR", "price": 12.5}, {"currency_code": "GBP", "price": 10}],
                "status": "live",
            },
        ],
    }


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
ENTRY = st.dictionaries(st.sampled_from(["group", "value", "currency_code", "price", "customer_group", "x"]), VALUES)
VARIANT = st.dictionaries(
    st.sampled_from(["external_id", "sku", "status", "position", "options", "rrp", "settings", "stock", "id"]),
    VALUES | st.just("discontinued") | st.lists(ENTRY | VALUES, max_size=3),
)
PRODUCT = st.dictionaries(
    st.sampled_from(["external_id", "title", "slug", "variants", "id"]), VALUES | st.lists(VARIANT | VALUES, max_size=3)
)


@given(PRODUCT)
def test_the_canonical_form_of_it_is_itself(wire: Wire) -> None:
    once = canonical_product(wire)
    assert canonical_product(once) == once
