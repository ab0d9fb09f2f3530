"""Types of texts that several specs use: durations, secrets, names of data syncs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from reconciler.kind.semantics import FieldSemantics
from reconciler.words import PATTERN as DURATION_PATTERN
from reconciler.words import parse_duration


def _bounded(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN), AfterValidator(_bounded)]
SecretText = Annotated[str, Field(min_length=1), FieldSemantics(write_only=True)]
DataSyncName = Annotated[str, Field(min_length=1, description="Name of a DataSync of this environment.")]
