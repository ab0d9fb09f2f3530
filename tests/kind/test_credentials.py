"""Credentials in texts that are no secret field: every form that an attacker of the masking thought of."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.kind.credentials import has_token_in_path, shows_credentials
from reconciler.kind.sensitive import marked_paths, position_of, replaced, spans, without_secrets
from reconciler.kind.telling import is_telling
from reconciler.ordercloud.kinds.delivery_config import DeliveryConfigSpec

JWT = "eyJhbGciOiJIUzI1NiJ9.C3VC3VC3.C3VC3V"
FORMS = [
    # URLs
    ("https://h/x;jsessionid=C3V?a", "https://h/x;jsessionid=•?•"),
    ("https://h/x;token=C3V/y", "https://h/x;token=•/y"),
    (r"https:\\u:C3V@h\x", r"https:\\•@h\x"),
    ("u:C3V@h:9092,h:9093", "u:•@h:9092,h:9093"),
    ("u:C3V@hub.example.com/x", "u:•@hub.example.com/x"),
    ("proxy:http://u:C3V@h", "proxy:http://•@h"),
    ("https://h/x and password=C3V", "https://h/x and password=•"),
    ("?code=C3V&v=C3V", "?code=•&v=•"),
    ("jdbc:oracle:thin:u/C3V@h:1521:x", "jdbc:oracle:thin:•@h:1521:x"),
    ("https%3A%2F%2Fu%3AC3V%40h", "https%3A%2F%2F•%40h"),
    ("a%3Dhttps%253A%252F%252Fu%253AC3V%2540h", "a%3Dhttps%253A%252F%252F•%2540h"),
    ("https://proxy/https%3A%2F%2Fu%3AC3V%40h/x", "https://proxy/https%3A%2F%2F•%40h/x"),
    ("client_secret%3DC3V%26a%3Db", "client_secret%3D•"),
    # Names and values
    ("apiKey: C3V", "apiKey: •"),
    ("a: 1\napiKey: C 3V\nb: 2", "a: 1\napiKey: •\nb: 2"),
    ("Token: C3V", "Token: •"),
    ("see X-Api-Key: C3V, then", "see X-Api-Key: •, then"),
    ("the API key: C3V", "the API key: •"),
    ("Cookie: a=C3V; b=C3V", "Cookie: •"),
    ("{apiKey: 'C 3V', a: 1}", "{apiKey: '•', a: 1}"),
    ("{'apiKey': 'C3V'}", "{'apiKey': '•'}"),
    ("apiKeys: [C3V, C3V]\nb: 2", "apiKeys: •\nb: 2"),
    ("ａｐｉＫｅｙ=C3V", "ａｐｉＫｅｙ=•"),
    ("Passwört: C3V\nKennwort=C3V", "Passwört: •\nKennwort=•"),
    ("Server=h;Pwd='C;3V';x=1", "Server=h;Pwd=•;x=1"),
    ("Server=h;PWD={C;3V};x=1", "Server=h;PWD=•;x=1"),
    ("<apiKey>C3V</apiKey><x:password a='b'>C3V</x:password>", "<apiKey>•</apiKey><x:password a='b'>•</x:password>"),
    ("run --password C3V --api-key 'C 3V'", "run --password • --api-key •'"),
    ("curl -u user:C3V https://h/x", "curl -u user:• https://h/x"),
    ("machine h login u password C3V", "machine h login u password •"),
    # JSON that is not all of the text
    ('x {"headers": [{"name": "apiKey", "value": "C3V"}]} y', 'x {"headers": [{"name": "apiKey", "value": "•"}]} y'),
    ('x {"auth": {"user": "C3V"', 'x {"auth": •'),
    ('{"apiKey": ["C3V"]', '{"apiKey": •'),
    ('{"k": "apiKey", "v": "C3V"}\n{"a": 1}', '{"k": "apiKey", "v": "•"}\n{"a": 1}'),
    ('["X-Api-Key", "C3V"]', '["X-Api-Key", "•"]'),
    ('{"args": ["--password", "C3V", "x"]}', '{"args": ["--password", "•", "x"]}'),
    ('{"headers": "X-Api-Key: C3V"}', '{"headers": "X-Api-Key: •"}'),
    ('{"apiKey": 1234567, "a": 1234567}', '{"apiKey": •, "a": 1234567}'),
    ("%7B%22apiKey%22%3A%22C3V%22%7D", "%7B%22apiKey%22%3A%22•%22%7D"),
    # What says itself what it is
    ("Bearer\tC3V", "Bearer\t•"),
    ("Bearer%20C3V", "Bearer%20•"),
    (f"see {JWT}", "see eyJ•"),
    ("ghp_C3VC3VC3VC3V", "ghp_•"),
    ("xoxb-C3V-C3VC3V", "xoxb-•"),
    ("sk_live_C3VC3VC3V", "sk_live_•"),
    ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nC3V", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n•"),
]


@pytest.mark.parametrize(("text", "shown"), FORMS)
def test_no_form_of_a_credential_is_shown(text: str, shown: str) -> None:
    assert replaced(text, spans(text), "•") == shown


@pytest.mark.parametrize("text", [text for text, _ in FORMS])
def test_a_reference_may_stand_wherever_a_secret_is_masked(text: str) -> None:
    """So that what import writes is taken again."""
    with_holes = replaced(text, spans(text), "\0")
    assert "\0" not in replaced(with_holes, spans(with_holes))


@pytest.mark.parametrize("text", [text for text, _ in FORMS])
def test_it_is_masked_inside_of_json_and_of_a_form_as_well(text: str) -> None:
    for inside in (json.dumps({"note": text}), json.dumps([json.dumps({"note": text})]), f"a=b&c={quote(text)}"):
        shown = replaced(inside, spans(inside))
        assert not any(
            piece in shown for piece in ("C3V", "C 3V", "C;3V", "C%203V", "C%3B3V", "1234567,", "1234567%2C")
        )


@pytest.mark.parametrize(
    "text",
    [
        "Contact:me@example.com, 12:30@noon:x",
        "Key: see page 5",
        "pick a key: red or blue",
        "a:9092,token-host:9092",
        "https://h:8080/x;v=2/y",
        "a <b>bold</b> word, <key",
        "--dry-run yes --out x",
        "name: T\nsize: 5\nkeyword: k",
        "npm_config_registry, ghp_short, skills_test, eyJ",
        "100%25 of 3%3A1",
        "x [1, 2] {y} z",
        '["apiKey", "token"]',
        '["key", "colour"]',
        '["--size", "C"]',
        "join(' ', ['Key: ', xp.Key])",
        "Basic Tee: 5",
    ],
)
def test_what_only_looks_like_it_is_shown(text: str) -> None:
    assert replaced(text, spans(text), "•") == text


@pytest.mark.parametrize(
    "name",
    [
        *("apiKeyProd", "api_key_v2", "secret-test", "passwordEncrypted", "password_hash", "private_key_pem"),
        *("accountKeyBase64", "keyMaterial", "dsn", "connString", "sessionId", "otp", "contraseña", "Passwörd"),
    ],
)
def test_names_with_words_behind_them_that_say_nothing_tell(name: str) -> None:
    assert is_telling(name)


def shown(data: Any) -> Any:
    return without_secrets(data, position_of(DeliveryConfigSpec, "deliveryTargets.contentHub.configData", ()), ())


def test_pairs_lists_of_arguments_and_long_numbers_in_free_form_maps_are_masked() -> None:
    assert shown(
        {
            "pair": ["X-Api-Key", "C"],
            "args": ["run", "--password", "C", "-x", "y"],
            "entry": {"k": "apiKey", "v": "C"},
            "map": {"secretCode": "y", "apiKey": 123456, "token": 12345, "keys": [True, 1234567.5]},
            "words": ["key", "colour"],
        }
    ) == {
        "pair": ["X-Api-Key", "••••••"],
        "args": ["run", "--password", "••••••", "-x", "y"],
        "entry": {"k": "apiKey", "v": "••••••"},
        "map": {"secretCode": "y", "apiKey": "••••••", "token": 12345, "keys": [True, "••••••"]},
        "words": ["key", "colour"],
    }


def test_an_entry_is_masked_by_its_place_too() -> None:
    spec = {"deliveryTargets": {"contentHub": {"configData": {"pair": ["X-Api-Key", "C"]}}}}
    path = ("deliveryTargets", "contentHub", "configData", "pair", 1)
    position = position_of(DeliveryConfigSpec, path, marked_paths(()), within=spec)
    assert position.whole


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("join('', ['https://cdn.example.com/i?sku=', ID, '&key=', xp.key])", False),
        ("join('@', ['https://', ID])", False),
        ("join('', ['https://u:C3V@cdn.example.com/', ID])", True),
        (f"'{JWT}'", True),
        ("'Bearer C3VC3VC3V'", True),
    ],
)
def test_an_expression_is_shown_as_it_is_and_holds_no_credentials(text: str, has: bool) -> None:
    assert shows_credentials(text) is has


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("https://hooks.slack.com/services/T01ABCDEF/B02GHIJKL/abcDEF123ghiJKL456mnoPQR", True),
        ("https://hooks.zapier.com/hooks/catch/123456/abcdef", True),
        ("https://discord.com/api/webhooks/123456789012345678/abcDEF-ghi_JKL123456", True),
        ("https://api.telegram.org/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/sendMessage", True),
        ("https://x.example.com/in/3f2504e0-4f89-11d3-9a0c-0305e82c3301", True),
        ("https://hooks.example.com/in", False),
        ("https://x.example.com/api/v1/SyncProductsToWarehouse/orders-2026-11-29", False),
        ("https://x.example.com/in?code=abcDEF123ghiJKL456mnoPQR", False),
        ("no URL at all: abcDEF123ghiJKL456mnoPQR", False),
    ],
)
def test_a_path_that_may_hold_a_token_is_told_from_one_that_somebody_typed(url: str, held: bool) -> None:
    assert has_token_in_path(url) is held
