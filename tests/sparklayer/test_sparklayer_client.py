"""The client against a real server: login, site, and what it makes of errors."""

from __future__ import annotations

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import ApiError, Conflict, LoginRefused, NotFound, RateLimited, Rejected, UsageError
from reconciler.kind.connection import Wire
from reconciler.registry import kinds
from reconciler.secret import Secret
from reconciler.sparklayer.faults import parse_fault
from support.sparklayer_workbench import read, written

GROUPS = "api/v1/customer-groups"
LIST: Wire = {"slug": "a", "name": "A", "currency_code": "GBP"}


def failure(url: str, method: str, path: str, body: object = None, **settings: object) -> ApiError:
    arguments = (path,) if method in ("get", "delete") else (path, body)
    with pytest.raises(ApiError) as caught:
        written(url, lambda writer: getattr(writer, method)(*arguments), **settings)
    return caught.value


def test_advice_names_the_field_that_its_connection_has(emulator: RunningEmulator) -> None:
    emulator.fault("answer", path=f"*/{GROUPS}", body="<html>", count=None)
    step = failure(emulator.sparklayer_url, "get", GROUPS).next_step or ""
    assert step == "Check url, and that no proxy or gateway answers in the API's place."


def test_it_logs_in_once_for_its_site(emulator: RunningEmulator) -> None:
    async def twice(reader) -> None:
        await reader.get(GROUPS)
        await reader.get(GROUPS)

    read(emulator.sparklayer_url, twice)
    seen = [(entry["method"], entry["path"], entry["status"]) for entry in emulator.requests()]
    login = ("POST", "/sparklayer/api/auth/token", 200)
    assert seen == [login, *[("GET", f"/sparklayer/{GROUPS}", 200)] * 2]


def test_another_site_is_another_live_side(emulator: RunningEmulator) -> None:
    emulator.add_site("other")
    path = "api/v1/stock-locations"
    url = emulator.sparklayer_url
    written(url, lambda writer: writer.post(path, {"name": "W", "external_id": "w"}), site_id="other")
    assert read(url, lambda reader: reader.get(path)) == []
    assert len(read(url, lambda reader: reader.get(path), site_id="other")) == 1


def test_a_token_that_is_not_taken_is_renewed_once(emulator: RunningEmulator) -> None:
    async def between(reader) -> None:
        await reader.get(GROUPS)
        emulator.revoke_site_tokens()
        await reader.get(GROUPS)

    read(emulator.sparklayer_url, between)
    assert [entry["status"] for entry in emulator.requests()] == [200, 200, 401, 200, 200]
    emulator.fault("status", status=401, path=f"*/{GROUPS}", count=None)
    assert isinstance(failure(emulator.sparklayer_url, "get", GROUPS), LoginRefused)


@pytest.mark.parametrize("bodies", ["problem", "json", "empty"])
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_names_all_three_that_may_be_wrong(emulator: RunningEmulator, bodies: str, status: int) -> None:
    emulator.switch(spark_error_bodies=bodies, spark_login_status=status)
    wrong = Secret("(literal)", lambda: "kr3mbel-secret")
    error = failure(emulator.sparklayer_url, "get", GROUPS, client_secret=wrong)
    assert isinstance(error, LoginRefused)
    assert "siteID, clientID and clientSecret" in str(error.next_step)
    assert "kr3mbel" not in error.message


@pytest.mark.parametrize("bodies", ["problem", "json", "empty"])
def test_errors_are_the_same_with_and_without_a_body(emulator: RunningEmulator, bodies: str) -> None:
    emulator.switch(spark_error_bodies=bodies)
    url = emulator.sparklayer_url
    assert isinstance(failure(url, "get", "api/v1/price-lists/none"), NotFound)
    written(url, lambda writer: writer.put("api/v1/store-currency", {"currency_code": "GBP"}))
    assert isinstance(failure(url, "put", "api/v1/store-currency", {"currency_code": "EUR"}), Conflict)
    assert isinstance(failure(url, "post", "api/v1/price-lists", {}), Rejected)


def test_a_403_does_not_speak_of_roles(emulator: RunningEmulator) -> None:
    emulator.fault("status", status=403, path=f"*/{GROUPS}")
    error = failure(emulator.sparklayer_url, "get", GROUPS)
    assert isinstance(error, Rejected)
    assert "Pro or Enterprise" in str(error.next_step)


