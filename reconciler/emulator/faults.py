"""Fault injection: rules for which requests go wrong, and how. Carried out by misbehave.py."""

from __future__ import annotations

import asyncio
import random
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reconciler.emulator.rewriting import Base64, HeaderChanges, Replacement
from reconciler.emulator.wire import Request


class Effect(StrEnum):
    """Effect of a fault on a request that it hits."""

    STATUS = "status"
    TOO_MANY = "too_many"
    OFFLINE = "offline"
    RESET = "reset"
    HANG = "hang"
    LATENCY = "latency"
    HELD = "held"
    """Carried out once the faults are cleared, whoever is gone by then."""
    SLOW_BODY = "slow_body"
    TRUNCATED = "truncated"
    BROKEN_JSON = "broken_json"
    BOM = "bom"
    ANSWER = "answer"
    REWRITE = "rewrite"


class FaultRule(BaseModel):
    """Body of `POST /_emulator/faults`.

    Of the requests that match method, path, query and body, the rule skips those before the `nth`, then hits `count`
    of them (null: all), each with `probability`.
    """

    model_config = ConfigDict(extra="forbid")

    effect: Effect
    method: str = Field(default="*", description="Method, or * for any.")
    path: str = Field(default="*", description="Glob over the path, case ignored, e.g. */deliveryconfig/*.")
    query: str = Field(default="", description="Text that the query has to contain as it was sent, e.g. page=2.")
    contains: str = Field(default="", description="Text that the body has to contain, e.g. an ID.")
    nth: int = Field(default=1, ge=1, description="First matching request that it can hit, counted from 1.")
    count: int | None = Field(default=1, ge=1, description="How many requests it hits; null for every one.")
    probability: float = Field(default=1, gt=0, le=1)
    seed: int = Field(default=0, description="Seed of the probability: the same requests are hit every time.")
    when: Literal["before", "after"] = Field(
        default="before",
        description="Of what answers instead, resets or hangs: before the request is carried out, or after.",
    )
    seconds: float = Field(default=1, ge=0, description="latency and slow_body: how long.")
    status: int | None = Field(
        default=None,
        ge=200,
        le=599,
        description="status: what to answer, 400 or more, default 500. answer: default 200. rewrite: another one.",
    )
    code: str | None = Field(default=None, description="status: the vendor's error code; default: fits the status.")
    message: str | None = Field(default=None, description="status: the message; default: fits the status.")
    body: Any = Field(
        default=None,
        description="status: a whole JSON body instead of the API's own form. answer: the body, JSON or a plain text.",
    )
    base64: Base64 | None = Field(default=None, description="answer: the body as bytes, instead of `body`.")
    counter: str = Field(
        default="",
        description="answer: text in the body that each time gives way to the next number, in nine digits.",
    )
    headers: HeaderChanges = Field(
        default_factory=dict, description="Headers of what is answered, over its own; null leaves one out."
    )
    replace: list[Replacement] = Field(
        default_factory=list, description="rewrite: what to look for in the true answer's body, and what to put there."
    )
    retry_after: Literal["seconds", "date", "none"] = Field(
        default="seconds", description="too_many: form of the Retry-After header; it says `seconds` from now."
    )

    @model_validator(mode="after")
    def _check_status(self) -> Self:
        if self.effect is Effect.STATUS and self.status is not None and self.status < 400:
            raise ValueError("status: 400 to 599; the effect answer takes any")
        return self


class Fault:
    """Fault rule with its counters."""

    __slots__ = ("_contains", "_path", "_random", "cleared", "fired", "rule", "seen")

    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.seen = 0
        self.fired = 0
        self.cleared = asyncio.Event()
        self._path = rule.path.lower()
        self._contains = rule.contains.encode()
        self._random = random.Random(rule.seed)  # noqa: S311 (a repeatable test choice, no secret)

    def hits(self, request: Request) -> bool:
        """Count a request if it matches, and return whether this fault hits it."""
        rule = self.rule
        if rule.method not in ("*", request.method) or not fnmatchcase(request.path.lower(), self._path):
            return False
        if self._contains not in request.body or rule.query not in request.query:
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


class Hit(NamedTuple):
    """Hit of a fault on one request: the rule, the number of its hits before, and what is set once it is removed."""

    rule: FaultRule
    before: int
    cleared: asyncio.Event


class Faults:
    """Faults that are set; the first one that hits a request is carried out."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, rule: FaultRule) -> None:
        """Add a fault."""
        self._faults.append(Fault(rule))

    def clear(self) -> None:
        """Remove all faults."""
        for fault in self._faults:
            fault.cleared.set()
        self._faults.clear()

    def hit(self, request: Request) -> Hit | None:
        """Return the hit of the first fault that hits a request. Faults behind it do not see the request."""
        hits = (Hit(each.rule, each.fired - 1, each.cleared) for each in self._faults if each.hits(request))
        return next(hits, None)

    def dump(self) -> list[dict[str, Any]]:
        """Return every fault with how many requests matched (`seen`) and were hit (`fired`)."""
        return [fault.dump() for fault in self._faults]
