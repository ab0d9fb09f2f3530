"""The `sync` commands from the command line: what may run, what it says of itself, and what operators do about it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.app.signals import ECHO_SECONDS
from reconciler.clock import utc_now
from support.checkout import Checkout, Document, Ended, document, http_config, wait_until
from support.terminals import rest

SCHEMAS = Path(__file__).parents[2] / "schemas"
PRODUCTS = 40
PLACES = ("main", "warehouse-1", "warehouse-2")
SLOW = 0.1


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    """Return a checkout with a data sync that was applied, and a small marketplace; some of its records are bad."""
    checkout.emulator.seed(PRODUCTS)
    write(checkout)
    checkout.applied()
    checkout.emulator.clear_requests()
    return checkout


def environment(checkout: Checkout, name: str = "test", **spec: Any) -> Document:
    login = {"clientID": "emulator", "clientSecret": "emulator"}
    site = {"url": checkout.emulator.sparklayer_url, "siteID": "demo", "requestsPerSecond": 5000, **login}
    return checkout.environment(name, sparklayer=site, **spec)


def data_sync(name: str = "shop", **spec: Any) -> Document:
    stock = {"default": "main", "locations": {place: place for place in PLACES}}
    return document("DataSync", name, {"currency": "GBP", "products": {}, "stock": stock, "pricing": {}, **spec})


def write(checkout: Checkout, **spec: Any) -> None:
    checkout.write("environment.yaml", environment(checkout))
    checkout.write("places.yaml", *(document("StockLocation", place, {"name": place}) for place in PLACES))
    checkout.write("shop.yaml", data_sync(**spec))


def fitting(ended: Ended, schema: str) -> Any:
    """Return the JSON of a command, held against its schema."""
    found = ended.json
    jsonschema.validate(found, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    return found


def run(shop: Checkout, *words: str, status: int = 0) -> Any:
    ended = shop.call("sync", "run", "--format", "json", *words)
    assert ended.status == status, str(ended)
    return fitting(ended, "sync-run")


def status(shop: Checkout, *words: str) -> Any:
    ended = shop.call("sync", "status", "--format", "json", "--offline", *words)
    assert ended.status == 0, str(ended)
    (found,) = fitting(ended, "sync-status")["syncs"]
    return found


def errors(shop: Checkout, *words: str) -> Any:
    ended = shop.call("sync", "errors", "--format", "json", *words)
    assert ended.status == 0, str(ended)
    return fitting(ended, "sync-errors")


def record_writes(shop: Checkout) -> list[tuple[str, str]]:
    return [each for each in shop.writes() if not each[1].endswith("batch-fetch-stock")]


def refused(ended: Ended, code: str, words: str = "", *, exit_status: int) -> None:
    assert ended.status == exit_status, str(ended)
    assert f"error[{code}]" in ended.stderr
    assert words in " ".join(ended.stderr.split())


# What may run


def test_what_was_not_applied_does_not_run(checkout: Checkout) -> None:
    checkout.emulator.seed(PRODUCTS)
    write(checkout)
    for command in ("run", "watch"):
        ended = checkout.call("sync", command)
        refused(ended, "not-applied", "reconciler apply -e test --target DataSync/shop", exit_status=1)
    assert checkout.emulator.requests() == []


def test_what_is_not_as_it_was_applied_does_not_run(shop: Checkout) -> None:
    write(shop, currency="EUR")
    refused(shop.call("sync", "run"), "not-applied", "is not as it was applied", exit_status=1)
    assert shop.emulator.requests() == []
    assert status(shop)["standing"] == "changed"
    write(shop)
    run(shop)


def test_a_ledger_that_is_gone_after_the_job_is_refused(checkout: Checkout) -> None:
    checkout.emulator.seed(PRODUCTS)
    write(checkout)
    checkout.write("environment.yaml", environment(checkout, ledger="sqlite:///.reconciler/ledger.db"))
    checkout.variables["CI"] = "true"
    refused(checkout.call("sync", "run"), "ledger-not-durable", "--ephemeral-ledger", exit_status=1)
    refused(checkout.call("sync", "run", "--ephemeral-ledger"), "not-applied", exit_status=1)


def test_the_name_may_be_left_out_where_there_is_one(shop: Checkout) -> None:
    refused(shop.call("sync", "run", "other"), "usage", "It has shop", exit_status=64)
    shop.write("shop.yaml", data_sync(), data_sync("outlet", integration="outlet"))
    refused(shop.call("sync", "run"), "usage", "outlet, shop", exit_status=64)
    (shop.manifests / "shop.yaml").unlink()
    refused(shop.call("sync", "run"), "usage", "has no DataSync", exit_status=64)
    assert "has no data sync" in shop.call("sync", "status").stdout


def test_options_that_contradict_each_other_are_refused(shop: Checkout) -> None:
    assert shop.call("sync", "run", "--verify", "--rewrite").status == 64
    assert shop.call("sync", "status", "--live", "--format", "json").status == 64
    assert shop.call("sync", "retry").status == 64
    assert shop.call("sync", "retry", "--all", "P-1").status == 64
    assert shop.call("sync", "drop").status == 64


# What it says


@pytest.mark.usefixtures("on_both")
def test_a_run_and_what_becomes_of_it(shop: Checkout) -> None:
    before = status(shop)
    assert (before["next"]["mode"], before["full_sync_wanted"]) == ("full", "none was ever finished")
    report = run(shop)
    assert (report["mode"], report["state"], report["asked"]) == ("full", "finished", None)
    assert report["records"]["seen"] == PRODUCTS
    assert report["records"]["written"] > 0
    assert report["requests"]["ordercloud"]["requests"] > 0
    assert report["requests"]["ordercloud"]["writes"] == 0
    target = report["requests"]["sparklayer"]
    assert target["writes"] + target["log_writes"] == len(shop.writes())
    after = status(shop)
    assert (after["running"], after["cut_off"], after["full_sync_wanted"]) == (None, None, None)
    assert after["last_run"]["run"] == after["last_full_run"]["run"] == report["run"]
    assert after["next"]["mode"] == "incremental"
    assert after["records"]["known"] == PRODUCTS
    assert after["problems"]["open"] == report["problems"]["open"] > 0
    assert after["requests_a_day"] > 0
    shop.emulator.clear_requests()
    second = run(shop)
    assert (second["mode"], second["records"]["written"]) == ("incremental", 0)
    assert record_writes(shop) == []


def test_problems_are_a_status_of_their_own_where_asked_for(shop: Checkout) -> None:
    run(shop, "--fail-on-problems", status=5)
    assert shop.call("sync", "run").status == 0


def test_text_goes_to_stdout_and_progress_to_stderr(shop: Checkout) -> None:
    ended = shop.call("sync", "run")
    assert ended.stdout.startswith("Full sync of shop in test, products: finished in ")
    assert "reconciler sync errors shop -e test" in " ".join(ended.stdout.split())
    assert any(line.startswith("closing the sync log") for line in ended.stderr.splitlines())
    assert "shop in test, products: up to date, with problems" in shop.call("sync", "status").stdout


@pytest.mark.usefixtures("on_both")
def test_errors_are_listed_by_page_and_by_code(shop: Checkout) -> None:
    assert errors(shop)["problems"] == []
    run(shop)
    every = errors(shop)
    assert len({each["external_id"] for each in every["problems"]}) == every["open"] == every["logged"]
    assert not every["more"]
    first, second = errors(shop, "--limit", "1"), errors(shop, "--limit", "1", "--offset", "1")
    assert first["problems"] + second["problems"] == every["problems"][:2]
    assert first["more"]
    codes = {each["code"] for each in every["problems"]}
    assert "no-sku" in codes
    some = errors(shop, "--code", "no-sku")
    assert some["problems"] == [each for each in every["problems"] if each["code"] == "no-sku"]
    rows = list(csv.DictReader(io.StringIO(shop.call("sync", "errors", "--format", "csv").stdout)))
    assert [row["external_id"] for row in rows] == [each["external_id"] for each in every["problems"]]
    text = shop.call("sync", "errors", "--limit", "1").stdout
    assert first["problems"][0]["external_id"] in text
    assert "--offset 1" in text


@pytest.mark.usefixtures("on_both")
def test_several_environments_are_shown_at_once(shop: Checkout) -> None:
    run(shop)
    elsewhere = environment(shop, "other", ledger=f"sqlite:///{shop.folder}/other.db")
    shop.write("environment.yaml", environment(shop), elsewhere)
    ended = shop.call("sync", "status", "-e", "all", "--format", "json")
    found = {each["environment"]: each["syncs"][0]["standing"] for each in ended.json}
    assert found == {"test": "applied", "other": "never"}
    assert not (shop.folder / "other.db").exists()


def test_status_begins_with_a_pause_that_was_made_in_the_portal(shop: Checkout) -> None:
    shop.write(
        "syncs.yaml",
        http_config("hook"),
        document("EntitySync", "shelves", {"entity": "categories", "deliveryConfig": "hook"}),
    )
    shop.applied()
    shop.change_live(lambda state: next(iter(state["syncs"].values())).update(Paused=True))
    for words in (("sync", "status"), ("plan",), ("drift",)):
        text = shop.call(*words).stdout
        assert text.startswith("1 sync is paused\n  EntitySync/shelves: without an end that is known"), text
    found = fitting(shop.call("sync", "status", "--format", "json"), "sync-status")
    assert ([note["subject"] for note in found["paused"]], found["paused_unseen"]) == (["EntitySync/shelves"], None)
    shop.emulator.clear_requests()
    offline = fitting(shop.call("sync", "status", "--format", "json", "--offline"), "sync-status")
    assert (offline["paused"], "--offline" in offline["paused_unseen"]) == ([], True)
    assert shop.emulator.requests() == []
    shop.emulator.fault("status", status=403, count=None, path="*/integrations/*")
    ended = shop.call("sync", "status")
    assert (ended.status, "Pauses that were made elsewhere are not known: " in ended.stdout) == (0, True)


def test_a_terminal_is_kept_up_to_date_until_ctrl_c(shop: Checkout) -> None:
    run(shop)
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "sync", "status", "--live"],
        cwd=shop.folder,
        env={**shop.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        stdout=its_end,
        stderr=its_end,
    )
    os.close(its_end)
    try:
        shown = ""
        while shown.count("up to date, with problems") < 2:  # shown, and shown again
            shown += os.read(terminal, 65_536).decode(errors="replace")
        process.send_signal(signal.SIGINT)
        shown += rest(terminal).decode(errors="replace")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert "full sync" in shown
    # The terminal's own screen is back, its cursor is shown, and what was seen last stands there.
    _, _, left = shown.rpartition("\x1b[?1049l")
    assert "up to date, with problems" in left
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_without_a_terminal_live_shows_it_once_and_says_so(shop: Checkout) -> None:
    ended = shop.call("sync", "status", "--live")
    assert (ended.status, ended.stdout.count("waiting for its first full sync")) == (0, 1)
    assert ended.stderr == "--live needs a terminal; shown once.\n"


# One record


def test_a_record_is_explained_and_nothing_written(shop: Checkout) -> None:
    bad = min(no_sku(shop))
    shop.emulator.clear_requests()
    ended = shop.call("sync", "run", "--explain", bad, "--format", "json")
    assert ended.status == 0, str(ended)
    found = ended.json
    assert found["record"] == bad == found["source"]["ID"]
    assert [each["code"] for each in found["problems"]] == ["no-sku"]
    assert record_writes(shop) == []
    assert "no-sku" in shop.call("sync", "run", "shop", "--explain", bad).stdout


def test_what_would_be_sent_is_explained(shop: Checkout) -> None:
    good = min(key for key, product in products(shop).items() if product.get("xp", {}).get("SKU"))
    before = shop.call("sync", "run", "--explain", good, "--format", "json").json
    run(shop)
    after = shop.call("sync", "run", "--explain", good, "--format", "json").json
    for part in before["parts"]:
        if part["mapped"]:
            assert part["sends"]
            assert part["differences"]
    assert all(part["as_written"] and not part["differences"] and part["sends"] is None for part in after["parts"])
    assert "a run would send nothing" in " ".join(shop.call("sync", "run", "--explain", good).stdout.split())


def products(shop: Checkout) -> dict[str, Any]:
    rows = shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]
    return {product["ID"]: product for product in rows}


def no_sku(shop: Checkout) -> set[str]:
    """Return products without variants that have nothing else wrong than that they have no SKU."""
    run(shop)
    problems = errors(shop)["problems"]
    several = [each["record"] for each in problems if each["code"] != "no-sku"]
    return {each["record"] for each in problems if each["record"] == each["external_id"]} - set(several)


@pytest.mark.usefixtures("on_both")
def test_records_are_queued_by_hand(shop: Checkout) -> None:
    run(shop)
    bad = errors(shop)
    good = min(products(shop).keys() - {each["record"] for each in bad["problems"]})
    refused(shop.call("sync", "retry", good, "no-such-product"), "no-such-record", "no product no-such", exit_status=1)
    assert status(shop)["records"]["open"] == 0
    assert "1 record queued" in shop.call("sync", "retry", good).stdout
    assert status(shop)["records"]["open"] == 1
    report = run(shop)
    assert report["records"]["seen"] >= 1
    assert status(shop)["records"]["open"] == 0
    assert "queued" in shop.call("sync", "retry", "shop", "--all").stdout
    assert status(shop)["records"]["open"] > 0
    run(shop)
    assert errors(shop)["open"] == bad["open"]


@pytest.mark.usefixtures("on_both")
def test_records_are_given_up_by_hand(shop: Checkout) -> None:
    run(shop)
    before = errors(shop)
    first = before["problems"][0]["external_id"]
    said = shop.call("sync", "drop", "shop", first, "no-such-product")
    assert said.stdout.split("\n")[0] == "Gave up on 1 record; not known: no-such-product."
    assert errors(shop)["open"] < before["open"]


def test_what_needs_no_giving_up_is_left_alone(shop: Checkout) -> None:
    run(shop)
    good = min(products(shop).keys() - {each["record"] for each in errors(shop)["problems"]})
    assert shop.call("sync", "drop", good).stdout == "None of them failed or has a problem.\n"
    shop.call("sync", "retry", good)
    assert shop.call("sync", "drop", good).stdout == "None of them failed or has a problem.\n"
    assert status(shop)["records"]["open"] == 1
    bad = next(each["record"] for each in errors(shop)["problems"])
    said = shop.call("sync", "drop", f"{bad}/no-such-variant")
    refused(said, "usage", "no open problem of", exit_status=64)
    refused(shop.call("sync", "drop", "no-such"), "usage", "knows no product no-such", exit_status=64)


@pytest.mark.parametrize("words", [("run", "--explain"), ("retry",), ("drop",)])
@pytest.mark.parametrize("record", ["", "..", "../x", "a b", "a/b/c", "a?x=1"])
def test_what_can_be_no_record_is_no_record(shop: Checkout, words: tuple[str, ...], record: str) -> None:
    shop.emulator.clear_requests()
    refused(shop.call("sync", *words, record), "usage", "is not the ID of a product", exit_status=64)
    assert all("products" not in request["path"] for request in shop.emulator.requests())


def test_a_code_that_no_problem_has_is_refused(shop: Checkout) -> None:
    run(shop)
    refused(shop.call("sync", "errors", "--code", "no-skuu"), "usage", "Did you mean no-sku?", exit_status=64)
    assert "None of them is no-slug." in shop.call("sync", "errors", "--code", "no-slug").stdout
    assert "None of them is in this part" in shop.call("sync", "errors", "--offset", "999").stdout


# Ends


@contextmanager
def running(shop: Checkout, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Within, a run is under way that takes its time."""
    shop.emulator.traffic(latency=SLOW)
    process = shop.start("sync", *words)
    try:
        wait_until(lambda: any(path.endswith("products") for _, path in shop.writes()))
        shop.emulator.traffic(latency=4 * SLOW)
        yield process
    finally:
        shop.emulator.traffic()
        process.kill()
        process.communicate()


