"""A saved plan is an approval: nothing but what was reviewed and still stands is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.app.plan import failed_plan
from reconciler.clock import utc_now
from reconciler.errors import StalePlan
from reconciler.reconcile.digests import plan_digest
from reconciler.reconcile.planfile import plan_to_json
from reconciler.reconcile.planread import read_plan
from support.checkout import Checkout, entity_sync, http_config, outcomes
from support.hostile import bounded

SAVED = "plan.json"


@pytest.fixture
def saved(checkout: Checkout) -> Path:
    """Return the saved plan of a delivery config that is updated and two syncs that are created."""
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hook.yaml", http_config("hook"))
    checkout.applied()
    checkout.write("hook.yaml", http_config("hook", enabled=False))
    checkout.write("syncs.yaml", entity_sync("buyers", "hook"), entity_sync("catalogs", "hook"))
    ended = checkout.call("plan", "--save", SAVED)
    assert ended.status == 0, str(ended)
    checkout.emulator.clear_requests()
    return checkout.folder / SAVED


@pytest.mark.usefixtures("on_both")
def test_what_was_reviewed_is_applied_and_no_more(checkout: Checkout, saved: Path) -> None:
    checkout.write("later.yaml", entity_sync("suppliers", "hook"))
    ended = checkout.run("apply", SAVED)
    assert ended.status == 0, str(ended)
    assert "EntitySync/suppliers" in ended.stderr
    assert sorted(checkout.writes()) == [
        ("PATCH", "deliveryconfig/hook"),
        ("PUT", "entitysync/buyers"),
        ("PUT", "entitysync/catalogs"),
    ]
    assert checkout.pending() == ["create EntitySync/suppliers"]


def test_a_comment_another_order_and_another_file_change_nothing(checkout: Checkout, saved: Path) -> None:
    (checkout.manifests / "syncs.yaml").unlink()
    path = checkout.write("a.yaml", entity_sync("catalogs", "hook"), entity_sync("buyers", "hook"))
    path.write_text(f"# moved\n{path.read_text()}")
    assert checkout.call("apply", SAVED).status == 0
    assert len(checkout.writes()) == 3


def alter(*path: str | int, value: Any) -> Callable[[Any], None]:
    def _alter(plan: Any) -> None:
        for step in path[:-1]:
            plan = plan[step]
        assert plan[path[-1]] != value
        plan[path[-1]] = value

    return _alter


@pytest.mark.parametrize(
    "change",
    [
        alter("expires_at", value="2099-01-01T00:00:00Z"),
        alter("created_at", value="2099-01-01T00:00:00Z"),
        alter("environment", value="production"),
        alter("connections", "ordercloud", value="https://api.ordercloud.io/v1"),
        alter("targets", value=["EntitySync"]),
        alter("push_secrets", value=True),
        alter("changes", 0, "fields", 0, "after", value=True),
        alter("changes", 0, "action", value="delete"),
        alter("changes", 0, "id", value="other"),
        alter("changes", 1, "kind", value="DeliveryConfig"),
        alter("changes", 1, "level", value=0),
        alter("changes", 1, "digest", value="sha256:0"),
        alter("changes", value=[]),
        alter("digest", value="sha256:0"),
    ],
)
def test_altered_by_hand_it_approves_nothing(checkout: Checkout, saved: Path, change: Callable[[Any], None]) -> None:
    plan = json.loads(saved.read_text())
    change(plan)
    saved.write_text(json.dumps(plan))
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED)
    assert (ended.status, ended.stdout) == (1, ""), str(ended)
    assert "unreadable-plan" in ended.stderr
    assert "Plan again" in ended.stderr or "reconciler plan" in ended.stderr


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "no JSON", '{"format_version": 2}', "\x00"])
def test_what_is_no_plan_approves_nothing(checkout: Checkout, saved: Path, content: str) -> None:
    saved.write_text(content)
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED)
    assert ended.status == 1, str(ended)
    assert "unreadable-plan" in ended.stderr


def test_half_a_plan_approves_nothing(checkout: Checkout, saved: Path) -> None:
    text = saved.read_text()
    saved.write_text(text[: len(text) // 2])
    with checkout.unchanged():
        assert checkout.call("apply", SAVED).status == 1


def test_two_weeks_old_it_approves_nothing(checkout: Checkout, saved: Path) -> None:
    plan = read_plan(saved)
    age = timedelta(days=14)
    old = replace(plan, created_at=plan.created_at - age, expires_at=plan.expires_at - age)
    saved.write_text(json.dumps(plan_to_json(replace(old, digest=plan_digest(old)))))
    with checkout.unchanged():
        ended = checkout.run("apply", SAVED)
    assert ended.status == 4, str(ended)
    assert "expired" in ended.stderr
    assert "Plan again" in ended.stderr


def test_of_another_environment_it_approves_nothing(checkout: Checkout, saved: Path) -> None:
    checkout.write("environment.yaml", checkout.environment(), checkout.environment("production"))
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED, "-e", "production")
    assert ended.status == 4, str(ended)
    assert "for the environment test" in ended.stderr


def test_what_carries_on_takes_no_file_and_names_the_command_that_does(checkout: Checkout, saved: Path) -> None:
    ended = checkout.call("apply", SAVED, "--resume")
    assert ended.status == 64, str(ended)
    assert "`reconciler apply --resume`" in ended.stderr


def test_for_an_environment_that_moved_elsewhere_it_approves_nothing(checkout: Checkout, saved: Path) -> None:
    elsewhere = checkout.emulator.ordercloud_url.replace("127.0.0.1", "localhost")
    checkout.write("environment.yaml", checkout.environment(ordercloud={"apiUrl": elsewhere}))
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED)
    assert ended.status == 4, str(ended)
    assert "other APIs" in ended.stderr


@pytest.mark.usefixtures("on_both")
def test_from_other_manifests_only_what_still_stands_is_sent(checkout: Checkout, saved: Path) -> None:
    checkout.write(
        "syncs.yaml", entity_sync("buyers", "hook", syncEntityDeleted=False), entity_sync("catalogs", "hook")
    )
    ended = checkout.call("apply", SAVED, "--format", "json")
    assert ended.status == 5, str(ended)
    assert outcomes(ended.json) == {
        "DeliveryConfig/hook": "applied",
        "EntitySync/buyers": "stale",
        "EntitySync/catalogs": "applied",
    }
    assert ("PUT", "entitysync/buyers") not in checkout.writes()
    assert "/integrations/entitysync/buyers" not in checkout.live()["syncs"]


def test_from_other_manifests_altogether_nothing_is_sent(checkout: Checkout, saved: Path) -> None:
    checkout.write("hook.yaml", http_config("hook"))
    (checkout.manifests / "syncs.yaml").unlink()
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED, "--format", "json")
    assert ended.status in (4, 5), str(ended)
    assert set(outcomes(ended.json).values()) <= {"stale", "already"}


@pytest.mark.usefixtures("on_both")
def test_overtaken_by_live_nothing_that_moved_is_sent(checkout: Checkout, saved: Path) -> None:
    def somebody(live: dict[str, Any]) -> None:
        live["syncs"]["/integrations/entitysync/buyers"] = {
            "DeliveryConfigID": "hook",
            "SyncEntityChanged": False,
            "SyncEntityDeleted": True,
            "Paused": True,
        }

    checkout.change_live(somebody)
    ended = checkout.call("apply", SAVED, "--format", "json")
    assert ended.status == 5, str(ended)
    assert outcomes(ended.json)["EntitySync/buyers"] == "stale"
    assert checkout.live()["syncs"]["/integrations/entitysync/buyers"]["Paused"] is True


def test_overtaken_altogether_it_is_stale(checkout: Checkout, saved: Path) -> None:
    def somebody(live: dict[str, Any]) -> None:
        live["deliveryConfigs"].clear()

    checkout.change_live(somebody)
    with checkout.unchanged():
        ended = checkout.run("apply", SAVED)
    assert ended.status == 4, str(ended)
    assert "reconciler plan" in ended.stdout


@pytest.mark.usefixtures("on_both")
def test_applied_twice_the_second_time_sends_nothing(checkout: Checkout, saved: Path) -> None:
    assert checkout.call("apply", SAVED).status == 0
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED, "--format", "json")
    assert ended.status == 0, str(ended)
    assert set(outcomes(ended.json).values()) == {"already"}


def test_a_plan_that_a_guardrail_refused_stays_refused(checkout: Checkout, saved: Path) -> None:
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxChanges": 2}))
    assert checkout.call("plan", "--save", SAVED).status == 3
    with checkout.unchanged():
        ended = checkout.call("apply", SAVED)
    assert ended.status == 3, str(ended)
    assert "maxChanges" in ended.stderr
    # A limit that was raised since is no review of what was refused; a reason beside the digest that somebody saw is.
    seen = json.loads(saved.read_text())
    assert seen["status"] == "refused"
    checkout.write("environment.yaml", checkout.environment())
    assert checkout.call("apply", SAVED).status == 3
    vouched = ("--override", "maxChanges", "--reason", "first of its kind")
    assert checkout.call("apply", SAVED, "--digest", seen["approves"], *vouched).status == 0
    assert len(checkout.writes()) == 3


def test_what_a_saved_plan_overrides_is_overridden_by_apply_alone(checkout: Checkout, saved: Path) -> None:
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxChanges": 2}))
    flags = ("--override", "maxChanges", "--reason", "first of its kind")
    ended = checkout.call("plan", "--save", SAVED, *flags)
    assert ended.status == 0, str(ended)
    assert checkout.call("apply", SAVED).status == 3
    assert checkout.writes() == []
    assert checkout.call("apply", SAVED, *flags).status == 0
    assert len(checkout.writes()) == 3


def test_a_file_that_says_overridden_with_a_digest_of_its_own_deletes_nothing(checkout: Checkout, saved: Path) -> None:
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxDeletes": 0}))
    checkout.write("hook.yaml", {**http_config("hook"), "state": "absent"})
    (checkout.manifests / "syncs.yaml").unlink()
    assert checkout.call("plan", "--save", SAVED).status == 3
    plan = read_plan(saved)
    forged = replace(plan, breaches=tuple(replace(breach, overridden="trust me") for breach in plan.breaches))
    saved.write_text(json.dumps(plan_to_json(replace(forged, digest=plan_digest(forged)))))
    assert checkout.call("apply", SAVED).status == 3
    assert checkout.writes() == []


@pytest.mark.parametrize(
    ("objects", "until", "status"),
    [
        (["DeliveryConfig/hook"], "2999-01-01T00:00:00Z", 0),
        (["DeliveryConfig/hook"], "2020-01-01T00:00:00Z", 3),
        (["DeliveryConfig/other"], "2999-01-01T00:00:00Z", 3),
    ],
)
def test_a_reviewed_line_in_the_manifests_overrides_for_its_objects_until_its_end(
    checkout: Checkout, saved: Path, objects: list[str], until: str, status: int
) -> None:
    entry = {"rule": "maxDeletes", "objects": objects, "reason": "Gone since May", "until": until}
    checkout.write("environment.yaml", checkout.environment(guardrails={"maxDeletes": 0, "overrides": [entry]}))
    checkout.write("hook.yaml", {**http_config("hook"), "state": "absent"})
    (checkout.manifests / "syncs.yaml").unlink()
    planned = checkout.call("plan", "--save", SAVED)
    assert planned.status == status, str(planned)
    assert ("Gone since May" in planned.stdout) == (status == 0)
    assert checkout.call("apply", SAVED).status == status
    assert len(checkout.writes()) == (status == 0)


def test_the_plans_of_all_that_was_merged_are_applied_in_one_run(checkout: Checkout) -> None:
    """Three branches, two of which change one object, planned from the same base; a fourth change that no plan has."""
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hook.yaml", http_config("hook"))
    checkout.applied()
    folder = checkout.folder / "approved" / "test"
    folder.mkdir(parents=True)
    named = http_config("hook")["spec"] | {"name": "New name"}
    branches = {
        "1": {"hook.yaml": {**http_config("hook"), "spec": named}},
        "2": {"hook.yaml": http_config("hook", enabled=False)},
        "3": {"sync.yaml": entity_sync("buyers", "hook")},
    }
    for number, files in branches.items():
        for file, manifest in files.items():
            checkout.write(file, manifest)
        ended = checkout.call("plan", "--save", str(folder / f"{number}.json"))
        assert ended.status == 0, str(ended)
        checkout.write("hook.yaml", http_config("hook"))
        (checkout.manifests / "sync.yaml").unlink(missing_ok=True)
    checkout.write("hook.yaml", {**http_config("hook"), "spec": named | {"enabled": False}})
    checkout.write("sync.yaml", entity_sync("buyers", "hook"))
    checkout.write("later.yaml", entity_sync("catalogs", "hook"))
    checkout.emulator.clear_requests()
    ended = checkout.call("apply", str(folder.parent), "-e", "test", "--format", "json")
    assert ended.status == 0, str(ended)
    assert outcomes(ended.json) == {"DeliveryConfig/hook": "applied", "EntitySync/buyers": "applied"}
    assert [(Path(plan["file"]).name, plan["code"]) for plan in ended.json["plans"]] == [
        ("1.json", None),
        ("2.json", None),
        ("3.json", None),
    ]
    assert sorted(checkout.writes()) == [("PATCH", "deliveryconfig/hook"), ("PUT", "entitysync/buyers")]
    assert checkout.pending() == ["create EntitySync/catalogs"]
    # One that failed is left out and told, as long as something is pending; an altered one stops everything.
    failed = failed_plan("test", StalePlan("no answer"), utc_now())
    (folder / "4.json").write_text(json.dumps(plan_to_json(failed)))
    ended = checkout.call("apply", str(folder), "--format", "json")
    assert ended.status == 5, str(ended)
    assert [(Path(plan["file"]).name, plan["code"]) for plan in ended.json["plans"]][-1] == ("4.json", "stale-plan")
    (folder / "4.json").write_text(json.dumps(plan_to_json(read_plan(folder / "3.json")) | {"environment": "other"}))
    with checkout.unchanged():
        ended = checkout.call("apply", str(folder))
    assert ended.status == 1, str(ended)
    assert "4.json" in ended.stderr
    assert "altered" in ended.stderr


def test_a_digest_that_somebody_saw_applies_that_plan_and_no_other(checkout: Checkout, saved: Path) -> None:
    seen = json.loads(saved.read_text())["approves"]
    assert checkout.call("plan", "--save", SAVED).status == 0  # made again: another file, the same plan
    checkout.emulator.clear_requests()
    with checkout.unchanged():
        other = checkout.call("apply", SAVED, "--digest", "sha256:1")
    assert other.status == 4, str(other)
    assert seen in other.stderr
    assert checkout.call("apply", "--digest", seen).status == 64
    with checkout.unchanged():  # a variable that turned out empty is no digest that anybody saw
        assert checkout.call("apply", SAVED, "--digest", "").status == 4
    assert "--digest is about" in checkout.call("apply", "--digest", "").stderr
    assert checkout.call("apply", "--gated", SAVED, "--digest", seen).status == 0
    assert len(checkout.writes()) == 3


def test_a_gated_plan_waits_where_nobody_can_be_asked(checkout: Checkout, saved: Path) -> None:
    with checkout.unchanged():
        ended = checkout.call("apply", "--gated", SAVED)
    assert ended.status == 4, str(ended)
    assert json.loads(saved.read_text())["approves"] in ended.stderr.replace("\n", "")


def test_where_there_is_a_key_only_plans_that_are_signed_with_it_are_applied(checkout: Checkout, saved: Path) -> None:
    checkout.variables["RECONCILER_PLAN_KEY"] = "kr3mbel"
    unsigned = checkout.call("apply", SAVED)
    assert unsigned.status == 1, str(unsigned)
    assert "RECONCILER_PLAN_KEY" in unsigned.stderr
    assert checkout.call("plan", "--save", SAVED).status == 0
    assert "kr3mbel" not in saved.read_text()
    plan = read_plan(saved)
    forged = replace(plan, targets=("DeliveryConfig",))
    saved.write_text(json.dumps(plan_to_json(replace(forged, digest=plan_digest(forged)))))
    assert checkout.call("apply", SAVED).status == 1
    assert checkout.writes() == []
    saved.write_text(json.dumps(plan_to_json(plan)))
    checkout.variables["RECONCILER_PLAN_KEY"] = "another"
    assert checkout.call("apply", SAVED).status == 1
    del checkout.variables["RECONCILER_PLAN_KEY"]
    assert checkout.call("apply", SAVED).status == 0
    assert len(checkout.writes()) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"format_version": 1, "environment": "\\ud800"}', "holds half a character"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format_version": 1, "environment": ' + b"9" * 5000 + b"}", ""),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_what_no_plan_can_be_is_refused(checkout: Checkout, saved: Path, content: bytes, says: str) -> None:
    saved.write_bytes(content)
    ended = checkout.call("apply", SAVED)
    assert ended.status == 1, str(ended)
    assert says in ended.stderr
    assert "nternal error" not in ended.stderr


@pytest.mark.parametrize("member", ["created_at", "expires_at"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"])
def test_times_at_the_ends_of_the_calendar_end_in_words(
    checkout: Checkout, saved: Path, member: str, moment: str
) -> None:
    document = json.loads(saved.read_text())
    document[member] = moment
    saved.write_text(json.dumps(document))
    ended = checkout.call("apply", SAVED)
    assert ended.status == 1, str(ended)
    assert "nternal error" not in ended.stderr
    assert checkout.writes() == []


def test_a_file_that_never_ends_is_not_read_whole(checkout: Checkout, saved: Path) -> None:
    with bounded(seconds=20, megabytes=700):
        ended = checkout.call("apply", "/dev/zero")
    assert ended.status == 1, str(ended)
    assert "larger than 256 MiB" in " ".join(ended.stderr.split())


def test_a_broken_document_is_told_by_path_and_rule_and_never_by_its_value(checkout: Checkout, saved: Path) -> None:
    document = json.loads(saved.read_text())
    document["changes"][1]["action"] = "kr3mbel"
    saved.write_text(json.dumps(document))
    told = " ".join(checkout.call("apply", SAVED).stderr.split())
    assert "changes[1].action breaks the rule enum" in told
    assert "kr3mbel" not in told
