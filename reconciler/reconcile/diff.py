"""Diff of a desired and an observed state, field by field. Pure.

Secrets never come back from a read, so a write-only field differs only where its parent is new or goes, or where the
ledger remembers another value; the second is decided in secrets.py and passed in as `moved_secrets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from reconciler.kind.semantics import FieldNode, FieldSemantics, Risk, State, fields_of
from reconciler.kind.sensitive import position_of, without_secrets
from reconciler.kind.telling import lists_a_secret, names_a_secret
from reconciler.reconcile.plan import FieldChange
from reconciler.secret import MASK, Secret

_WORST_FIRST = tuple(Risk)
_PLAIN = frozenset({str, bool, int, float, type(None)})


def worst(risks: Iterable[Risk]) -> Risk:
    """Return the worst of some risks, `cosmetic` where there is none."""
    return min(risks, key=_WORST_FIRST.index, default=Risk.COSMETIC)


def covers(paths: Iterable[str], path: str) -> bool:
    """Return whether one of `paths` is `path` or an ancestor of it."""
    return any(path == prefix or path.startswith(f"{prefix}.") for prefix in paths)


def value_at(state: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or None where there is none. A name may hold dots itself."""
    if path in state:
        return state[path]
    name, _, rest = path.partition(".")
    inner = state.get(name)
    return value_at(inner, rest) if rest and isinstance(inner, Mapping) else None


def without(state: State, ignored: Iterable[str], prefix: str = "") -> State:
    """Return the state without the ignored paths."""
    kept: State = {}
    for name, value in state.items():
        path = f"{prefix}{name}"
        if covers(ignored, path):
            continue
        kept[name] = without(value, ignored, f"{path}.") if isinstance(value, dict) else value
    return kept


def with_ignored(desired: State, observed: State, ignored: Iterable[str]) -> State:
    """Return the desired state with the ignored paths as live has them: they are sent back unchanged."""
    merged = without(desired, ignored)
    for path in ignored:
        value = value_at(observed, path)
        if value is None:
            continue
        *parents, last = path.split(".")
        target = merged
        for name in parents:
            inner = target.get(name)
            target[name] = inner = dict(inner) if isinstance(inner, dict) else {}
            target = inner
        target[last] = value
    return merged


def secrets_in(state: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Secret]]:
    """Return the path and the Secret of every value in a desired state that is secret, or has a secret in it."""
    found: list[tuple[str, Secret]] = []
    for name, value in state.items():
        if type(value) in _PLAIN:
            continue
        path = f"{prefix}{name}"
        if isinstance(value, Secret):
            found.append((path, value))
        elif isinstance(value, dict):
            found.extend(secrets_in(value, f"{path}."))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Secret):
                    found.append((f"{path}[{index}]", item))
                elif isinstance(item, dict):
                    found.extend(secrets_in(item, f"{path}[{index}]."))
    return found


def left_to_apply(value: Any) -> Any:
    """Return a desired state, or a value in it, as it is where no `${secret:}` is set, also if one is set here."""
    if isinstance(value, Secret):
        return value.left_to_apply()
    if isinstance(value, dict):
        return {name: left_to_apply(item) for name, item in value.items()}
    return [left_to_apply(item) for item in value] if isinstance(value, list) else value


def opened(desired: State, observed: Mapping[str, Any], *, readable: bool = True, at_apply: bool = False) -> State:
    """Return a desired state with the values that live shows in the open, so that both can be compared.

    Args:
        desired: its `Secret` objects of write-only fields stay as they are.
        observed: what stands for a value that is not set here, so that it is no difference.
        readable: whether live shows them at all; where not, the observed value always stands for them.
        at_apply: whether what can be shown of a value stands for one that is not set here, and is when it is applied.
    """
    if not any(secret.shown is not None for _, secret in secrets_in(desired)):
        return desired

    def open_value(value: Any, live: Any) -> Any:
        if isinstance(value, Secret):
            if value.shown is None:
                return value
            if readable and at_apply and not value.is_set:
                return value.shown
            return value.value if readable and value.is_set else live
        if isinstance(value, dict):
            return open_state(value, live if isinstance(live, Mapping) else {})
        if isinstance(value, list):
            lives = live if isinstance(live, list) else []
            return [open_value(item, lives[index] if index < len(lives) else None) for index, item in enumerate(value)]
        return value

    def open_state(state: State, live: Mapping[str, Any]) -> State:
        pairs = ((name, value, open_value(value, live.get(name))) for name, value in state.items())
        return {name: found for name, value, found in pairs if found is not None or value is None}

    return open_state(desired, observed)


def hide(model: type[BaseModel], field: FieldChange, marked: frozenset[str]) -> FieldChange:
    """Mask a field change so that it may be shown and kept: secrets masked, no values where nothing else differs.

    Args:
        model: of the spec.
        field: with the values themselves.
        marked: the paths that `metadata.sensitive` names.
    """
    if field.sensitive:
        return field
    position = position_of(model, field.path, marked)
    before, after = (without_secrets(value, position, marked) for value in (field.before, field.after))
    if before == field.before and after == field.after:
        return field
    if before == after or all(value in (None, MASK) for value in (before, after)):
        return FieldChange(field.path, None, None, sensitive=True)
    return FieldChange(field.path, before, after)


def hides_change(model: type[BaseModel], field: FieldChange, marked: frozenset[str]) -> bool:
    """Return whether a secret inside a value changes, whatever else of the value does."""
    position = position_of(model, field.path, marked)
    secrets: list[list[str]] = [[], []]
    for value, hidden in zip((field.before, field.after), secrets, strict=True):
        without_secrets(value, position, marked, hidden)
    return not field.sensitive and secrets[0] != secrets[1]


