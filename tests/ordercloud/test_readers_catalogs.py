"""Whether a product is in a catalog: what is said about something else proves nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.errors import UnexpectedAnswer
from reconciler.ordercloud.readers.catalogs import ASSIGNMENTS, is_assigned


class _Answers:
    """Answers every request with these assignments."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._items = [{"CatalogID": catalog, "ProductID": product} for catalog, product in pairs]
        self.asked: list[Any] = []

    async def get(self, path: str, params: Any = None) -> Any:
        self.asked.append((path, params["catalogID"], params["productID"]))
        return {"Meta": {"TotalCount": len(self._items), "TotalPages": 1}, "Items": self._items}


def asked(*pairs: tuple[str, str]) -> bool:
    answers: Any = _Answers(*pairs)
    found = asyncio.run(is_assigned(answers, "retail", "p1"))
    assert answers.asked == [(ASSIGNMENTS, "retail", "p1")]
    return found


def test_one_request_tells_it() -> None:
    assert asked(("retail", "p1"))
    assert not asked()


def test_ids_care_for_case_and_filters_do_not() -> None:
    assert not asked(("retail", "P1"))
    assert asked(("retail", "P1"), ("RETAIL", "p1"))


@pytest.mark.parametrize("pair", [("retail", "p2"), ("trade", "p1")])
def test_an_answer_about_something_else_proves_nothing(pair: tuple[str, str]) -> None:
    """As it would be where the API did not filter as it is inferred to: then nothing is out of scope for that."""
    with pytest.raises(UnexpectedAnswer):
        asked(pair)
