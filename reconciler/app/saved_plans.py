"""Saved plans as approvals of one apply: which of them may be used, what they ask for, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.project import Project
from reconciler.errors import GuardrailBreach, PlanFileError, ReconcilerError, StalePlan, UsageError
from reconciler.reconcile.approval import Permission, check_approval, check_connections, needs, permit_saved
from reconciler.reconcile.digests import approval_digest
from reconciler.reconcile.gathered import Reviewed
from reconciler.reconcile.plan import ApplyReport, Outcome, Plan
from reconciler.reconcile.planread import read_plan
from reconciler.reconcile.session import Comparison, PlanRequest, Session
from reconciler.reconcile.verdict import PlanVerdict

_DIGEST = re.compile(r"sha256:[0-9a-f]{1,64}")

Gate = Callable[[str], Awaitable[str | None]]
"""Whether a forge's environment of this name has reviewers: None, or one sentence why that cannot be relied on."""


class SavedPlans(Struct, frozen=True):
    """The saved plans of one apply.

    Args:
        taken: those that approve something, in the order in which they were made.
        left_out: what became of the others.
    """

    taken: tuple[Reviewed, ...]
    left_out: tuple[PlanVerdict, ...] = ()


def read_reviewed(paths: Sequence[Path], environment: str | None, gated: Path | None = None) -> tuple[Reviewed, ...]:
    """Read saved plans in the order in which they were made; of a folder, each that is in it.

    Args:
        paths: files, and folders: of these each `*.json`, or those in the folder's folder named like the environment.
        environment: the one that is meant, where it is named.
        gated: the plan that nobody has reviewed before the forge's gate.

    Raises:
        PlanFileError: one cannot be read, or is no plan.
        StalePlan: there is no plan.
    """
    files = [file for path in paths for file in (_plans_in(path, environment) if path.is_dir() else (path,))]
    found = [Reviewed(read_plan(file), str(file)) for file in dict.fromkeys(files)]
    found.sort(key=lambda each: each.plan.created_at)
    if gated is not None:
        found.append(Reviewed(read_plan(gated), str(gated), gated=True))
    if not found:
        raise StalePlan(
            f"there is no saved plan in {paths[0]}, so nothing is approved",
            next_step="Gather the approvals with `reconciler gitops approved --output DIR`, or name a plan.",
        )
    return tuple(found)


def _plans_in(folder: Path, environment: str | None) -> list[Path]:
    own = sorted(folder.glob("*.json"))
    return own or (sorted((folder / environment).glob("*.json")) if environment is not None else [])


def require_digest(reviewed: Sequence[Reviewed], digest: str) -> tuple[Reviewed, ...]:
    """Require that the one plan there is has a digest that somebody has seen: that is its review.

    Raises:
        UsageError: there are several plans.
        StalePlan: it has another digest.
    """
    if len(reviewed) != 1:
        raise UsageError("--digest is about one plan", next_step="Name one file, or leave --digest out.")
    (each,) = reviewed
    approves = approval_digest(each.plan)
    if digest not in (each.plan.digest, approves):
        # What is no digest may be anything that was pasted here, also a secret.
        named = f"the digest {digest}" if _DIGEST.fullmatch(digest) else "this digest, which is none"
        raise StalePlan(
            f"{each.file} is not the plan with {named}: its digest is {approves}",
            next_step="See what is planned by now, and give the digest of that plan.",
        )
    return (replace(each, gated=False),)


def open_for_saved(
    project: Project,
    reviewed: Sequence[Reviewed],
    now: datetime,
    overrides: Mapping[str, str] | None = None,
    key: str | None = None,
) -> tuple[Session, PlanRequest, SavedPlans]:
    """Open the environment that saved plans are for, and return what these plans were asked for.

    What a plan overrode is no part of that: whoever can write the file could write that too. Plans that approve nothing
    (any more) are left out.

    Args:
        project: where the manifests are.
        reviewed: the plans.
        now: what time it is.
        overrides: guardrail rule to reason, as this apply says.
        key: the one that the plans have to be signed with; None or empty: any plan is taken.

    Raises:
        PlanFileError: a plan was altered, or is not signed.
        StalePlan: no plan is left: they have expired, failed, or are of another environment or of other APIs.
        GuardrailBreach: no plan is left, and a guardrail refused the first.
        ReconcilerError: manifests, environment or references are not as they have to be.
    """
    overrides = overrides or {}
    taken: list[Reviewed] = []
    errors: list[tuple[Reviewed, ReconcilerError]] = []
    for each in reviewed:
        try:
            check_approval(each.plan, now, key, overrides)
        except (StalePlan, GuardrailBreach) as error:
            errors.append((each, error))
        except PlanFileError as error:
            raise PlanFileError(f"{each.file}: {error.message}", next_step=error.next_step) from None
        else:
            taken.append(each)
    if not taken:
        raise _named(*errors[0], len(errors) - 1)
    session = project.session(now, environment=taken[0].plan.environment)
    for each in tuple(taken):
        try:
            check_connections(each.plan, session.name, session.urls)
        except StalePlan as error:
            taken.remove(each)
            errors.append((each, error))
    if not taken:
        raise _named(*errors[0], len(errors) - 1)
    left_out = tuple(_verdict(each, error) for each, error in errors)
    return session, _asked([each.plan for each in taken], overrides), SavedPlans(tuple(taken), left_out)


