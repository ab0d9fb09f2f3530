"""Table of renderers, where each is entered: which function writes which result in which format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVarTuple

from reconciler.report.escape import disarm, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.errors import Problem, ReconcilerError
    from reconciler.reconcile.doctor import Finding
    from reconciler.reconcile.importer import ImportResult
    from reconciler.reconcile.pause_report import Lifted, PausesReport, Taken
    from reconciler.reconcile.paused import PausedNow
    from reconciler.reconcile.plan import ApplyReport, DriftReport, Plan
    from reconciler.report.codes.lookup import Meaning
    from reconciler.report.style import Style
    from reconciler.sparklayer.sync_log import SyncStatus as SyncLog
    from reconciler.sync.clearing import ClearingReport
    from reconciler.sync.explanation import Explanation
    from reconciler.sync.monitor.problems import Problems
    from reconciler.sync.monitor.status import SyncStatus
    from reconciler.sync.run.dry_report import DryRun
    from reconciler.sync.run.report import RunReport

_Value = TypeVarTuple("_Value")
_ROOM = "reconciler.report."


class Subject(Generic[*_Value]):
    """A kind of result. Its renderers take the same values; those of text take a style too.

    A renderer returns text, or a document that is written as JSON.

    Args:
        renderers: format to `module:function` below reconciler/report/; the first format is the default.
    """

    def __init__(self, **renderers: str) -> None:
        self._renderers = renderers

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that it can be written in, the default first."""
        return tuple(self._renderers)

    def renderer(self, format_name: str) -> Callable[..., Any]:
        """Import and return the renderer of a format."""
        module, _, function = self._renderers[format_name].partition(":")
        renderer: Callable[..., Any] = getattr(import_module(f"{_ROOM}{module}"), function)
        return renderer

    def render(
        self,
        format_name: str,
        *value: *_Value,
        style: Style | None = None,
        dump: Callable[[Any], str] = json_text,
        **details: Any,
    ) -> str:
        """Return a result in a format.

        Args:
            format_name: one of `formats`.
            value: the result.
            style: how text looks, and what the commands in any format have to repeat.
            dump: writes a JSON document.
            details: what the renderer of this format alone can be told.
        """
        made = self._made(format_name, value, style, details)
        return made if isinstance(made, str) else dump(made)

    def render_each(
        self,
        format_name: str,
        values: Sequence[tuple[*_Value]],
        *,
        style: Style | None = None,
        several: bool | None = None,
        **details: Any,
    ) -> str:
        """Return several results in a format: one is itself, of several JSON is an array; see `render`.

        `several` says so where their number does not: several were asked for.
        """
        made = [self._made(format_name, value, style, details) for value in values]
        if all(isinstance(one, str) for one in made):
            return _BETWEEN.get(format_name, "\n").join(made)
        is_one = len(made) == 1 if several is None else not several
        return json_text(made[0] if is_one else made)

    def _made(self, format_name: str, value: tuple[*_Value], style: Style | None, details: dict[str, Any]) -> Any:
        if format_name == "text":
            details = {**details, "style": style}
        made = self.renderer(format_name)(*value, **details)
        if style is not None and format_name != "text":
            if not isinstance(made, str):
                return style.given.completed_document(made)
            made = style.given.completed_html(made) if format_name == "html" else style.given.completed(made)
        # Whatever is printed, a runner reads.
        return disarm(made) if isinstance(made, str) and format_name not in _COMMANDS else made


_BETWEEN = {"markdown": "\n\n"}
# These formats are commands for a runner; what is from outside is escaped in each of them.
_COMMANDS = frozenset({"github", "azure"})

