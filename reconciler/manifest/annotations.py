"""Annotations of a spec model by path: the type, whether it is write-only, and what it takes, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import AwareDatetime, BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from reconciler.kind.semantics import fields_of

Path = tuple[str | int, ...]


def branches(annotation: Any) -> Iterator[Any]:
    """Yield the alternatives of an annotation, `Annotated` and unions taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from branches(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from branches(argument)
    else:
        yield annotation


@cache
def _named_fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def models_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the models among the alternatives of an annotation."""
    return [branch for branch in branches(annotation) if isinstance(branch, type) and issubclass(branch, BaseModel)]


def field_names(model: type[BaseModel]) -> list[str]:
    """Return the names of a model's fields, as manifests write them."""
    return list(_named_fields(model))


@lru_cache(maxsize=4096)
def annotations_at(model: type[BaseModel], path: Path) -> tuple[Any, ...]:
    """Return what a path may hold, one annotation per alternative; empty where the model does not know it."""
    found: tuple[Any, ...] = (model,)
    for part in path:
        found = tuple(inner for annotation in found for branch in branches(annotation) for inner in _step(branch, part))
    return found


def _step(branch: Any, part: str | int) -> Iterator[Any]:
    if isinstance(branch, type) and issubclass(branch, BaseModel):
        info = _named_fields(branch).get(str(part))
        if info is not None:
            # FieldInfo keeps outer metadata (constraints, semantics) apart from the annotation.
            yield Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    elif get_origin(branch) is list and isinstance(part, int):
        yield get_args(branch)[0]
    elif get_origin(branch) is dict:
        yield get_args(branch)[1]


@lru_cache(maxsize=4096)  # the same few fields over and over
def is_write_only(model: type[BaseModel], path: Path) -> bool:
    """Whether a path is a write-only member or lies inside one."""
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        node = fields_of(current).get(part) if current is not None else None
        if node is None:
            return False
        if node.semantics.write_only:
            return True
        current = node.model
    return False


def max_length(annotation: Any) -> int | None:
    """Return the longest text that an annotation takes, or None where it sets no limit."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        for item in metadata:
            candidates = item.metadata if isinstance(item, FieldInfo) else [item]
            for constraint in candidates:
                if isinstance(constraint, MaxLen | StringConstraints) and constraint.max_length is not None:
                    return constraint.max_length
        return max_length(inner)
    if origin in (Union, UnionType):
        return next((limit for argument in get_args(annotation) if (limit := max_length(argument)) is not None), None)
    return None


def choices(annotation: Any) -> list[str]:
    """Return the words that an annotation allows, where it is a choice between words."""
    return [str(word) for branch in branches(annotation) if get_origin(branch) is Literal for word in get_args(branch)]


_FEW = 5
_TIME = "a time with its offset, such as 2026-12-01T06:00:00Z"
_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    datetime: _TIME,
    AwareDatetime: _TIME,
    Any: "any value",
}


def _describe_model(model: type[BaseModel]) -> str:
    names = field_names(model)
    return "a mapping" if len(names) > _FEW else f"a mapping with {', '.join(names)}"


def describe(annotation: Any) -> str:
    """Say in words what an annotation takes: `true or false, or a mapping`."""
    words: dict[str, None] = {}
    for branch in branches(annotation):
        if branch is NoneType or branch is None:
            continue
        if get_origin(branch) is Literal:
            words["one of " + ", ".join(str(word) for word in get_args(branch))] = None
        elif get_origin(branch) is list or branch is list:
            words["a list"] = None
        elif isinstance(branch, type) and issubclass(branch, BaseModel):
            words[_describe_model(branch)] = None
        else:
            words[_WORDS.get(branch, "a mapping")] = None
    return ", or ".join(words)
