"""Import: what is live, as manifests. Defaults left out, secrets as references, names for IDs. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from reconciler.kind.credentials import has_token_in_path
from reconciler.kind.kind import Kinds, Observed
from reconciler.kind.semantics import State, fields_of, semantics_by_path
from reconciler.kind.sensitive import Position, position_of
from reconciler.manifest.positions import DocumentLocator, Source
from reconciler.manifest.references import Reference, is_forbidden
from reconciler.manifest.spec import read_spec
from reconciler.manifest.write import escape_text
from reconciler.reconcile.live import LiveSide
from reconciler.reconcile.notes import forbidden_hosts
from reconciler.reconcile.references import references_in, with_references

_UNWRITTEN = Source("", b"")  # the file of a manifest that is not written yet
_LONGEST_NAME = 90  # of 100: there may be a number after it


class ImportedSecret(Struct, frozen=True):
    """A secret that somebody has to set: the environment variable, and the member it is for."""

    variable: str
    key: str
    path: str


class Imported(Struct, frozen=True):
    """One live object as a manifest: kind, `metadata.name` and spec."""

    kind: str
    name: str
    id: str
    spec: Mapping[str, Any]
    secrets: tuple[ImportedSecret, ...]
    notes: tuple[str, ...]


class ImportResult(Struct, frozen=True):
    """Result of an import.

    Args:
        manifests: what is new.
        left_out: the live objects that could not be imported, each with the reason.
        shared: keys of manifests that count in this environment, too, from now on.
        patched: keys of manifests that this environment has otherwise, with what is left of it to do by hand: secrets.
        elsewhere: keys of manifests that do not count in this environment any more.
    """

    manifests: tuple[Imported, ...]
    left_out: tuple[tuple[str, str], ...]
    shared: tuple[str, ...] = ()
    patched: Mapping[str, tuple[ImportedSecret, ...]] = {}
    elsewhere: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[ImportedSecret, ...]:
        """The secrets that somebody has to set."""
        of_patches = (secret for secrets in self.patched.values() for secret in secrets)
        return (*(secret for item in self.manifests for secret in item.secrets), *of_patches)


def import_live(
    kinds: Kinds,
    live: LiveSide,
    managed: Mapping[tuple[str, str], str],
    targets: Iterable[str] = (),
    taken: Collection[tuple[str, str]] = (),
    wished: Mapping[tuple[str, str], str] | None = None,
    target_hosts: tuple[str, ...] | None = None,
) -> ImportResult:
    """Return manifests for every live object that none names yet.

    Args:
        kinds: the registry.
        live: what was read.
        managed: (kind, live ID) of what manifests name already, with the manifest's name.
        targets: `KIND` or `KIND/ID` to limit the import to; empty: everything.
        taken: (kind, name) of every manifest there is, those of other environments included.
        wished: (kind, live ID) of what is to be imported under a certain name.
        target_hosts: allow-list of delivery hosts, or None where the environment has none.
    """
    wanted = frozenset(targets)
    # What an API shows in part is no whole manifest.
    live = {kind: objects if kinds[kind].readable else {} for kind, objects in live.items()}
    names = manifest_names(live, {**managed, **(wished or {})}, taken)
    unfit = _unfit(kinds, live, managed, names)
    # What is compared with a manifest is judged there, by what its patch would say.
    forbidden = _forbidden(kinds, live, {*managed, *(wished or {})}, target_hosts)
    names = {key: name for key, name in names.items() if key not in unfit and key not in forbidden}
    manifests: list[Imported] = []
    left_out: list[tuple[str, str]] = []
    variables: set[str] = set()
    for kind, objects in live.items():
        if not kinds[kind].readable and (not wanted or kind in wanted) and all(kind != of for of, _ in managed):
            shows = "shows a part of it at most" if kinds[kind].shown_in_part else "cannot show it"
            left_out.append((kind, f"the API {shows}; write its manifest by hand"))
        records = 0
        for live_id, observed in sorted(objects.items()):
            key = f"{kind}/{live_id}"
            if (kind, live_id) in managed or (wanted and not wanted & {kind, key}):
                continue
            if observed.is_record and key not in wanted:
                records += 1
                continue
            dangling = next(_dangling(kinds, live, observed, names), None)
            if (kind, live_id) in unfit:
                left_out.append((key, f"no manifest can say it: {unfit[kind, live_id]}"))
            elif (kind, live_id) in forbidden:
                left_out.append((key, forbidden[kind, live_id]))
            elif dangling is not None:
                left_out.append((key, f"it refers to {dangling}"))
            else:
                manifests.append(as_manifest(kinds, observed, names, variables))
        if records:
            left_out.append((kind, f"{records:,} are records that data syncs keep, no configuration"))
    return ImportResult(tuple(manifests), tuple(left_out))


def manifest_names(
    live: LiveSide, managed: Mapping[tuple[str, str], str], taken: Collection[tuple[str, str]] = ()
) -> dict[tuple[str, str], str]:
    """Return the manifest name of every live object: its own where it is managed, else one that is free."""
    names = dict(managed)
    for kind, objects in live.items():
        used = {name for of_kind, name in taken if of_kind == kind}
        for live_id in objects:
            if (kind, live_id) in names:
                continue
            base = name = _as_name(live_id)
            number = 2
            while name in used:
                name, number = f"{base}-{number}", number + 1
            used.add(name)
            names[kind, live_id] = name
    return names


def _as_name(live_id: str) -> str:
    """Return a live ID as something that `metadata.name` may be."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", live_id)[:_LONGEST_NAME].lstrip(".")
    return name or "unnamed"


