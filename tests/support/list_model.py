"""OrderCloud lists in memory, with every answer that the fact sheet leaves open, and changes under way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reconciler.errors import Rejected
from reconciler.kind.connection import Params, Wire


@dataclass
class ListModel:
    """A list by ID.

    `numeric_sort` and `numeric_filter`: IDs of digits compare as numbers. `cap`: larger lists are refused.
    `before_each` is called before every request, to change `items`.
    """

    items: list[Wire]
    numeric_sort: bool = False
    numeric_filter: bool = False
    ignores_case: bool = True
    cap: int | None = None
    before_each: Callable[[ListModel], None] = lambda _model: None
    asked: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _sorted: dict[tuple[str, ...], list[Wire]] = field(default_factory=dict)
    _sorted_of: list[Wire] = field(default_factory=list)

    async def get(self, path: str, params: Params | None = None) -> Any:
        asked = dict(params or {})
        self.asked.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.before_each(self)
        return self.page(asked)

    def page(self, asked: dict[str, Any]) -> Any:
        filters = asked.get("ID", ())
        texts = [filters] if isinstance(filters, str) else list(filters)
        found = self._found(texts)
        if self.cap is not None and len(found) > self.cap:
            raise Rejected("too large", status=400, vendor_code="Search.ResultSetTooLarge")
        page, size = asked["page"], asked["pageSize"]
        meta = {"TotalCount": len(found), "TotalPages": -(-len(found) // size), "Page": page, "PageSize": size}
        return {"Meta": meta, "Items": found[(page - 1) * size : page * size]}

    def _found(self, texts: list[str]) -> list[Wire]:
        """What fits, in order; sorted once for all pages as long as the same items are there."""
        if self._sorted_of != self.items:
            self._sorted_of = list(self.items)
            self._sorted.clear()
        if (kept := self._sorted.get(tuple(texts))) is not None:
            return kept
        found = self.items
        for text in sorted(texts, key=lambda text: text[:2] == "!*" or text[:1] == "*"):
            found = [item for item in found if self._fits(str(item["ID"]), text)]
        found = sorted(
            found,
            key=lambda item: (self._order(str(item["ID"]), self.numeric_sort), str(item.get("CompanyID"))),
        )
        self._sorted[tuple(texts)] = found
        return found

    def _order(self, name: str, numeric: bool) -> tuple[int, int, str, str]:
        return _order(name, numeric, self.ignores_case)

    def _fits(self, name: str, text: str) -> bool:
        parts = _parts(text, self.numeric_filter, self.ignores_case)
        return any(fits(name) for fits in parts)


@cache
def _parts(text: str, numeric: bool, ignores_case: bool) -> tuple[Callable[[str], bool], ...]:
    """Return what tests a name against each alternative of a filter."""
    return tuple(_part(part, numeric, ignores_case) for part in text.split("|"))


def _part(text: str, numeric: bool, ignores_case: bool) -> Callable[[str], bool]:
    fold = str.lower if ignores_case else str
    if text[:2] == "!*" and text[-1] == "*":
        word = fold(text[2:-1])
        return lambda name: word not in fold(name)
    if text.startswith("!"):
        other = _part(text[1:], numeric, ignores_case)
        return lambda name: not other(name)
    if text[:1] in ("<", ">"):
        bound = _order(text[1:], numeric, ignores_case)
        if text[0] == ">":
            return lambda name: _order(name, numeric, ignores_case) > bound
        return lambda name: _order(name, numeric, ignores_case) < bound
    if "*" not in text:
        whole = fold(text)
        return lambda name: fold(name) == whole
    pattern = re.compile(".*".join(re.escape(part) for part in fold(text).split("*")))
    return lambda name: pattern.fullmatch(fold(name)) is not None


@cache
def _order(name: str, numeric: bool, ignores_case: bool) -> tuple[int, int, str, str]:
    if numeric and name.isdigit():
        return (0, int(name), "", name)
    return (1, 0, name.lower() if ignores_case else name, name)


def named(names: Iterable[str]) -> list[Wire]:
    return [{"ID": name} for name in names]
