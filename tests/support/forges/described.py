"""What the forges' published descriptions say of the requests that we make; tests/data/forges/described says of which.

A stand-in holds every request that reaches it, and every answer that it gives, against these tables, so that a client
that asks for what no description has is found, and so is a stand-in that answers what no forge would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import Any

import yaml

_DATA = Path(__file__).parents[2] / "data/forges"


@dataclass(frozen=True, slots=True)
class Request:
    """A kind of request: names that its query, its body and its answer may have, each with what is below it."""

    method: str
    path: str
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    answer: Mapping[str, Any]
    inferred: Mapping[str, Any]

    def is_of(self, method: str, path: str) -> bool:
        """Whether a request is of this kind."""
        pattern = re.sub(r"\\\{\w+\\\.\\\.\\\.\\\}", ".+", re.escape(self.path))
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def described(name: str) -> tuple[Request, ...]:
    """Return what a forge's description has, those with the fewest variable parts in their path first."""
    table = yaml.safe_load((_DATA / f"described/{name}.yaml").read_text())
    found = []
    for request, parts in table.items():
        method, _, path = request.partition(" ")
        inferred = parts.get("inferred", {})
        told = (
            _merged(parts.get(part) or {}, inferred.get(part) or {}, _EXAMPLES) for part in ("query", "body", "answer")
        )
        found.append(Request(method, path, *told, inferred))
    return tuple(sorted(found, key=lambda request: request.path.count("{")))


def undescribed(
    name: str, method: str, path: str, query: Mapping[str, str], body: Any, answer: Any = None
) -> Iterator[str]:
    """Yield what no description has: a path, a name in the query, a member of the body or of the answer.

    Args:
        name: of the forge's table.
        method: of the request.
        path: of the request, below the API's base.
        query: of the request.
        body: of the request, decoded.
        answer: the body of the answer, decoded; None: it is not looked at.
    """
    kind = next((kind for kind in described(name) if kind.is_of(method, path)), None)
    if kind is None:
        yield f"{method} {path}"
        return
    yield from (f"{method} {path}?{each}" for each in query if each not in kind.query)
    yield from (f"{method} {path} body {each}" for each in _unknown(kind.body, body))
    yield from (f"{method} {path} answer {each}" for each in _unknown(kind.answer, answer))


def _unknown(allowed: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _unknown(allowed, each, at)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in allowed and "*" not in allowed:
                yield f"{at}{name}"
            elif (below := allowed.get(name, allowed.get("*"))) is not None:
                yield from _unknown(below, inner, f"{at}{name}.")


def _merged(told: Any, inferred: Any, examples: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return names with what is below them; None below one: it is not looked into."""
    if isinstance(told, str):
        return examples[told.removeprefix("=")]
    found = {
        name: None
        if below is None and name not in inferred
        else _merged(below or {}, inferred.get(name) or {}, examples)
        for name, below in told.items()
    }
    return {**found, **{name: below for name, below in inferred.items() if name not in told}}


def _shape(value: Any) -> Any:
    """Return the names of an example; those of a list are what any of its items has."""
    if isinstance(value, list):
        return reduce(_both, map(_shape, value), None)
    return {name: _shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def _both(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return left or right
    return {**left, **{name: _both(left.get(name), below) for name, below in right.items()}}


_EXAMPLES: Mapping[str, Any] = {
    name: _shape(value) for name, value in json.loads((_DATA / "github.json").read_text()).items()
}
