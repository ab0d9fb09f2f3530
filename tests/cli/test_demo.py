"""The demo says what it does, and does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest

from reconciler.cli.command_table import app
from reconciler.cli.demo import PRODUCTS, WITHOUT_SKU
from reconciler.cli.options import Options
from support.forked import Forked


def forked(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], check: bool, stdin: int
) -> subprocess.CompletedProcess[str]:
    """Run a command of the demo in a process that is forked: the start of Python thirty times over shows nothing."""
    process = Forked(tuple(command[3:]), cwd, env, merged=True)
    sys.stdout.write(process.communicate()[0])
    assert process.returncode is not None
    return subprocess.CompletedProcess(command, process.returncode)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what the demo prints, by the title of each step; it has to end well."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    said = StringIO()
    with (
        mock.patch.object(subprocess, "run", forked),
        mock.patch.dict(os.environ, COLUMNS="100"),
        redirect_stdout(said),
    ):
        status = app.main(["demo", "--keep", str(folder)], "reconciler", standalone_mode=False, obj=Options())
    stdout = said.getvalue()
    assert status == 0, stdout
    for name in ("plan.html", "issue.html", "comment.html"):
        assert f"Look at {(folder / name).as_uri()}" in stdout
    # What a forge would show: as pages that load and run nothing, with what changes in the rules before the changes.
    issue, comment = ((folder / name).read_text() for name in ("issue.html", "comment.html"))
    assert "default-src 'none'" in issue
    assert "EntitySync/stock" in issue
    assert comment.index("maxChanges") < comment.index("DeliveryConfig/order-hook")
    found = re.split(r"^\d+\. (.*)$", stdout, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def lines(text: str) -> str:
    return " ".join(text.split())


def test_no_step_fails_and_no_file_of_the_tests_machine_is_touched(steps: dict[str, str]) -> None:
    assert len(steps) >= 12
    assert not any("Internal error" in text for text in steps.values())
    assert not Path("plan.html").exists()


def test_the_first_full_sync_brings_everything_but_one(steps: dict[str, str]) -> None:
    text = lines(steps["The first full sync"])
    assert f"product of {PRODUCTS - 1}" in text
    assert "1 product or variant with open problems" in text
    assert "reading and writing" in text


def test_the_second_one_writes_nothing(steps: dict[str, str]) -> None:
    text = lines(steps["The same again"])
    assert "wrote nothing" in text
    assert f"{PRODUCTS - 1} unchanged, 1 not written" in text


def test_a_price_and_a_stock_change_cost_a_write_each(steps: dict[str, str]) -> None:
    before, after = (lines(steps[title]) for title in ("The same again", "A price and a stock level change"))
    assert "wrote stock of 1, prices of 1" in after
    assert "of them" not in before
    assert re.findall(r"of them (\d+) writes", after)[-1] == "2"


def test_the_product_without_a_sku_shows_up_and_resolves(steps: dict[str, str]) -> None:
    assert f"{WITHOUT_SKU} " in lines(steps["One product goes nowhere"])
    assert "The SKU is not set." in lines(steps["One product goes nowhere"])
    assert "products: 1 open problem" in lines(steps["One product goes nowhere"])
    mended = lines(steps["It is mended at the source"])
    assert "1 written" in mended
    assert "1 resolved" in mended
    assert "with open problems" not in mended


def test_a_pause_whose_holder_is_killed_is_resumed_by_the_next_writer(steps: dict[str, str]) -> None:
    killed, after = (lines(steps[title]) for title in steps if "machine dies" in title or "next writer" in title)
    assert "EntitySync/stock overdue" in killed
    assert "ended with its holder, which is dead" in killed
    assert "EntitySync/stock runs again" in after
    assert "no syncs paused" in after


def test_customers_have_their_own_prices_and_an_order_ships(steps: dict[str, str]) -> None:
    flows = lines(steps["Customers, their own prices, and orders"])
    for name in ("products", "party-prices", "customers", "orders"):
        assert f"in emulator, {name}: finished" in flows
    customer = lines(steps["A customer with prices of its own"])
    assert re.search(r'price_lists: \["oc-\w+"\] own price: \S+ at \S+, which is \S+ for others', customer)
    shipped = lines(steps["An order ships"])
    assert "wrote order of 1" in shipped
    assert "packages: shipped:" in shipped
