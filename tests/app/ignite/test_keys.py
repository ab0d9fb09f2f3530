"""What SparkLayer hands over is sealed for one site, opens during a rotation, and a lost key is told."""

from __future__ import annotations

import base64

import pytest

from reconciler.app.ignite.keys import KEY, PREVIOUS, Keyring
from reconciler.errors import LedgerError, SecretUnset

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
