"""Comments at a pull request, as text: the plans of all environments in one, and what an apply did. Pure.

Whatever comes from outside goes through report/escape.py. What is left out where there is no room is what matters
least, and it is counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from reconciler.gitops.plans import EnvironmentPlan, Failure
from reconciler.kind.semantics import Risk
from reconciler.manifest.rule_changes import RuleChange
from reconciler.reconcile.plan import FIXED_RULES, ApplyReport, Note, Plan
from reconciler.report.escape import code_span, prose
from reconciler.report.markdown.apply import apply_pieces, apply_title
from reconciler.report.markdown.page import Piece, page
from reconciler.report.markdown.plan import plan_closing, plan_pieces, plan_title, rule_told
from reconciler.report.words import RISKS, alarms, apply_closing, counted, moment, pauses

PLAN_OPENING = "<!-- reconciler:comment "
"""How a comment with plans begins, which nobody sees."""
RULES_SHOWN = 30
NOTES_SHOWN = 15
PROBLEMS_SHOWN = 20
# Environments that a rule is said to be for.
_FOR = 5
LISTED = 50
"""Changes of one risk that are listed, for each environment: who has to read more reads the artifact."""
_MEANT = (
    "If what a guardrail refuses is meant: raise it, or name the objects in `guardrails.overrides` of the Environment, "
    "in this pull request; or have the pipeline that is started by hand apply it, with the rule and a reason."
)
# Before the pieces of plans, which begin at 0.
_RULES, _ALARMS, _PAUSES, _TITLES, _FAILURES = range(-5, 0)
_CLOSINGS = -2
_LINK = re.compile(r"\]\(https://[^)\s]+\)")
# The last words of a plan begin so: two comments that differ there only say the same.
_TIME = "<sub>Live was read "


def plan_comment(plans: Sequence[EnvironmentPlan], head: str | None, *, url: str | None = None) -> str:
    """Return the comment with the plans of all environments, at most `page.LIMIT` characters.

    Args:
        plans: one for each environment.
        head: the full ID of the pull request's last commit; None: there is no pull request.
        url: an https URL of the run, whose artifacts hold all of it.
    """
    pieces = [*_rules(plans), *_overview(plans)]
    told = [plan for plan in plans if plan.failure is None]
    pieces += _alerts(told, alarms, "CAUTION", "Live sends to forbidden hosts", _ALARMS, "forbidden hosts")
    pieces += _alerts(told, pauses, "WARNING", "Paused", _PAUSES, "pauses")
    for plan in plans:
        pieces += _planned(plan.plan, head) if plan.plan and not plan.failure else _failed(plan)
    closing = f"<sub>Plans of {code_span(head[:12])}; a newer commit makes new ones.</sub>" if head else ""
    opening = f"{PLAN_OPENING}head={head} -->" if head else f"{PLAN_OPENING}-->"
    return page(opening, pieces, closing, "reconciler show plan.json", url)


def says_the_same(body: str, other: str) -> bool:
    """Whether two texts say the same, but for when live was read, and which run of the same commit they link to."""
    return _timeless(body) == _timeless(other)


def _timeless(body: str) -> list[str]:
    lines = (_LINK.sub("](run)", line.rstrip()) for line in body.strip().splitlines())
    return [line for line in lines if not line.startswith(_TIME)]


def result_opening(environment: str, commit: str) -> str:
    """Return how the comment on an apply to an environment begins; a run of it that is started again finds it so."""
    return f"<!-- reconciler:result environment={re.sub(r'[^A-Za-z0-9_.-]', '_', environment)} commit={commit} -->"


def result_comment(report: ApplyReport, commit: str, *, url: str | None = None) -> str:
    """Return the comment on what an apply did, what went wrong first.

    Args:
        report: the outcome of every change.
        commit: the full ID of the commit that was applied.
        url: an https URL of the run, whose artifacts hold all of it.
    """
    head = f"{result_opening(report.environment, commit)}\n{apply_title(report)}"
    closing = f"{prose(apply_closing(report))}\n\n<sub>Applied {code_span(commit[:12])}.</sub>"
    return page(head, apply_pieces(report), closing, f"reconciler ledger show -e {report.environment}", url)


def _rules(plans: Sequence[EnvironmentPlan]) -> Iterable[Piece]:
    """Yield what decides over changes and is none itself: it stands on top, because nothing below would tell of it."""
    found: dict[RuleChange, list[str]] = defaultdict(list)
    for plan in plans:
        for rule in plan.plan.rules_changed if plan.plan else ():
            found[rule].append(plan.environment or plan.file)
    if not found:
        return
    note = "<sub>Rules say what may be changed, or what a secret is made of: nothing below tells of them.</sub>"
    yield Piece(f"### Rules changed: {len(found):,}\n{note}\n", _RULES, "headings")
    for rule, environments in list(found.items())[:RULES_SHOWN]:
        of = environments[:_FOR] if len(plans) > 1 else ()
        yield Piece(f"- {rule_told(rule, of)}\n", _RULES, "changes of rules")
    if len(found) > RULES_SHOWN:
        yield Piece(f"- and {len(found) - RULES_SHOWN:,} more\n", _RULES, "changes of rules")


def _overview(plans: Sequence[EnvironmentPlan]) -> Iterable[Piece]:
    if not plans:
        yield Piece(
            "### No plan\n\n> [!CAUTION]\n> No plan was saved for this commit, so nothing of it is approved.\n",
            _TITLES,
            "headings",
        )
    if len(plans) > 1:
        yield Piece(f"### Plans for {counted(len(plans), 'environment')}\n", _TITLES, "headings")
        for plan in plans:
            yield Piece(f"- {code_span(plan.environment or plan.file)}: {_verdict(plan)}", _TITLES, "environments")
        yield Piece("", _TITLES, "environments")


def _verdict(plan: EnvironmentPlan) -> str:
    if plan.plan is None or plan.failure:
        return "**no plan**"
    if plan.plan.is_empty:
        return "nothing to do"
    risks = {change.risk for change in plan.plan.changes}
    worst = next((f"; the worst **{RISKS[risk].lower()}**" for risk in Risk if risk in risks), "")
    refused = "; **refused**" if plan.plan.refused else ""
    requests = f", {counted(len(plan.plan.operations), 'request')}" if plan.plan.operations else ""
    return f"{counted(len(plan.plan.changes), 'change')}{requests}{worst}{refused}"


def _alerts(
    plans: Sequence[EnvironmentPlan],
    chosen: Callable[[Iterable[Note]], list[Note]],
    kind: str,
    title: str,
    rank: int,
    what: str,
) -> Iterable[Piece]:
    """Yield a block of notes of all environments that stands before the plans; no more of it than leaves them room."""
    listed: list[tuple[str, Note]] = []
    for plan in plans:
        listed += [(plan.environment or plan.file, note) for note in chosen(plan.plan.notes if plan.plan else ())]
    if not listed:
        return
    yield Piece(f"> [!{kind}]\n> **{title}: {len(listed):,}**", rank, "headings")
    for environment, note in listed[:NOTES_SHOWN]:
        of = f" in {code_span(environment, 80)}" if len(plans) > 1 else ""
        yield Piece(f"> - {code_span(note.subject, 160)}{of}: {prose(note.message, 300)}", rank, what)
    more = f"> - and {len(listed) - NOTES_SHOWN:,} more\n" if len(listed) > NOTES_SHOWN else ""
    yield Piece(more, rank, "headings")


def _planned(plan: Plan, head: str | None) -> Iterable[Piece]:
    yield Piece(plan_title(plan), _TITLES, "headings")
    if plan.commit is not None and head is not None and plan.commit != head:
        words = f"This plan is of {code_span(plan.commit[:12])}, not of the last commit, and approves nothing of it."
        yield Piece(f"> [!CAUTION]\n> {words}\n", _FAILURES, "headings")
    yield from _listed(plan_pieces(plan))
    if any(breach.rule not in FIXED_RULES for breach in plan.refused):
        yield Piece(f"{_MEANT}\n", _CLOSINGS, "closing words")
    secrets = " What the secrets of targets decide is compared and checked at apply." if plan.secrets_at_apply else ""
    times = f"{_TIME}{moment(plan.created_at)}; approves until {moment(plan.expires_at)}.</sub>"
    yield Piece(f"{plan_closing(plan)}{secrets}\n\n{times}\n", _CLOSINGS, "closing words")


def _listed(pieces: Sequence[Piece]) -> Iterable[Piece]:
    """Yield the pieces of a plan, of those that say the same kind of thing the first ones, and count the rest."""
    totals = Counter(piece.what for piece in pieces)
    seen: Counter[str] = Counter()
    for piece in pieces:
        seen[piece.what] += 1
        if seen[piece.what] <= LISTED:
            yield piece
        elif seen[piece.what] == totals[piece.what] and not piece.what.startswith("fields"):
            yield Piece(f"… and {totals[piece.what] - LISTED:,} more {piece.what}\n", piece.rank, piece.what)


def _failed(plan: EnvironmentPlan) -> Iterable[Piece]:
    failure = plan.failure or Failure("error", "planning failed")
    if plan.environment is None:
        title, words = f"Plan file {code_span(plan.file)}: not read", "This file approves nothing."
    else:
        title, words = f"Plan for {code_span(plan.environment)}: failed", "There is no plan, so nothing is approved."
    lines = [f"> [!CAUTION]\n> **{words}** {code_span(failure.code)}: {prose(failure.message)}"]
    if failure.next_step:
        lines.append(f"> → {prose(failure.next_step)}")
    yield Piece(f"### {title}\n\n" + "\n>\n".join(lines) + "\n", _FAILURES, "failed plans")
    for problem in failure.problems[:PROBLEMS_SHOWN]:
        yield Piece(f"- {prose(problem, 300)}", 0, "problems of manifests")
    if len(failure.problems) > PROBLEMS_SHOWN:
        yield Piece(f"- and {len(failure.problems) - PROBLEMS_SHOWN:,} more", 0, "problems of manifests")
    yield Piece("", 0, "problems of manifests")
