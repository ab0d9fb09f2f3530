"""What seeds hold is answered in the schema of the OpenAPI file, flaws and all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator
from support.emulator_contract import Contract

VENDOR = Path(__file__).parents[1] / "data" / "marketplaces"
PARAMETER = re.compile(r"\{(\w+)\}")
MOST_PARENTS = 40


class Walk:
    """Reads every list of the OpenAPI file, below at most so many parents each.

    Args:
        emulator: what is read.
        contract: what each answer is held against.
    """

    def __init__(self, emulator: RunningEmulator, contract: Contract) -> None:
        login = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
        token = httpx.post(emulator.ordercloud_auth_url, data=login, trust_env=False).json()["access_token"]
        self._client = httpx.Client(
            base_url=emulator.ordercloud_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        self._contract = contract
        self._ids: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}

    def every_list(self) -> None:
        with self._client:
            for path, operations in self._contract.document["paths"].items():
                if "get" in operations and not path.endswith("}") and "/integrations" not in path:
                    for filled in self._filled(path):
                        self.counts[path] = self.counts.get(path, 0) + len(self._items(filled))

    def _filled(self, path: str) -> Iterator[str]:
        found = PARAMETER.search(path)
        if found is None:
            yield path
            return
        if found.group(1) == "direction":
            choices = ["All"]
        else:
            ids = self._items(path[: found.start() - 1])
            choices = ids[:: max(1, len(ids) // MOST_PARENTS)]
        for choice in choices:
            yield from self._filled(path.replace(found.group(0), choice))

    def _items(self, path: str) -> list[str]:
        if path not in self._ids:
            found: list[str] = []
            body: dict[str, Any] = {"Meta": {"TotalPages": 1}}
            page = 1
            while "Meta" in body and page <= max(body["Meta"]["TotalPages"], 1):
                response = self._client.get(path, params=self._paging(path, page))
                self._contract.check(response)
                body = response.json()
                found += [item.get("ID", "") for item in body.get("Items", ())]
                page += 1
            self._ids[path] = found
        return self._ids[path]

    def _paging(self, path: str, page: int) -> dict[str, Any]:
        if "/worksheet" in path:
            return {}
        depth = {"depth": "all"} if path.endswith("/categories") else {}
        return {"page": page, "pageSize": 100, **depth}


def walked(contract: Contract, **seed: Any) -> dict[str, int]:
    with running_emulator(**seed) as emulator:
        walk = Walk(emulator, contract)
        walk.every_list()
        return walk.counts


def test_a_generated_marketplace_answers_in_its_schema(contract: Contract) -> None:
    counts = walked(contract, seed=400, seed_number=5)
    assert counts["/products"] == 400
    empty = {path for path, count in counts.items() if not count and "worksheet" not in path}
    assert {path for path in empty if "usergroups" not in path and "facets" not in path} == set()


@pytest.mark.parametrize(
    ("seed", "products"),
    [
        ("corner-shop", 2),
        ("workwear", 2),
        (str(VENDOR / "Vercel-B2C.yml"), 10),
        (str(VENDOR / "Variant-Inventory-Records-Example.yml"), 1),
    ],
    ids=["corner-shop", "workwear", "Vercel-B2C", "Variant-Inventory-Records-Example"],
)
def test_a_file_answers_in_its_schema(contract: Contract, seed: str, products: int) -> None:
    assert walked(contract, seed=seed)["/products"] == products
