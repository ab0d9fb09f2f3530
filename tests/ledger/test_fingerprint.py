"""A fingerprint shows that a secret changed, and neither what it is nor where else it is used."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ledger.config.secret_fingerprint import IN_DOUBT, fingerprint, matches

SALT = b"0123456789abcdef"
PLACE = {"api_url": "https://a/v1", "kind": "DeliveryConfig", "live_id": "x", "path": "deliveryTargets.http.secret"}


@settings(max_examples=15, deadline=None)
@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_the_same_value_matches_and_another_does_not(one, other):
    digest = fingerprint(SALT, one, **PLACE)
    assert matches(digest, SALT, one, **PLACE)
    assert matches(digest, SALT, other, **PLACE) == (one == other)


@pytest.mark.parametrize("part", PLACE)
def test_the_same_secret_elsewhere_looks_different(part):
    elsewhere = PLACE | {part: PLACE[part] + "2"}
    assert fingerprint(SALT, "s3cret", **PLACE) != fingerprint(SALT, "s3cret", **elsewhere)


def test_parts_of_the_place_cannot_be_shifted_into_each_other():
    shifted = PLACE | {"kind": "DeliveryConfigx", "live_id": ""}
    assert fingerprint(SALT, "s3cret", **PLACE) != fingerprint(SALT, "s3cret", **shifted)


def test_another_ledger_has_another_fingerprint():
    assert fingerprint(SALT, "s3cret", **PLACE) != fingerprint(b"another salt", "s3cret", **PLACE)


def test_one_in_doubt_matches_nothing():
    assert not matches(IN_DOUBT, SALT, "", **PLACE)


def test_a_value_that_ends_in_nul_is_another() -> None:
    assert not matches(fingerprint(SALT, "", **PLACE), SALT, "\0", **PLACE)
