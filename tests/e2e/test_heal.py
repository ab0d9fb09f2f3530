"""drift --heal, by the real command line: windows, pauses, guardrails, what the ledger and what git remember."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.checkout import Checkout, Document, document, http_config

SCHEMAS = Path(__file__).parents[2] / "schemas"
BUYERS, CATALOGS = ("/integrations/entitysync/buyers", "/integrations/entitysync/catalogs")
ALWAYS = {"cron": "* * * * *", "duration": "5m", "timezone": "Europe/London", "reason": "Import"}
ENDED = {"until": "2020-01-01T00:00:00Z", "reason": "Load"}
RULES = ["overdue-pause", "window", {"cause": "undeclared-pause", "after": "1s"}, "live-moved"]


def sync(entity: str, **spec: Any) -> Document:
    return document("EntitySync", entity, {"entity": entity, "deliveryConfig": "hook", **spec})


def set_up(checkout: Checkout, heal: list[Any] | None = None, **pauses: Any) -> Checkout:
    rules = {} if heal is None else {"drift": {"heal": heal}}
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxPause": "36500d"}, **rules))
    checkout.write("hook.yaml", http_config("hook"))
    for entity in ("buyers", "catalogs"):
        checkout.write(f"{entity}.yaml", sync(entity, **({"pause": pauses[entity]} if entity in pauses else {})))
    return checkout


def pause_in_the_portal(checkout: Checkout, path: str = BUYERS) -> None:
    checkout.change_live(lambda live: live["syncs"][path].update({"Paused": True}))


def paused(checkout: Checkout, path: str = BUYERS) -> bool:
    return bool(checkout.live()["syncs"][path]["Paused"])


def drift(checkout: Checkout, *words: str, status: int) -> dict[str, Any]:
    ended = checkout.call("drift", "--format", "json", *words)
    assert ended.status == status, str(ended)
    jsonschema.validate(ended.json, json.loads((SCHEMAS / "drift.schema.json").read_text()))
    return dict(ended.json)


def healed(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"{each['change']['kind']}/{each['change']['name']}", each["change"]["cause"], each["outcome"])
        for each in report["healed"]
    ]


def test_windows_are_started_and_overdue_pauses_lifted_and_nothing_else(checkout: Checkout) -> None:
    set_up(checkout, ["overdue-pause", "window"]).applied()
    set_up(checkout, ["overdue-pause", "window"], buyers=ENDED, catalogs={"windows": [ALWAYS]})
    pause_in_the_portal(checkout)
    checkout.change_live(lambda live: live["deliveryConfigs"]["hook"].update({"Name": "Theirs"}))
    checkout.change_live(lambda live: live["syncs"][CATALOGS].update({"SyncEntityDeleted": False}))
    checkout.emulator.clear_requests()
    report = drift(checkout, "--heal", status=2)
    assert sorted(healed(report)) == [
        ("EntitySync/buyers", "overdue", "applied"),
        ("EntitySync/catalogs", "window", "applied"),
    ]
    assert (paused(checkout), paused(checkout, CATALOGS)) == (False, True)
    # What else differs is left, and known for what it is.
    assert [(item["name"], item["cause"], item["not_healed"]) for item in report["items"]] == [
        ("hook", "live-moved", None),
        ("catalogs", "live-moved", None),
    ]
    assert sorted(checkout.writes()) == [("PATCH", "entitysync/buyers"), ("PATCH", "entitysync/catalogs")]
    assert checkout.live()["syncs"][CATALOGS]["SyncEntityDeleted"] is False
    # Once more: there is nothing to do, and nothing is done.
    checkout.emulator.clear_requests()
    assert healed(drift(checkout, "--heal", status=2)) == []
    assert checkout.writes() == []
    set_up(checkout, ["window"], buyers=ENDED)  # the windows are gone: that is git's doing, and nobody's to heal
    assert healed(drift(checkout, "--heal", status=2)) == []


def test_an_undeclared_pause_is_lifted_twice_a_day_and_every_format_says_so(checkout: Checkout) -> None:
    rules = [{"cause": "undeclared-pause", "after": "1s"}]
    set_up(checkout, rules).applied()
    pause_in_the_portal(checkout)
    first = drift(checkout, "--heal", status=2)
    assert first["items"][0]["not_healed"].startswith("seen since ")
    set_up(checkout, [{"cause": "undeclared-pause", "after": "1s"}])
    time.sleep(1.1)
    assert healed(drift(checkout, "--heal", status=0)) == [("EntitySync/buyers", "undeclared-pause", "applied")]
    set_up(checkout, [{"cause": "live-moved"}, {"cause": "undeclared-pause", "after": "1s"}])
    pause_in_the_portal(checkout)
    checkout.call("drift", "--heal")
    time.sleep(1.1)
    ended = checkout.call("drift", "--heal")
    assert ended.status == 0, str(ended)
    assert "Healed" in ended.stdout
    assert "EntitySync/buyers" in ended.stdout
    pause_in_the_portal(checkout)
    checkout.call("drift", "--heal")
    time.sleep(1.1)
    for name, words in (("text", "not healed: it was healed twice"), ("markdown", "healed twice"), ("html", "twice")):
        ended = checkout.call("drift", "--heal", "--format", name)
        assert ended.status == 2, str(ended)
        assert words in " ".join(ended.stdout.split())
    assert paused(checkout)


def test_left_out_nothing_heals(checkout: Checkout) -> None:
    set_up(checkout, buyers=ENDED)
    checkout.applied()
    pause_in_the_portal(checkout)
    with checkout.unchanged():
        ended = checkout.call("drift", "--heal")
    assert ended.status == 2
    assert "names nothing in spec.drift.heal" in ended.stderr


def test_a_guardrail_refuses_what_it_refuses_and_the_rest_is_healed(checkout: Checkout) -> None:
    set_up(checkout, RULES).applied()
    set_up(checkout, RULES, buyers=ENDED, catalogs={"windows": [ALWAYS]})
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxPause": "1h"}, drift={"heal": RULES}))
    pause_in_the_portal(checkout)
    report = drift(checkout, "--heal", status=3)
    assert healed(report) == [("EntitySync/buyers", "overdue", "applied")]
    assert report["items"][0]["not_healed"].startswith("the guardrail maxPause refuses it")
    assert not paused(checkout, CATALOGS)


def test_on_a_ledger_that_is_gone_after_the_job_the_clock_alone_heals(checkout: Checkout) -> None:
    set_up(checkout, RULES, buyers=ENDED).applied()
    default = checkout.environment(ledger="sqlite:///.reconciler/ledger.db", drift={"heal": RULES})
    checkout.write("environment.yaml", default)
    pause_in_the_portal(checkout)
    pause_in_the_portal(checkout, CATALOGS)
    checkout.variables["CI"] = "true"
    ended = checkout.call("drift", "--heal")
    assert ended.status == 1
    assert "--ephemeral-ledger" in ended.stderr
    assert paused(checkout)
    ended = checkout.call("drift", "--heal", "--ephemeral-ledger")
    assert ended.status == 2, str(ended)
    assert "only pauses that are overdue and windows are healed" in ended.stderr
    assert (paused(checkout), paused(checkout, CATALOGS)) == (False, True)


@pytest.fixture
def repository(checkout: Checkout) -> Checkout:
    set_up(checkout, RULES, buyers=ENDED)
    (checkout.folder / ".gitignore").write_text("ledger.db*\ncache\n")
    git(checkout, "init", "-q")
    commit(checkout)
    return checkout


def git(checkout: Checkout, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=checkout.folder, check=True, capture_output=True)


def commit(checkout: Checkout) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "x")


def test_what_is_merged_and_not_applied_is_not_healed(repository: Checkout) -> None:
    repository.applied()
    later = {"until": "2020-01-02T00:00:00Z", "reason": "Longer"}
    repository.write("buyers.yaml", sync("buyers", pause=later))
    commit(repository)
    pause_in_the_portal(repository)
    report = drift(repository, "--heal", status=2)
    assert "buyers.yaml has changed since " in report["items"][0]["not_healed"]
    assert paused(repository)
    # What is applied counts as such, whatever else is limited or saved: from then on it heals again.
    assert repository.call("apply", "--yes", "--target", "EntitySync/buyers").status == 0
    pause_in_the_portal(repository)
    assert healed(drift(repository, "--heal", status=2)) == []
    repository.applied()
    pause_in_the_portal(repository)
    assert healed(drift(repository, "--heal", status=0)) == [("EntitySync/buyers", "overdue", "applied")]
