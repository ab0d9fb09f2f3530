"""What changes in the rules of an environment from one folder of manifests to another. Pure.

Rules have no live counterpart, so that no comparison with live shows that one was changed: the Environment but for its
variables and patches, policies, and what `metadata` says of a manifest. A manifest that is gone is one of them: live
stays as it is and is watched no longer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.errors import Place
from reconciler.kind.sensitive import position_of, without_secrets
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.positions import Path
from reconciler.manifest.references import BadReference, Reference, parse_text, texts_of
from reconciler.secret import MASK

if TYPE_CHECKING:
    from reconciler.manifest.load import Loaded
    from reconciler.manifest.model import EnvironmentManifest, Manifest
    from reconciler.manifest.policies import PolicySpec

ADDED, MANAGED = "new", "managed"
_NO_RULES = ("variables", "patches")
_OF_METADATA = ("protect", "ignore", "sensitive", "environments")
Leaves = Mapping[Path, Any]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not as it was.

    Args:
        kind: of the manifest that says it.
        name: its `metadata.name`.
        place: where it stands now; of what is gone, where the environment stands.
        path: dotted, from `spec` or `metadata`; empty: the manifest as a whole.
        before: old value as text, without secrets; None: there was none.
        after: new value likewise.
    """

    kind: str
    name: str
    place: Place
    path: str
    before: str | None
    after: str | None


def rule_changes(before: Loaded | None, after: Loaded, environment: str) -> tuple[RuleChange, ...]:
    """Return what changes in the rules of one environment.

    Args:
        before: the manifests that were; None: there were none.
        after: the manifests that are, with the environment among them.
        environment: its name.
    """
    (own,) = (each for each in after.environments if each.name == environment)
    earlier = () if before is None else before.environments
    former = next((each for each in earlier if each.name == environment), None)
    changes = list(_of_environment(former, own))
    if former is not None and before is not None:
        changes.extend(_of_policies(before, after, own))
        changes.extend(_of_manifests(before, after, own))
    return tuple(changes)


def _of_environment(before: EnvironmentManifest | None, after: EnvironmentManifest) -> Iterator[RuleChange]:
    if before is None:
        yield RuleChange(after.kind, after.name, after.place(), "", None, ADDED)
        return
    used = _variables_used(before) | _variables_used(after)
    old, new = _rules_of(before, used), _rules_of(after, used)
    yield from _differences(after, "spec", old, new)


def _variables_used(environment: EnvironmentManifest) -> frozenset[str]:
    """Return the variables that rules are made of: who changes one changes the rule."""
    rules = {name: value for name, value in environment.raw.items() if name not in _NO_RULES}
    found = set[str]()
    for text in texts_of(rules):
        try:
            parts = parse_text(text.text)
        except BadReference:
            continue
        found.update(part.name for part in parts if isinstance(part, Reference) and part.source == "var")
    return frozenset(found)


def _rules_of(environment: EnvironmentManifest, variables: frozenset[str]) -> Leaves:
    typed = environment.spec.model_dump(mode="json", by_alias=True)
    whole = _with_defaults(typed, environment.raw)
    rules = {name: value for name, value in whole.items() if name not in _NO_RULES}
    values = environment.raw.get("variables")
    if isinstance(values, Mapping):
        rules["variables"] = {name: value for name, value in values.items() if name in variables}
    return dict(_leaves(rules))


def _with_defaults(typed: Any, said: Any) -> Any:
    """Return what a manifest says, and the defaults of what it leaves out."""
    if isinstance(typed, Mapping) and isinstance(said, Mapping):
        names = dict.fromkeys((*typed, *said))
        return {name: _with_defaults(typed.get(name), said[name]) if name in said else typed[name] for name in names}
    return said


def _leaves(value: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(each, (*path, name))
        elif each is not None:
            yield (*path, name), each


def _of_policies(before: Loaded, after: Loaded, environment: EnvironmentManifest) -> Iterator[RuleChange]:
    old = {each.name: each for each in before.policies if _is_for(each, environment)}
    new = {each.name: each for each in after.policies if _is_for(each, environment)}
    for name, now in sorted(new.items()):
        was = old.get(name)
        if was is None:
            yield RuleChange(now.kind, name, now.place(), "", None, f"{now.spec.severity}: {now.spec.message}")
        else:
            yield from _differences(now, "spec", _leaves_of(was.spec), _leaves_of(now.spec))
            yield from _differences(now, "metadata", _metadata_of(was), _metadata_of(now))
    for name, was in sorted(old.items()):
        if name not in new:
            yield RuleChange(was.kind, name, environment.place(), "", f"{was.spec.severity}: {was.spec.message}", None)


def _of_manifests(before: Loaded, after: Loaded, environment: EnvironmentManifest) -> Iterator[RuleChange]:
    old = {each.key: each for each in before.manifests}
    new = {each.key: each for each in after.manifests}
    renamed = {(each.kind, former) for each in after.manifests for former in each.metadata.renamed_from}
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if now is not None:
            if _is_for(now, environment) or (was is not None and _is_for(was, environment)):
                yield from _differences(now, "metadata", {} if was is None else _metadata_of(was), _metadata_of(now))
        elif was is not None and _is_for(was, environment) and not was.absent and not _is_renamed(was, renamed):
            yield RuleChange(was.kind, was.name, environment.place(), "", MANAGED, None)


def _is_renamed(manifest: Manifest, former: set[tuple[str, str]]) -> bool:
    return any((manifest.kind, name) in former for name in (manifest.name, manifest.raw.get("id")))


def _is_for(manifest: Manifest, environment: EnvironmentManifest) -> bool:
    limits = manifest.metadata.environments
    return limits is None or environment.name in limits


def _metadata_of(manifest: Manifest) -> Leaves:
    given = manifest.metadata.model_dump(mode="json", by_alias=True)
    return {(name,): given[name] for name in _OF_METADATA if given[name]}


def _leaves_of(spec: PolicySpec) -> Leaves:
    return {(name,): value for name, value in spec.model_dump(mode="json", by_alias=True).items()}


def _differences(manifest: Manifest, part: str, before: Leaves, after: Leaves) -> Iterator[RuleChange]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            place = manifest.at(path) if part == "spec" else manifest.metadata_at(*path)
            dotted = ".".join((part, *map(str, path)))
            yield RuleChange(manifest.kind, manifest.name, place, dotted, _shown(path, old), _shown(path, new))


def _shown(path: Path, value: Any) -> str | None:
    """Return a value as text, without what is secret in it."""
    if value is None:
        return None
    position = position_of(EnvironmentSpec, path, frozenset())
    if position.write_only and not _is_reference(value):
        return MASK
    shown = without_secrets(value, position, frozenset())
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _is_reference(value: Any) -> bool:
    try:
        parts = parse_text(value) if isinstance(value, str) else ()
    except BadReference:
        return False
    return len(parts) == 1 and isinstance(parts[0], Reference)
