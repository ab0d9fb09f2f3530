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
        found = self.items
        for text in sorted(texts, key=lambda text: text[:2] == "!*" or text[:1] == "*"):
            found = [item for item in found if self._fits(str(item["ID"]), text)]
        found = sorted(
            found,
            key=lambda item: (self._order(str(item["ID"]), self.numeric_sort), str(item.get("CompanyID"))),
        )
        if self.cap is not None and len(found) > self.cap:
            raise Rejected("too large", status=400, vendor_code="Search.ResultSetTooLarge")
        page, size = asked["page"], asked["pageSize"]
        meta = {"TotalCount": len(found), "TotalPages": -(-len(found) // size), "Page": page, "PageSize": size}
        return {"Meta": meta, "Items": found[(page - 1) * size : page * size]}

    def _fold(self, text: str) -> str:
        return text.lower() if self.ignores_case else text

    def _order(self, name: str, numeric: bool) -> tuple[int, int, str, str]:
        return _order(name, numeric, self.ignores_case)

    def _fits(self, name: str, text: str) -> bool:
        return any(self._fits_one(name, part) for part in text.split("|"))

    def _fits_one(self, name: str, text: str) -> bool:
        if text[:2] == "!*" and text[-1] == "*":
            return self._fold(text[2:-1]) not in self._fold(name)
        if text.startswith("!"):
            return not self._fits_one(name, text[1:])
        if text[:1] == ">":
            return self._order(name, self.numeric_filter) > self._order(text[1:], self.numeric_filter)
        if text[:1] == "<":
            return self._order(name, self.numeric_filter) < self._order(text[1:], self.numeric_filter)
        return _pattern(self._fold(text)).fullmatch(self._fold(name)) is not None


@cache
def _order(name: str, numeric: bool, ignores_case: bool) -> tuple[int, int, str, str]:
    if numeric and name.isdigit():
        return (0, int(name), "", name)
    return (1, 0, name.lower() if ignores_case else name, name)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))


def named(names: Iterable[str]) -> list[Wire]:
    return [{"ID": name} for name in names]