def test_refused_settings_say_who_can_help(emulator: RunningEmulator) -> None:
    emulator.add_site("demo", may_write_settings=False)
    error = failure(emulator.sparklayer_url, "patch", "api/v1/settings", [{"key": "a", "value": 1}])
    assert "made in the Dashboard" in str(error.next_step)


def test_429_waits_as_long_as_it_says_and_ends_at_some_time(emulator: RunningEmulator) -> None:
    waits: list[float] = []
    emulator.fault("too_many", path=f"*/{GROUPS}", seconds=7)
    written(emulator.sparklayer_url, lambda writer: writer.get(GROUPS), waits=waits)
    assert max(waits) >= 7
    emulator.fault("too_many", path=f"*/{GROUPS}", count=None)
    assert isinstance(failure(emulator.sparklayer_url, "get", GROUPS, waits=[]), RateLimited)


def test_a_409_is_repeated_where_it_is_a_clash_and_nowhere_else(emulator: RunningEmulator) -> None:
    url, waits = emulator.sparklayer_url, list[float]()
    written(url, lambda writer: writer.post("api/v1/price-lists", LIST))
    for path, body in (
        ("api/v1/price-lists/a/pricing", [{"sku": "S", "pricing": [{"price": 1}]}]),
        ("api/v1/batch-update-pricing", [{"sku": "T", "price_list_slug": "a", "pricing": [{"price": 1}]}]),
    ):
        emulator.fault("status", status=409, path=f"*/{path}", count=2)
        written(url, lambda writer, path=path, body=body: writer.patch(path, body), waits=waits)
    assert len(waits) == 4
    assert sorted(emulator.site()["prices"]["a"]) == ["S", "T"]
    emulator.fault("status", status=409, path="*/stock-locations", count=None)
    waits.clear()
    failure(url, "post", "api/v1/stock-locations", {"name": "W", "external_id": "w"}, waits=waits)
    assert waits == []


def test_an_empty_list_is_not_what_another_answer_looks_like(emulator: RunningEmulator) -> None:
    for name, path in (("PriceList", "*/v2/price-lists"), ("CustomerGroup", "*/customer-groups")):
        emulator.fault("status", status=404, path=path)
        with pytest.raises(ApiError):
            read(emulator.sparklayer_url, kinds()[name].read)


def test_a_connection_without_a_site_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a site"):
        read("http://127.0.0.1:9", lambda reader: reader.get(GROUPS), site_id=None)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (None, None, None),
        ({"title": "T", "status": 400, "detail": "D"}, None, "T D"),
        ({"title": "T", "detail": "T"}, None, "T"),
        ({"errors": [{"code": "c", "message": "m", "property": "p"}, {"message": "n"}]}, "c", "p: m n"),
        ([{"line": 2, "field": "sku", "message": "m"}] * 5, None, "line 2, sku: m; " * 3 + "and 2 more"),
    ],
)
def test_error_bodies(body: object, code: str | None, message: str | None) -> None:
    fault = parse_fault(body)
    assert fault is not None
    assert (fault.code, fault.message) == (code, message)


@pytest.mark.parametrize("body", ["text", 7, [], [1], {"Errors": []}, {}])
def test_what_is_no_error_of_sparklayers(body: object) -> None:
    assert parse_fault(body) is None


@pytest.mark.parametrize("site", ["sh\u00f6p", "sh\u20acp", "a\r\nb", "a b", "\ud800"])
def test_a_site_that_no_header_can_hold_is_refused_before_anything_is_sent(site: str) -> None:
    with pytest.raises(UsageError, match="a header cannot hold this site ID"):
        read("http://127.0.0.1:9", lambda reader: reader.get(GROUPS), site_id=site)


def test_messages_name_the_field_that_the_manifest_has() -> None:
    unreachable = failure("http://api.example.invalid", "get", GROUPS)
    assert "proxy settings and url," in str(unreachable.next_step)
    with pytest.raises(ApiError, match=r"^url has to be an http or https URL"):
        read("ftp://api.example.com", lambda reader: reader.get(GROUPS))
