"""References of a state to other objects, by kind and live ID, also inside lists and maps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from reconciler.kind.semantics import FieldNode, State, fields_of


@cache
def _referring(model: type[BaseModel]) -> Mapping[str, FieldNode]:
    """The fields that refer to something, and those that hold such fields."""
    return {
        name: node
        for name, node in fields_of(model).items()
        if node.semantics.references is not None or (node.model is not None and _referring(node.model))
    }


def references_in(
    model: type[BaseModel], state: Mapping[str, Any], *, needed: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield kind and ID of every object that a state refers to.

    Args:
        model: of the state.
        state: in manifest terms.
        needed: leave out what is made along with the object where it is not there.
    """
    for name, node in _referring(model).items():
        value = state.get(name)
        if needed and node.semantics.made_along:
            continue
        if isinstance(value, str) and node.semantics.references is not None:
            yield node.semantics.references, value
        elif node.semantics.references is not None and isinstance(value, dict):
            yield from ((node.semantics.references, item) for item in value.values() if isinstance(item, str))
        elif node.model is not None and isinstance(value, dict):
            yield from references_in(node.model, value, needed=needed)
        elif node.model is not None and isinstance(value, list):
            for item in value:
                yield from references_in(node.model, item, needed=needed)


def made_along_in(model: type[BaseModel], state: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return kind and ID of the objects that are made along with an object in this state."""
    return frozenset(references_in(model, state)) - frozenset(references_in(model, state, needed=True))


def without_made_along(
    model: type[BaseModel], state: Mapping[str, Any], is_missing: Callable[[str, str], bool]
) -> dict[str, Any]:
    """Return the state without references to what was made along with the object and is not there any more.

    Args:
        model: of the state.
        state: in manifest terms.
        is_missing: says of a kind and live ID whether it is gone.
    """
    kept = dict(state)
    for name, node in _referring(model).items():
        value = state.get(name)
        kind = node.semantics.references
        if kind is not None and node.semantics.made_along and isinstance(value, str) and is_missing(kind, value):
            del kept[name]
        elif node.model is not None and isinstance(value, dict):
            kept[name] = without_made_along(node.model, value, is_missing)
    return kept


def with_references(model: type[BaseModel], state: State, other: Callable[[str, str], str]) -> State:
    """Return the state with every reference replaced by what `other` returns for its kind and value."""
    changed = dict(state)
    for name, node in _referring(model).items():
        value = state.get(name)
        if isinstance(value, str) and node.semantics.references is not None:
            changed[name] = other(node.semantics.references, value)
        elif node.semantics.references is not None and isinstance(value, dict):
            kind = node.semantics.references
            changed[name] = {key: other(kind, item) if isinstance(item, str) else item for key, item in value.items()}
        elif node.model is not None and isinstance(value, dict):
            changed[name] = with_references(node.model, value, other)
        elif node.model is not None and isinstance(value, list):
            inner = node.model
            changed[name] = [with_references(inner, item, other) for item in value]
    return changed
