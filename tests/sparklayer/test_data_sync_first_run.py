"""DataSync: what a plan says of the first run of one, and what an apply of it says it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.sparklayer_workbench import Workbench, manifest

PRICES = manifest("PriceList", "one", "{slug: one, name: one, currencyCode: GBP}")


@pytest.fixture
def bench(tmp_path: Path, emulator: RunningEmulator) -> Workbench:
    return Workbench(tmp_path, emulator)


def test_a_data_sync_under_a_new_name_re_syncs_and_says_how_much(bench: Workbench) -> None:
    bench.write(PRICES, manifest("DataSync", "sync", "{products: {}}"))
    bench.apply()
    bench.write(PRICES, manifest("DataSync", "sync", "{integration: other, products: {}}"))
    [change] = bench.plan().changes
    assert change.risk.value == "re-syncs"
    assert "sends all records that are in scope, as products: how many, no run has counted yet" in (change.detail or "")


def test_an_applied_data_sync_is_told_as_recorded_and_not_as_accepted_by_an_api(bench: Workbench) -> None:
    bench.write(PRICES, manifest("DataSync", "sync", "{products: {}}"))
    messages = {result.change.kind: result.message for result in bench.apply().results}
    assert messages["DataSync"] == "recorded in the ledger; runs go by it from now on"
