"""Doctor reads each list once, whatever asks for it, and names every role that it takes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from reconciler.errors import ApiError
from reconciler.reconcile.doctor import Verdict
from reconciler.sync.datasync import Standing
from reconciler.sync.monitor.doctor import examine_syncs
from support.sync_samples import PRODUCTS, data_sync


@dataclass
class Lists:
    """The source, which refuses one list."""

    refused: str
    asked: list[str]

    async def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(path)
        if path == self.refused:
            raise ApiError("HTTP 403")
        return {}


def examined(*types: Any, refused: str = "", standing: Standing = Standing.APPLIED) -> tuple[Any, list[str]]:
    lists = Lists(refused, [])

    @asynccontextmanager
    async def source() -> Any:
        yield lists

    syncs: Any = [replace(data_sync(standing), data=data) for data in types]
    return asyncio.run(examine_syncs(syncs, source())), lists.asked


PEOPLE: Any = SimpleNamespace(
    lists={"BuyerReader": "buyers", "UserReader": "buyers", "ProductReader": "products"}, flowing=("person",)
)


def test_a_list_is_read_once_and_one_that_is_refused_names_every_role_for_it() -> None:
    found, asked = examined(PRODUCTS, PEOPLE, refused="buyers")
    assert sorted(asked) == sorted(set(asked))
    (failed,) = [each for each in found if each.verdict is Verdict.FAILED]
    assert failed.next_step == "Give the API client the roles BuyerReader and UserReader."


def test_a_data_sync_is_one_finding_with_all_that_flows() -> None:
    found, _ = examined(PRODUCTS, PEOPLE)
    (told,) = [each for each in found if each.subject == "DataSync/shop"]
    assert told.message == "applied; what flows: product, stock, prices, person"
    found, _ = examined(PRODUCTS, PEOPLE, standing=Standing.NEVER)
    assert [each.message for each in found if each.subject == "DataSync/shop"] == ["never applied"]
