"""What changes in the rules of an environment from one folder of manifests to another. Pure.

Rules have no live counterpart, so that no comparison with live shows that one was changed: the Environment but for its
variables and patches, policies, and what `metadata` says of a manifest. A manifest that is gone is one of them: live
stays as it is and is watched no longer. What values with secrets are made of is another: see `secret_changes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import Place
from reconciler.kind.sensitive import Position, position_of, without_secrets
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.positions import Path
from reconciler.manifest.references import BadReference, Reference, is_sensitive, parse_text, texts_of
from reconciler.secret import MASK

if TYPE_CHECKING:
    from reconciler.manifest.load import Loaded
    from reconciler.manifest.model import EnvironmentManifest, Manifest, PolicyManifest

ADDED, MANAGED = "new", "managed"
_ENVIRONMENT = "Environment"
# Of a manifest of any other kind a rule is what its metadata say, or what a value with secrets is made of.
_WITHOUT_LIVE = (_ENVIRONMENT, "Policy")
_NO_RULES = ("variables", "patches")
_OF_METADATA = ("protect", "ignore", "sensitive", "environments")
# Longer lists are told by the entries that are new or gone.
_SHORT = 120


class RuleChange(Struct, frozen=True):
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

    @property
    def is_of_secret(self) -> bool:
        """Whether it is what a value with secrets is made of: who plans without secrets cannot compare the value.

        A plan file of an earlier version tells the patch instead of the object.
        """
        if self.kind in _WITHOUT_LIVE:
            return self.kind == _ENVIRONMENT and self.path.startswith("spec.patches.")
        return self.path.startswith("spec.")


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
    used = [*_variables_used(before), *_variables_used(after)]
    names = frozenset(name for name, _ in used)
    secret = {_dotted("spec", ("variables", name)) for name, is_secret in used if is_secret}
    for change in _differences(after, "spec", _rules_of(before, names), _rules_of(after, names)):
        yield _masked(change) if change.path in secret else change


def _variables_used(environment: EnvironmentManifest) -> Iterator[tuple[str, bool]]:
    """Yield the variables that rules are made of, and whether one is secret there: who changes one changes the rule."""
    rules = {name: value for name, value in environment.raw.items() if name not in _NO_RULES}
    for text in texts_of(rules):
        position = position_of(EnvironmentSpec, text.path, frozenset())
        parts = _parts(text.text)
        for number, part in enumerate(parts):
            if isinstance(part, Reference) and part.source == "var":
                as_secret = (*parts[:number], replace(part, source="secret"), *parts[number + 1 :])
                yield part.name, position.write_only or is_sensitive(as_secret, position)


def _masked(change: RuleChange) -> RuleChange:
    before, after = (None if value is None else MASK for value in (change.before, change.after))
    return replace(change, before=before, after=after)


def _rules_of(environment: EnvironmentManifest, variables: frozenset[str]) -> Mapping[str, Any]:
    typed = environment.spec.model_dump(mode="json", by_alias=True)
    whole = _with_defaults(typed, environment.raw)
    rules = {name: value for name, value in whole.items() if name not in _NO_RULES}
    values = environment.raw.get("variables")
    if isinstance(values, Mapping):
        rules["variables"] = {name: value for name, value in values.items() if name in variables}
    return rules


def _with_defaults(typed: Any, said: Any) -> Any:
    """Return what a manifest says, and the defaults of what it leaves out."""
    if isinstance(typed, Mapping) and isinstance(said, Mapping):
        names = dict.fromkeys((*typed, *said))
        return {name: _with_defaults(typed.get(name), said[name]) if name in said else typed[name] for name in names}
    return said


def _of_policies(before: Loaded, after: Loaded, environment: EnvironmentManifest) -> Iterator[RuleChange]:
    old = {each.name: each for each in before.policies if _is_for(each, environment)}
    new = {each.name: each for each in after.policies if _is_for(each, environment)}
    for name, now in sorted(new.items()):
        was = old.get(name)
        if was is None:
            yield RuleChange(now.kind, name, now.place(), "", None, f"{now.spec.severity}: {now.spec.message}")
        else:
            yield from _differences(now, "spec", _spec_of(was), _spec_of(now))
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


def _metadata_of(manifest: Manifest) -> Mapping[str, Any]:
    given = manifest.metadata.model_dump(mode="json", by_alias=True)
    # An empty list of environments is no environment; what is left out is all of them.
    return {name: given[name] for name in _OF_METADATA if given[name] or (name == "environments" and given[name] == [])}


def _spec_of(policy: PolicyManifest) -> Mapping[str, Any]:
    return policy.spec.model_dump(mode="json", by_alias=True)


def _differences(manifest: Manifest, part: str, before: Any, after: Any, path: Path = ()) -> Iterator[RuleChange]:
    """Yield what differs, as small as can be: who reads a long value does not see what changed in it."""
    if isinstance(before, Mapping | None) and isinstance(after, Mapping | None):
        old, new = before or {}, after or {}
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(manifest, part, old.get(name), new.get(name), (*path, name))
    elif before != after:
        lists = isinstance(before, list | None) and isinstance(after, list | None)
        if lists and max(len(json.dumps(before)), len(json.dumps(after))) > _SHORT:
            yield from _entries(manifest, part, before, after, path)
        else:
            yield _change(manifest, part, path, before, after)


def _entries(
    manifest: Manifest, part: str, before: list[Any] | None, after: list[Any] | None, path: Path
) -> Iterator[RuleChange]:
    """Yield the entries of a long list that are new or gone."""
    old, new = before or [], after or []
    if not old or not new:
        counts = [None if value is None else f"{len(value):,} entries" for value in (before, after)]
        yield RuleChange(manifest.kind, manifest.name, _place(manifest, part, path), _dotted(part, path), *counts)
    gone, come = [each for each in old if each not in new], [each for each in new if each not in old]
    if not gone and not come:
        words = f"{len(old):,} entries", f"{len(new):,} entries, in another order or number"
        yield RuleChange(manifest.kind, manifest.name, _place(manifest, part, path), _dotted(part, path), *words)
    for entry in gone:
        yield from _entry(manifest, part, entry, None, (*path, old.index(entry)))
    for entry in come:
        yield from _entry(manifest, part, None, entry, (*path, new.index(entry)))


def _entry(manifest: Manifest, part: str, before: Any, after: Any, path: Path) -> Iterator[RuleChange]:
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        yield from _differences(manifest, part, before, after, path)
    else:
        yield _change(manifest, part, path, before, after)


def _change(manifest: Manifest, part: str, path: Path, before: Any, after: Any) -> RuleChange:
    place = _place(manifest, part, path)
    return RuleChange(
        manifest.kind, manifest.name, place, _dotted(part, path), _shown(path, before), _shown(path, after)
    )


def _dotted(part: str, path: Path) -> str:
    return part + "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path)


def _place(manifest: Manifest, part: str, path: Path) -> Place:
    return manifest.at(path) if part == "spec" else manifest.metadata_at(*path)


def _shown(path: Path, value: Any) -> str | None:
    """Return a value as text, without what is secret in it."""
    if value is None:
        return None
    position = position_of(EnvironmentSpec, path, frozenset())
    parts = _parts(value) if isinstance(value, str) else ()
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return reference_told(parts[0], is_secret=position.write_only)
    if position.write_only:
        return MASK
    text = "".join(reference_told(part) if isinstance(part, Reference) else part for part in parts)
    shown = without_secrets(text or value, position, frozenset())
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _parts(text: str) -> tuple[str | Reference, ...]:
    try:
        return parse_text(text)
    except BadReference:
        return (text,)


def reference_told(reference: Reference, *, is_secret: bool = False) -> str:
    """Return a reference with its default, in which a password may stand; `is_secret`: all of it is one."""
    if reference.default is None:
        return str(reference)
    default = MASK if is_secret else without_secrets(reference.default, Position(None), frozenset())
    return f"{str(reference)[:-1]}:-{default}}}"
