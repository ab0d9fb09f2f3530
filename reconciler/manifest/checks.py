"""Cross-checks of the manifests of one environment. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from msgspec import Struct

from reconciler.errors import Place, Problem
from reconciler.hosts import host_allowed, is_loopback
from reconciler.kind.kind import ManifestKinds
from reconciler.manifest.explain import suggest
from reconciler.manifest.facts import Facts
from reconciler.manifest.limits import MAX_PROBLEMS, MAX_PROBLEMS_PER_FILE
from reconciler.manifest.model import EnvironmentManifest, Manifest
from reconciler.manifest.positions import Path, format_path
from reconciler.manifest.references import READABLE_HINT
from reconciler.manifest.windows import window_warnings

_MAX_NAMED = 5
MayHold = Callable[[str, str], bool]


class BadHost(Struct, frozen=True):
    """A value that an environment's targetHosts do not let through, whichever environment it is."""

    readable: bool
    subject: str
    place: Place
    value: str | None

    def problem(self, environments: Sequence[str]) -> Problem:
        """Return it as one problem of all the environments that it was found in."""
        names = ", ".join(environments[:_MAX_NAMED])
        if len(environments) > _MAX_NAMED:
            names += f" and {len(environments) - _MAX_NAMED} more"
        if self.readable:
            message = f"{self.subject} points at {self.value or 'a host'} outside targetHosts of {names}"
        else:
            message = f"{self.subject} names no host that can be checked against targetHosts of {names}"
        hint = f"Mend it, or add the host to targetHosts of {names}."
        return Problem(
            "host-not-allowed" if self.readable else "unreadable-host", message, self.place, self.value, hint
        )


class Findings(Struct, frozen=True):
    """Problems stop everything that follows; warnings do not; `hosts` are problems to be put together."""

    problems: list[Problem] = []
    warnings: list[Problem] = []
    hosts: list[BadHost] = []


def check_environment(
    environment: EnvironmentManifest | None,
    manifests: Sequence[Manifest],
    facts: Mapping[int, Facts],
    kinds: ManifestKinds,
    may_hold: MayHold,
    now: datetime,
) -> Findings:
    """Check the manifests of one environment against each other.

    Args:
        environment: whose limits count; None where the folder has no Environment.
        manifests: those that belong to it, patches merged.
        facts: what each says, by `id` of the manifest.
        kinds: the registry.
        may_hold: whether a document that could not be read may be this one; then it is not called unknown.
        now: from when on windows are looked at.
    """
    findings = Findings()
    unique = dict[tuple[str, str], Manifest]()
    for manifest in manifests:
        first = unique.setdefault((manifest.kind, manifest.name), manifest)
        if first is not manifest:
            findings.problems.append(_duplicate_name(manifest, first))
    live = _live_ids(manifests, facts, findings.problems)
    findings.problems.extend(_built_in(live, kinds))
    findings.problems.extend(_circles(unique, facts))
    for manifest in manifests:
        if len(findings.problems) > MAX_PROBLEMS:
            break  # the file is no manifest file, or was made by a mistaken program: nobody reads more of them
        found = facts[id(manifest)]
        if found.references:
            findings.problems.extend(_references(manifest, found, unique, may_hold))
        if manifest.metadata.renamed_from:
            findings.problems.extend(_renames(manifest, found, live))
        findings.warnings.extend(_unreadable(manifest, found))
        if environment is not None and (found.hosts or found.literals):
            _against_environment(environment, manifest, found, findings)
    if environment is not None:
        _about_environment(environment, [facts[id(manifest)] for manifest in manifests], facts, findings)
        findings.warnings.extend(window_warnings(environment, manifests, now))
    views = [manifest for manifest in manifests if manifest.typed is not None]
    for kind in kinds.values():
        findings.problems.extend(kind.check(views))
    return findings


def _duplicate_name(manifest: Manifest, first: Manifest) -> Problem:
    return Problem(
        "duplicate-name",
        f"{manifest.kind} {manifest.name} stands twice; the first is at {first.metadata_at('name')}",
        manifest.metadata_at("name"),
        manifest.name,
        "Rename one, or limit them to different environments with metadata.environments.",
    )