def test_a_run_under_way_is_seen_and_alone(shop: Checkout) -> None:
    with running(shop, "run"):
        wait_until(lambda: status(shop)["running"] is not None)
        found = status(shop)["running"]
        assert found["mode"] == "full"
        assert "sync run" in found["holder"]
        refused(shop.call("sync", "run"), "ledger-locked", exit_status=1)
        assert "running" in shop.call("sync", "status").stdout


def test_ctrl_c_ends_a_run_tidily_and_the_next_goes_on(shop: Checkout) -> None:
    with running(shop, "run", "--format", "json") as process:
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    report = json.loads(stdout)
    assert report["state"] == "interrupted"
    assert "sync run shop" in report["next_step"]
    found = status(shop)
    assert found["cut_off"]["run"] == report["run"]
    assert "last_full_sync" not in json.dumps(shop.call("sync-log", "show", "--type", "products").stdout)
    resumed = run(shop)
    assert (resumed["resumed"], resumed["run"], resumed["state"]) == (True, report["run"], "finished")
    assert resumed["records"]["seen"] == PRODUCTS == sum(resumed["records"].values()) - PRODUCTS
    assert resumed["records"]["written"] >= report["records"]["written"]
    assert status(shop)["cut_off"] is None


def test_a_second_ctrl_c_ends_it_at_once(shop: Checkout) -> None:
    with running(shop, "run") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        wait_until(lambda: "Stopping" in (process.stderr.readline() if process.stderr else ""))
        time.sleep(1.5 * ECHO_SECONDS)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "interrupted" in stdout
    assert run(shop)["state"] == "finished"


