"""What SparkLayer hands over when it connects a site."""

import pytest

from reconciler.app.ignite.connect import Offer, offer_of

WHOLE = {"store_id": "demo", "spark_api_client_id": "client", "spark_api_client_secret": "hunter2"}
NAMES = tuple(WHOLE)


def test_an_offer_has_all_that_was_handed_over_and_shows_no_secret() -> None:
    offer = offer_of({**WHOLE, "more": 1})
    assert isinstance(offer, Offer)
    assert (offer.store_id, offer.client_id, offer.client_secret.reveal()) == ("demo", "client", "hunter2")
    assert "hunter2" not in repr(offer)


@pytest.mark.parametrize("value", [None, "", 7, ["a"], "a\x1b[2J", "a\nb", "a\x00", "x" * 1_001])
def test_what_is_no_usable_text_is_named(value: object) -> None:
    assert offer_of({**WHOLE, "spark_api_client_id": value}) == ("spark_api_client_id",)


@pytest.mark.parametrize("body", [None, [], "demo", 7, {}])
def test_all_of_it_is_named_where_there_is_no_offer(body: object) -> None:
    assert offer_of(body) == NAMES