def _live_ids(
    manifests: Sequence[Manifest], facts: Mapping[int, Facts], problems: list[Problem]
) -> dict[tuple[str, str], Manifest]:
    """Return the manifest of each live object; two for one are a problem."""
    live: dict[tuple[str, str], Manifest] = {}
    for manifest in manifests:
        live_id = facts[id(manifest)].live_id
        if live_id is None:
            continue
        first = live.setdefault((manifest.kind, live_id), manifest)
        # Two of one name are reported as such.
        if first.name != manifest.name:
            problems.append(
                Problem(
                    "duplicate-live-object",
                    f"{manifest.key} and {first.key} are about one live object, {live_id}; "
                    f"the first is at {first.place()}",
                    manifest.place(),
                    live_id,
                    "Keep one of them.",
                )
            )
    return live


def _built_in(live: Mapping[tuple[str, str], Manifest], kinds: ManifestKinds) -> Iterator[Problem]:
    """Yield a problem for each manifest, absent ones too, about what is there from the start."""
    for (kind, live_id), manifest in live.items():
        if live_id in kinds[kind].built_in:
            yield Problem(
                "built-in",
                f"{kind} {manifest.name}: {live_id} is there from the start and cannot be managed",
                manifest.place(),
                live_id,
                "Remove this manifest; others may refer to it all the same.",
            )


def _references(
    manifest: Manifest, found: Facts, manifests: Mapping[tuple[str, str], Manifest], may_hold: MayHold
) -> Iterator[Problem]:
    if manifest.absent:
        return
    for path, kind, name, has_to_be in found.references:
        target = manifests.get((kind, name))
        if target is None and has_to_be and not may_hold(kind, name):
            names = sorted(known for of_kind, known in manifests if of_kind == kind)
            yield Problem(
                "unknown-reference",
                f"{manifest.kind} {manifest.name}: there is no {kind} {name[:60]} here",
                manifest.at(path),
                name[:60],
                suggest(name, names, f"manifests of kind {kind}"),
            )
        elif target is not None and target.absent:
            yield Problem(
                "reference-to-absent",
                f"{manifest.kind} {manifest.name} points at {kind} {name}, which is to be absent",
                manifest.at(path),
                name,
                "Point it elsewhere, or make it absent as well.",
            )


def _circles(manifests: Mapping[tuple[str, str], Manifest], facts: Mapping[int, Facts]) -> Iterator[Problem]:
    """Yield a problem for each manifest from which references lead back to it."""
    # Only objects of one kind can refer to each other in a circle.
    ways = {
        key: [(path, (kind, name)) for path, kind, name, _ in facts[id(each)].references if kind == each.kind]
        for key, each in manifests.items()
        if facts[id(each)].references
    }
    # What refers to nothing that refers to something is in no circle, and so on up.
    above = defaultdict[tuple[str, str], list[tuple[str, str]]](list)
    open_ways = {key: sum(target in ways for _, target in found) for key, found in ways.items()}
    for key, found in ways.items():
        for _, target in found:
            above[target].append(key)
    done = [key for key, number in open_ways.items() if not number]
    for key in done:
        del open_ways[key]
        for user in above[key]:
            open_ways[user] -= 1
            if not open_ways[user]:
                done.append(user)
    for key in islice(open_ways, MAX_PROBLEMS_PER_FILE):
        yield from _circle_from(key, ways, manifests)


def _circle_from(
    start: tuple[str, str],
    ways: Mapping[tuple[str, str], Sequence[tuple[Path, tuple[str, str]]]],
    manifests: Mapping[tuple[str, str], Manifest],
) -> Iterator[Problem]:
    """Yield a problem where a shortest way leads from a manifest back to it."""
    came: dict[tuple[str, str], tuple[str, str]] = {}
    waiting = deque([start])
    while waiting:
        current = waiting.popleft()
        for path, target in ways.get(current, ()):
            if target == start:
                back = [start[1]]
                while current != start:
                    back.append(current[1])
                    current = came[current]
                names = [start[1], *reversed(back)]
                manifest = manifests[start]
                place = manifest.at(path) if len(names) == 2 else manifest.place()
                if len(names) > _MAX_NAMED + 1:
                    names[_MAX_NAMED - 1 : -1] = ["…"]
                message = f"{manifest.key} refers to itself: {' → '.join(names)}"
                yield Problem("circular-reference", message, place, start[1], "Leave one of the references out.")
                return
            if target not in came:
                came[target] = current
                waiting.append(target)