def test_a_run_is_cancelled_from_elsewhere(shop: Checkout) -> None:
    assert "No run of shop is on" in shop.call("sync", "cancel").stdout
    with running(shop, "run", "--format", "json") as process:
        wait_until(lambda: status(shop)["running"] is not None)
        assert "begins anew" in shop.call("sync", "cancel", "shop").stdout
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert json.loads(stdout)["state"] == "cancelled"
    again = run(shop)
    assert (again["resumed"], again["mode"]) == (False, "full")


def test_who_cancels_a_run_hears_that_another_was_asked_for_and_follows(shop: Checkout) -> None:
    with running(shop, "run"):
        with closing(sqlite3.connect(shop.ledger)) as connection, connection:
            row = "SELECT id, 'request', 'full', ? FROM data_scopes"
            connection.execute(
                f"INSERT INTO data_wanted_runs (scope, request, mode, wanted_at) {row}", (utc_now().isoformat(),)
            )
        told = shop.call("sync", "cancel", "shop").stdout
    assert told == "Asked the run of shop to stop; another was asked for and begins after it.\n"


def test_a_watch_reports_each_run_on_a_line_and_ends_on_request(shop: Checkout) -> None:
    write(shop, interval="1s")
    shop.applied()
    process = shop.start("sync", "watch", "--format", "json")
    try:
        assert process.stdout is not None
        first, second, third = (json.loads(process.stdout.readline()) for _ in range(3))
        jsonschema.validate(first, json.loads((SCHEMAS / "sync-run.schema.json").read_text()))
        assert (first["mode"], second["mode"]) == ("full", "incremental")
        assert [each["writes"] for each in second["requests"].values()] == [0, 0]
        # Each counts its own. (How many records of the target are looked at is left to chance.)
        assert second["requests"]["ordercloud"] == third["requests"]["ordercloud"]
        watcher = status(shop)["watcher"]
        assert "sync watch" in watcher["holder"]
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    # Between two runs it is 0. The fourth may have begun meanwhile.
    assert process.returncode in (0, 130), stderr
    assert "Next run of shop" in stderr


