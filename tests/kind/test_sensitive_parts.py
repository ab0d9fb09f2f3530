"""Which parts of a value are secrets, where the value itself is no secret field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kind.sensitive import Position, is_telling, marked_paths, position_of, replaced, spans, without_secrets
from reconciler.ordercloud.kinds.delivery_config import DeliveryConfigSpec
from reconciler.secret import MASK

URL_TEXT = st.text("abcXYZ019-_.~!$*+,", min_size=4, max_size=12).map(lambda text: f"mark{text}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a.example.com/in", "https://a.example.com/in"),
        ("https://a.example.com:8443/in#part", "https://a.example.com:8443/in#part"),
        ("https://a.example.com/in?", "https://a.example.com/in?"),
        ("https://a.example.com/in?code=x&v=2", "https://a.example.com/in?code=•&v=•"),
        ("https://a.example.com?x", "https://a.example.com?•"),
        ("https://a.example.com/in#token=x", "https://a.example.com/in#token=•"),
        ("https://me@a.example.com/in", "https://•@a.example.com/in"),
        ("https://me:pw@a.example.com/in?code=x", "https://•@a.example.com/in?code=•"),
        ("https://me:p/w@a.example.com/in", "https://•@a.example.com/in"),
        ("https://medium.example.com/@me", "https://medium.example.com/@me"),
        ("SASL_SSL://u:p@a:9092,SASL_SSL://v:q@b:9092", "SASL_SSL://•@a:9092,SASL_SSL://•@b:9092"),
        ("a:9092,b:9092", "a:9092,b:9092"),
        (
            "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=abc==",
            "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=•",
        ),
        ("AccountName=shop;AccountKey=k; Password = p;", "AccountName=shop;AccountKey=•; Password =•;"),
        ("${env:X:-https://me:pw@h/?code=C}", "${env:X:-https://•@h/?code=•"),
        ("a/https://me:pw@h/x, -https://me:pw@h", "a/https://•@h/x, -https://•@h"),
        (r"at https:\\me:pw@h\x", r"at https:\\•@h\x"),
        ("https://h/f%3Fcode=C&v=2", "https://h/f%3Fcode=•&v=•"),
        ("https://h/f%253Fcode%253DC", "https://h/f%253F•"),
        ("see /f%3fcode=C there", "see /f%3fcode=• there"),
        ("https://h/f%23code=C", "https://h/f%23code=•"),
        ("https://h/why%3F/more", "https://h/why%3F/more"),
        ("a plain text = with a sign", "a plain text = with a sign"),
        ("", ""),
        ("https://a.example.com/in#Xy7PW", "https://a.example.com/in#•"),
        ("https://a.example.com/in#part-2", "https://a.example.com/in#part-2"),
        ("//usr:pw@a.example.com/x", "//•@a.example.com/x"),
        ("see https://u:pw@h/?code=C for more", "see https://•@h/?code=• for more"),
        ('<a href="https://h/?code=C">more</a>', '<a href="https://h/?code=•">more</a>'),
        ("see https://a.example.com/in for more, or // that", "see https://a.example.com/in for more, or // that"),
        ("a.example.com/f?code=C", "a.example.com/f?code=•"),
        ("/f?code=C&v=2", "/f?code=•&v=•"),
        ("/f?", "/f?"),
        ("really? a/b? x=y", "really? a/b? x=y"),
        ("Bearer Xy1", "Bearer •"),
        ("bearer tokens. Bearer of news", "bearer tokens. Bearer of news"),
        ("Basic dXNyOnB3", "Basic •"),
        ("Basic Tee, basic authentication, BASIC plan: 5", "Basic Tee, basic authentication, BASIC plan: 5"),
        ("Authorization: Basic dXNyOnB3", "Authorization: Basic •"),
        ("Authorization: Xy1", "Authorization: •"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMII\nabc=\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\n•-----END RSA PRIVATE KEY-----\n",
        ),
        ('{"apiKey":"C", "title": "T"}', '{"apiKey":"•", "title": "T"}'),
        (
            r'{"a": "{\"apiKey\": \"C\", \"n\": \"{\\\"pw\\\": \\\"D\\\"}\"}"}',
            r'{"a": "{\"apiKey\": \"•\", \"n\": \"{\\\"pw\\\": \\\"•\\\"}\"}"}',
        ),
        (r'see "{\"apiKey\": \"C\"}" there', r'see "{\"apiKey\": \"•\"}" there'),
        ('{"tokens": ["C", {"a": "D"}, 5], "keyword": "k"}', '{"tokens": ["•", {"a": "•"}, 5], "keyword": "k"}'),
        (
            '[{"name": "apiKey", "value": "C"}, {"name": "size", "value": "L"}]',
            '[{"name": "apiKey", "value": "•"}, {"name": "size", "value": "L"}]',
        ),
        (r'{"u": "https:\/\/u:pw@h\/x", "h": "\u0042earer Xy1"}', r'{"u": "https:\/\/•@h\/x", "h": "\u0042earer •"}'),
        (
            '{"pin": 4711, "pins": [12], "n": 4711, "pinned": true}',
            '{"pin": •, "pins": [•], "n": 4711, "pinned": true}',
        ),
        ("pin=4711;n=1", "pin=•;n=1"),
        ('{"apiKey": C, "a": true}', '{"apiKey": •, "a": true}'),
        ("grant_type=a&client_secret=C&scope=s", "grant_type=a&client_secret=•&scope=s"),
        ("HOST=h\nAPI_KEY=C\nPORT=1", "HOST=h\nAPI_KEY=•\nPORT=1"),
        ("host=h password=C dbname=d", "host=h password=• dbname=d"),
        ("Server=h;Password==C;x=1", "Server=h;Password=•;x=1"),
        ("/path?token==C", "/path?token=•"),
        ("host=h password==C dbname=d", "host=h password=• dbname=d"),
        ("a=1&token==C", "a=1&token=•"),
        (r'see "apiKey": "C\\" ', 'see "apiKey": "•'),
        ('see {"apiKey": "C', 'see {"apiKey": "•'),
        (r"see \"apiKey\": \"C\\\\\" ", r"see \"apiKey\": \"•"),
        ("token == 'a' && key=='b'", "token == 'a' && key=='b'"),
        ("xp.List[?key=='colour'].value | [0]", "xp.List[?key=='colour'].value | [0]"),
        ("a:b, c/d.e (f) me@example.com mailto:me@example.com", "a:b, c/d.e (f) me@example.com mailto:me@example.com"),
    ],
)
def test_parts_of_values(text: str, shown: str) -> None:
    assert replaced(text, spans(text), "•") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anything", "•"),
        ("pa ss://word", "•"),
        ("https://hooks.example.com/services/T0/B0", "https://hooks.example.com/•"),
        ("https://me:pw@hooks.example.com/services?x=1", "https://•@hooks.example.com/•"),
        ("https://hooks.example.com", "https://hooks.example.com"),
    ],
)
def test_a_value_that_is_secret_as_a_whole_shows_where_it_points_at_most(text: str, shown: str) -> None:
    assert replaced(text, spans(text, whole=True), "•") == shown


@given(user=URL_TEXT, password=URL_TEXT, value=URL_TEXT, host=st.sampled_from(["a.example.com", "[::1]:8080", "h:80"]))
def test_userinfo_and_query_are_never_shown(user: str, password: str, value: str, host: str) -> None:
    text = f"https://{user}:{password}@{host}/path?code={value}&{value}"
    shown = replaced(text, spans(text))
    assert "mark" not in shown
    assert f"@{host}/path?code=" in shown


@pytest.mark.parametrize(
    "name", ["apiKey", "API_KEY", "client-secret", "accessToken", "password", "dbPassword", "connectionString"]
)
def test_names_that_tell(name: str) -> None:
    assert is_telling(name)


@pytest.mark.parametrize(
    "name",
    [
        "pass",
        "pwd",
        "pw",
        "secrets",
        "apiKeys",
        "apikeys",
        "API_KEYS",
        "keys",
        "tokens",
        "auth",
        "credentials",
        "credential",
        "creds",
        "cred",
        "bearer",
        "jwt",
        "basicAuth",
        "basicauth",
        "OAuth2",
        "X-Auth",
        "authHeader",
        "auth_header",
        "authorization",
        "signature",
        "sig",
        "sas",
        "hmac",
        "cookie",
        "cookies",
        "pat",
        "passphrase",
        "privateKey",
        "connectionStrings",
        "password2",
        "secretValue",
        "dbpass",
        "dbpw",
        "apikey",
        "authtoken",
        "smtppass",
        "dbcreds",
        "sessioncookie",
        "secretvalue",
        "passcode",
        "pin",
        "userPIN",
        "pinCode",
        "salt",
        "passwordSalt",
        "accessCode",
    ],
)
def test_plurals_and_compounds_of_telling_names_tell(name: str) -> None:
    assert is_telling(name)


@pytest.mark.parametrize(
    "name",
    [
        "title",
        "postalCode",
        "pinned",
        "spin",
        "basalt",
        "keyword",
        "keywords",
        "passwordPolicy",
        "secretary",
        "locale",
        "author",
        "authors",
        "authority",
        "tokenizer",
        "signatureRequired",
        "compass",
        "bypass",
        "encompass",
        "monkey",
        "turkey",
        "sacred",
        "path",
        "pattern",
        "patch",
        "sass",
        "signal",
        "keyboard",
        "header",
        "value",
        "text",
        "authUrl",
        "passengers",
        "123",
        "-",
    ],
)
def test_names_that_tell_nothing(name: str) -> None:
    assert not is_telling(name)


def shown(value: object, path: str, *marked: str) -> object:
    found = marked_paths(marked)
    return without_secrets(value, position_of(DeliveryConfigSpec, path, found), found)


def test_free_form_maps_are_masked_by_the_names_of_their_keys_at_any_depth() -> None:
    data = {"apiKey": "x", "title": "y", "remote": {"secret": {"a": ["z", 1, True, None]}, "url": "https://u:p@h/"}}
    assert shown({"contentHub": {"configData": data}}, "deliveryTargets") == {
        "contentHub": {
            "configData": {
                "apiKey": "••••••",
                "title": "y",
                "remote": {"secret": {"a": ["••••••", 1, True, None]}, "url": "https://••••••@h/"},
            }
        }
    }
    assert shown("x", "deliveryTargets.contentHub.configData.list[2].apiKey[0]") == "••••••"


def test_all_of_a_container_under_a_telling_name_is_masked() -> None:
    data = {"secrets": ["x"], "tokens": {"a": {"b": "x"}}, "auth": {"user": "x", "on": True}, "authors": ["y"]}
    assert shown(data, "deliveryTargets.contentHub.configData") == {
        "secrets": ["••••••"],
        "tokens": {"a": {"b": "••••••"}},
        "auth": {"user": "••••••", "on": True},
        "authors": ["y"],
    }


def test_the_value_beside_a_telling_name_is_masked_and_its_name_is_not() -> None:
    data = [
        {"name": "apiKey", "value": "x"},
        {"key": "password", "value": {"a": ["x"]}},
        {"Header": "X-Auth", "Value": "x", "note": "y"},
        {"name": "colour", "value": "red"},
        {"id": "monkey", "value": "y"},
        {"name": "apiKey", "title": "y"},
    ]
    assert shown({"list": data}, "deliveryTargets.contentHub.configData") == {
        "list": [
            {"name": "apiKey", "value": "••••••"},
            {"key": "password", "value": {"a": ["••••••"]}},
            {"Header": "X-Auth", "Value": "••••••", "note": "y"},
            {"name": "colour", "value": "red"},
            {"id": "monkey", "value": "y"},
            {"name": "apiKey", "title": "y"},
        ]
    }


def test_fields_of_the_model_are_not_masked_by_their_names() -> None:
    assert shown({"topic": "t", "saslUsername": "key"}, "deliveryTargets.kafka") == {
        "topic": "t",
        "saslUsername": "key",
    }


def test_any_path_can_be_marked() -> None:
    marked = "deliveryTargets.http.endpoint"
    value = {"http": {"endpoint": "https://hooks.example.com/T0", "customAuthHeaderName": "X"}}
    masked = {"http": {"endpoint": "https://hooks.example.com/••••••", "customAuthHeaderName": "X"}}
    assert shown(value, "deliveryTargets", marked) == masked
    assert shown(value, "deliveryTargets", "deliveryTargets.http.customAuthHeaderName[0]") == {
        "http": {"endpoint": "https://hooks.example.com/T0", "customAuthHeaderName": "••••••"}
    }
    assert Position(DeliveryConfigSpec).below("name", marked_paths(["name"])).whole


def test_a_number_is_masked_where_it_is_long_or_its_name_says_that_few_digits_are_a_secret() -> None:
    value = {"pin": 4711, "cards": [{"userPins": [12, 0.5]}], "tokens": 5, "token": 471147, "n": 471147, "pinned": True}
    shown = without_secrets(value, Position(None, free=True), frozenset())
    assert shown == {
        "pin": MASK,
        "cards": [{"userPins": [MASK, MASK]}],
        "tokens": 5,
        "token": MASK,
        "n": 471147,
        "pinned": True,
    }