def _unfit(
    kinds: Kinds, live: LiveSide, managed: Mapping[tuple[str, str], str], names: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], str]:
    """Return which live objects cannot be manifests, and why."""
    reasons = {
        (kind, live_id): misfit(kinds, as_manifest(kinds, observed, names))
        for kind, objects in live.items()
        for live_id, observed in objects.items()
        if (kind, live_id) not in managed
    }
    return {key: reason for key, reason in reasons.items() if reason is not None}


def _forbidden(
    kinds: Kinds, live: LiveSide, known: Collection[tuple[str, str]], target_hosts: tuple[str, ...] | None
) -> dict[tuple[str, str], str]:
    """Return which live objects point where no manifest of this environment may, and where that is."""
    return {
        (kind, live_id): f"{path} points {f'at {host}, ' if host else ''}outside targetHosts"
        for kind, objects in live.items()
        for live_id, observed in objects.items()
        if (kind, live_id) not in known
        for path, host in forbidden_hosts(kinds[kind].spec, observed.state, target_hosts)
    }


def misfit(kinds: Kinds, imported: Imported) -> str | None:
    """Return why a manifest of a live object would not validate: live has what the model knows as impossible."""
    kind = kinds[imported.kind]
    spec = dict(imported.spec)
    if kind.id_field is not None:
        spec.setdefault(kind.id_field, imported.id)
    where = DocumentLocator(_UNWRITTEN, 0)
    _, problems = read_spec(kind.spec, spec, where, subject=kind.name, references=True, absent=False)
    return problems[0].message.removeprefix(f"{kind.name}: ") if problems else None


