"""What holds for every call: site and token, the forms of errors; and the emulator's own handles."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import httpx
import orjson
import pytest
import yaml

from reconciler.emulator.app import new_state
from reconciler.emulator.sparklayer.later import NOT_YET
from reconciler.emulator.switches import Switches
from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.emulator.traffic import TrafficSetting
from reconciler.emulator.wire import Request
from support.sparklayer_contract import FILE, served

Ask = Callable[..., httpx.Response]
OPERATIONS = sorted(served(yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)))


def test_the_login_takes_json_only(emulator: RunningEmulator) -> None:
    form = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    url = f"{emulator.sparklayer_url}/api/auth/token"
    assert httpx.post(url, data=form, headers={"Site-Id": "demo"}, trust_env=False).status_code == 400
    assert httpx.post(url, json=form, trust_env=False).status_code == 400
    assert httpx.post(url, json=form, headers={"Site-Id": "demo"}, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"secret": "wrong"}, 401),
        ({"site": "unknown"}, 401),
        ({"client_id": "other"}, 401),
        ({"grant_type": "password"}, 400),
        ({"client_id": 7}, 400),
    ],
)
def test_refused_logins(emulator: RunningEmulator, ask: Ask, changed: dict[str, Any], status: int) -> None:
    refused = ask(emulator, **changed)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[1] != "/api/auth/token"])
def test_every_operation_wants_a_site_and_its_token(
    emulator: RunningEmulator, ask: Ask, method: str, path: str
) -> None:
    emulator.add_site("other")
    token, other = (ask(emulator, site).json()["access_token"] for site in ("demo", "other"))
    url = emulator.sparklayer_url + path.replace("{data_type}", "products").replace("{", "").replace("}", "")

    def status(**headers: str) -> int:
        found = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method.upper(), url, headers=found, trust_env=False).status_code

    assert status(site_id="demo") == 401
    assert status(authorization=f"Bearer {token}") == 400
    assert status(authorization=f"Bearer {other}", site_id="demo") == 401
    assert status(authorization=f"Bearer {token}", site_id="demo") not in (401, 403, 405, 500)


def test_tokens_end_after_an_hour(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.clock(advance=3599)
    assert plain_spark.get("/v1/customer-groups").status_code == 200
    emulator.clock(advance=2)
    assert plain_spark.get("/v1/customer-groups").status_code == 401


def test_sites_keep_their_data_apart(emulator: RunningEmulator, open_site: Callable[..., httpx.Client]) -> None:
    emulator.add_site("other")
    with open_site(emulator) as demo, open_site(emulator, "other") as other:
        demo.post("/v1/stock-locations", json={"name": "W", "external_id": "w"})
        assert len(demo.get("/v1/stock-locations").json()) == 1
        assert other.get("/v1/stock-locations").json() == []
    emulator.reset()
    assert emulator.site()["locations"]["records"] == []


def test_state_survives_a_dump(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    plain_spark.post("/v1/stock-locations", json={"name": "W", "external_id": "w"})
    plain_spark.post("/v1/products", json={"title": "T", "slug": "t", "external_id": "P", "variants": [{"sku": "S"}]})
    plain_spark.put("/v1/store-currency", json={"currency_code": "GBP"})
    row = {"sku": "S", "stock_level": 1, "stock_location_external_id": "w"}
    plain_spark.post("/v1/batch-update-stock", json=[row])
    kept = emulator.state(secrets=True)
    before = plain_spark.get("/v1/products/P").json()
    with running_emulator() as second:
        second.load(kept)
        again = httpx.get(
            f"{second.sparklayer_url}/api/v1/products/P", headers=plain_spark.headers, trust_env=False
        ).json()
        assert again == before
        assert second.state(secrets=True)["sparklayer"] == kept["sparklayer"]


def test_no_secret_in_a_dump_without_secrets(emulator: RunningEmulator) -> None:
    emulator.add_site("other", client_secret="kr3mbel")
    assert "kr3mbel" not in str(emulator.state())
    assert "kr3mbel" in str(emulator.state(secrets=True))


def test_a_key_of_the_dashboard_may_not_write_settings(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.add_site("demo", may_write_settings=False)
    refused = plain_spark.patch("/v1/settings", json=[{"key": "a", "value": 1}])
    assert refused.status_code == 403
    assert "please contact support" in refused.json()["detail"]


def test_faults_speak_sparklayers_language(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.fault("status", status=409, path="*/pricing")
    clash = plain_spark.patch("/v1/price-lists/x/pricing", json=[])
    assert (clash.status_code, clash.json()["title"]) == (409, "Conflict")
    emulator.traffic(requests_per_second=0.01, burst=1)
    limited = [plain_spark.get("/v1/customer-groups") for _ in range(2)][1]
    assert (limited.status_code, limited.json()["status"]) == (429, 429)
    assert "retry-after" in limited.headers


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[0] != "get"])
def test_no_body_breaks_it(method: str, path: str) -> None:
    room = new_state(Switches(), TrafficSetting()).rooms["sparklayer"]
    login = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
    json_type = (b"content-type", b"application/json")
    headers = [json_type, (b"site-id", b"demo")]
    issued = room.answer(Request("POST", ["sparklayer", "api", "auth", "token"], "", headers, orjson.dumps(login)))
    token = orjson.loads(issued.body)["access_token"]
    bodies = (b"", b"{", b"[]", b"{}", b"null", b'"x"', b'[{"sku": 7}]', b'{"slug": null}', b"\xff")
    for body, content_type in product(bodies, (b"application/json", b"text/csv")):
        secured = [
            (b"content-type", content_type),
            (b"site-id", b"demo"),
            (b"authorization", f"Bearer {token}".encode()),
        ]
        answer = room.answer(Request(method.upper(), ["sparklayer", *path.strip("/").split("/")], "", secured, body))
        assert answer.status < 500, (body, content_type)


def test_sync_logs_are_deleted_all_or_none(emulator: RunningEmulator, plain_spark: httpx.Client) -> None:
    emulator.add_site("other")
    held = emulator.site("other") | {"logs": {"x/products": {"full": True, "times": {}, "errors": {}}}}
    emulator.load_site(held, "other")
    for log in ("ordercloud/products", "ordercloud/customers", "shopify/products"):
        assert plain_spark.put(f"/v1/sync-log/{log}", json={}).status_code == 204
    for path in ("ordercloud/products", "ordercloud"):
        assert plain_spark.delete(f"/v1/sync-log/{path}").status_code in (404, 405)
    assert len(emulator.site()["logs"]) == 3
    assert plain_spark.delete("/v1/sync-log").status_code == 204
    assert emulator.site()["logs"] == {}
    assert emulator.site("other")["logs"] == held["logs"]


@pytest.mark.parametrize(("method", "path"), sorted(NOT_YET))
def test_what_is_not_emulated_says_so(plain_spark: httpx.Client, method: str, path: str) -> None:
    document = yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)
    assert method.lower() in document["paths"][path]
    refused = plain_spark.request(method, path.removeprefix("/api").replace("{", "").replace("}", ""), json={})
    assert (refused.status_code, refused.json()["title"]) == (501, "Not Implemented")
    assert refused.json()["detail"].startswith("The emulator does not have this.")


def test_every_operation_is_routed() -> None:
    room = new_state(Switches(), TrafficSetting()).rooms["sparklayer"]
    for method, path in OPERATIONS:
        found = room.router.find(Request(method.upper(), ["sparklayer", *path.strip("/").split("/")]), skip=1)
        assert not isinstance(found, frozenset), f"{method} {path}"
