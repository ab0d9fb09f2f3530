"""Why SparkLayer refused something, or failed, in words for a merchant."""

from __future__ import annotations

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import ApiError, RateLimited, Rejected, ServerFault, Unreachable
from reconciler.sparklayer.reasons import why_failed, why_refused
from support.sparklayer_workbench import written

TAKEN = "resource-already-exists"


@pytest.mark.parametrize(
    ("said", "code", "status", "words"),
    [
        (None, None, 422, "it does not say why (HTTP 422)"),
        ("Unprocessable Entity", None, 422, "it does not say why (HTTP 422)"),
        ("Unprocessable Content.", None, 422, "it does not say why (HTTP 422)"),
        ("Bad Request The title is odd.", None, 400, "The title is odd."),
        ("Conflict with the slug a", None, 409, "Conflict with the slug a"),
        (None, None, 409, "it conflicts with something that is there"),
        ("Content Too Large", None, 413, "it is too large"),
        ("Conflict", TAKEN, 409, "something else has its slug or ID already"),
        (
            "Conflict The slug a is taken.",
            TAKEN,
            409,
            "something else has its slug or ID already: The slug a is taken.",
        ),
    ],
)
def test_a_refusal_says_what_there_is_to_say(said: str | None, code: str | None, status: int, words: str) -> None:
    error = Rejected("POST api/v1/products: no", said=said, vendor_code=code, status=status)
    assert why_refused(error) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServerFault("GET x: y", status=503), "SparkLayer itself failed (HTTP 503)"),
        (RateLimited("GET x: y", status=429), "SparkLayer had too many requests (HTTP 429)"),
        (Unreachable("GET x: y"), "SparkLayer gave no answer"),
    ],
)
def test_a_failure_says_who_failed(error: ApiError, words: str) -> None:
    assert why_failed(error) == words


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        ("problem", "it refers to something that is not there"),
        ("json", "it refers to something that is not there"),
        ("empty", "it does not say why"),
    ],
)
def test_what_an_answer_says_is_kept_whatever_its_body(emulator: RunningEmulator, bodies: str, words: str) -> None:
    emulator.switch(spark_error_bodies=bodies)
    levels = [{"sku": "A", "stock_location_external_id": "nowhere", "stock_level": 1}]
    with pytest.raises(ApiError) as caught:
        written(emulator.sparklayer_url, lambda writer: writer.post("api/v1/batch-update-stock", levels))
    assert words in why_refused(caught.value)
    assert "POST" not in why_refused(caught.value)
