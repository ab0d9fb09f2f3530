"""Requests against the emulator: carried out once, whoever asks, whatever is killed, and whichever ledger is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.checkout import Checkout, Document, document, http_config, wait_until
from support.requests import soon

RECORDS = ["P-1", "P-2", "P-3"]
FLAG = "--ephemeral-ledger"


def product_sync(**spec: Any) -> Document:
    return document("ProductSync", "products", {"deliveryConfig": "one", **spec})


def resync(name: str = "repair", records: list[str] | None = None, **spec: Any) -> Document:
    content = {"type": "products", "records": records or RECORDS, "notAfter": soon(), **spec}
    return document("Resync", name, content)


def prepare(checkout: Checkout, *requests: Document, **environment: Any) -> None:
    """Leave a marketplace with a product sync, a ledger that remembers requests, and requests in the manifests."""
    checkout.emulator.switch(unknown_record="accepted")
    checkout.write("environment.yaml", checkout.environment(**environment))
    checkout.write("sync.yaml", http_config("one"), product_sync())
    checkout.applied()
    checkout.write("requests.yaml", *requests)
    checkout.emulator.clear_requests()


def sent(checkout: Checkout) -> list[str]:
    """Return the records that OrderCloud has accepted, in order."""
    operations = checkout.emulator.state()["ordercloud"]["syncOperations"]
    return ["/".join(operation["ids"].values()) for operation in operations]


def notes(checkout: Checkout) -> list[str]:
    plan = checkout.call("plan", "--format", "json").json
    return [note["message"] for note in plan["notes"] if note["kind"] == "request"]


def ended_requests(ended: Any) -> dict[str, str]:
    return {each["operation"]["name"]: each["outcome"] for each in ended.json["operations"]}


def test_a_request_is_an_operation_of_the_plan_and_carried_out_once(checkout: Checkout) -> None:
    prepare(checkout, resync(reason="ERP repaired"))
    plan = checkout.call("plan", "--format", "json", "--exit-code")
    assert (plan.status, plan.json["changes"]) == (2, [])
    [operation] = plan.json["operations"]
    assert operation["steps"] == [f"POST integrations/productsync/sync ProductID={record}" for record in RECORDS]
    assert (operation["reason"], operation["unsure"]) == ("ERP repaired", False)
    applied = checkout.call("apply", "--yes", "--format", "json")
    assert (applied.status, ended_requests(applied), sent(checkout)) == (0, {"repair": "applied"}, RECORDS)
    again = checkout.call("apply", "--yes", "--format", "json")
    assert (again.status, again.json["operations"], sent(checkout)) == (0, [], RECORDS)
    assert "carried out (" in notes(checkout)[0]
    assert "remove the manifest" in notes(checkout)[0]
    assert checkout.call("plan", "--exit-code").status == 0


def test_a_saved_plan_approves_a_request_once_and_no_other(checkout: Checkout) -> None:
    prepare(checkout, resync())
    assert checkout.call("plan", "--save", "plan.json").status == 0
    checkout.write("more.yaml", resync("unseen", ["P-9"]))
    applied = checkout.call("apply", "plan.json", "--format", "json")
    assert (applied.status, ended_requests(applied), sent(checkout)) == (0, {"repair": "applied"}, RECORDS)
    assert "Left alone" in applied.stderr
    assert "Resync/unseen" in applied.stderr
    again = checkout.call("apply", "plan.json", "--format", "json")
    assert (again.status, ended_requests(again), sent(checkout)) == (0, {"repair": "already"}, RECORDS)


def test_a_plan_that_somebody_altered_approves_nothing(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.call("plan", "--save", "plan.json")
    path = checkout.folder / "plan.json"
    path.write_text(path.read_text().replace("P-3", "P-4"))
    assert checkout.call("apply", "plan.json").status == 1
    assert sent(checkout) == []


def test_other_content_is_another_request_than_was_reviewed(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.call("plan", "--save", "plan.json")
    checkout.write("requests.yaml", resync(records=["P-1", "P-7"]))
    applied = checkout.call("apply", "plan.json", "--format", "json")
    assert (applied.status, ended_requests(applied), sent(checkout)) == (4, {"repair": "stale"}, [])


def test_a_request_that_is_past_is_not_carried_out_and_one_too_far_ahead_refused(checkout: Checkout) -> None:
    prepare(checkout, resync("past", notAfter=soon(hours=-1)))
    assert "remove the manifest" in notes(checkout)[0]
    assert checkout.call("apply", "--yes").status == 0
    checkout.write("requests.yaml", resync("far", notAfter=soon(days=8)))
    assert "notAfter" in checkout.call("plan").stdout
    assert checkout.call("apply", "--yes", "--override", "notAfter", "--reason", "x").status == 64
    assert (checkout.call("apply", "--yes").status, sent(checkout)) == (3, [])


def test_the_limit_counts_over_the_whole_plan_and_says_the_right_way(checkout: Checkout) -> None:
    prepare(checkout, resync("a"), resync("b", ["P-4"]), guardrails={"resyncMax": 3})
    refused = checkout.call("apply", "--yes")
    assert (refused.status, sent(checkout)) == (3, [])
    said = " ".join(refused.stderr.split())
    assert "resyncMax" in said
    assert "pause the sync" in said
    assert "portal's full sync of that very catalogue" in said
    assert checkout.call("apply", "--yes", "--override", "resyncMax", "--reason", "quiet hour").status == 0
    assert sorted(sent(checkout)) == [*RECORDS, "P-4"]


def test_a_request_waits_for_its_sync_in_the_same_plan_and_needs_one(checkout: Checkout) -> None:
    checkout.emulator.switch(unknown_record="accepted")
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("first.yaml", http_config("one"))
    checkout.applied()
    checkout.write("requests.yaml", resync())
    assert "missing-reference" in checkout.call("plan").stdout
    checkout.write("sync.yaml", product_sync())
    [operation] = checkout.call("plan", "--format", "json").json["operations"]
    assert operation["depends_on"] == ["ProductSync/products"]
    checkout.emulator.fault("status", method="PUT", status=400)
    failed = checkout.call("apply", "--yes", "--format", "json")
    assert (failed.status, ended_requests(failed), sent(checkout)) == (1, {"repair": "skipped"}, [])
    checkout.emulator.clear_faults()
    assert checkout.call("apply", "--yes").status == 0
    assert sent(checkout) == RECORDS


def test_what_was_refused_can_be_asked_for_again(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.emulator.fault("status", method="POST", path="*/sync", status=400, count=3)
    failed = checkout.call("apply", "--yes", "--format", "json")
    assert (failed.status, ended_requests(failed), sent(checkout)) == (1, {"repair": "failed"}, [])
    checkout.emulator.clear_faults()
    assert checkout.call("apply", "--yes").status == 0
    assert sent(checkout) == RECORDS


def test_a_request_that_was_refused_in_part_is_told_by_every_apply_until_it_is_over(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.call("plan", "--save", "plan.json")
    checkout.emulator.fault("status", method="POST", path="*/sync", nth=2, status=400)
    assert checkout.call("apply", "--yes").status == 1
    for words in (["--yes"], ["plan.json"]):
        again = checkout.call("apply", *words, "--format", "json")
        assert (again.status, ended_requests(again)) == (5, {"repair": "failed"}), str(again)
    assert "partly carried out" in checkout.call("apply", "--yes").stdout
    assert Counter(sent(checkout)) == Counter(["P-1", "P-3"])


def test_a_paused_sync_and_a_disabled_config_are_explained(checkout: Checkout) -> None:
    prepare(checkout)
    checkout.write("sync.yaml", http_config("one", enabled=False), product_sync(pause=True))
    checkout.applied()
    checkout.write("requests.yaml", resync("later"))
    said = " ".join(notes(checkout))
    assert "is paused" in said
    assert "ConfigurationDisabled" in said
    refused = checkout.call("apply", "--yes", "--format", "json")
    [result] = refused.json["operations"]
    assert (refused.status, result["code"]) == (1, "api-rejected")
    assert "enabled: true" in result["next_step"]


@pytest.mark.usefixtures("on_both")
def test_a_lost_ledger_does_not_send_it_again_unnoticed(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.call("plan", "--save", "plan.json")
    assert checkout.call("apply", "plan.json").status == 0
    checkout.lose_ledger()
    assert "cannot be known" in notes(checkout)[0]
    for words in (("apply", "plan.json"), ("apply", "--yes"), ("apply", "--yes"), ("apply", "plan.json")):
        ended = checkout.call(*words, "--format", "json")
        assert ended.status in (4, 5), str(ended)
        [result] = ended.json["operations"]
        assert (result["outcome"], result["code"]) == ("skipped", "ledger-not-durable")
    assert sent(checkout) == RECORDS
    accepted = checkout.call("apply", "--yes", FLAG, "--format", "json")
    assert accepted.status == 0
    assert "cannot know" in accepted.json["operations"][0]["message"]
    assert sent(checkout) == [*RECORDS, *RECORDS]
    assert checkout.call("apply", "--yes", FLAG).status == 0
    assert sent(checkout) == [*RECORDS, *RECORDS]


def test_another_not_after_makes_it_another_request_that_a_new_ledger_knows(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.lose_ledger()
    assert checkout.call("apply", "--yes").status == 4
    checkout.write("requests.yaml", resync(notAfter=soon(hours=6)))
    assert checkout.call("apply", "--yes").status == 0
    assert sent(checkout) == RECORDS


@pytest.mark.usefixtures("on_both")
def test_two_runners_side_by_side_send_each_record_once(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.write("other.yaml", checkout.environment("other"))
    checkout.emulator.fault("latency", method="POST", path="*/sync", seconds=0.3)
    # Two environments of one marketplace: the apply lock of each is its own.
    both = [checkout.fork("apply", "--yes", "-e", name, FLAG, "--format", "json") for name in ("test", "other")]
    ended = [process.communicate(timeout=60)[0] for process in both]
    assert Counter(sent(checkout)) == Counter(RECORDS), ended
    assert checkout.call("apply", "--yes", "-e", "test").status == 0
    assert checkout.call("apply", "--yes", "-e", "other").status == 0
    assert Counter(sent(checkout)) == Counter(RECORDS)


# SIGKILL

KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "12"))  # more than 12: at every request
READS = 13  # of a plan; the token is cached
ATS = range(1, READS + len(RECORDS) + 1) if KILLS > 12 else (READS, READS + 1, READS + 3)


@pytest.mark.usefixtures("on_both")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", ATS)
def test_killed_at_any_request_nothing_is_sent_twice_and_the_unknown_is_told(
    checkout: Checkout, nth: int, when: str
) -> None:
    prepare(checkout, resync())
    checkout.emulator.fault("hang", nth=nth, when=when)
    process = checkout.fork("apply", "--yes")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]) or process.poll() is not None)
    assert checkout.emulator.faults()[0]["fired"]
    process.kill()
    process.communicate()
    checkout.emulator.clear_faults()

    begun = nth > READS
    known = notes(checkout)
    again = checkout.call("apply", "--yes", "--format", "json")
    assert again.status == 0, str(again)
    posted = [request for request in checkout.emulator.requests() if request["path"].endswith("/sync")]
    assert max(Counter(sent(checkout)).values(), default=0) <= 1
    if not begun:
        assert sent(checkout) == RECORDS
        return
    # The one that hung is unknown and was not sent again, and neither were those after it.
    assert known[0].startswith("unknown")
    assert RECORDS[nth - READS - 1] in known[0]
    assert len(posted) == nth - READS
    assert again.json["operations"] == []
    shown = checkout.call("ledger", "show", "--format", "json").json["requests"]
    assert [step["state"] for step in shown[0]["steps"]].count("sent") == 1


@pytest.mark.usefixtures("on_both")
def test_resume_carries_on_with_what_was_never_sent_and_tells_the_unknown(checkout: Checkout) -> None:
    prepare(checkout, resync())
    checkout.emulator.fault("hang", nth=READS + 2, when="after")
    process = checkout.fork("apply", "--yes")
    wait_until(lambda: bool(checkout.emulator.faults()[0]["fired"]))
    process.kill()
    process.communicate()
    checkout.emulator.clear_faults()
    resumed = checkout.call("apply", "--resume", "--format", "json")
    assert Counter(sent(checkout)) == Counter(RECORDS)
    [result] = resumed.json["operations"]
    assert [step["outcome"] for step in result["steps"]] == ["already", "unknown", "applied"]
    assert (resumed.status, result["outcome"]) == (1, "unknown")


# By command


@pytest.fixture
def command(checkout: Checkout, emulator: RunningEmulator) -> Checkout:
    prepare(checkout)
    for entity in ("buyerUsers", "suppliers", "categories"):
        checkout.write(f"{entity}.yaml", document("EntitySync", entity, {"entity": entity, "deliveryConfig": "one"}))
    checkout.applied()
    emulator.clear_requests()
    return checkout


def test_the_command_shows_its_steps_and_sends_each_record_once(command: Checkout) -> None:
    ended = command.call("resync", "products", "P-1", "P-2", "P-1", "--format", "json")
    assert (ended.status, sent(command)) == (0, ["P-1", "P-2"])
    assert ended.json["result"]["outcome"] == "applied"
    assert "1. POST integrations/productsync/sync ProductID=P-1" in ended.stderr
    shown = command.call("ledger", "show").stdout
    assert "resync/products: re-sync 2 products: P-1, P-2: 2 done" in " ".join(shown.split())


def test_compound_ids_are_parent_and_child(command: Checkout) -> None:
    assert command.call("resync", "buyerUsers", "acme/jane").status == 0
    assert command.call("resync", "buyerUsers", "jane").status == 64
    assert "BuyerID/UserID" in command.call("resync", "buyerUsers", "jane").stderr
    assert sent(command) == ["acme/jane"]


def test_the_command_keeps_the_limit(command: Checkout) -> None:
    many = [f"P-{number}" for number in range(26)]
    refused = command.call("resync", "products", *many)
    assert (refused.status, sent(command)) == (3, [])
    assert "pause the sync" in " ".join(refused.stderr.split())
    assert command.call("resync", "products", *many, "--override", "resyncMax", "--reason", "once").status == 0
    assert len(sent(command)) == 26


def test_a_sync_that_is_not_configured_is_explained(command: Checkout) -> None:
    refused = command.call("resync", "catalogs", "retail")
    assert refused.status == 1
    assert "EntitySync catalogs is not configured" in " ".join(refused.stderr.split())
    assert not [write for write in command.writes() if write[0] == "POST"]


@pytest.mark.parametrize(("record_type", "record"), [("suppliers", "S-1"), ("categories", "retail/shoes")])
def test_the_second_spelling_is_tried_where_the_first_is_no_path(
    command: Checkout, record_type: str, record: str
) -> None:
    command.emulator.switch(sync_spelling="guide")
    ended = command.call("resync", record_type, record)
    assert (ended.status, sent(command)) == (0, [record]), str(ended)


def test_a_record_that_is_not_there_is_told_in_the_words_of_the_first_spelling(command: Checkout) -> None:
    command.emulator.switch(unknown_record="not_found")
    refused = command.call("resync", "suppliers", "S-1", "--format", "json")
    assert (refused.status, refused.json["result"]["outcome"]) == (1, "failed")
    assert "S-1" in refused.json["result"]["message"]


def test_ids_come_from_stdin(command: Checkout) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "reconciler", "resync", "products", "-", "--format", "json"],
        cwd=command.folder,
        env=command.environ,
        input="P-1\n\n P-2 \n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, sent(command)) == (0, ["P-1", "P-2"]), ended.stderr
    assert json.loads(ended.stdout)["result"]["outcome"] == "applied"
