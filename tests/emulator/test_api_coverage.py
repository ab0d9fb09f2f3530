"""docs/api-coverage.md names every endpoint of the OpenAPI files, and what the emulator does not have."""

from __future__ import annotations

from pathlib import Path

import yaml

from reconciler.emulator.sparklayer.later import NOT_YET

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api-coverage.md").read_text()
IGNITE = "/v1/{siteEnv}/{siteId}"


def paths_of(name: str) -> list[str]:
    document = yaml.load((ROOT / "tests" / "data" / name).read_bytes(), Loader=yaml.CSafeLoader)
    return list(document["paths"])


def missing(names: list[str]) -> list[str]:
    return [name for name in names if f"`{name}`" not in PAGE]


def test_every_path_of_ordercloud_is_named() -> None:
    names = [path.strip("/").replace("{deliveryConfigID}", "{id}") for path in paths_of("ordercloud.openapi.yaml")]
    assert missing(names) == ["integrations/ErrorConfig/validate"]
    assert "`POST integrations/ErrorConfig/validate`" in PAGE


def test_every_path_of_sparklayer_is_named() -> None:
    names = []
    for path in paths_of("sparklayer.openapi.yaml"):
        below = path.removeprefix(IGNITE).strip("/") if path.startswith(IGNITE) else path.strip("/")
        names.append(below.replace("{data_type}", "{type}").replace("{StockLocationID}", "{id}") or "(itself)")
    assert len(names) > 40
    assert missing(names) == []


def test_what_answers_501_is_marked() -> None:
    table = PAGE.partition("the last column says 501, the emulator answers that")[2].partition("\nIgnite:")[0]
    rows = [row for row in table.splitlines() if row.endswith("| 501 |")]
    assert len(rows) == len(NOT_YET)
    for method, path in NOT_YET:
        named = path.strip("/")
        assert any(f"`{named}`" in row and f" {method} " in row for row in rows), f"{method} {path}"
