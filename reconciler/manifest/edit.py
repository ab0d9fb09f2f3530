"""Changes one value of a manifest file and leaves every other byte of it alone: comments, quotes, order, spacing.

The edit is made in the text, at the positions that libyaml reports, and is checked by reading the result back.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from enum import Enum
from typing import Any, Final

from msgspec import Struct
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.errors import LoadError
from reconciler.manifest.documents import Scalars, events, parse_documents
from reconciler.manifest.positions import Path, format_path
from reconciler.manifest.write import render_data

_BOM = "\ufeff"
_INDENT = 2


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT


class _Node(Struct):
    """A value in the text. `end` is the end of its own last character, not of what follows it."""

    start: int
    end: int
    flow: bool
    items: list[_Item] | None = None


class _Item(Struct):
    """An entry of a mapping (with its name) or of a list."""

    name: str | None
    start: int
    name_end: int
    column: int
    node: _Node


def append_value(text: str, index: int, path: Path, value: Any) -> str:
    """Return the text of a file with one more item in a list, which is made where there is none.

    Args:
        text: of the file.
        index: number of the document in it.
        path: of the list, from the document's root.
        value: the item.

    Raises:
        LoadError: the file is no YAML, or is written in a way that this edit cannot be made safely.
    """
    bom, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    before = _data(body, path)
    listed: Any = before.get(index)
    node: _Node | None = _nodes(body).get(index)
    for part in path:
        found = None if node is None else _find(node, part)
        listed = listed[part] if found is not None else None
        node = None if found is None else found.node
    if not isinstance(listed, list) or node is None or node.flow or not node.items:
        return set_value(text, index, path, [*(listed or ()), value])
    last = node.items[-1]
    # What stands before the last item on its line is its dash.
    column = body.rfind("-", 0, last.start) - (body.rfind("\n", 0, last.start) + 1)
    newline = _newline(body)
    end = _line_end(body, last.node.end)
    head = body[:end] if body[:end].endswith("\n") else body[:end] + newline
    edited = f"{head}{_block(body, [value], column)}{newline}{body[end:]}"
    after = deepcopy(before)
    _set(after[index], path, [*listed, value])
    if _data(edited, path) != after:
        raise _cannot(path)
    return bom + edited


def set_value(text: str, index: int, path: Path, value: Any) -> str:
    """Return the text of a file with one value changed.

    Args:
        text: of the file.
        index: number of the document in it.
        path: from the document's root, e.g. `("spec", "pause")`.
        value: what is to stand there; ABSENT removes the field.

    Raises:
        LoadError: the file is no YAML, or is written in a way that this edit cannot be made safely.
    """
    bom, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    before = _data(body, path)
    if not isinstance(before.get(index), dict):
        raise _cannot(path)
    after = deepcopy(before)
    _set(after[index], path, value)
    nodes = _nodes(body)
    edited = _edit(body, nodes[index], before[index], path, value)
    # An anchor that went, a comment inside a flow mapping: whatever it is, a wrong edit is never handed back.
    if _data(edited, path) != after:
        raise _cannot(path)
    return bom + edited


def _cannot(path: Path) -> LoadError:
    return LoadError(f"{format_path(path)} cannot be changed in this file", next_step="Edit the file by hand.")


def _data(text: str, path: Path) -> dict[int, Any]:
    parsed = parse_documents(text.encode(), "", Scalars())
    if parsed.problems:
        raise _cannot(path)
    return {document.index: document.value for document in parsed.documents}


def _set(data: Any, path: Path, value: Any) -> None:
    for depth, part in enumerate(path):
        is_last = depth == len(path) - 1
        is_list = isinstance(data, list)
        if is_list and (not isinstance(part, int) or part >= len(data)):
            raise _cannot(path)
        if is_last and value is not ABSENT:
            data[part] = value
        elif is_last and (is_list or part in data):
            del data[part]
        elif not is_last:
            if not is_list and not isinstance(data.get(part), dict | list):
                data[part] = {}
            data = data[part]


def _edit(text: str, node: _Node, data: Any, path: Path, value: Any) -> str:
    """Descend as far as the path exists in block style, and change the text there."""
    parent, here, rest = node, data, path
    item: _Item | None = None
    while len(rest) > 1:
        found = _find(parent, rest[0])
        below = here[rest[0]] if found is not None else None
        if found is None or found.node.items is None or found.node.flow or not isinstance(below, dict | list):
            break
        item, parent, here, rest = found, found.node, below, rest[1:]
    found = _find(parent, rest[0])
    if found is None:
        return text if value is ABSENT else _inserted(text, parent, _fresh(rest, value))
    if len(rest) > 1:
        # A flow mapping, a scalar or nothing stands in the way: it is written anew.
        changed = deepcopy(here[rest[0]]) if isinstance(here[rest[0]], dict | list) else {}
        _set(changed, rest[1:], value)
        return _replaced(text, found, changed)
    if value is not ABSENT:
        return _replaced(text, found, value)
    if found.name is not None and len(parent.items or ()) > 1:
        return _removed(text, found)
    # The last entry of a mapping, or an item of a list: its parent is written anew.
    if item is None:
        raise _cannot(path)
    changed = deepcopy(here)
    _set(changed, rest, ABSENT)
    return _replaced(text, item, changed)


def _find(node: _Node, part: str | int) -> _Item | None:
    items = node.items or []
    if isinstance(part, int):
        return items[part] if part < len(items) else None
    return next((item for item in items if item.name == part), None)


def _fresh(path: Path, value: Any) -> dict[str, Any]:
    """Return a mapping in which nothing but this path stands."""
    for part in reversed(path):
        value = {part: value}
    fresh: dict[str, Any] = value
    return fresh


def _replaced(text: str, item: _Item, value: Any) -> str:
    """Put another value where an item's value stands."""
    node = item.node
    old_is_block = node.items is not None and not node.flow
    start = item.name_end if old_is_block or node.start == node.end else node.start
    space = "" if start == node.start and start != node.end else " "
    new = space + render_data(value, inline=True)
    if isinstance(value, dict | list) and value and not node.flow and item.name is not None:
        start = item.name_end
        new = _newline(text) + _block(text, value, item.column + _INDENT)
    tail = _newline(text) if text[start : node.end].endswith("\n") else ""
    return text[:start] + new + tail + text[node.end :]


