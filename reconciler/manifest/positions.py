"""Positions in a file, line and column: worked out only when somebody asks, once per file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Protocol

import yaml
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

from reconciler.errors import Place
from reconciler.manifest.documents import events

Path = tuple[str | int, ...]
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def parse_path(text: str) -> Path:
    """Split `windows[0].cron` into its parts."""
    return tuple(int(number) if number else name for number, name in _PART.findall(text))


def format_path(path: Path) -> str:
    """Write a path the way people read it: `windows[0].cron`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


class _Position(Struct, frozen=True):
    """Line and column (0-based) of a field's name and of its value."""

    key: tuple[int, int]
    value: tuple[int, int]


class Source:
    """A file that was read, and the way from a path in one of its documents to line and column."""

    __slots__ = ("_data", "_positions", "file")

    def __init__(self, file: str, data: bytes) -> None:
        self.file = file
        self._data = data
        self._positions: list[Mapping[Path, _Position]] | None = None

    def place(self, index: int, path: Path, *, key: bool = False) -> Place:
        """Return where a path of a document stands; what is not there, at its nearest parent.

        Args:
            index: number of the document in the file.
            path: from the document's root.
            key: the place of the field's name instead of its value's.
        """
        if self._positions is None:
            self._positions = _positions(self._data)
        if index < len(self._positions):
            found = self._positions[index]
            for length in range(len(path), -1, -1):
                position = found.get(path[:length])
                if position is not None:
                    line, column = position.key if key or length < len(path) else position.value
                    return Place(self.file, line + 1, column + 1)
        return Place(self.file)


def _positions(data: bytes) -> list[Mapping[Path, _Position]]:
    """Return the positions of every document, as far as the file can be parsed."""
    documents: list[Mapping[Path, _Position]] = []
    # A broken rest has been reported when the file was loaded.
    with contextlib.suppress(yaml.YAMLError):
        _walk(data, documents)
    return documents


def _walk(data: bytes, documents: list[Mapping[Path, _Position]]) -> None:
    current: dict[Path, _Position] = {}
    documents.append(current)
    stack: list[tuple[Path, bool]] = []  # of each open container: its path, and whether it is a mapping
    counts: list[int] = []  # of each open container: how many items it has so far
    pending: tuple[str, tuple[int, int]] | None = None  # the name that waits for its value, and where it stands
    for event in events(data):
        kind = type(event)
        if kind is DocumentEndEvent:
            current = {}
            documents.append(current)
            continue
        if kind in (MappingEndEvent, SequenceEndEvent):
            stack.pop()
            counts.pop()
            pending = None
            continue
        if kind not in (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent):
            continue
        mark = (event.start_mark.line, event.start_mark.column)
        path: Path = ()
        name = mark
        if stack:
            parent, is_mapping = stack[-1]
            if is_mapping and pending is None:
                pending = (event.value if kind is ScalarEvent else "", mark)
                if kind in (ScalarEvent, AliasEvent):
                    continue
            if is_mapping and pending is not None:
                path, name, pending = (*parent, pending[0]), pending[1], None
            else:
                path = (*parent, counts[-1])
                counts[-1] += 1
        is_container = kind in (MappingStartEvent, SequenceStartEvent)
        # What is wrong with a whole mapping is shown at its name; with a value, at the value.
        current[path] = _Position(name, name if is_container else mark)
        if is_container:
            stack.append((path, kind is MappingStartEvent))
            counts.append(0)


class Locator(Protocol):
    """Finds the place of a path below a manifest's spec."""

    def at(self, path: Path, *, key: bool = False) -> Place: ...


class DocumentLocator(Struct, frozen=True):
    """Places below one node of one document, `spec` unless told otherwise."""

    source: Source
    index: int
    prefix: Path = ("spec",)

    def at(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a path below the prefix."""
        return self.source.place(self.index, (*self.prefix, *path), key=key)

    def from_root(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a path below the document itself."""
        return self.source.place(self.index, path, key=key)


class SubLocator(Struct, frozen=True):
    """Places below one path of another locator."""

    base: Locator
    prefix: Path

    def at(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a path below the prefix."""
        return self.base.at((*self.prefix, *path), key=key)


class PatchedLocator(Struct, frozen=True):
    """Places of a patched manifest: what the patch sets stands in the patch."""

    base: Locator
    patch: Locator
    values: Mapping[str, Any]

    def at(self, path: Path, *, key: bool = False) -> Place:
        """Return the place in the patch where it decides the path, else in the manifest."""
        here: Any = self.values
        for part in path:
            if not isinstance(here, dict):
                return self.patch.at(path, key=key)
            if part not in here:
                return self.base.at(path, key=key)
            here = here[part]
        return (self.base if isinstance(here, dict) else self.patch).at(path, key=key)
