"""Causes of drift: what each means, and what to do. docs/errors.md and `reconciler explain` show it."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.reconcile.plan import Cause

CAUSES: Mapping[Cause, tuple[str, str]] = {
    Cause.FORBIDDEN_HOST: (
        "A live object, managed or not, points outside `targetHosts`, as after a restore from production.",
        "`apply` puts a managed one right; correct or delete any other where it was made. None is adopted or imported.",
    ),
    Cause.GIT_MOVED: (
        "The manifests changed since the last apply, and live did not.",
        "`reconciler plan`, then apply it.",
    ),
    Cause.LIVE_MOVED: (
        "Somebody changed the live object since the last apply: who, is said where a webhook told.",
        "`apply` takes it back, `drift --adopt KIND/NAME` writes it into the manifest.",
    ),
    Cause.BOTH_MOVED: (
        "The manifests and the live object both changed since the last apply.",
        "Compare the fields: adopt what is to stay, then plan.",
    ),
    Cause.DIFFERS: (
        "Live is not as the manifests say, and the ledger has no earlier apply to tell who moved.",
        "`reconciler plan` shows what apply would change; `drift --adopt KIND/NAME` keeps what is live.",
    ),
    Cause.OVERDUE: (
        "A sync is still paused although the pause that its manifest declares has ended, or the last lease on it.",
        "`drift --resume-expired` resumes it.",
    ),
    Cause.WINDOW: (
        "A window of a declared pause has begun or ended, and nothing has paused or resumed the sync yet.",
        "Let `drift --heal` do it: name `window` in `drift.heal` of the Environment. `apply` does it as well.",
    ),
    Cause.LEASE: (
        "Somebody pauses a sync by hand, with `reconciler pause`.",
        "`reconciler pauses` says who, why and until when; `reconciler resume KIND/NAME` ends it.",
    ),
    Cause.UNDECLARED_PAUSE: (
        "Somebody paused a sync and no manifest declares it.",
        "Ask who paused it; `apply` resumes it, or declare the pause with `until`, `reason` and `owner`.",
    ),
    Cause.RESTORED: (
        "Staging was overwritten from production, by schedule or as a webhook told: secrets from before are unknown.",
        "`apply` sends the secrets again.",
    ),
    Cause.UNMANAGED: (
        "A live object that no manifest names.",
        "`reconciler import` writes a manifest for it; `drift snooze` mutes it for a while.",
    ),
    Cause.DATA_STALE: (
        "What lists show was compared longer ago than `freshness`, or the rest than `walkInterval` + `freshness`.",
        "`sync status` says why; `sync run` brings it up to date.",
    ),
    Cause.HELD_BACK: (
        "Problems hold back a larger share of the records of a data sync than its `maxHeldBackPercent` allows.",
        "`sync errors` counts them by code; where one mapping expression would let most through, it is named.",
    ),
    Cause.DATA_STOPPED: (
        "The newest run of a data sync stands at a limit such as `maxDeletePercent`, or lacks something that it needs.",
        "The message says what to do; `sync run` goes on then.",
    ),
    Cause.UNREMOVED: (
        "A data sync was applied as absent with `onRemove: {products: discontinue}`, and its products are still there.",
        "`sync run` discontinues them; keep the manifest until it has.",
    ),
    Cause.OPEN_PROBLEMS: (
        "A data sync has more open problems of one data type than its `maxOpenProblems` allows.",
        "`sync errors` lists them with what to do.",
    ),
    Cause.FOREIGN_SYNC_LOG: (
        "The sync log of the integration has dates that no run of this ledger wrote: somebody else syncs too.",
        "Find out who, and keep one of the two.",
    ),
    Cause.DISCONNECTED: (
        "SparkLayer disconnected the site by Ignite: nothing is sent to it any more, and its sync logs are gone.",
        "Connect it in SparkLayer's Dashboard again, or remove the DataSync.",
    ),
    Cause.UNREACHABLE: (
        "The environment could not be compared, because an API did not answer.",
        "`reconciler doctor` tells what is missing.",
    ),
}