def _inserted(text: str, parent: _Node, entry: dict[str, Any]) -> str:
    """Put a new entry behind the last one of a block mapping."""
    if not parent.items:
        raise _cannot(tuple(entry))
    last = parent.items[-1]
    newline = _newline(text)
    end = _line_end(text, last.node.end)
    before, after = text[:end], text[end:]
    if not before.endswith("\n"):
        before += newline
    return before + _block(text, entry, last.column) + newline + after


def _removed(text: str, item: _Item) -> str:
    """Take an entry of a block mapping out, its lines and the comment behind its value included."""
    line_start = text.rfind("\n", 0, item.start) + 1
    if text[line_start : item.start].strip(" "):
        # The entry shares its line with the dash of a list.
        following = text[_line_end(text, item.node.end) :]
        return text[: item.start] + following.lstrip(" ")
    return text[:line_start] + text[_line_end(text, item.node.end) :]


def _line_end(text: str, position: int) -> int:
    """The position after the line break that ends the line of the character before `position`."""
    if text[position - 1 : position] == "\n":
        return position
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _block(text: str, value: Any, column: int) -> str:
    lines = render_data(value).rstrip("\n").split("\n")
    return _newline(text).join(" " * column + line if line else line for line in lines)


def _nodes(text: str) -> dict[int, _Node]:
    """Return the root of each document."""
    roots: dict[int, _Node] = {}
    index = 0
    stream = events(text.encode())
    for event in stream:
        if type(event) is DocumentEndEvent:
            index += 1
        elif type(event) in (ScalarEvent, MappingStartEvent, SequenceStartEvent):
            roots[index] = _node(event, stream)
    return roots


def _node(event: Any, stream: Iterator[Any]) -> _Node:
    start, end = event.start_mark.index, event.end_mark.index
    if type(event) in (ScalarEvent, AliasEvent):
        return _Node(start, end, flow=False)
    node = _Node(start, end, flow=bool(event.flow_style), items=[])
    items: list[_Item] = []
    is_mapping = type(event) is MappingStartEvent
    for child in stream:
        if type(child) in (MappingEndEvent, SequenceEndEvent):
            node.end = child.end_mark.index if node.flow or not items else items[-1].node.end
            node.items = items
            break
        name = child.value if is_mapping else None
        # What stands between a name and its value is the colon.
        name_end = child.end_mark.index + 1 if is_mapping else child.start_mark.index
        value = _node(next(stream) if is_mapping else child, stream)
        items.append(_Item(name, child.start_mark.index, name_end, child.start_mark.column, value))
    return node
