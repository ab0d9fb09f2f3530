"""The API: its documents have their published shape, a token sees its own environment, and asking is not reading."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from reconciler.report.documents.overview import asked_to_json, environments_to_json, overview_to_json
from reconciler.sync.monitor.overview import overview
from support.page_samples import broken, drifted, good, hostile, overviews, running
from support.report_samples import HOSTILE
from support.service import Answered, Running, serving
from support.sync_samples import NOW

SCHEMAS = Path(__file__).parents[2] / "schemas"
READ, WRITE = "read-token-of-the-api", "write-token-of-the-api"
API = {"service": {"api": {"readTokens": [READ], "writeTokens": [WRITE]}}}
ONE = "/api/v1/environments/test"


def check(document: object, schema: str) -> None:
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))


@pytest.mark.parametrize("facts", [good(), running(), drifted(), broken(), *map(hostile, HOSTILE[:6])])
def test_a_document_has_its_published_shape(facts):
    check(overview_to_json(overview(facts, NOW)), "api-environment")
    for asked in facts.asked:
        check(asked_to_json(asked), "api-asked")


def test_the_list_has_its_published_shape():
    document = environments_to_json(overviews(), NOW)
    check(document, "api-environments")
    assert [each["state"] for each in document["environments"]] == ["in-sync", "running", "drifted", "unreadable"]


def ask(running: Running, method: str, path: str, token: str | None, body: object = None) -> Answered:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    return running.ask(method, path, None if body is None else json.dumps(body), headers)


def test_reading_takes_a_token_and_asking_another(shop):
    shop.prepare(environment=API)
    shop.portal("PUT", "products/P-1", {"ID": "P-1", "Name": "Hammer"})
    shop.synced()
    with serving(shop.checkout) as running:
        for token in (None, "", "no", f"{READ} "[:-2], "x" * 9_000):
            refused = ask(running, "GET", ONE, token)
            assert (refused.status, refused.headers.get("www-authenticate")) == (401, "Bearer")
        listed = ask(running, "GET", "/api/v1/environments", READ)
        check(listed.json, "api-environments")
        assert [each["environment"] for each in listed.json["environments"]] == ["test"]
        found = ask(running, "GET", ONE, READ)
        check(found.json, "api-environment")
        assert [status["sync"] for status in found.json["syncs"]] == ["shop"]
        assert [group["codes"][0]["code"] for group in found.json["problems"]] == ["no-sku"]
        wish = {"action": "retry", "sync": "shop", "ids": ["P-1"]}
        assert ask(running, "POST", f"{ONE}/requests", READ, wish).status == 401
        begun = ask(running, "POST", f"{ONE}/requests", WRITE, wish)
        check(begun.json, "api-asked")
        assert (begun.status, begun.headers["location"]) == (202, f"{ONE}/requests/{begun.json['id']}")
        ended = ask(running, "GET", begun.headers["location"], READ)
        assert (ended.json["state"], ended.json["message"]) == ("done", "1 record queued")
        assert ended.json["by"] == "a write token of test, by the API"
        assert ask(running, "GET", f"{ONE}/requests/unknown", READ).status == 404
        assert ask(running, "GET", "/api/v1/environments/other", READ).status == 404
        assert ask(running, "GET", ONE, WRITE).json["requests"][0]["id"] == begun.json["id"]
        logged = "".join(running.lines)
        assert READ not in logged
        assert WRITE not in logged


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[" * 100_000,
        b'"retry"',
        b'{"action":"apply"}',
        b'{"action":"retry","ids":"P-1"}',
        b'{"action":"retry","more":1}',
        b'{"action":"run","mode":"light"}',
        b'{"action":"resume","keys":[]}',
        b'{"action":"resync","type":"products","ids":[1]}',
        b'\xff\xfe{"action":"run"}',
    ],
)
def test_what_is_no_request_is_refused_without_its_words(api, body):
    refused = api.ask("POST", f"{ONE}/requests", body, {"Authorization": f"Bearer {WRITE}"})
    assert refused.status == 400
    assert "api-request.schema.json" in refused.json["error"]
    assert "P-1" not in refused.text


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"action": "run"}, "not-applied"),
        ({"action": "run", "sync": "nope"}, "usage"),
        ({"action": "resume", "keys": ["Order/x"]}, "usage"),
        ({"action": "resync", "type": "nothing", "ids": ["x"]}, "usage"),
        (
            {"action": "resync", "type": "products", "ids": [f"P-{number}" for number in range(500)]},
            "refused-by-guardrail",
        ),
    ],
)
def test_what_means_nothing_or_too_much_is_refused_with_what_to_do(api, wish, code):
    refused = ask(api, "POST", f"{ONE}/requests", WRITE, wish)
    assert refused.status == 409
    check(refused.json, "error")
    assert refused.json["error"]["code"] == code
    assert refused.json["error"]["next_step"]


def test_a_token_sees_its_own_environment_only(shop):
    checkout = shop.checkout
    shop.write_manifests(environment=API)
    other = shop.environment(service={"api": {"readTokens": ["token-of-the-other"]}})
    other["metadata"] = {"name": "other"}
    checkout.write("other.yaml", other)
    with serving(checkout, "all") as running:
        for token, own, foreign in ((READ, "test", "other"), ("token-of-the-other", "other", "test")):
            listed = ask(running, "GET", "/api/v1/environments", token)
            assert [each["environment"] for each in listed.json["environments"]] == [own]
            assert ask(running, "GET", f"/api/v1/environments/{foreign}", token).status == 404
        assert ask(running, "POST", "/api/v1/environments/other/requests", "token-of-the-other", {}).status == 401


@pytest.fixture(scope="module")
def api(_emulator, tmp_path_factory):
    """A service of a shop of which nothing was applied; nothing changes it."""
    from support.checkout import Checkout
    from support.syncing import Shop

    shop = Shop(Checkout(tmp_path_factory.mktemp("api"), _emulator))
    shop.write_manifests(environment=API)
    with serving(shop.checkout) as running:
        yield running
