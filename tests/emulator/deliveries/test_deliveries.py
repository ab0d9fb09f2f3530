"""A changed record becomes the documented message at a real HTTP receiver."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator
from support.receiver import Receiver, running_receiver, wait_for

SECRET = "välue of the target"
STOCK = {"Objects": {"Products": [{"ID": "hammer", "Name": "Hammer", "Active": True}]}}
ENTITY = {"SyncEntityChanged": True, "SyncEntityDeleted": True}
Configure = Callable[..., None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def commerce(emulator: RunningEmulator, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=emulator.ordercloud_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def configure(commerce: httpx.Client, receiver: Receiver) -> Configure:
    """Point a sync at the receiver."""

    def point(sync: str = "productsync", config: str = "hook", enabled: bool = True, **members: Any) -> None:
        http = {
            "Endpoint": f"{receiver.url}/{config}?code=1",
            "Secret": SECRET,
            "CustomAuthHeaderName": "X-Api-Key",
            "CustomAuthHeaderValue": "k",
        }
        body = {"ID": config, "Name": config, "Enabled": enabled, "DeliveryTargets": {"Http": http}}
        assert commerce.put(f"/integrations/deliveryconfig/{config}", json=body).is_success
        flags = {"SyncProductChanged": True, "SyncProductDeleted": True} if sync == "productsync" else ENTITY
        flags = {} if sync in ("OrderSync", "ErrorConfig") else flags
        answer = commerce.put(f"/integrations/{sync}", json={"DeliveryConfigID": config, **flags, **members})
        assert answer.is_success, answer.text

    return point


def pause(commerce: httpx.Client, paused: bool, sync: str = "productsync") -> None:
    assert commerce.patch(f"/integrations/{sync}", json={"Paused": paused}).is_success


def quiet(emulator: RunningEmulator) -> None:
    """Wait until nothing is queued, late or under way."""

    def done() -> bool:
        pending = emulator.undelivered()
        return not (pending["queued"] or pending["later"] or pending["underWay"])

    wait_for(done, "an empty queue")


def test_a_changed_product_is_delivered_with_hash_and_header_pair(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    configure()
    assert commerce.put("/products/saw", json={"Name": "Saw", "xp": {"SKU": "S-1"}}).is_success
    (message,) = receiver.until(1)
    assert (message.type, message.path) == ("product.updated", "/hook?code=1")
    assert message.payload["ProductID"] == "saw"
    assert message.payload["UserContext"] == {"ID": "emulator", "AnonymousId": None}
    assert message.payload["xp"] == {"SKU": "S-1"}
    assert message.payload["Catalogs"] == message.payload["PartyPriceSchedules"] == []
    expected = base64.b64encode(hmac.digest(SECRET.encode("utf-8"), message.body, hashlib.sha256))
    assert message.headers["X-oc-hash"] == expected.decode()
    assert message.headers["X-Api-Key"] == "k"
    assert message.headers["Content-Type"] == "application/json"
    quiet(emulator)
    (listed,) = emulator.deliveries(bodies=True)
    assert listed["status"] == "delivered"
    assert listed["body"].encode() == message.body
    assert listed["url"] == f"{receiver.url}/hook", "no query, which may be secret"
    assert SECRET not in str(listed)
    emulator.clear_deliveries()
    assert emulator.deliveries() == []


def test_a_product_message_shows_where_it_is_sold_and_for_how_much(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    for path, body in (
        ("/catalogs", {"ID": "retail", "Name": "Retail", "Active": True}),
        ("/catalogs/retail/categories", {"ID": "tools", "Name": "Tools", "Active": True}),
        ("/buyers", {"ID": "acme", "Name": "Acme", "DefaultCatalogID": "retail"}),
        ("/priceschedules", {"ID": "list", "Name": "List", "PriceBreaks": [{"Quantity": 1, "Price": 9.5}]}),
        ("/priceschedules", {"ID": "own", "Name": "Own", "PriceBreaks": [{"Quantity": 1, "Price": 8}]}),
        ("/catalogs/productassignments", {"CatalogID": "retail", "ProductID": "hammer"}),
        ("/catalogs/retail/categories/productassignments", {"CategoryID": "tools", "ProductID": "hammer"}),
        ("/products/assignments", {"ProductID": "hammer", "BuyerID": "acme", "PriceScheduleID": "own"}),
    ):
        assert commerce.post(path, json=body).is_success
    configure()
    commerce.patch("/products/hammer", json={"DefaultPriceScheduleID": "list"})
    payload = receiver.until(1)[0].payload
    assert payload["Catalogs"] == ["retail"]
    assert payload["Categories"] == [{"ID": "tools", "Name": "Tools", "ListOrder": 0, "Active": True}]
    assert payload["Buyers"] == ["acme"]
    assert payload["DefaultPriceSchedule"]["PriceBreaks"][0]["Price"] == 9.5
    (party,) = payload["PartyPriceSchedules"]
    assert (party["Party"], party["PartyType"], party["PriceSchedule"]["ID"]) == ("acme", 3, "own")
    # What the message shows is part of the product: a price, an assignment.
    commerce.patch("/priceschedules/list", json={"PriceBreaks": [{"Quantity": 1, "Price": 10}]})
    assert receiver.until(2)[1].payload["DefaultPriceSchedule"]["PriceBreaks"][0]["Price"] == 10
    commerce.delete("/catalogs/retail/productassignments/hammer")
    assert receiver.until(3)[2].payload["Catalogs"] == []
    # Not with ExcludePriceSchedules.
    commerce.patch("/integrations/productsync", json={"ExcludePriceSchedules": True})
    commerce.patch("/priceschedules/list", json={"Name": "Other"})
    commerce.patch("/products/hammer", json={"Name": "Heavy hammer"})
    last = receiver.until(4)[3].payload
    assert (last["Name"], last["DefaultPriceSchedule"]) == ("Heavy hammer", None)
    quiet(emulator)
    assert len(receiver.taken) == 4


def test_variants_specs_and_suppliers_are_part_of_a_product(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    for path, body in (
        ("/specs/size", {"Name": "Size", "DefinesVariant": True}),
        ("/specs/size/options/s", {"Value": "Small"}),
        ("/specs/size/options/l", {"Value": "Large"}),
        ("/suppliers/mill", {"Name": "Mill"}),
    ):
        assert commerce.put(path, json=body).is_success
    configure()
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/specs/productassignments", {"SpecID": "size", "ProductID": "hammer"}),
        ("POST", "/products/hammer/variants/generate", {}),
        ("PATCH", "/products/hammer/variants/hammer-s", {"Name": "Small hammer"}),
        ("PATCH", "/specs/size/options/s", {"Value": "S"}),
        ("PUT", "/products/hammer/suppliers/mill", {}),
    ]
    for count, (method, path, body) in enumerate(steps, 1):
        assert commerce.request(method, path, json=body).is_success
        receiver.until(count)
    quiet(emulator)
    assert receiver.told == [("product.updated", "hammer")] * len(steps), "one for each, however much it writes"
    last = receiver.taken[-1].payload
    assert {option["Value"] for option in last["Specs"][0]["Options"]} == {"S", "Large"}
    assert (last["VariantCount"], last["Suppliers"]) == (2, ["mill"])


def test_500_changes_under_a_pause_go_out_as_one_per_record_at_the_resume(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed(50)
    ids = [each["ID"] for each in commerce.get("/products", params={"pageSize": 50}).json()["Items"]]
    configure()
    pause(commerce, True)
    touched = [key for number in range(10) for key in emulator.mutate(products=50, seedNumber=number)["products"]]
    assert Counter(touched) == dict.fromkeys(ids, 10)
    gone, again = ids[0], ids[1]
    commerce.delete(f"/products/{gone}")
    commerce.delete(f"/products/{again}")
    commerce.put(f"/products/{again}", json={"Name": "There again"})
    receiver.until(2)
    assert receiver.told == [("product.deleted", gone), ("product.deleted", again)], "deletes go at once, alone"
    assert emulator.undelivered()["held"] == {"/integrations/productsync": 49}
    pause(commerce, False)
    receiver.until(51)
    quiet(emulator)
    after = Counter(receiver.told[2:])
    assert after == {("product.updated", key): 1 for key in ids[1:]}
    names = {each.id: each.payload["Name"] for each in receiver.taken[2:]}
    assert names == {key: commerce.get(f"/products/{key}").json()["Name"] for key in ids[1:]}
    changes = {each["record"]["ID"]: each["changes"] for each in emulator.deliveries()[2:]}
    assert (changes[ids[2]], changes[again]) == (10, 1)


def test_deletes_are_not_resurrected_by_what_waits_for_another_attempt(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    emulator.deliver(wait=1.5)
    configure()
    receiver.answers = [500]
    commerce.patch("/products/hammer", json={"Name": "New"})
    receiver.until(1)
    commerce.delete("/products/hammer")
    receiver.until(2)
    quiet(emulator)
    assert receiver.told == [("product.updated", "hammer"), ("product.deleted", "hammer")]
    first, _ = emulator.deliveries()
    assert (first["status"], first["why"]) == ("dropped", "the record is gone")


def test_nothing_flows_of_what_is_disabled_or_switched_off(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    configure(enabled=False)
    commerce.patch("/products/hammer", json={"Name": "Unheard"})
    configure(SyncProductChanged=False)
    commerce.patch("/products/hammer", json={"Name": "Unheard too"})
    # What changes while the config is disabled is lost, also under a pause.
    configure(enabled=False, Paused=True)
    commerce.patch("/products/hammer", json={"Name": "Lost"})
    configure()
    commerce.delete("/products/hammer")
    receiver.until(1)
    quiet(emulator)
    assert receiver.told == [("product.deleted", "hammer")]


def test_a_buyer_of_a_catalog_reaches_its_products_by_pause_and_resume_alone(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    for path, body in (
        ("/catalogs", {"ID": "retail", "Name": "Retail"}),
        ("/buyers", {"ID": "acme", "Name": "Acme"}),
        ("/catalogs/productassignments", {"CatalogID": "retail", "ProductID": "hammer"}),
    ):
        assert commerce.post(path, json=body).is_success
    configure()
    assert commerce.post("/catalogs/assignments", json={"CatalogID": "retail", "BuyerID": "acme"}).is_success
    pause(commerce, True)
    assert commerce.post("/catalogs/assignments", json={"CatalogID": "retail", "BuyerID": "acme"}).is_success
    quiet(emulator)
    assert receiver.taken == []
    pause(commerce, False)
    (message,) = receiver.until(1)
    assert message.payload["Buyers"] == ["acme"]


ENTITIES: list[tuple[str, list[str], dict[str, Any], str, str, list[str]]] = [
    ("adminusers", ["/adminusers"], {"Username": "u"}, "entitysync.adminuser", "u1", []),
    ("buyers", ["/buyers"], {"Name": "B"}, "entitysync.buyer", "b1", []),
    ("buyers/users", ["/buyers/acme/users"], {"Username": "u"}, "entitysync.buyeruser", "u1", ["CompanyID"]),
    ("buyers/usergroups", ["/buyers/acme/usergroups"], {"Name": "G"}, "entitysync.buyerusergroup", "g1", ["BuyerID"]),
    ("categories", ["/catalogs/acme/categories"], {"Name": "C"}, "entitysync.category", "c1", ["CatalogID"]),
    ("catalogs", ["/catalogs"], {"Name": "C"}, "entitysync.catalog", "c1", []),
    ("suppliers", ["/suppliers"], {"Name": "S"}, "entitysync.supplier", "s1", []),
    ("suppliers/users", ["/suppliers/mill/users"], {"Username": "u"}, "entitysync.supplieruser", "u1", ["CompanyID"]),
]


@pytest.mark.parametrize(("sync", "paths", "body", "stem", "key", "parents"), ENTITIES)
def test_each_entity_has_its_messages(
    commerce: httpx.Client,
    configure: Configure,
    receiver: Receiver,
    sync: str,
    paths: list[str],
    body: dict[str, Any],
    stem: str,
    key: str,
    parents: list[str],
) -> None:
    commerce.put("/buyers/acme", json={"Name": "Acme"})
    commerce.put("/suppliers/mill", json={"Name": "Mill"})
    configure(f"entitysync/{sync}")
    if "Username" in body:
        body = {**body, "FirstName": "A", "LastName": "B", "Email": "a@example.com", "Active": True, "Password": "pw"}
    assert commerce.put(f"{paths[0]}/{key}", json=body).is_success
    created = receiver.until(1)[0]
    assert (created.type, created.payload["ID"]) == (f"{stem}.updated", key)
    assert "Password" not in created.payload
    assert commerce.delete(f"{paths[0]}/{key}").is_success
    gone = receiver.until(2)[1]
    assert gone.type == f"{stem}.deleted"
    expected = {"ID": key, **{name: "mill" if sync.startswith("suppliers") else "acme" for name in parents}}
    shown = {name: value for name, value in gone.payload.items() if name not in ("UserContext", "UserGroupType")}
    assert shown == expected


def test_an_inventory_record_is_told_alone_and_its_delete_only_where_the_switch_says_so(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    place = {"AddressName": "Main", "Street1": "1", "City": "Leeds", "Zip": "LS1", "Country": "GB"}
    commerce.put("/addresses/main", json=place)
    configure("entitysync/products/inventoryrecords")
    records = "/products/hammer/inventoryrecords"
    for key, quantity in (("a", 3), ("b", 4)):
        commerce.put(f"{records}/{key}", json={"AddressID": "main", "QuantityAvailable": quantity})
    message = receiver.until(2)[1]
    assert message.type == "entitysync.inventoryrecord.updated"
    assert (message.payload["ID"], message.payload["ProductID"]) == ("b", "hammer")
    (record,) = message.payload["InventoryRecords"]
    assert (record["ID"], record["QuantityAvailable"], record["Zip"]) == ("b", 4, "LS1")
    commerce.delete(f"{records}/a")
    emulator.switch(delivery_stock_deleted="sent")
    commerce.delete(f"{records}/b")
    gone = receiver.until(3)[2]
    assert (gone.type, gone.payload["ID"], "ProductID" in gone.payload) == (
        "entitysync.inventoryrecord.deleted",
        "b",
        False,
    )
    quiet(emulator)
    assert len(receiver.taken) == 3


def test_orders_tell_their_status_as_a_number(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    emulator.switch(delivery_drafts="not_sent")
    configure("OrderSync")
    commerce.put("/orders/Outgoing/o1", json={"Comments": "draft"})
    commerce.put("/orders/Outgoing/o1/lineitems/1", json={"ProductID": "hammer", "Quantity": 1})
    assert commerce.post("/orders/Outgoing/o1/submit").is_success
    (message,) = receiver.until(1)
    assert (message.type, message.payload["Status"], message.payload["ID"]) == ("ordersync.updated", 4, "o1")


def test_a_renamed_product_is_its_new_id_and_by_switch_the_end_of_the_old_one(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    configure()
    commerce.patch("/products/hammer", json={"ID": "mallet"})
    receiver.until(1)
    assert receiver.told == [("product.updated", "mallet")]
    emulator.switch(delivery_rename="deleted_and_updated")
    commerce.patch("/products/mallet", json={"ID": "hammer"})
    receiver.until(3)
    assert sorted(receiver.told[1:]) == [("product.deleted", "mallet"), ("product.updated", "hammer")]


def test_a_sync_operation_delivers_its_record_whatever_the_flags_say(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    configure(SyncProductChanged=False, SyncProductDeleted=False)
    assert commerce.post("/integrations/productsync/sync", json={"ProductID": "hammer"}).is_success
    receiver.until(1)
    assert receiver.told == [("product.updated", "hammer")]


def test_each_of_the_ten_sync_operations_delivers_its_record(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    user = {"FirstName": "A", "LastName": "B", "Email": "a@example.com", "Active": True}
    place = {"Street1": "1", "City": "Leeds", "Country": "GB"}
    for path, body in (
        ("/addresses/main", place),
        ("/products/hammer/inventoryrecords/main", {"AddressID": "main", "QuantityAvailable": 3}),
        ("/catalogs/retail", {"Name": "Retail"}),
        ("/catalogs/retail/categories/tools", {"Name": "Tools"}),
        ("/buyers/acme", {"Name": "Acme"}),
        ("/buyers/acme/users/ann", {**user, "Username": "ann"}),
        ("/buyers/acme/usergroups/vip", {"Name": "VIP"}),
        ("/suppliers/mill", {"Name": "Mill"}),
        ("/suppliers/mill/users/bob", {**user, "Username": "bob"}),
        ("/adminusers/eve", {**user, "Username": "eve"}),
    ):
        assert commerce.put(path, json=body).is_success
    entity = "entitysync"
    operations: list[tuple[str, str, dict[str, str], str]] = [
        ("productsync", "productsync", {"ProductID": "hammer"}, "product"),
        (f"{entity}/adminusers", f"{entity}/adminusers", {"UserID": "eve"}, "adminuser"),
        (f"{entity}/buyers", f"{entity}/buyers", {"BuyerID": "acme"}, "buyer"),
        # Members in another order than that of the path.
        (f"{entity}/buyers/users", f"{entity}/buyers/users", {"UserID": "ann", "BuyerID": "acme"}, "buyeruser"),
        (
            f"{entity}/buyers/usergroups",
            f"{entity}/buyers/usergroups",
            {"UserGroupID": "vip", "BuyerID": "acme"},
            "buyerusergroup",
        ),
        (f"{entity}/categories", f"{entity}/categories", {"CategoryID": "tools", "CatalogID": "retail"}, "category"),
        (f"{entity}/catalogs", f"{entity}/catalogs", {"CatalogID": "retail"}, "catalog"),
        (
            f"{entity}/products/inventoryrecords",
            f"{entity}/products/inventoryrecords",
            {"InventoryRecordID": "main", "ProductID": "hammer"},
            "inventoryrecord",
        ),
        (f"{entity}/suppliers", f"{entity}/supplier", {"SupplierID": "mill"}, "supplier"),
        (
            f"{entity}/suppliers/users",
            f"{entity}/suppliers/users",
            {"UserID": "bob", "SupplierID": "mill"},
            "supplieruser",
        ),
    ]
    for count, (sync, path, ids, name) in enumerate(operations, 1):
        configure(sync)
        assert commerce.post(f"/integrations/{path}/sync", json=ids).is_success
        message = receiver.until(count)[-1]
        assert (message.type.removeprefix("entitysync."), message.id) == (f"{name}.updated", next(iter(ids.values())))


def test_failures_are_retried_then_told_to_the_error_config(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    emulator.deliver(attempts=3, wait=0.01)
    configure("ErrorConfig", config="errors")
    configure()
    receiver.answers = [503, 200]
    commerce.patch("/products/hammer", json={"Name": "Second attempt"})
    quiet(emulator)
    receiver.answers = [500, 500, 500]
    commerce.patch("/products/hammer", json={"Name": "Never"})
    quiet(emulator)
    receiver.answers = [400]
    commerce.patch("/products/hammer", json={"Name": "Refused"})
    quiet(emulator)
    hooks = [each for each in receiver.taken if each.path.startswith("/hook")]
    notices = [json_of(each.body) for each in receiver.taken if each.path.startswith("/errors")]
    assert len(hooks) == 2 + 3 + 1, "4xx is not repeated"
    assert [each["Error"] for each in notices] == ["HTTP 500", "HTTP 400"]
    product = [each for each in emulator.deliveries() if each["sync"] == "/integrations/productsync"]
    assert [each["status"] for each in product] == ["delivered", "failed", "failed"]
    assert [len(each["attempts"]) for each in product] == [2, 3, 1]


def json_of(body: bytes) -> dict[str, Any]:
    payload: dict[str, Any] = httpx.Response(200, content=body).json()["Payload"]
    return payload


def test_messages_are_duplicated_late_and_reordered_when_asked(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    configure()
    emulator.delivery_fault("duplicate", id="twice")
    emulator.delivery_fault("reorder", id="overtaken", by=2)
    emulator.delivery_fault("late", id="late", seconds=1.5)
    emulator.delivery_fault("lost", id="lost")
    for key in ("late", "overtaken", "twice", "lost"):
        commerce.put(f"/products/{key}", json={"Name": f"{key} as it was"})
    commerce.patch("/products/late", json={"Name": "late as it is"})
    wait_for(lambda: len(receiver.taken) == 4, "all messages but the late one")
    receiver.until(5)
    quiet(emulator)
    names = [each.payload["Name"] for each in receiver.taken]
    assert Counter(names)["twice as it was"] == 2
    assert names.index("overtaken as it was") > names.index("twice as it was")
    assert names[-1] == "late as it was", "what is late says what it would have said in time"
    assert {each["record"]["ID"]: each["status"] for each in emulator.deliveries()}["lost"] == "lost"
    faults = emulator.control("GET", "deliveries/faults")
    assert [fault["fired"] for fault in faults] == [1, 1, 1, 1]


def test_other_transports_and_other_machines_are_listed_as_not_delivered(
    commerce: httpx.Client, configure: Configure, emulator: RunningEmulator
) -> None:
    configure()
    kafka = {"BootstrapServers": "b:9092", "SaslUsername": "u", "SaslPassword": "p", "Topic": "t"}
    http = {"Endpoint": "https://hooks.example.com/x", "Secret": "s"}
    commerce.patch("/integrations/deliveryconfig/hook", json={"DeliveryTargets": {"Kafka": kafka, "Http": http}})
    commerce.put("/products/saw", json={"Name": "Saw"})
    wait_for(lambda: len(emulator.deliveries()) == 2, "both targets")
    assert {each["target"]: each["status"] for each in emulator.deliveries()} == {
        "Kafka": "not delivered",
        "Http": "not delivered",
    }


def test_deliveries_hold_nobody_up(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    receiver.open.clear()
    configure()
    for number in range(20):
        assert commerce.put(f"/products/p{number}", json={"Name": "P"}).is_success
    assert emulator.undelivered() == {**emulator.undelivered(), "queued": 19, "underWay": 1}
    receiver.open.set()
    receiver.until(20)


def test_what_a_pause_holds_outlives_a_restart(
    commerce: httpx.Client, configure: Configure, receiver: Receiver, emulator: RunningEmulator
) -> None:
    emulator.seed_with(STOCK)
    configure(Paused=True)
    commerce.patch("/products/hammer", json={"Name": "New"})
    kept = emulator.state(secrets=True)
    emulator.reset()
    assert emulator.undelivered()["held"] == {}
    emulator.load(kept)
    emulator.mutate(resume=["productsync"])
    receiver.until(1)
    assert receiver.told == [("product.updated", "hammer")]
