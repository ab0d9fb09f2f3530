"""A write of a process that is gone arrives after that of the next one: at rest the site is what the source is."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.sync.run import preflight
from support.checkout import Checkout, wait_until
from support.syncing import Shop


@pytest.fixture
def shop(tmp_path: Path, emulator: RunningEmulator) -> Shop:
    emulator.seed(3)
    return Shop(Checkout(tmp_path, emulator))


def test_a_write_that_arrives_after_the_next_ones_is_written_over_without_a_verify(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No run looks at what was written last: that would find it as well.
    monkeypatch.setattr(preflight, "_LATEST", 0)
    monkeypatch.setattr(preflight, "_RANDOM", 0)
    shop.prepare()
    shop.synced("--full")
    product = shop.portal("GET", "products")["Items"][0]["ID"]

    def shown() -> str:
        rows = shop.emulator.site()["products"]["records"]
        return next(str(row["title"]) for row in rows if row["external_id"] == product)

    shop.portal("PATCH", f"products/{product}", {"Name": "First"})
    shop.emulator.fault("held", method="PATCH", path="*/products/*")
    zombie = shop.checkout.fork("sync", "run", "shop", "--full")
    wait_until(lambda: bool(shop.emulator.faults()[0]["fired"]), 60)
    zombie.kill()
    zombie.communicate()

    shop.portal("PATCH", f"products/{product}", {"Name": "Second"})
    shop.synced("--full")
    assert shown() == "Second"
    shop.emulator.clear_faults()
    wait_until(lambda: shown() == "First")
    # Once nothing else can arrive, five and a half minutes after the first one began, an ordinary run writes it again.
    shop.nothing_arrives_late()
    shop.emulator.clear_requests()
    shop.synced()
    assert shown() == "Second"
    assert shop.wrong() == []
    # Nobody had to read it there for that.
    paths = [each["path"] for each in shop.emulator.requests() if each["method"] == "GET"]
    assert not [path for path in paths if path.startswith("/sparklayer/api/v1/products")], paths