def test_between_two_runs_of_a_watch_anybody_may_run_it_but_not_watch_it_too(shop: Checkout) -> None:
    process = shop.start("sync", "watch", "--format", "json")
    try:
        assert process.stdout is not None
        process.stdout.readline()
        report = run(shop, "--full")
        assert (report["mode"], report["state"]) == ("full", "finished")
        assert "sync watch" in status(shop)["watcher"]["holder"]
        second = shop.call("sync", "watch")
        assert second.status == 1, str(second)
        assert "ledger-locked" in second.stderr
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0


def test_a_watch_ends_when_something_else_was_applied(shop: Checkout) -> None:
    process = shop.start("sync", "watch", "--format", "json")
    try:
        assert process.stdout is not None
        process.stdout.readline()
        write(shop, interval="30m")
        shop.applied()
        _, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert "DataSync/shop was applied anew" in stderr


# Drift


def drift(shop: Checkout, exit_status: int = 2) -> list[Any]:
    ended = shop.call("drift", "--format", "json")
    assert ended.status == exit_status, str(ended)
    items: list[Any] = fitting(ended, "drift")["items"]
    return items


def test_data_that_keeps_its_promises_is_no_drift(shop: Checkout) -> None:
    assert drift(shop, 0) == []
    run(shop)
    assert drift(shop, 0) == []


