"""Log of deliveries, the setting of how they are sent, and their faults."""

from __future__ import annotations

import random
import time
from collections import deque
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

KEPT = 20_000
KEPT_BODIES = 1_000


class DeliverySetting(BaseModel):
    """Body of `PUT /_emulator/deliveries`: how messages are sent.

    inferred: all of it. Attempts, waits, timeout and which answers count are not published.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(default=3, ge=1, le=20, description="How often a message is sent until it is given up.")
    wait: float = Field(default=1, ge=0, description="Seconds before the second attempt; doubled before each further.")
    timeout: float = Field(default=10, gt=0, description="Seconds for an answer.")
    at_once: int = Field(
        default=1,
        ge=1,
        le=64,
        description="How many messages of a delivery config go side by side; 1 keeps order.",
    )
    hosts: list[str] = Field(default=[], description="Globs of hosts to send to beside the loopback.")
    kafka_security: Literal["auto", "plaintext", "sasl_plaintext", "ssl", "sasl_ssl"] = Field(
        default="auto",
        description="Protocol to brokers; auto: plaintext without a login on the loopback, else SASL/PLAIN over TLS.",
    )


class DeliveryEffect(StrEnum):
    """Effect of a delivery fault on a message that it hits."""

    DUPLICATE = "duplicate"
    LATE = "late"
    REORDER = "reorder"
    LOST = "lost"


class DeliveryFaultRule(BaseModel):
    """Body of `POST /_emulator/deliveries/faults`: which messages, and what happens to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    effect: DeliveryEffect
    type: str = Field(default="*", description="Glob over the message's type.")
    id: str = Field(default="*", description="Glob over the record's ID.")
    nth: int = Field(default=1, ge=1, description="First matching message that it can hit, counted from 1.")
    count: int | None = Field(default=1, ge=1, description="How many messages it hits; null for every one.")
    probability: float = Field(default=1, gt=0, le=1)
    seed: int = Field(default=0, description="Seed of the probability: the same messages are hit every time.")
    copies: int = Field(default=1, ge=1, le=100, description="duplicate: how many more than one are sent.")
    by: int = Field(default=1, ge=1, description="reorder: how many later messages go first.")
    seconds: float = Field(default=5, ge=0, description="late: how late. reorder: the longest that it waits.")


class DeliveryFault:
    """Delivery fault rule with its counters."""

    __slots__ = ("_random", "fired", "rule", "seen")

    def __init__(self, rule: DeliveryFaultRule) -> None:
        self.rule = rule
        self.seen = 0
        self.fired = 0
        self._random = random.Random(rule.seed)  # noqa: S311 (a repeatable test choice, no secret)

    def hits(self, message_type: str, record_id: str) -> bool:
        """Count a message if it matches, and return whether this fault hits it."""
        rule = self.rule
        if not fnmatchcase(message_type, rule.type) or not fnmatchcase(record_id, rule.id):
            return False
        self.seen += 1
        if self.seen < rule.nth or (rule.count is not None and self.fired >= rule.count):
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        self.fired += 1
        return True

    def dump(self) -> dict[str, Any]:
        """Return rule and counters as JSON."""
        return {**self.rule.model_dump(mode="json"), "seen": self.seen, "fired": self.fired}


class Delivery:
    """Delivery of one message to one target, as the list shows it."""

    __slots__ = ("attempts", "body", "changes", "config_id", "fault", "record", "status", "sync", "target", "time",
                 "type", "url", "why")  # fmt: skip

    def __init__(self, sync: str, config_id: str, target: str, message_type: str, record: dict[str, str]) -> None:
        self.time = _now()
        self.sync = sync
        self.config_id = config_id
        self.target = target
        self.type = message_type
        self.record = record
        self.changes = 1
        self.url = ""
        self.status = "sending"
        self.why: str | None = None
        self.fault: str | None = None
        self.body: bytes | None = None
        self.attempts: list[dict[str, Any]] = []

    def attempted(self, *, status: int | None = None, error: str | None = None) -> None:
        """Note how an attempt ended."""
        self.attempts.append({"time": _now(), "status": status, "error": error})

    def ended(self, status: str, why: str | None = None) -> None:
        """Note how the delivery ended, and why so."""
        self.status, self.why = status, why

    def dump(self, *, bodies: bool) -> dict[str, Any]:
        """Return the delivery as JSON; `body` as text, where it was to be shown and is still kept."""
        body = {"body": self.body.decode()} if bodies and self.body is not None else {}
        return {
            "time": self.time,
            "sync": self.sync,
            "deliveryConfigID": self.config_id,
            "target": self.target,
            "type": self.type,
            "record": self.record,
            "changes": self.changes,
            "url": self.url,
            "status": self.status,
            "why": self.why,
            "fault": self.fault,
            "attempts": self.attempts,
            **body,
        }


class DeliveryLog:
    """Log of the last 20,000 deliveries, oldest first; of the last 1,000 the bodies."""

    def __init__(self) -> None:
        self._entries: deque[Delivery] = deque(maxlen=KEPT)
        self._with_bodies: deque[Delivery] = deque()

    def add(self, entry: Delivery) -> None:
        """Add a delivery."""
        self._entries.append(entry)
        self._with_bodies.append(entry)
        if len(self._with_bodies) > KEPT_BODIES:
            self._with_bodies.popleft().body = None

    def dump(self, *, bodies: bool) -> list[dict[str, Any]]:
        """Return all of them as JSON."""
        return [entry.dump(bodies=bodies) for entry in self._entries]

    def clear(self) -> None:
        """Remove all deliveries."""
        self._entries.clear()
        self._with_bodies.clear()


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat()
