"""Types of texts that several specs use: durations, and what travels in headers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from reconciler.words import PATTERN as DURATION_PATTERN
from reconciler.words import parse_duration


def _bounded(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN), AfterValidator(_bounded)]