def _renames(manifest: Manifest, found: Facts, live: Mapping[tuple[str, str], Manifest]) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, old in enumerate(manifest.metadata.renamed_from):
        other = live.get((manifest.kind, old))
        if old == found.live_id:
            message = f"{manifest.key} is renamed from {old[:60]}, which is its own ID"
        elif old in seen:
            message = f"{manifest.key} is renamed from {old[:60]} twice"
        elif other is not None and not other.absent:
            message = f"{manifest.key} is renamed from {old[:60]}, which {other.key} stands for"
        else:
            seen.add(old)
            continue
        place = manifest.metadata_at("renamedFrom", position)
        yield Problem("bad-rename", message, place, old[:60], "Remove it from metadata.renamedFrom.")


def _unreadable(manifest: Manifest, found: Facts) -> Iterator[Problem]:
    for path, name in found.unreadable:
        yield Problem(
            "unreadable-variable",
            f"{manifest.kind} {manifest.name}: spec.{format_path(path)} reads the environment variable {name[:60]}, "
            "which plan refuses unless it is allowed outside the manifests",
            manifest.at(path),
            name[:60],
            READABLE_HINT,
        )


def _against_environment(
    environment: EnvironmentManifest, manifest: Manifest, found: Facts, findings: Findings
) -> None:
    findings.hosts.extend(_bad_hosts(environment, manifest, found))
    for path in found.literals:
        _literal(environment, manifest, f"{manifest.kind} {manifest.name}: spec.{format_path(path)}", path, findings)


def _bad_hosts(environment: EnvironmentManifest, manifest: Manifest, found: Facts) -> Iterator[BadHost]:
    """Yield what a manifest points at outside targetHosts; what the environment itself reads may be this machine."""
    allowed, local = environment.spec.target_hosts, manifest is environment
    for path, hosts, secret in found.hosts if allowed is not None else ():
        unread: tuple[str | None, ...] = (None,)
        for host in unread if hosts is None else hosts:
            if host is not None and (host_allowed(host, allowed or ()) or (local and is_loopback(host))):
                continue
            subject = f"{manifest.kind} {manifest.name}: {format_path(path)}"
            value = None if secret else host
            yield BadHost(readable=host is not None, subject=subject, place=manifest.at(path), value=value)


def _literal(
    environment: EnvironmentManifest,
    manifest: Manifest,
    subject: str,
    path: tuple[str | int, ...],
    findings: Findings,
) -> None:
    rule = environment.spec.guardrails.literal_secrets
    if rule == "allow":
        return
    problem = Problem(
        "literal-secret",
        f"{subject} is a secret, written into the manifests",
        manifest.at(path),
        None,
        "Write ${secret:NAME}, and change the secret: it is in the history now.",
    )
    (findings.problems if rule == "forbid" else findings.warnings).append(problem)


def _about_environment(
    environment: EnvironmentManifest, found: Sequence[Facts], facts: Mapping[int, Facts], findings: Findings
) -> None:
    subject = f"Environment {environment.name}"
    findings.warnings.extend(_unreadable(environment, facts[id(environment)]))
    findings.hosts.extend(_bad_hosts(environment, environment, facts[id(environment)]))
    for path in facts[id(environment)].literals:
        _literal(environment, environment, f"{subject}: spec.{format_path(path)}", path, findings)
    if environment.spec.target_hosts is None and any(each.hosts for each in found):
        findings.warnings.append(
            Problem(
                "no-target-hosts",
                f"{subject} has no targetHosts, so delivery targets may point anywhere",
                environment.place(),
                None,
                "Add targetHosts with the hosts that this environment may send to.",
            )
        )


def check_names(
    manifests: Sequence[Manifest], environments: Sequence[EnvironmentManifest], may_hold: MayHold
) -> Iterator[Problem]:
    """Yield what is wrong with the names of environments: two alike, and unknown ones in metadata.environments."""
    by_name = defaultdict[str, list[EnvironmentManifest]](list)
    for environment in environments:
        by_name[environment.name].append(environment)
        if len(by_name[environment.name]) > 1:
            yield _duplicate_name(environment, by_name[environment.name][0])
    for manifest in manifests:
        for position, name in enumerate(manifest.metadata.environments or ()):
            if name not in by_name and not may_hold("Environment", name):
                yield Problem(
                    "unknown-environment",
                    f"{manifest.kind} {manifest.name}: there is no environment {name[:60]}",
                    manifest.metadata_at("environments", position),
                    name[:60],
                    suggest(name, sorted(by_name), "environments"),
                )