PROBLEMS: Subject[Sequence[Problem], Sequence[Problem]] = Subject(
    text="text.problems:problems_to_text",
    json="documents.problems:problems_to_json",
    sarif="ci.sarif:problems_to_sarif",
    junit="ci.junit:problems_to_junit",
    github="ci.github:problems_to_github",
    azure="ci.azure:problems_to_azure",
    gitlab="ci.gitlab:problems_to_gitlab",
)
PLAN: Subject[Plan] = Subject(
    text="text.plan:plan_to_text",
    json="documents.plan:plan_to_json",
    markdown="markdown.plan:plan_to_markdown",
    html="html.plan:plan_to_html",
)
APPLY: Subject[ApplyReport] = Subject(
    text="text.apply:apply_to_text",
    json="documents.apply:apply_to_json",
    markdown="markdown.apply:apply_to_markdown",
    html="html.apply:apply_to_html",
)
RESYNC: Subject[ApplyReport] = Subject(text="text.operations:resync_to_text", json="documents.resync:resync_to_json")
DRIFT: Subject[DriftReport] = Subject(
    text="text.drift:drift_to_text",
    json="documents.drift:drift_to_json",
    markdown="markdown.drift:drift_to_markdown",
    html="html.drift:drift_to_html",
)
IMPORT: Subject[str, ImportResult, Sequence[str]] = Subject(
    text="text.imports:import_to_text", json="documents.imports:import_to_json"
)
DOCTOR: Subject[Mapping[str, Sequence[Finding]]] = Subject(
    text="text.doctor:doctor_to_text", json="documents.doctor:doctor_to_json"
)
LEDGER: Subject[Mapping[str, Any] | None] = Subject(
    text="text.ledger:ledger_to_text", json="documents.ledger:ledger_to_json"
)
SYNC_RUN: Subject[RunReport, str] = Subject(text="text.sync_run:run_to_text", json="documents.sync_run:run_to_json")
SYNC_DRY_RUN: Subject[DryRun, str] = Subject(
    text="text.sync_dry_run:dry_run_to_text", json="documents.sync_dry_run:dry_run_to_json"
)
CLEARING: Subject[ClearingReport] = Subject(
    text="text.clearing:clearing_to_text", json="documents.clearing:clearing_to_json"
)
SYNC_STATUS: Subject[str, datetime, Sequence[SyncStatus], PausedNow] = Subject(
    text="text.sync_status:statuses_to_text", json="documents.sync_status:statuses_to_json"
)
SYNC_PROBLEMS: Subject[str, Problems] = Subject(
    text="text.sync_problems:problems_to_text",
    json="documents.sync_problems:problems_to_json",
    csv="csv.sync_problems:problems_to_csv",
)
SYNC_EXPLANATION: Subject[str, str, Explanation] = Subject(
    text="text.sync_explain:explanation_to_text", json="documents.sync_explain:explanation_to_json"
)
SYNC_LOG: Subject[str, str, Mapping[str, SyncLog | None]] = Subject(
    text="text.sync_log:sync_log_to_text", json="documents.sync_log:sync_log_to_json"
)
MUTATION: Subject[Mapping[str, list[Any]]] = Subject(
    text="text.mutation:mutation_to_text", json="documents.mutation:mutation_to_json"
)
MEANING: Subject[Sequence[Meaning]] = Subject(
    text="text.meaning:meaning_to_text", json="documents.meaning:meaning_to_json"
)
PAUSE: Subject[Taken] = Subject(text="text.pauses:taken_to_text", json="documents.pauses:taken_to_json")
RESUME: Subject[Lifted] = Subject(text="text.pauses:lifted_to_text", json="documents.pauses:lifted_to_json")
PAUSES: Subject[PausesReport] = Subject(text="text.pauses:pauses_to_text", json="documents.pauses:pauses_to_json")
ERROR: Subject[ReconcilerError] = Subject(text="text.error:error_to_text", json="documents.error:error_to_json")

# Every subject by its name in file names and docs.
SUBJECTS: dict[str, Subject[*tuple[Any, ...]]] = {
    "problems": PROBLEMS,
    "plan": PLAN,
    "apply": APPLY,
    "resync": RESYNC,
    "drift": DRIFT,
    "import": IMPORT,
    "doctor": DOCTOR,
    "ledger": LEDGER,
    "sync_run": SYNC_RUN,
    "sync_dry_run": SYNC_DRY_RUN,
    "clearing": CLEARING,
    "sync_status": SYNC_STATUS,
    "sync_problems": SYNC_PROBLEMS,
    "sync_explanation": SYNC_EXPLANATION,
    "sync_log": SYNC_LOG,
    "mutation": MUTATION,
    "meaning": MEANING,
    "pause": PAUSE,
    "resume": RESUME,
    "pauses": PAUSES,
    "error": ERROR,
}
FORMATS = tuple(dict.fromkeys(name for subject in SUBJECTS.values() for name in subject.formats))
