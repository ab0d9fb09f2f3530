"""The `pause` field of the syncs that can be paused (documented: productsync and every entity sync)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from reconciler.kind.semantics import FieldSemantics, Risk, SpecModel
from reconciler.pause.declared import DeclaredPause


def _only_text(value: object) -> object:
    # Lax datetimes would take a bare number for seconds since 1970.
    if not isinstance(value, str | datetime):
        raise ValueError("expected a time such as 2026-12-01T06:00:00Z")  # noqa: TRY004 - pydantic wants ValueError
    return value


class Pause(SpecModel):
    """A pause with an end, a reason and an owner."""

    until: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_text)] | None = Field(
        default=None,
        description="When the sync resumes, with its offset, e.g. 2026-12-01T06:00:00Z. The next apply resumes it.",
    )
    reason: Annotated[str, Field(min_length=1)] = Field(description="Why, for whoever is on call.")
    owner: str | None = Field(default=None, description="Whom to ask.")

    def declared(self) -> DeclaredPause:
        """Return the pause as a plain value."""
        return DeclaredPause(True, self.until, self.reason, self.owner)


# When it ends, what piled up meanwhile is sent.
PauseField = Annotated[
    bool | Pause,
    FieldSemantics(pause=True, wire="Paused", risk=Risk.STOPS_SYNC, risk_when=True, risk_else=Risk.RE_SYNCS),
]

PAUSE_DESCRIPTION = (
    "true, false, or until when and why. While paused, changes pile up and go out consolidated on resume; "
    "deletes are not held back."
)

PAUSE_LIMITS = "deletes are not held back: they go out at once, one by one, and may overtake a held change"
