"""What a plan contains: each row of a marketplace against each thing that a manifest can say about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.errors import LedgerError, Place, SecretUnset, UsageError
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.ledger.config.model import Memory, SecretFingerprint, Snapshot
from reconciler.ledger.config.secret_fingerprint import fingerprint
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.lease import Lease
from reconciler.reconcile.drift import find_drift
from reconciler.reconcile.order import ordered
from reconciler.reconcile.plan import Cause, NoteKind
from reconciler.reconcile.planner import make_plan, require_secrets
from reconciler.reconcile.work import Desired
from reconciler.registry import kinds
from reconciler.report.text.drift import drift_to_text
from reconciler.report.text.plan import plan_to_text
from support.builders import API, NOW, config, entity_sync, http_targets, inputs, live_config, live_sync, secret


def changes(desired, live, **settings):
    return make_plan(inputs(desired, live, **settings)).plan.changes


def kinds_of(plan):
    return [note.kind for note in plan.notes if note.kind is not NoteKind.TARGET_HOSTS]


def remembered(value: str, when=NOW, path: str = "deliveryTargets.http.secret") -> Memory:
    digest = fingerprint(b"salt", value, api_url=API, kind="DeliveryConfig", live_id="hooks", path=path)
    key = (API, "DeliveryConfig", "hooks", path)
    return Memory(salt=b"salt", fingerprints={key: SecretFingerprint(digest, when)}, fresh=False)


def test_nothing_differs_nothing_is_planned():
    plan = make_plan(inputs([config(), entity_sync()], [live_config(), live_sync()])).plan
    assert plan.changes == ()
    assert plan.unchanged == 2


def test_a_missing_object_is_created_before_what_refers_to_it():
    planned = changes([entity_sync(), config()], [])
    assert [(change.key, change.action, change.level) for change in planned] == [
        ("DeliveryConfig/hooks", Action.CREATE, 0),
        ("EntitySync/categories", Action.CREATE, 1),
    ]
    assert planned[1].depends_on == ("DeliveryConfig/hooks",)


def test_a_sync_moves_away_before_its_old_config_is_deleted():
    planned = changes(
        [config("new"), config(absent=True), entity_sync(config="new")],
        [live_config(), live_sync()],
    )
    assert [(change.key, change.level) for change in planned] == [
        ("DeliveryConfig/new", 0),
        ("EntitySync/categories", 1),
        ("DeliveryConfig/hooks", 2),
    ]
    assert planned[2].depends_on == ("EntitySync/categories",)


def test_a_sync_is_deleted_before_the_config_that_it_points_at():
    planned = changes([config(absent=True), entity_sync(absent=True)], [live_config(), live_sync()])
    assert [change.key for change in planned] == ["EntitySync/categories", "DeliveryConfig/hooks"]
    assert planned[1].risk is Risk.LOSES_DATA


def test_deletes_run_after_every_write():
    planned = changes([config(absent=True), config("other")], [live_config()])
    assert [change.action for change in planned] == [Action.CREATE, Action.DELETE]
    assert planned[0].level < planned[1].level


def test_absent_and_not_there_is_no_change():
    assert changes([config(absent=True)], []) == ()


def test_a_field_left_out_means_its_default_so_a_pause_set_in_the_portal_is_seen():
    (change,) = changes([config(), entity_sync()], [live_config(), live_sync(Paused=True)])
    assert (change.action, change.cause) == (Action.RESUME, Cause.UNDECLARED_PAUSE)


BACKLOG = "what changed during the pause is sent now, each record once; the API does not tell how many wait"


def test_a_resume_says_that_what_piled_up_is_sent():
    (change,) = changes([config(), entity_sync()], [live_config(), live_sync(Paused=True)])
    assert (change.action, change.risk, change.detail) == (Action.RESUME, Risk.RE_SYNCS, BACKLOG)
    # Also beside another change, which makes it an update.
    (change,) = changes([config(), entity_sync()], [live_config(), live_sync(Paused=True, SyncEntityChanged=False)])
    assert (change.action, change.risk, change.detail) == (Action.UPDATE, Risk.RE_SYNCS, BACKLOG)
    (change,) = changes([config(), entity_sync()], [live_config(), live_sync(SyncEntityChanged=False)])
    assert (change.risk, change.detail) == (Risk.COSMETIC, None)


def test_a_declared_pause_is_a_pause_until_its_end_and_a_resume_after_it():
    pause = DeclaredPause(True, NOW + timedelta(hours=1), "load", "pricing")
    (change,) = changes([entity_sync(pause=True, pause_spec=pause), config()], [live_sync(), live_config()])
    assert (change.action, change.risk) == (Action.PAUSE, Risk.STOPS_SYNC)
    assert change.detail == "until 2026-11-21 13:00 UTC: load (pricing)"
    over = DeclaredPause(True, NOW - timedelta(hours=1), "load")
    (change,) = changes([entity_sync(pause_spec=over), config()], [live_sync(Paused=True), live_config()])
    assert (change.action, change.cause) == (Action.RESUME, Cause.OVERDUE)
    assert change.detail == f"the pause ended 2026-11-21 11:00 UTC; {BACKLOG}"


def test_a_pause_that_ended_is_the_cause_also_beside_another_change():
    over = DeclaredPause(True, NOW - timedelta(hours=1), "load")
    live = [live_sync(Paused=True, SyncEntityDeleted=False), live_config()]
    (change,) = changes([entity_sync(pause_spec=over), config()], live)
    assert (change.action, change.cause) == (Action.UPDATE, Cause.OVERDUE)


def test_what_a_change_waits_for_is_told_in_order():
    entities = ("categories", "catalogs", "buyers", "suppliers", "adminUsers")
    found = changes(
        [config(absent=True), *(entity_sync(entity, absent=True) for entity in entities)],
        [live_config(), *(live_sync(entity) for entity in entities)],
    )
    (waits,) = [change.depends_on for change in found if change.kind == "DeliveryConfig"]
    assert waits == tuple(f"EntitySync/{entity}" for entity in sorted(entities))


def test_a_lease_by_hand_overrides_the_manifest_and_is_no_change():
    lease = Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=1), "bulk load")
    plan = make_plan(
        inputs([config(), entity_sync()], [live_config(), live_sync(Paused=True)], memory=Memory(leases=(lease,)))
    ).plan
    assert plan.changes == ()
    assert [note.message for note in plan.notes if note.kind is NoteKind.HELD] == [
        "held by ann until 2026-11-21 13:00 UTC: bulk load"
    ]


def test_a_sync_that_runs_although_a_lease_holds_it_is_told_in_the_first_lines_of_plan_and_drift():
    lease = Lease("EntitySync", "categories", "ann", NOW + timedelta(hours=1), "bulk load")
    given = inputs([config(), entity_sync()], [live_config(), live_sync()], memory=Memory(leases=(lease,)))
    planned = make_plan(given)
    assert planned.plan.changes == ()
    for told in plan_to_text(planned.plan), drift_to_text(find_drift(given, planned)):
        assert told.startswith("1 sync runs although a lease holds it\n")
        assert "runs, although ann holds it until 2026-11-21 13:00 UTC: bulk load" in " ".join(told.split())
        assert told.count("bulk load") == 1


def test_an_expired_lease_holds_nothing():
    lease = Lease("EntitySync", "categories", "ann", NOW - timedelta(hours=1), "bulk load")
    (change,) = changes(
        [config(), entity_sync()], [live_config(), live_sync(Paused=True)], memory=Memory(leases=(lease,))
    )
    assert change.action is Action.RESUME


def test_an_ignored_path_is_left_to_others():
    desired = config(ignore=frozenset({"deliveryTargets.http.endpoint", "enabled"}))
    live = live_config(Enabled=False, DeliveryTargets={"Http": {"Endpoint": "https://elsewhere.example.com"}})
    assert changes([desired], [live]) == ()


def test_an_ignored_path_is_sent_back_as_live_has_it():
    desired = config(
        targets={"http": {"endpoint": "https://ours.example.com", "secret": secret(), "customAuthHeaderName": "X"}},
        ignore=frozenset({"deliveryTargets.http.endpoint"}),
    )
    live = live_config(DeliveryTargets={"Http": {"Endpoint": "https://theirs.example.com"}})
    planned = make_plan(inputs([desired], [live]))
    (work,) = planned.work.values()
    assert [field.path for field in work.change.fields] == ["deliveryTargets.http.customAuthHeaderName"]
    assert work.desired.state["deliveryTargets"]["http"]["endpoint"] == "https://theirs.example.com"


def test_a_rename_is_one_change_and_what_refers_to_it_follows():
    planned = changes(
        [config("new", renamed_from=("hooks",), name="hooks"), entity_sync(config="new")],
        [live_config(), live_sync()],
    )
    assert [(change.key, change.action) for change in planned] == [
        ("DeliveryConfig/new", Action.RENAME),
        ("EntitySync/categories", Action.UPDATE),
    ]
    assert planned[0].renamed_from == "hooks"
    assert [field.path for field in planned[0].fields] == ["id"]


def test_a_rename_that_changes_more_says_both():
    (renamed,) = changes([config("new", renamed_from=("hooks",), name="Another")], [live_config()])
    assert [field.path for field in renamed.fields] == ["id", "name"]
    assert (renamed.fields[0].before, renamed.fields[0].after) == ("hooks", "new")


def test_a_rename_that_already_happened_is_no_change():
    assert changes([config("new", renamed_from=("hooks",), name="new")], [live_config("new")]) == ()


def test_unmanaged_is_reported_and_left_alone():
    plan = make_plan(inputs([], [live_config("theirs")])).plan
    assert plan.changes == ()
    assert [note.subject for note in plan.notes] == ["DeliveryConfig/theirs"]
    assert plan.summary["unmanaged"] == 1


def test_an_unset_secret_is_a_note_while_nothing_has_to_send_it():
    plan = make_plan(
        inputs([config(targets={"http": {**http_targets()["http"], "secret": secret(None)}})], [live_config()])
    ).plan
    assert plan.changes == ()
    assert kinds_of(plan) == [NoteKind.SECRET_UNSET]


def test_an_unset_secret_stops_a_plan_that_has_to_send_it():
    given = inputs(
        [config(targets={"http": {"endpoint": "https://new.example.com", "secret": secret(None)}})], [live_config()]
    )
    with pytest.raises(SecretUnset) as caught:
        require_secrets(given, make_plan(given).work.values())
    assert str(caught.value.place) == "manifests/a.yaml:9:9"
    assert "${secret:SECRET}" in caught.value.message


def test_a_name_change_sends_no_secret_and_needs_none():
    given = inputs(
        [config(name="New name", targets={"http": {**http_targets()["http"], "secret": secret(None)}})], [live_config()]
    )
    planned = make_plan(given)
    require_secrets(given, planned.work.values())
    assert [field.path for field in planned.plan.changes[0].fields] == ["name"]


def test_a_secret_that_the_ledger_never_saw_is_a_note_and_pushed_only_on_demand():
    plan = make_plan(inputs([config()], [live_config()])).plan
    assert (plan.changes, kinds_of(plan)) == ((), [NoteKind.SECRET_UNKNOWN])
    (change,) = changes([config()], [live_config()], push_secrets=True)
    assert [(field.path, field.before, field.after, field.sensitive) for field in change.fields] == [
        ("deliveryTargets.http.secret", None, None, True)
    ]


def test_a_changed_secret_shows_as_a_change_without_its_value():
    assert changes([config()], [live_config()], memory=remembered("s3cr3t")) == ()
    (change,) = changes([config()], [live_config()], memory=remembered("old"))
    assert [(field.path, field.sensitive) for field in change.fields] == [("deliveryTargets.http.secret", True)]
    assert "s3cr3t" not in repr(change)


def test_after_a_restore_of_staging_what_was_applied_before_is_pushed_again():
    before = remembered("s3cr3t", NOW - timedelta(days=3))
    (change,) = changes([config()], [live_config()], memory=before, restored_at=NOW - timedelta(days=1))
    assert change.cause is Cause.RESTORED
    after = remembered("s3cr3t", NOW - timedelta(hours=1))
    assert changes([config()], [live_config()], memory=after, restored_at=NOW - timedelta(days=1)) == ()


@pytest.mark.parametrize(
    ("applied", "live", "cause"),
    [
        (timedelta(days=3), [live_config(Name="theirs")], Cause.RESTORED),
        (timedelta(days=3), [], Cause.RESTORED),
        (timedelta(hours=1), [live_config(Name="theirs")], Cause.LIVE_MOVED),
        (timedelta(hours=1), [], Cause.LIVE_MOVED),
    ],
)
def test_what_differs_since_a_restore_was_restored_whatever_secrets_are_sent_with_it(applied, live, cause):
    then = NOW - applied
    fingerprints = remembered("s3cr3t", then)
    snapshots = {(API, "DeliveryConfig", "hooks"): Snapshot(live_config().state, then)}
    memory = replace(fingerprints, snapshots=snapshots)
    (change,) = changes([config()], live, memory=memory, restored_at=NOW - timedelta(days=1))
    assert change.cause is cause


def test_a_secret_that_leaves_the_manifest_is_a_change():
    path = "deliveryTargets.http.customAuthHeaderValue"
    live = live_config(
        DeliveryTargets={"Http": {"Endpoint": "https://hooks.example.com/oc", "CustomAuthHeaderName": "X"}}
    )
    desired = config(targets=http_targets(customAuthHeaderName="X"))
    (change,) = changes([desired], [live], memory=remembered("v", path=path))
    assert [field.path for field in change.fields] == [path]


@pytest.mark.parametrize(
    ("snapshot_name", "live_name", "cause"),
    [
        ("hooks", "moved", Cause.LIVE_MOVED),
        ("old", "old", Cause.GIT_MOVED),
        ("old", "moved", Cause.BOTH_MOVED),
    ],
)
def test_the_ledger_tells_who_moved(snapshot_name, live_name, cause):
    state = live_config(Name=snapshot_name).state
    memory = Memory(snapshots={(API, "DeliveryConfig", "hooks"): Snapshot(state, NOW)}, fresh=False)
    (change,) = changes([config()], [live_config(Name=live_name)], memory=memory)
    assert change.cause is cause


def test_without_a_ledger_it_only_differs():
    (change,) = changes([config()], [live_config(Name="moved")])
    assert change.cause is Cause.DIFFERS


def test_a_target_limits_the_plan():
    desired = [config(name="A"), entity_sync(syncEntityDeleted=False)]
    (change,) = changes(desired, [live_config(), live_sync()], targets=frozenset({"EntitySync"}))
    assert change.kind == "EntitySync"


def test_a_target_that_leaves_out_what_it_needs_is_refused():
    with pytest.raises(UsageError, match="not live and not in this plan"):
        changes([config(), entity_sync()], [], targets=frozenset({"EntitySync/categories"}))


def test_a_target_that_names_nothing_is_refused():
    with pytest.raises(UsageError, match="names no manifest"):
        changes([config()], [], targets=frozenset({"DeliveryConfig/nope"}))


def test_the_digest_of_a_change_covers_values_and_precondition_but_not_its_place():
    def digest(desired, live):
        return changes([desired], [live])[0].digest

    base = digest(config(name="A"), live_config())
    assert digest(replace(config(name="A"), place=config().place), live_config()) == base
    assert digest(config(name="B"), live_config()) != base
    assert digest(config(name="A"), live_config(Name="moved")) != base


def test_the_same_input_in_another_order_gives_the_same_plan():
    desired = [config(), config("b"), entity_sync(), entity_sync("buyers", "b")]
    assert make_plan(inputs(desired, [])).plan == make_plan(inputs(desired[::-1], [])).plan


def test_an_environment_without_target_hosts_is_told_so():
    plan = make_plan(inputs([config()], [live_config()])).plan
    assert NoteKind.TARGET_HOSTS in [note.kind for note in plan.notes]
    plan = make_plan(inputs([config()], [live_config()], target_hosts=("*.example.com",))).plan
    assert NoteKind.TARGET_HOSTS not in [note.kind for note in plan.notes]


def test_a_plan_that_pauses_says_what_a_pause_does_not_do():
    pause = DeclaredPause(True, NOW + timedelta(hours=1), "load")
    plan = make_plan(inputs([entity_sync(pause=True, pause_spec=pause), config()], [live_sync(), live_config()])).plan
    assert [note.subject for note in plan.notes if note.kind is NoteKind.PAUSE_LIMITS] == ["EntitySync/categories"]


@pytest.mark.parametrize("remembered", [{"settings": "text"}, {"settings": [1]}])
def test_what_the_ledger_remembers_of_an_object_that_no_read_shows_has_to_be_one(remembered):
    site = "https://site.example"
    desired = Desired("Store", "store", "store", {"settings": {"a": 1}}, Place("manifests/a.yaml", 1, 1))
    given = replace(
        inputs([desired], []),
        kinds=kinds(),
        connections={"ordercloud": API, "sparklayer": site},
        live={name: {} for name in kinds()},
        memory=Memory(snapshots={(site, "Store", "store"): Snapshot(remembered, NOW)}),
    )
    with pytest.raises(LedgerError, match="what it remembers of Store/store") as caught:
        make_plan(given)
    assert caught.value.next_step


def test_what_waits_for_two_comes_after_the_later_of_them():
    waits = {"a": "", "b": "a", "c": "abz", "d": "a"}
    assert ordered({key: frozenset(others) for key, others in waits.items()}) == {"a": 0, "b": 1, "c": 2, "d": 1}
