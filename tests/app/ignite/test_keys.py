"""What SparkLayer hands over is sealed for one site, opens during a rotation, and a lost key is told."""

from __future__ import annotations

import base64
from datetime import timedelta
from types import SimpleNamespace

import pytest

from reconciler.app.ignite.credentials import renewed_seal
from reconciler.app.ignite.keys import KEY, PREVIOUS, Keyring
from reconciler.errors import LedgerError, SecretUnset
from reconciler.ledger.url import parse
from reconciler.ledger.writer import Ledger
from reconciler.manifest.connection import Connection
from reconciler.secret import Secret

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 255))


def test_a_sealed_secret_opens_again_and_does_not_show():
    keys = Keyring({KEY: OLD})
    sealed = keys.seal("production", "https://a#shop", "s3cret")
    assert "s3cret" not in sealed
    assert keys.open("production", "https://a#shop", sealed) == "s3cret"


@pytest.mark.parametrize("where", [("production", "https://a#other"), ("sandbox", "https://a#shop")])
def test_it_opens_for_no_other_site(where):
    keys = Keyring({KEY: OLD})
    with pytest.raises(LedgerError, match="not the key"):
        keys.open(*where, keys.seal("production", "https://a#shop", "s3cret"))


def test_during_a_rotation_both_keys_open_and_the_new_one_seals():
    old = Keyring({KEY: OLD})
    sealed = old.seal("production", "site", "s3cret")
    both = Keyring({KEY: NEW, PREVIOUS: OLD})
    assert both.open("production", "site", sealed) == "s3cret"
    assert not both.is_current("production", "site", sealed)
    again = both.seal("production", "site", "s3cret")
    assert Keyring({KEY: NEW}).open("production", "site", again) == "s3cret"


def test_a_lost_key_is_told_with_the_way_out():
    sealed = Keyring({KEY: OLD}).seal("production", "site", "s3cret")
    with pytest.raises(LedgerError) as error:
        Keyring({KEY: NEW}).open("production", "site", sealed)
    assert PREVIOUS in error.value.next_step
    assert "s3cret" not in f"{error.value}{error.value.next_step}"


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "ü" * 44])
def test_what_is_no_key_is_refused_without_its_value(text):
    with pytest.raises(SecretUnset) as error:
        Keyring({KEY: text})
    assert not text or text not in str(error.value)


def test_both_alphabets_of_base64_name_the_same_key():
    urlsafe = base64.urlsafe_b64encode(b"\xff" * 32).decode()
    assert urlsafe != NEW
    assert Keyring({KEY: urlsafe}).open("a", "b", Keyring({KEY: NEW}).seal("a", "b", "x")) == "x"


def test_a_start_seals_with_the_new_key_what_the_previous_one_did_and_tells_of_a_lost_one(tmp_path):
    url = parse(f"sqlite:///{tmp_path}/ledger.db")
    secret = Secret("x", lambda: None)
    site = Connection("sparklayer", "https://a", "https://a/t", "", secret, 1, site_id="shop")
    session = SimpleNamespace(name="production", connections={"sparklayer": site}, settings=SimpleNamespace(ledger=url))
    with Ledger.open(url) as ledger:
        sealed = Keyring({KEY: OLD}).seal("production", "https://a#shop", "s3cret")
        ledger.ignite.connect("production", "https://a#shop", "shop", ("client", sealed), may_replace=False)
        assert renewed_seal(session, {KEY: NEW, PREVIOUS: OLD}) is None
        again = ledger.ignite.credentials("production", "https://a#shop")
    assert again is not None
    assert Keyring({KEY: NEW}).open("production", "https://a#shop", again.sealed) == "s3cret"
    told = renewed_seal(session, {KEY: OLD})
    assert told is not None
    assert PREVIOUS in told
    with pytest.raises(SecretUnset):
        renewed_seal(session, {})


def test_nobody_connects_over_a_live_connection_without_leave_which_is_for_once(ledger_url):
    with Ledger.open(ledger_url) as ledger:
        store = ledger.ignite
        assert store.allow_reconnect("test", "site", timedelta(hours=1)) is None
        assert store.connect("test", "site", "shop", ("one", "a"), may_replace=False)
        assert not store.connect("test", "site", "shop", ("two", "b"), may_replace=False)
        assert store.allow_reconnect("test", "site", timedelta(hours=-1)) is not None
        assert not store.connect("test", "site", "shop", ("two", "b"), may_replace=False)
        store.allow_reconnect("test", "site", timedelta(hours=1))
        assert store.connect("test", "site", "shop", ("two", "b"), may_replace=False)
        assert not store.connect("test", "site", "shop", ("three", "c"), may_replace=False)
        store.disconnect("test", "site")
        assert store.connect("test", "site", "shop", ("three", "c"), may_replace=False)
        assert store.credentials("test", "site").client_id == "three"
        assert store.credentials("other", "site") is None
