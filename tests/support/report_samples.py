"""Plans and reports to render: a small one to read, and builders for hostile and huge ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.errors import Place, Problem
from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import (
    ApplyReport,
    Breach,
    Cause,
    Change,
    ChangeResult,
    DriftItem,
    DriftReport,
    FieldChange,
    Note,
    NoteKind,
    Outcome,
    Plan,
)
from reconciler.secret import Secret

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MARKER = "S3CR3T-MARKER-9f2c"


def secret(text: str = MARKER) -> Secret:
    return Secret("${secret:KEY}", lambda: text)


def change(
    action: Action = Action.UPDATE,
    kind: str = "DeliveryConfig",
    name: str = "search-products",
    *,
    risk: Risk = Risk.COSMETIC,
    fields: tuple[FieldChange, ...] = (),
    file: str = "manifests/search.yaml",
    line: int = 1,
    **more: Any,
) -> Change:
    given: dict[str, Any] = {
        "id": name,
        "place": Place(file, line, 1),
        "level": 0,
        "depends_on": (),
        "precondition": "sha256:11",
        "digest": "sha256:22",
    } | more
    return Change(kind=kind, name=name, action=action, risk=risk, fields=fields, **given)


def plan(
    changes: tuple[Change, ...] = (),
    notes: tuple[Note, ...] = (),
    breaches: tuple[Breach, ...] = (),
    *,
    environment: str = "sandbox",
    unchanged: int = 14,
) -> Plan:
    return Plan(
        environment=environment,
        connections=(("ordercloud", "https://sandboxapi.ordercloud.io/v1"),),
        created_at=NOW,
        expires_at=NOW + timedelta(days=3),
        changes=changes,
        notes=notes,
        breaches=breaches,
        unchanged=unchanged,
        digest="sha256:33",
    )


SAMPLE_CHANGES = (
    change(
        Action.CREATE,
        name="search-categories",
        line=21,
        fields=(
            FieldChange("name", None, "Search categories"),
            FieldChange("enabled", None, True),
            FieldChange("deliveryTargets.searchIngestion.endpoint", None, "https://discover.sitecorecloud.io"),
            FieldChange("deliveryTargets.searchIngestion.apiKey", None, None, sensitive=True),
        ),
    ),
    change(
        Action.CREATE,
        "EntitySync",
        "categories",
        risk=Risk.RE_SYNCS,
        file="manifests/syncs.yaml",
        line=20,
        level=1,
        depends_on=("DeliveryConfig/search-categories",),
        fields=(FieldChange("deliveryConfig", None, "search-categories"), FieldChange("syncEntityChanged", None, True)),
    ),
    change(
        Action.PAUSE,
        "ProductSync",
        "products",
        risk=Risk.STOPS_SYNC,
        file="manifests/syncs.yaml",
        line=9,
        level=1,
        cause=Cause.GIT_MOVED,
        detail="Season price load (pricing), until 2026-12-01T06:00:00Z",
        fields=(FieldChange("pause", False, True),),
    ),
    change(
        Action.UPDATE,
        name="search-products",
        line=5,
        cause=Cause.LIVE_MOVED,
        fields=(
            FieldChange("name", "Search prods", "Search products"),
            FieldChange("configData", {"depth": 2, "facets": ["a", "b"]}, {"depth": 3, "facets": ["a", "b", "c" * 40]}),
        ),
    ),
    change(Action.DELETE, name="old-search", risk=Risk.LOSES_DATA, file="manifests/old.yaml", line=3, level=2),
)
SAMPLE_PLAN = plan(
    SAMPLE_CHANGES,
    notes=(
        *(
            Note(NoteKind.SECRET_UNKNOWN, f"DeliveryConfig/feed-{n}", f"deliveryTargets.http.secret: ${{secret:K{n}}}")
            for n in range(7)
        ),
        Note(NoteKind.HELD, "EntitySync/buyers", "held by alice until 2026-11-20T11:00:00Z: bulk load"),
        Note(NoteKind.UNMANAGED, "DeliveryConfig/manual", "in no manifest; left alone"),
    ),
    breaches=(
        Breach("maxDeletes", "1 deletes in one plan; the limit is 0", ("DeliveryConfig/old-search",)),
        Breach("requirePauseEnd", "ProductSync/products has no end", ("ProductSync/products",), "agreed with pricing"),
    ),
)
SAMPLE_APPLY = ApplyReport(
    environment="sandbox",
    run="01JD8Y",
    results=(
        ChangeResult(SAMPLE_CHANGES[0], Outcome.APPLIED),
        ChangeResult(
            SAMPLE_CHANGES[1],
            Outcome.FAILED,
            "api-rejected",
            "OrderCloud refused POST /integrations/entitysync/categories: DeliveryConfigID is not known",
            "Check the delivery config and plan again.",
        ),
        ChangeResult(SAMPLE_CHANGES[2], Outcome.SKIPPED, None, "it depends on EntitySync/categories, which failed"),
        ChangeResult(SAMPLE_CHANGES[3], Outcome.ALREADY),
    ),
)
SAMPLE_DRIFT = DriftReport(
    environment="sandbox",
    checked_at=NOW,
    items=(
        DriftItem(
            "ProductSync",
            "products",
            "productsync",
            Cause.UNDECLARED_PAUSE,
            change(
                Action.RESUME,
                "ProductSync",
                "products",
                risk=Risk.RE_SYNCS,
                file="manifests/syncs.yaml",
                line=9,
                fields=(FieldChange("pause", True, False),),
            ),
            ("reconciler drift --adopt ProductSync/products", "reconciler apply --target ProductSync/products"),
            message="somebody paused it outside the manifests",
        ),
        DriftItem(
            "DeliveryConfig",
            "feed",
            "feed",
            Cause.LIVE_MOVED,
            change(name="feed", fields=(FieldChange("name", "Feed!", "Feed"),)),
            ("reconciler apply --target DeliveryConfig/feed",),
            snoozed_until=NOW + timedelta(days=1),
            snooze_reason="vendor is looking",
        ),
    ),
    notes=(Note(NoteKind.UNMANAGED, "DeliveryConfig/manual", "in no manifest; left alone"),),
    unchanged=11,
)
SAMPLE_PROBLEMS = (
    Problem("unknown-field", "unknown field `enabeld`", Place("manifests/a.yaml", 8, 3), "enabeld", "Write `enabled`."),
    Problem("unknown-reference", "no DeliveryConfig is named search", Place("manifests/b.yaml", 4, 19), "search", None),
    Problem("missing-field", "name is missing", Place("manifests/a.yaml", 2, 1)),
)

HOSTILE = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "::error::gone",
    "  ::set-output name=x::y",
    "##[set-output name=x]y",
    "##vso[task.setvariable variable=x]y",
    "a\n::stop-commands::x\n##[group]",
    "@everyone @octocat",
    "fixes #123, GH-1, org/repo#2, a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    "deadbeef effaced accede",
    "[click](http://evil.example) ![x](http://evil.example/x.png) <http://evil.example>",
    "www.evil.example a@evil.example",
    "`code` ``` ~~~ **bold** _em_ ~~gone~~ | a | b | :tada:",
    "```\n</details><script>alert(1)</script>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;",
    "--><!-- x",
    "]]><x/>",
    "\u202eevil\u2066\u200b\u2028\u2029\ufeff\x00\x85\x9b\x7f",
    "\ud800",
    "1. one",
    "- two",
    "# three",
    "=====",
    "> quote",
    "    indented",
    "%0A::error::x%0D",
    "{{ x }} ${{ secrets.X }} ${env:X}",
    "",
    " ",
    "`",
    "x" * 3_000,
    "日本語 ümläut",
)


def hostile_plan(text: str, more: Any = None) -> Plan:
    """A plan in which every text that comes from outside is `text`, and `more` is a value."""
    fields = (
        FieldChange(text, text, more),
        FieldChange(text, None, {text or "k": [text, more]}),
        FieldChange(text, f"{text}\nsecond", f"first\n{text}"),
        FieldChange(text, secret(), secret(), sensitive=True),
        FieldChange(text, {"nested": secret()}, None),
    )
    given: dict[str, Any] = {"id": f"{text}id", "detail": text, "renamed_from": text, "cause": Cause.LIVE_MOVED}
    changes = tuple(
        change(action, text, f"{text}{n}", risk=list(Risk)[n % 4], fields=fields, file=text, level=n, **given)
        for n, action in enumerate(Action)
    )
    notes = tuple(Note(kind, text, text, Place(text, 1)) for kind in NoteKind)
    breaches = (Breach(text, text, (text,)), Breach(text, text, (text,), text), Breach("in-use", text, ()))
    return plan(changes, notes, breaches, environment=text)


def hostile_apply(text: str) -> ApplyReport:
    results = tuple(ChangeResult(hostile_plan(text).changes[0], outcome, text, text, text) for outcome in Outcome)
    return ApplyReport(environment=text, run=text, results=results, interrupted=True)


def hostile_drift(text: str) -> DriftReport:
    changes = (*hostile_plan(text).changes, None)
    items = tuple(
        DriftItem(text, text, f"{text}id", cause, changes[n % 7], (text,), NOW if n % 2 else None, text, text)
        for n, cause in enumerate(Cause)
    )
    return DriftReport(text, NOW, items, hostile_plan(text).notes, 3)


def hostile_problems(text: str) -> tuple[Problem, ...]:
    return (Problem(text, text, Place(text, 3, 4), text, text), Problem(text, text, Place(f"{text}b"), None, None))
