"""Error codes of a run: what each means, and what to do. docs/errors.md and `reconciler explain` show it."""

from __future__ import annotations

from collections.abc import Mapping

# Code to meaning and next step. The exit status stands at the error itself, in errors.py.
ERRORS: Mapping[str, tuple[str, str]] = {
    "usage": (
        "The command line is wrong: an unknown flag, a missing or contradictory argument.",
        "The message offers the nearest name; `--help` has the rest.",
    ),
    "invalid-manifests": (
        "Manifests have problems. All of them are listed, see below.",
        "Mend them; `reconciler validate` checks again.",
    ),
    "unresolved-reference": (
        "An `${env:}`, `${var:}` or `${secret:}` that is needed has no value, or may not be read. All are named.",
        "Set it, give it a default, or allow the name with `RECONCILER_ALLOW_ENV`.",
    ),
    "secret-unset": (
        "A planned change has to send a secret that is not set here.",
        "Set the variable that the message names, or leave the object out with `--target`.",
    ),
    "unreadable-input": (
        "A file or folder cannot be read, or holds no manifest. Missing never means delete.",
        "Check `-m`; to delete, write `state: absent`.",
    ),
    "unreadable-plan": (
        "A saved plan is no plan, was altered, is of another format version, or is for another environment.",
        "Plan again and have it reviewed.",
    ),
    "refused-by-guardrail": (
        "A change breaks a rule of [guardrails.md](guardrails.md).",
        "Change the manifests, or override the rule once with a reason.",
    ),
    "stale-plan": (
        "The approval is too old, or live moved: nothing of it can be applied as reviewed.",
        "Plan again and have it reviewed.",
    ),
    "ledger": (
        "The ledger cannot be opened, read or written.",
        "Check the file and its folder.",
    ),
    "ledger-locked": (
        "Another run holds the apply lock. The message says who and since when.",
        "Wait, or `--lock-wait`. A dead holder's lock lapses; `ledger unlock` removes it.",
    ),
    "ledger-not-durable": (
        "The command needs a ledger that outlives the job, and this one does not.",
        "Keep the file between jobs, or accept the loss with `--ephemeral-ledger`.",
    ),
    "ledger-too-new": (
        "A newer reconciler wrote the ledger.",
        "Use that version.",
    ),
    "lock-lost": (
        "Our apply lock was taken over while we ran. Nothing more was written.",
        "See what the other run did with `ledger show`, then plan.",
    ),
    "api": (
        "An API did not do what was asked, in a way that none of the following covers.",
        "The vendor's code and message are in the error.",
    ),
    "api-unreachable": (
        "No connection, or no answer to a read after every retry. Nothing was written.",
        "Check network, proxy settings and URL; `reconciler doctor`.",
    ),
    "api-answer-lost": (
        "A write went out and its answer did not come back; reading back did not settle it.",
        "Plan: it shows whether the change took effect.",
    ),
    "api-login-refused": (
        "The token endpoint refused the credentials, or the API a fresh token.",
        "Check client ID and secret, and that the client has a default context user.",
    ),
    "api-missing-role": (
        "403. The roles that are missing are named.",
        "Give them to the API client, or leave the kind out with `--target`.",
    ),
    "api-not-found": (
        "404 where something had to be.",
        "Plan again.",
    ),
    "api-conflict": (
        "409: it exists already, or is in use.",
        "Plan again; import what is there.",
    ),
    "api-rejected": (
        "The API understood and refused. Repeating is of no use.",
        "The vendor's message says which member.",
    ),
    "api-rate-limited": (
        "429 after every retry.",
        "Lower `requestsPerSecond` of the environment.",
    ),
    "api-server-fault": (
        "5xx on a read after every retry.",
        "Try later.",
    ),
    "api-unexpected-answer": (
        "No JSON, another shape, or a redirect to another host.",
        "Check the URL, and what stands between here and the API.",
    ),
    "not-applied": (
        "A data sync would run that is not what was reviewed and applied.",
        "`reconciler apply`, then run it.",
    ),
    "target-incomplete": (
        "A data sync needs a stock location or a price list that the site does not have; nothing was written.",
        "`reconciler apply` makes it, or correct the DataSync.",
    ),
    "source-incomplete": (
        "A catalogue that a data sync names does not exist at OrderCloud, or is empty; nothing was discontinued.",
        "Correct `products.catalogs`, or fill the catalogue.",
    ),
    "no-such-record": (
        "OrderCloud has no product with the ID that was asked for, and none was ever synced under it.",
        "Look the ID up in the portal.",
    ),
    "out-of-scope": (
        "The product that was asked for is in none of the catalogues of the data sync, and was never synced.",
        "Assign it to one of them, or change `products.catalogs`.",
    ),
    "target-refuses": (
        "A delivery target that a running sync was to get refuses, so the sync keeps the one that it has.",
        "Mend the target or its credentials; `reconciler doctor --targets` asks it again.",
    ),
    "write-not-verified": (
        "The API accepted a write, and live is not what was asked for.",
        "Look at the object in the portal; plan again.",
    ),
    "missing-extra": (
        "The feature needs an optional dependency.",
        "The message has the `pip install` line.",
    ),
    "unwritable-output": (
        "A result cannot be written: disk, permission, closed stdout.",
        "Name another file with `--output`.",
    ),
    "internal-error": (
        "A bug in reconciler.",
        "Report it with the version and the command; `-vv` adds where it happened, without any value.",
    ),
    "interrupted": (
        "Ctrl-C, SIGTERM or SIGHUP. What was under way is finished or reported.",
        "Run it again; `apply --resume` carries on.",
    ),
}