def differences(
    model: type[BaseModel], desired: State, observed: State, moved_secrets: frozenset[str], prefix: str = ""
) -> Iterator[FieldChange]:
    """Yield every field that differs, nested members under dotted paths, in the order of the model."""
    for name, node in fields_of(model).items():
        after, before = desired.get(name), observed.get(name)
        if after is None and before is None and not node.semantics.write_only:
            continue
        path = f"{prefix}{name}"
        if node.semantics.write_only:
            if path in moved_secrets:
                yield FieldChange(path, None, None, sensitive=True)
        elif node.model is not None and not node.is_list and (isinstance(after, dict) or isinstance(before, dict)):
            yield from _nested(node, path, after, before, moved_secrets)
        elif not _same(node, after, before):
            if isinstance(after, dict) and isinstance(before, dict):
                yield from _inside(path, before, after)
            else:
                yield FieldChange(path, before, after)


def _nested(
    node: FieldNode, path: str, after: State | None, before: State | None, moved_secrets: frozenset[str]
) -> Iterator[FieldChange]:
    if node.model is None:
        return
    if after is None or before is None:
        # The object comes or goes as a whole, and its write-only members with it.
        whole = after if after is not None else before or {}
        held = {found for found, _ in secrets_in(whole, f"{path}.")}
        lost = {
            f"{path}.{name}"
            for name, member in fields_of(node.model).items()
            if after is None and member.semantics.write_only and member.required
        }
        moved_secrets = frozenset(held | lost)
        if not any(True for _ in differences(node.model, after or {}, before or {}, moved_secrets, f"{path}.")):
            yield FieldChange(path, before, after)
    yield from differences(node.model, after or {}, before or {}, moved_secrets, f"{path}.")


def _inside(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    """Yield what differs inside a free-form object, e.g. `configData.mapping.title` or `configData.tags[2]`."""
    from deepdiff import DeepDiff  # an eighth of a second to import, and rarely needed
    from deepdiff.helper import notpresent

    found: dict[str, FieldChange] = {}
    for levels in DeepDiff(before, after, view="tree").values():
        for level in levels:
            parts = level.path(output_format="list")
            old, new = (None if value is notpresent else value for value in (level.t1, level.t2))
            # Of pairs such as {name: apiKey, value: C} and [apiKey, C] all is shown: nothing else says what is secret.
            outside = next((n for n in range(len(parts)) if _is_pair(before, after, parts[:n])), None)
            if outside is not None:
                parts = parts[:outside]
                old, new = (_at(state, parts) for state in (before, after))
            here = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
            if old is None and new is None:
                continue  # null stands for absent
            found[here] = FieldChange(here, old, new)
    yield from (found[here] for here in sorted(found))


def _is_pair(before: Any, after: Any, parts: Sequence[str | int]) -> bool:
    return any(names_a_secret(_at(state, parts)) or lists_a_secret(_at(state, parts)) for state in (before, after))


def _at(value: Any, parts: Sequence[str | int]) -> Any:
    """Return what stands at a place in free-form data, or None where there is nothing."""
    for part in parts:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _same(node: FieldNode, after: Any, before: Any) -> bool:
    if node.semantics.unordered and isinstance(after, list) and isinstance(before, list):
        return sorted(map(repr, after)) == sorted(map(repr, before))
    after, before = _without_nulls(after), _without_nulls(before)
    return bool(after == before) and (isinstance(after, bool) == isinstance(before, bool))


def _without_nulls(value: Any) -> Any:
    """Return free-form data less its nulls: one that is sent to remove a key may be kept as a null."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def risk_of(model: type[BaseModel], fields: Iterable[FieldChange], desired: State) -> Risk:
    """Return the worst thing that changing these fields can do, by the risk that stands on the model."""
    return worst(_field_risk(model, change, desired) for change in fields)


def _field_risk(model: type[BaseModel], change: FieldChange, desired: State) -> Risk:
    parent, _, _ = change.path.rpartition(".")
    if change.sensitive and parent and value_at(desired, parent) is None:
        return Risk.LOSES_DATA  # a secret that live holds and nobody can read back
    through = list(_along(model, change.path))
    if not through:
        return Risk.COSMETIC
    semantics = through[-1][1].semantics
    as_risky = semantics.risk_when is None or change.after == semantics.risk_when
    gone = [
        node.semantics.risk_gone
        for place, (path, node) in enumerate(through, 1)
        if node.semantics.risk_gone is not None
        and (_takes_away(semantics, change) if place == len(through) else value_at(desired, path) is None)
    ]
    return worst((semantics.risk if as_risky else semantics.risk_else, *gone))


def _takes_away(semantics: FieldSemantics, change: FieldChange) -> bool:
    """Whether a change takes away a field or a part of what it holds."""
    if isinstance(change.before, list) and isinstance(change.after, list):
        return any(item not in change.after for item in change.before)
    return change.before is None if semantics.selects else change.after is None


def _along(model: type[BaseModel], path: str) -> Iterator[tuple[str, FieldNode]]:
    """Yield the fields that a path leads through, each with its own; inside a free-form object, none."""
    current: type[BaseModel] | None = model
    prefix, rest = "", path
    while current is not None and rest:
        # A name may hold dots itself.
        fields = fields_of(current)
        names = [name for name in fields if rest == name or rest.startswith(f"{name}.")]
        if not names:
            return
        name = max(names, key=len)
        yield prefix + name, fields[name]
        current = fields[name].model
        prefix, rest = f"{prefix}{name}.", rest[len(name) + 1 :]


def field_path(model: type[BaseModel], path: str) -> str:
    """Return the part of a path that names a field of the model, without what lies inside a free-form object."""
    return max((found for found, _ in _along(model, path)), key=len, default="")
