"""Guardrails: what each refuses, and how to go on. docs/guardrails.md and `reconciler explain` show it."""

from __future__ import annotations

from collections.abc import Mapping

# Rule to paragraphs.
GUARDRAILS: Mapping[str, tuple[str, ...]] = {
    "maxDeletes": (
        (
            "Default 0. Deletes in one plan. Nothing is deleted unless a manifest says `state: absent`; "
            "this rule makes somebody say it twice."
        ),
    ),
    "maxChanges": ("Default 50. Changes in one plan. A plan that nobody can read is not reviewed.",),
    "requirePauseEnd": (
        (
            "Default true. A sync that a plan newly pauses must say until when: `pause: {until: …, "
            "reason: …}`. Pauses without an end are forgotten."
        ),
    ),
    "maxPause": ("Default 7d. How far away the end of a new pause may be.",),
    "stopAll": ("Default forbid. All syncs that run now would be paused or removed at once.",),
    "targetHosts": (
        (
            "The Environment's `targetHosts` is the allow-list for where delivery targets may point; `*.`"
            " matches one or more labels. OrderCloud overwrites staging from production every Sunday: "
            "without this rule a staging marketplace can feed a production index. Literal hosts are "
            "checked by `validate`, hosts inside secrets by the plan. What cannot be parsed is refused. "
            "Left out: a warning, and no check."
        ),
    ),
    "literalSecrets": ("Default warn. A secret whose value stands in a manifest: `allow`, `warn` or `forbid`.",),
    "resyncMax": (
        (
            "Default 25. Records in the re-syncs of one plan, or of one `reconciler resync`. They are for single "
            "records and quick fixes. For more, pause the sync, make the changes that belong together, and resume it: "
            "each record goes out once. A whole catalogue is sent by the portal's full sync of that very catalogue, "
            "which is for people: it asks for a captcha."
        ),
    ),
    "unmanaged": (
        (
            "Default report. What a live object is that no manifest names: reported, `drift` (exit status"
            " 2), or `ignore`. It is never deleted."
        ),
    ),
    "overrides": (
        (
            "Default none. Rules that need not be kept for the objects named, with a reason and an end: reviewed "
            "with the change that needs it, shown on top of the plan, and void after `until`."
        ),
    ),
    "maxPlanAge": ("Default 14d. How long a saved plan stays an approval. Afterwards `apply` refuses it as stale.",),
    "protect": (
        (
            "No limit and no override. `metadata.protect: true` keeps an object from being deleted, "
            "whatever else says so. Remove the mark first, in a review of its own."
        ),
    ),
    "in-use": (
        (
            "No override. A delivery config that a sync will still use after the plan cannot be deleted; "
            "OrderCloud would refuse it."
        ),
    ),
    "missing-reference": (
        (
            "No override. The change refers to an object that is not live and that no manifest makes, "
            "such as the price list that a rule takes its prices from; or a request needs a sync that is not "
            "there. Correct the reference, or add a manifest for it."
        ),
    ),
    "unsupported": (
        (
            "No override. The API has no way to do it: SparkLayer cannot change a base currency that is "
            "set, the slug or source of a price list, or anything of a customer group, and cannot delete "
            "a group. Take the change back, or do it in the Dashboard and let the manifest follow."
        ),
        (
            "SparkLayer clears the sync logs of all integrations of a site or none: a DataSync with `state: absent` "
            "says which with `onRemove: {logs: clear}` or `{logs: keep}`."
        ),
    ),
    "notAfter": (
        (
            "No override. A request (Resync, SyncRun) ends at most 7 days after the plan: that is how far back a "
            "ledger has to know what was carried out. Write an earlier `notAfter`."
        ),
    ),
    "loses-data": (
        (
            "The change sends the delivery targets of a config as a whole, and live has a write-only "
            "member there that the manifest does not hold: unknown, ignored or in a target that this "
            "version does not know. Sending could lose it, and it cannot be read back. Write the member "
            "into the manifest as a `${secret:}`, or override when the loss is meant."
        ),
        (
            "`customers.overwriteUnread` of a DataSync is one as well: SparkLayer replaces a customer as a whole, and "
            "what it does not show cannot be carried over."
        ),
        (
            "Another currency for a price list is such a change too: SparkLayer keeps the numbers of the "
            "stored prices and gives them the new currency."
        ),
    ),
}
