"""YAML of seed files, parsed to plain data, and the place of a value for a message.

YAML 1.2's scalars, as the vendor's tool reads them: the country `NO` is no boolean, and dates stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.errors import LoadError, Place

Path = tuple[str | int, ...]
_CONSTANTS = {"": None, "~": None, "true": True, "false": False, "null": None}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NUMBER_ENDS = frozenset("0123456789.")
_WHOLE_DIGITS = 19
_MOST_DEEP, _MOST_ALIASES = 100, 10_000
# Of what aliases repeat: aliases of aliases make gigabytes out of a few lines.
_MOST_REPEATED = 20_000_000
_VALUE_SIZE = 10  # counted for each value, beside its text


def parse(data: bytes, file: str) -> Any:
    """Parse one YAML or JSON document.

    Raises:
        LoadError: it is neither; names the place.
    """
    if data.lstrip()[:1] == b"{":
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            # What begins like JSON may still be YAML.
            pass
    try:
        return _build(data, file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
        reason = getattr(error, "problem", None) or getattr(error, "reason", "it cannot be read")
        raise LoadError(
            f"this is not YAML: {reason}", place=place, next_step="Mend the line, or the one before."
        ) from None


def place_of(data: bytes, file: str, path: Path) -> Place:
    """Return the place of a path in the file; of one that is not there, of its nearest parent."""
    try:
        node = yaml.compose(data, yaml.CSafeLoader)
    except yaml.YAMLError:
        # JSON that is no YAML, such as some indented by tabs.
        return Place(file)
    mark = None if node is None else node.start_mark
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == part]
            if not found:
                break
            mark, node = found[0][0].start_mark, found[0][1]
            continue
        else:
            break
        mark = node.start_mark
    return Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)


def _build(data: bytes, file: str) -> Any:
    """Build data from libyaml's events, which takes a third of the time of `yaml.load`."""
    loader = yaml.CSafeLoader(data)
    # Of each anchor: the value, and its size with all that aliases repeat in it.
    anchors: dict[str, tuple[Any, int]] = {}
    aliases = repeated = size = 0
    # Of each open container: itself, the key that waits for a value, its anchor, the size before it.
    stack: list[tuple[Any, Any, str | None, int]] = []
    container: Any = []
    key: Any = None
    # Untyped: each class of event has other attributes.
    events: Iterator[Any] = iter(loader.get_event, None)
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            # A name is text, whatever it looks like.
            names = key is None and type(container) is dict
            value = _scalar(event.value) if event.implicit[0] and not names else event.value
            size += _VALUE_SIZE + len(event.value)
            if event.anchor is not None:
                anchors[event.anchor] = (value, _VALUE_SIZE + len(event.value))
        elif kind in (MappingStartEvent, SequenceStartEvent):
            stack.append((container, key, event.anchor, size))
            size += _VALUE_SIZE
            container, key = ({} if kind is MappingStartEvent else []), None
            if len(stack) > _MOST_DEEP:
                raise _refusal("nesting is too deep", event, file)
            continue
        elif kind in (MappingEndEvent, SequenceEndEvent):
            value = container
            if kind is MappingEndEvent and isinstance(value.get("<<"), dict):
                value = {**value.pop("<<"), **value}
            container, key, anchor, before = stack.pop()
            if anchor is not None:
                anchors[anchor] = (value, size - before)
        elif kind is AliasEvent:
            aliases += 1
            if event.anchor not in anchors or aliases > _MOST_ALIASES:
                raise _refusal(f"*{event.anchor} names no anchor before it, or there are too many", event, file)
            value, added = anchors[event.anchor]
            size, repeated = size + added, repeated + added
            if repeated > _MOST_REPEATED:
                raise _refusal("aliases repeat too much", event, file)
        else:
            continue
        if type(container) is list:
            container.append(value)
        elif key is None:
            if not isinstance(value, str):
                raise _refusal("a name has to be text", event, file)
            if value in container:
                raise _refusal(f"{value[:60]} stands here twice", event, file)
            key = value
        else:
            container[key] = value
            key = None
    return container[0] if container else None


def _refusal(message: str, event: Any, file: str) -> LoadError:
    return LoadError(message, place=Place(file, event.start_mark.line + 1, event.start_mark.column + 1))


def _scalar(text: str) -> Any:
    if text.lower() in _CONSTANTS and text in (text.lower(), text.upper(), text.title()):
        return _CONSTANTS[text.lower()]
    if text[-1:] in _NUMBER_ENDS and _NUMBER.match(text):
        # Beyond 64 bits JSON has no whole numbers.
        return int(text) if len(text) < _WHOLE_DIGITS and text.lstrip("+-").isdigit() else float(text)
    return text
