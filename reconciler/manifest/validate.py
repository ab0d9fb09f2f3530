"""Validation of manifests without any connection: every problem at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import utc_now
from reconciler.errors import Problem
from reconciler.kind.kind import ManifestKinds
from reconciler.kind.sensitive import with_masked_urls
from reconciler.manifest.checks import BadHost, check_environment, check_names
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.facts import Facts, facts_of
from reconciler.manifest.limits import MAX_PROBLEMS
from reconciler.manifest.load import Loaded, gc_paused
from reconciler.manifest.model import EnvironmentManifest, Manifest, PolicyManifest
from reconciler.manifest.policies import Breaches, judge, judged
from reconciler.manifest.select import patched


class Validation(Struct, frozen=True):
    """Problems and warnings of manifests, sorted by place. Only `problems` stand in the way of a plan."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def validate(
    loaded: Loaded, kinds: ManifestKinds, environments: Collection[str] | None = None, now: datetime | None = None
) -> Validation:
    """Validate manifests: each by itself, against each other, and in every environment.

    Args:
        loaded: what the folder holds; its own problems are in the result too.
        kinds: the registry.
        environments: leaves out what is wrong in environments other than these; None: checks all.
        now: from when on windows are looked at; left out: now.
    """
    with gc_paused():
        return _validate(loaded, kinds, environments, now or utc_now())


def _validate(loaded: Loaded, kinds: ManifestKinds, wanted: Collection[str] | None, now: datetime) -> Validation:
    problems = list(loaded.problems)
    warnings: list[Problem] = []
    facts: dict[int, Facts] = {}
    hosts = defaultdict[BadHost, list[str]](list)
    environments: list[EnvironmentManifest | None] = [
        environment for environment in loaded.environments if wanted is None or environment.name in wanted
    ]
    if not loaded.environments:
        environments = [None]
    keep: list[tuple[Manifest, ...]] = []  # `facts` goes by identity, so what it is about has to live as long
    for environment in environments:
        manifests = loaded.manifests
        if environment is not None:
            manifests, found = patched(loaded, environment, kinds)
            problems.extend(found)
            _learn(environment, kinds, facts, problems)
        keep.append(manifests)
        for manifest in manifests:
            _learn(manifest, kinds, facts, problems)
        findings = check_environment(environment, manifests, facts, kinds, loaded.may_hold, now)
        problems.extend(findings.problems)
        warnings.extend(findings.warnings)
        if loaded.policies:
            breaches = _by_policies(loaded, environment, manifests, kinds)
            problems.extend(breaches.problems)
            warnings.extend(breaches.warnings)
        if environment is not None:
            for host in findings.hosts:
                hosts[host].append(environment.name)
    problems.extend(host.problem(list(dict.fromkeys(names))) for host, names in hosts.items())
    named = (*loaded.manifests, *loaded.policies)
    problems.extend(check_names(named, loaded.environments, loaded.may_hold))
    problems.extend(_alike(loaded.policies))
    return Validation(_bounded(_ordered(problems)), _bounded(_ordered(warnings)))


def _by_policies(
    loaded: Loaded, environment: EnvironmentManifest | None, manifests: Sequence[Manifest], kinds: ManifestKinds
) -> Breaches:
    name = None if environment is None else environment.name
    judged_manifests = (judged(each, kinds[each.kind].spec, name) for each in manifests if not each.absent)
    own = () if environment is None else (judged(environment, EnvironmentSpec, name),)
    return judge(loaded.policies, (*own, *judged_manifests), name)


def _alike(policies: Sequence[PolicyManifest]) -> Iterator[Problem]:
    first = dict[str, PolicyManifest]()
    for policy in policies:
        if first.setdefault(policy.name, policy) is not policy:
            message = f"Policy {policy.name} stands twice; the first is at {first[policy.name].metadata_at('name')}"
            yield Problem("duplicate-name", message, policy.metadata_at("name"), policy.name, "Rename one.")


def _learn(manifest: Manifest, kinds: ManifestKinds, facts: dict[int, Facts], problems: list[Problem]) -> None:
    if id(manifest) in facts:
        return
    kind = kinds.get(manifest.kind)
    model = EnvironmentSpec if kind is None else kind.spec
    facts[id(manifest)], found = facts_of(manifest, model, kind)
    problems.extend(found)


def _bounded(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return at most `MAX_PROBLEMS` and one that says so: nobody reads more, and they can be hundreds of megabytes."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(map(shown, problems))
    kept = problems[:MAX_PROBLEMS]
    message = f"there are {len(problems):,} problems or more; only the first {MAX_PROBLEMS:,} are here"
    return (*map(shown, kept), Problem("too-many-problems", message, kept[-1].place, hint="Mend those first."))


def shown(problem: Problem) -> Problem:
    """Return a problem as it may be shown: without the secrets of URLs that it quotes, such as those in names."""
    value = problem.value and with_masked_urls(problem.value)
    hint = problem.hint and with_masked_urls(problem.hint)
    return replace(problem, message=with_masked_urls(problem.message), value=value, hint=hint)


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by place."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.place, problem.code, problem.message)))