def nothing_approved(
    reviewed: Sequence[Reviewed],
    error: ReconcilerError,
    now: datetime,
    overrides: Mapping[str, str],
    key: str | None = None,
) -> ApplyReport | None:
    """Return the report of an apply that began nothing, because none of its saved plans approves anything.

    Args:
        reviewed: the plans.
        error: what it ended with.
        now: what time it is.
        overrides: guardrail rule to reason, as this apply says.
        key: the one that the plans have to be signed with.

    Returns:
        The report; None where there is no plan, and so nothing to tell of one.
    """
    verdicts = []
    for each in reviewed:
        own = type(error)(error.message.removeprefix(f"{each.file}: "), next_step=error.next_step)
        try:
            check_approval(each.plan, now, key, overrides)
        except ReconcilerError as why:
            own = why
        verdicts.append(_verdict(each, own))
    return ApplyReport(reviewed[0].plan.environment, None, (), plans=tuple(verdicts)) if verdicts else None


def _named(each: Reviewed, error: ReconcilerError, others: int) -> ReconcilerError:
    """Return the error of a plan that names its file, and how many others approve nothing either."""
    more = f" ({others} other plan{'s' * (others != 1)} approve{'s' * (others == 1)} nothing either)" if others else ""
    return type(error)(f"{each.file}: {error.message}{more}", next_step=error.next_step)


def _asked(plans: Sequence[Plan], overrides: Mapping[str, str]) -> PlanRequest:
    """Return what has to be compared, so that each of these plans can be found in it."""
    targets = frozenset(target for plan in plans for target in plan.targets) if all(p.targets for p in plans) else ()
    excluded = frozenset.intersection(*(frozenset(plan.excluded) for plan in plans))
    return PlanRequest(frozenset(targets), overrides, any(plan.push_secrets for plan in plans), excluded)


async def permit_gated(
    comparison: Comparison, saved: SavedPlans, gate: Gate | None
) -> tuple[Permission, tuple[PlanVerdict, ...]]:
    """Permit what saved plans approve; the forge is asked before anything that a gated one alone does.

    Args:
        comparison: the plan made now.
        saved: the plans.
        gate: asks the forge; None: nobody can be asked.

    Returns:
        What is permitted, and what became of each plan.

    Raises:
        StalePlan: the gate is closed, and there is nothing else.
        GuardrailBreach: guardrails refuse all of it.
        SecretUnset: it has to send a secret that is not set.
    """
    taken, left_out = saved.taken, saved.left_out
    gated = next((number for number, each in enumerate(taken) if each.gated), None)
    if gated is not None and needs(taken, gated, comparison.planned):
        environment = comparison.inputs.environment
        closed = await gate(environment) if gate is not None else "nobody can be asked whether it has reviewers"
        if closed is None:
            taken = (*taken[:gated], replace(taken[gated], passed=True), *taken[gated + 1 :])
        else:
            seen = approval_digest(taken[gated].plan)
            error = StalePlan(
                f"nobody has reviewed it, and {closed}",
                next_step=f"Review it, and start the workflow by hand with its digest {seen}.",
            )
            left_out = (*left_out, _verdict(taken[gated], error))
            taken = taken[:gated] + taken[gated + 1 :]
            if not taken:
                raise StalePlan(f"{saved.taken[gated].file}: {error.message}", next_step=error.next_step)
    permission = permit_saved(comparison, taken)
    if not _leaves_something(permission):
        left_out = tuple(replace(each, code=None, next_step=None) for each in left_out)
    verdicts = (
        _verdict(each, permission.plans.get(number), permission.overtaken.get(number, ()))
        for number, each in enumerate(taken)
    )
    return permission, (*verdicts, *left_out)


def _leaves_something(permission: Permission) -> bool:
    """Whether anything is pending that is not carried out now: a plan that was left out may have asked for it."""
    outcomes = {each.outcome for each in permission.earlier} | {each.outcome for each in permission.operations}
    stale = bool(outcomes - {Outcome.ALREADY, Outcome.APPLIED})
    return bool(permission.unreviewed or permission.waiting or stale)


def _verdict(each: Reviewed, error: ReconcilerError | None, overtaken: tuple[str, ...] = ()) -> PlanVerdict:
    code, message, step = (error.code, error.message, error.next_step) if error is not None else (None, None, None)
    return PlanVerdict(each.file, each.plan.digest, each.plan.commit, code, message, step, overtaken)