def test_stale_data_and_too_many_problems_are_drift(shop: Checkout) -> None:
    write(shop, interval="1s", lookInterval="1s", freshness="1s", maxOpenProblems=0)
    shop.applied()
    wait_until(lambda: "No full sync was ever finished" in shop.call("drift").stdout)
    run(shop)
    wait_until(lambda: len(drift(shop)) == 2)
    causes = {item["cause"]: item for item in drift(shop)}
    assert set(causes) == {"data-stale", "open-problems"}
    assert causes["data-stale"]["next_steps"][0] == "reconciler sync run shop -e test"
    assert causes["open-problems"]["next_steps"][0] == "reconciler sync errors shop -e test"
    for name, words in (("text", "data stale"), ("markdown", "too many open problems"), ("html", "data stale")):
        ended = shop.call("drift", "--format", name)
        assert ended.status == 2
        assert words in ended.stdout
    assert len(status(shop)["troubles"]) == 2
    for words in (item["next_steps"][0].removeprefix("reconciler ").split() for item in causes.values()):
        assert shop.call(*words).status == 0


def test_a_sync_log_that_somebody_cleared_is_drift_until_a_run_mends_it(shop: Checkout) -> None:
    run(shop)
    assert shop.call("sync-log", "clear", "--yes").status == 0
    (item,) = drift(shop)
    assert item["cause"] == "foreign-sync-log"
    words = item["next_steps"][0].removeprefix("reconciler ").split()
    assert shop.call(*words).status == 0
    assert drift(shop, 0) == []


