"""The `pause` field of the syncs that can be paused (documented: productsync and every entity sync)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from reconciler.kind.semantics import FieldSemantics, Risk, SpecModel
from reconciler.kind.sensitive import FreeText
from reconciler.manifest.explain import BadValue, nearest
from reconciler.manifest.texts import Duration
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.window import Window, Windows, cron_problem, timezone_exists, timezones
from reconciler.words import parse_duration

_LONGEST_ABBREVIATION = 5
_ABBREVIATIONS = {
    "ACST": "Australia/Adelaide",
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney or Australia/Brisbane",
    "AKST": "America/Anchorage",
    "AST": "America/Halifax",
    "AWST": "Australia/Perth",
    "BST": "Europe/London",
    "CDT": "America/Chicago",
    "CEST": "Europe/Berlin or another of Europe",
    "CST": "America/Chicago or Asia/Shanghai",
    "EDT": "America/New_York",
    "EEST": "Europe/Helsinki or another of Europe",
    "IST": "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem",
    "JST": "Asia/Tokyo",
    "MDT": "America/Denver",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PST": "America/Los_Angeles",
    "SAST": "Africa/Johannesburg",
    "SGT": "Asia/Singapore",
    "WEST": "Europe/Lisbon",
}


def _only_text(value: object) -> object:
    # Lax datetimes would take a bare number for seconds since 1970.
    if not isinstance(value, str | datetime):
        raise ValueError("expected a time such as 2026-12-01T06:00:00Z")  # noqa: TRY004 - pydantic wants ValueError
    return value


class PauseWindow(SpecModel):
    """A time at which the sync is paused again and again."""

    cron: str = Field(
        description="When it begins, on the clock of the time zone: minute, hour, day of the month, month, day of the "
        "week, e.g. 0 1 * * 1-5.",
    )
    duration: Duration = Field(description="How long it lasts, e.g. 2h, as a stopwatch measures it.")
    timezone: str = Field(description="Time zone by its IANA name, e.g. Europe/London; UTC where none is meant.")
    reason: Annotated[str, Field(min_length=1), FreeText] = Field(description="Why, for whoever is on call.")

    @field_validator("cron")
    @classmethod
    def _names_a_time(cls, cron: str) -> str:
        problem = cron_problem(cron)
        if problem is not None:
            raise BadValue(
                f"the expression {problem}", "Write five fields, such as 0 1 * * 1-5: Monday to Friday at 1."
            )
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if not timezone_exists(name):
            # What looks like an abbreviation is near to others that mean another clock.
            is_short = name.isupper() and name.isalpha() and len(name) <= _LONGEST_ABBREVIATION
            close = _ABBREVIATIONS.get(name) if is_short else nearest(name, timezones())
            hint = f"Did you mean {close}?" if close else "Write an IANA name such as Europe/London, or UTC."
            raise BadValue("there is no such time zone", hint)
        return name

    def window(self) -> Window:
        """Return the window as a plain value."""
        return Window(self.cron, parse_duration(self.duration), self.timezone, self.reason)


class Pause(SpecModel):
    """A pause with an end, a reason and an owner, in windows, or both."""

    model_config = ConfigDict(
        json_schema_extra={"if": {"not": {"required": ["windows"]}}, "then": {"required": ["reason"]}}
    )

    until: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_text)] | None = Field(
        default=None,
        description="When the sync resumes, with its offset, e.g. 2026-12-01T06:00:00Z. The next apply resumes it.",
    )
    windows: Annotated[list[PauseWindow], Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="Times at which it is paused again and again, beside `until`. `drift --heal` starts and ends them.",
    )
    reason: Annotated[str, Field(min_length=1), FreeText] | None = Field(
        default=None,
        description="Why, for whoever is on call; required but for windows, which say it themselves.",
        validate_default=True,
    )
    owner: Annotated[str, FreeText] | None = Field(default=None, description="Whom to ask.")

    @field_validator("reason")
    @classmethod
    def _says_why(cls, reason: str | None, info: ValidationInfo) -> str | None:
        # Where the windows are wrong they are not in `data`, and that is said already.
        is_wrong = "windows" not in info.data or "until" not in info.data
        if reason is None and not is_wrong and (info.data["windows"] is None or info.data["until"] is not None):
            raise PydanticCustomError("missing", "a pause says why")
        return reason

    def declared(self) -> DeclaredPause:
        """Return the pause as a plain value."""
        windows = None if self.windows is None else Windows(tuple(each.window() for each in self.windows))
        return DeclaredPause(True, self.until, self.reason, self.owner, windows)


# When it ends, what piled up meanwhile is sent.
PauseField = Annotated[
    bool | Pause,
    FieldSemantics(pause=True, wire="Paused", risk=Risk.STOPS_SYNC, risk_when=True, risk_else=Risk.RE_SYNCS),
]

PAUSE_DESCRIPTION = (
    "true, false, until when and why, or in which windows. While paused, changes pile up and go out consolidated on "
    "resume; deletes are not held back."
)

PAUSE_LIMITS = "deletes are not held back: they go out at once, one by one, and may overtake a held change"
