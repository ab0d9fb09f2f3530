"""Which secrets, and what around them, an environment's objects refer to otherwise than in another folder. Pure.

A plan without secrets cannot compare their values. What a value is made of stands in git: its template, which is the
text after patches and variables with `${secret:NAME}` and `${env:NAME}` left in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from reconciler.kind.kind import ManifestKinds
from reconciler.kind.semantics import fields_of
from reconciler.manifest.positions import Path, format_path
from reconciler.manifest.references import BadReference, Reference, parse_text
from reconciler.manifest.rule_changes import RuleChange, reference_told
from reconciler.manifest.select import patched
from reconciler.secret import MASK

if TYPE_CHECKING:
    from reconciler.manifest.load import Loaded
    from reconciler.manifest.model import EnvironmentManifest, Manifest

Template = tuple[str | Reference, ...]
Variables = Mapping[str, str | bool | int | float]


def secret_changes(
    before: Loaded | None, after: Loaded, environment: str, kinds: ManifestKinds
) -> tuple[RuleChange, ...]:
    """Return the values with secrets whose templates are not as they were, of objects that were there before.

    Args:
        before: the manifests that were; None: there were none.
        after: the manifests that are.
        environment: its name.
        kinds: the registry.
    """
    old, new = (_environment(each, environment) for each in (before, after))
    if before is None or old is None or new is None:
        return ()
    former = _Former(patched(before, old, kinds)[0])
    same = old.spec.variables == new.spec.variables
    found: list[RuleChange] = []
    for now in sorted(patched(after, new, kinds)[0], key=lambda each: each.key):
        was = former.of(now)
        if was is None or was.absent or now.absent or (same and was.raw == now.raw):
            continue
        model = kinds[now.kind].spec
        earlier = dict(_texts(was.raw, model, old.spec.variables))
        found.extend(_differences(now, earlier, dict(_texts(now.raw, model, new.spec.variables))))
    return tuple(found)


def _environment(loaded: Loaded | None, name: str) -> EnvironmentManifest | None:
    return next((each for each in loaded.environments if each.name == name), None) if loaded is not None else None


class _Former:
    """Finds what a manifest was, also where it or its object is called otherwise by now."""

    def __init__(self, manifests: tuple[Manifest, ...]) -> None:
        self._by_name = {(each.kind, each.name): each for each in manifests}
        self._by_id = {(each.kind, _id_of(each)): each for each in manifests}

    def of(self, now: Manifest) -> Manifest | None:
        was = self._by_name.get((now.kind, now.name)) or self._by_id.get((now.kind, _id_of(now)))
        names = ((now.kind, name) for name in now.metadata.renamed_from)
        return was or next((found for key in names if (found := self._by_id.get(key) or self._by_name.get(key))), None)


def _id_of(manifest: Manifest) -> str:
    # As text: a manifest that is refused may say anything there.
    return str(manifest.raw.get("id", manifest.name))


def _texts(
    value: Any, model: type[BaseModel] | None, variables: Variables, path: Path = (), *, write_only: bool = False
) -> Iterator[tuple[Path, tuple[Template, bool]]]:
    """Yield the template of each text below a value by its path, and whether it is write-only."""
    if isinstance(value, str):
        yield path, (_template(value, variables), write_only)
    elif isinstance(value, Mapping):
        nodes = fields_of(model) if model is not None else {}
        for name, item in value.items():
            node = nodes.get(name)
            below = None if node is None else node.model
            hidden = write_only or (node is not None and node.semantics.write_only)
            yield from _texts(item, below, variables, (*path, name), write_only=hidden)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, model, variables, (*path, index), write_only=write_only)


def _template(text: str, variables: Variables) -> Template:
    """Return what a text is made of, variables put in, literal parts that adjoin as one."""
    parts: list[str | Reference] = []
    for part in _parts(text):
        value = variables.get(part.name) if isinstance(part, Reference) and part.source == "var" else None
        if value is None:
            parts.append(part)
        else:
            parts.extend(_parts(str(value).lower() if isinstance(value, bool) else str(value)))
    joined: list[str | Reference] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        else:
            joined.append(part)
    return tuple(joined)


def _parts(text: str) -> Template:
    try:
        return parse_text(text) if "${" in text else (text,)
    except BadReference:
        return (text,)


def _differences(
    now: Manifest, old: Mapping[Path, tuple[Template, bool]], new: Mapping[Path, tuple[Template, bool]]
) -> Iterator[RuleChange]:
    for path in sorted(old.keys() | new.keys(), key=format_path):
        was, write_only = old.get(path, (None, False))
        wanted, is_write_only = new.get(path, (None, False))
        if was == wanted or not (write_only or is_write_only or _has_secret(was) or _has_secret(wanted)):
            continue
        place = now.at(path) if wanted is not None else now.place()
        yield RuleChange(now.kind, now.name, place, f"spec.{format_path(path)}", _shown(was), _shown(wanted))


def _has_secret(template: Template | None) -> bool:
    return any(isinstance(part, Reference) and part.source == "secret" for part in template or ())


def _shown(template: Template | None) -> str | None:
    """Return a template as it may be shown: the names of its references, literal parts and defaults masked."""
    return None if template is None else "".join(map(_told, template)) or MASK


def _told(part: str | Reference) -> str:
    return MASK if isinstance(part, str) else reference_told(part, is_secret=True)
