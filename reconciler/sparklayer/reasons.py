"""Reasons of SparkLayer's refusals and failures, in a merchant's words. Knows no HTTP library."""

from __future__ import annotations

import re

from reconciler.errors import ApiError, RateLimited, ServerFault, UnexpectedAnswer

# documented: the two codes.
TAKEN = "resource-already-exists"
UNKNOWN_ID = "resource-id-not-found"
# documented: the sentence that refuses settings.
NO_SETTINGS = "Global settings unavailable"
# What the codes, and statuses where there is no code, mean to somebody who never saw the API.
_MEANINGS = {
    TAKEN: "something else has its slug or ID already",
    UNKNOWN_ID: "it refers to something that is not there",
}
# The title of many a problem, which says no more than its status.
_PHRASE = re.compile(
    r"^(?:Bad Request|Not Found|Conflict|Content Too Large|Request Entity Too Large|Unprocessable (?:Entity|Content))"
    r"(?:[ .:;]+(?=[^a-z ])|[ .:;]*$)"
)
_STATUS_MEANINGS: dict[int | None, str] = {
    404: "it refers to something that is not there",
    409: "it conflicts with something that is there",
    413: "it is too large",
}


def why_refused(error: ApiError) -> str:
    """Return the reason of a refusal by SparkLayer, for a merchant: what its code means, and its own words."""
    own = _PHRASE.sub("", error.said or "").strip()
    meaning = _MEANINGS.get(error.vendor_code or "") or (None if own else _STATUS_MEANINGS.get(error.status))
    return ": ".join(filter(None, (meaning, own))) or f"it does not say why (HTTP {error.status})"


def why_failed(error: ApiError) -> str:
    """Return why SparkLayer could not be asked, for a merchant."""
    status = "" if error.status is None else f" (HTTP {error.status})"
    match error:
        case RateLimited():
            return f"SparkLayer had too many requests{status}"
        case ServerFault():
            return f"SparkLayer itself failed{status}"
        case UnexpectedAnswer():
            return f"SparkLayer gave an answer that cannot be understood{status}"
        case _:
            return f"SparkLayer gave no answer{status}"