def test_drift_of_data_is_snoozed_like_any_other(shop: Checkout) -> None:
    run(shop)
    shop.call("sync-log", "clear", "--yes")
    (item,) = drift(shop)
    words = item["next_steps"][-1].removeprefix("reconciler ").split()
    assert shop.call(*words[:-1], "restored").status == 0
    (muted,) = drift(shop, 0)
    assert muted["snooze_reason"] == "restored"


def test_drift_of_other_kinds_does_not_ask_for_the_sync_log(shop: Checkout) -> None:
    run(shop)
    shop.call("sync-log", "clear", "--yes")
    assert shop.call("drift", "--target", "StockLocation").status == 0
    assert shop.call("drift", "--target", "DataSync/shop").status == 2


# Doctor


def examined(shop: Checkout, exit_status: int) -> dict[str, Any]:
    ended = shop.call("doctor", "--format", "json")
    assert ended.status == exit_status, str(ended)
    return {item["subject"]: item for item in ended.json["environments"]["test"] if item["area"] == "data"}


def test_doctor_tries_what_a_data_sync_reads(shop: Checkout) -> None:
    shop.emulator.clear_requests()
    found = examined(shop, 0)
    assert {item["verdict"] for item in found.values()} == {"ok"}
    assert "product, stock, prices" in found["DataSync/shop"]["message"]
    assert record_writes(shop) == []
    write(shop, currency="EUR")
    assert examined(shop, 0)["DataSync/shop"]["verdict"] == "note"


def test_doctor_names_the_role_that_a_data_sync_lacks(shop: Checkout) -> None:
    roles = ["DeliveryConfigAdmin", "ProductSyncConfigAdmin", "EntitySyncConfigAdmin", "OrderSyncConfigAdmin"]
    shop.emulator.add_client("narrow", "narrow", [*roles, "ErrorConfigAdmin", "ProductReader"])
    login = {"clientID": "narrow", "clientSecret": "narrow"}
    shop.write("environment.yaml", environment(shop, ordercloud=login))
    found = examined(shop, 1)
    assert found["read products of OrderCloud"]["verdict"] == "ok"
    lacking = found["read priceschedules of OrderCloud"]
    assert (lacking["verdict"], lacking["next_step"]) == ("failed", "Give the API client the role PriceScheduleReader.")