def _dangling(kinds: Kinds, live: LiveSide, observed: Observed, names: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield what an object refers to that a manifest could not name, and why."""
    spec = kinds[observed.kind].spec
    by_id = {each.references for each in semantics_by_path(spec).values() if each.unmanaged}
    for target, live_id in references_in(spec, observed.state):
        if (target, live_id) in names or live_id in kinds[target].built_in:
            continue
        if live_id not in live.get(target, {}):
            yield f"{target} {live_id}, which does not exist"
        elif target not in by_id:
            yield f"{target} {live_id}, which is left out"


def as_manifest(
    kinds: Kinds, observed: Observed, names: Mapping[tuple[str, str], str], variables: set[str] | None = None
) -> Imported:
    """Return a live object as the manifest that would want it to be as it is.

    Args:
        kinds: the registry.
        observed: the live object.
        names: manifest name of every live object.
        variables: those that hold secrets already; the ones of this object are others, and are added.
    """
    kind = kinds[observed.kind]
    name = names[observed.kind, observed.id]
    secrets: list[ImportedSecret] = []
    notes = list(kind.notes(observed))
    named = with_references(kind.spec, observed.state, lambda target, live_id: names.get((target, live_id), live_id))
    taken = set() if variables is None else variables
    spec = _spec(kind.spec, named, "", f"{observed.kind}/{name}", observed.id, secrets, taken)
    notes.extend(_token_notes(spec, Position(kind.spec)))
    if kind.id_field is not None and spec.get(kind.id_field) == name:
        del spec[kind.id_field]  # the default
    return Imported(observed.kind, name, observed.id, spec, tuple(secrets), tuple(notes))


def _token_notes(value: Any, position: Position) -> Iterator[str]:
    """Yield where the path of a URL may hold a token, which nothing masks."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _token_notes(item, position.below(name, frozenset(), value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _token_notes(item, position.entry(value, index))
    elif isinstance(value, str) and position.may_hold and has_token_in_path(value):
        yield (
            f"has a URL in {position.path} whose path may hold a token, as those of chat hooks do. It was written as "
            "it is: where it is secret, name the field in metadata.sensitive and write that part as ${secret:NAME}"
        )


def _spec(
    model: type[BaseModel],
    state: State,
    prefix: str,
    key: str,
    live_id: str,
    secrets: list[ImportedSecret],
    variables: set[str],
) -> State:
    """Return the state as a manifest would say it: no defaults, references for what live does not show."""
    spec: State = {}
    for name, node in fields_of(model).items():
        path = f"{prefix}{name}"
        if node.semantics.write_only:
            sibling = node.semantics.accompanies
            if node.required or sibling is None or sibling in state:
                variable = _variable(live_id, path, variables)
                secrets.append(ImportedSecret(variable, key, path))
                spec[name] = f"${{secret:{variable}}}"
        elif name not in state or (not node.required and state[name] == node.default):
            continue
        elif node.model is not None and isinstance(state[name], dict):
            spec[name] = _spec(node.model, state[name], f"{path}.", key, live_id, secrets, variables)
        else:
            position = position_of(model, name, frozenset())
            spec[name] = _referenced(state[name], position, path, key, live_id, secrets, variables)
    return spec


def _referenced(
    value: Any,
    position: Position,
    path: str,
    key: str,
    live_id: str,
    secrets: list[ImportedSecret],
    variables: set[str],
) -> Any:
    """Return a live value as a manifest would say it: a reference for each secret in it, `${` escaped."""
    if isinstance(value, dict):
        return {
            name: _referenced(
                item, position.below(name, frozenset(), value), f"{path}.{name}", key, live_id, secrets, variables
            )
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            _referenced(item, position.entry(value, index), path, key, live_id, secrets, variables)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    found = position.spans(value) if position.may_hold else ()
    text, end = "", 0
    for start, stop in found:
        variable = _variable(live_id, path, variables)
        secrets.append(ImportedSecret(variable, key, path))
        text += f"{escape_text(value[end:start])}${{secret:{variable}}}"
        end = stop
    return text + escape_text(value[end:])


def _variable(live_id: str, path: str, taken: set[str]) -> str:
    """`search-products`, `deliveryTargets.http.secret` → `SEARCH_PRODUCTS_HTTP_SECRET`; take and return it."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path.removeprefix("deliveryTargets."))
    name = re.sub(r"[^A-Z0-9]+", "_", f"{live_id}_{words}".upper()).strip("_")
    if name[0].isdigit() or is_forbidden(Reference("secret", name)):
        name = f"ID_{name}"
    # `a-b` and `A_b` are two objects, and must not share a secret.
    names = (name if number == 1 else f"{name}_{number}" for number in count(1))
    free = next(candidate for candidate in names if candidate not in taken)
    taken.add(free)
    return free
