"""JSON of what processes know together of the APIs that they share: whose rate counts, and who is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from reconciler.reconcile.planfile import Document, Time, time_to_json
from reconciler.sync.monitor.status import LeftAlone, SharedRate


class SharedRateDocument(Document):
    """The rate of an API that all processes of the ledger keep to together."""

    api: str
    per_second: float = Field(description="Requests a second.")
    environment: str = Field(description="Whose that is: it allows the fewest of those that share the connection.")
    allowed: float = Field(description="What the environment of the data sync allows.")


class LeftAloneDocument(Document):
    """An API that nobody asks, as a process found it away or was asked to leave it alone."""

    api: str
    reason: str = Field(description="As who found out met it.")
    holder: str = Field(description="Who found out, or looks now whether it is back.")
    until: Time = Field(description="When the next one looks. No run begins by itself before.")


def rates_to_json(rates: Sequence[SharedRate]) -> list[dict[str, Any]]:
    """Return shared rates, each in the shape of `SharedRateDocument`."""
    return [
        {"api": rate.api, "per_second": rate.per_second, "environment": rate.environment, "allowed": rate.own}
        for rate in rates
    ]


def left_alone_to_json(left_alone: Sequence[LeftAlone]) -> list[dict[str, Any]]:
    """Return APIs that are left alone, each in the shape of `LeftAloneDocument`."""
    return [
        {"api": each.api, "reason": each.reason, "holder": each.holder, "until": time_to_json(each.until)}
        for each in left_alone
    ]
