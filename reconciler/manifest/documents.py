"""YAML bytes to plain data: iterative, bounded, every problem with its line and column.

Built on libyaml's events, because they cost a third of what `yaml.load` does and stay under our control: depth, size,
duplicate keys, tags and aliases are judged while they arrive, and nothing is constructed but dicts, lists and scalars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

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
    StreamEndEvent,
)

from reconciler.errors import Place, Problem
from reconciler.manifest.limits import (
    MAX_ALIAS_NODES,
    MAX_DEPTH,
    MAX_FILE_EVENTS,
    MAX_PROBLEMS_PER_FILE,
    MAX_SCALAR,
)
from reconciler.manifest.scalars import LIST_TAG, MAP_TAG, STRING_TAG, BadScalar, plain_value, tagged_value

_MAX_TAG_DIRECTIVES = 10


class Document(Struct, frozen=True):
    """One document: its number in the file (empty ones counted), where it starts, and its data.

    `references` may be true without a reference in it (any `$`), never false with one.
    """

    index: int
    line: int
    value: Any
    references: bool


class Parsed(Struct, frozen=True):
    """Documents of a file. `complete` says that nothing of it is missing from `documents`."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    complete: bool


class _GiveUp(Exception):
    """The rest of the file cannot be read."""


class Scalars(dict[str, Any]):
    """Meanings of plain scalars, each worked out once. Share one between files."""

    def __missing__(self, text: str) -> Any:
        if text == "<<":
            raise BadScalar("is a merge key, which YAML 1.2 does not have", "Repeat the fields, or use a patch.")
        value = self[text] = plain_value(text)
        return value


def events(data: bytes) -> Iterator[Any]:
    """Yield libyaml's events of UTF-8 bytes, at most MAX_FILE_EVENTS (untyped: each class has other attributes).

    Raises:
        yaml.YAMLError: this is not YAML.
    """
    loader = yaml.CSafeLoader(data)
    return islice(iter(loader.get_event, None), MAX_FILE_EVENTS)


# As git writes them: at the start of a line, where no text of a manifest can stand.
_CONFLICT = tuple(
    re.compile(pattern, re.MULTILINE) for pattern in (rb"^<{7}(?= |\r?$)", rb"^={7}(?=\r?$)", rb"^>{7}(?= |\r?$)")
)


def parse_documents(data: bytes, file: str, scalars: Scalars) -> Parsed:
    """Return the documents of a file and everything wrong with it as YAML.

    Args:
        data: the bytes of the file.
        file: its name, as the user knows it.
        scalars: shared memo.
    """
    refused = _refused(data, file)
    if refused is not None:
        return Parsed((), (refused,), complete=False)
    parsed, mark = _parse(data, file, scalars)
    if mark is not None:
        # The scanner reads ahead of the events, and since libyaml 0.2.6 it has a depth limit of its own. What stands
        # before its error is judged by ours first, so that every libyaml leads to the same answer.
        before, _ = _parse(data.decode("utf-8-sig", "replace")[: mark.index].encode(), file, scalars)
        if any(problem.code == "too-deep" for problem in before.problems):
            return before
    return parsed


def _parse(data: bytes, file: str, scalars: Scalars) -> tuple[Parsed, Any]:
    """Return what can be read, and the mark at which the scanner gave up, if it did."""
    builder = _Builder(file, scalars)
    complete, mark = False, None
    try:
        builder.build(events(data))
        complete = True
    except _GiveUp:
        pass
    except yaml.YAMLError as error:
        builder.problems.append(_syntax_problem(error, data, file))
        if isinstance(error, yaml.scanner.ScannerError):
            mark = error.problem_mark
    return Parsed(tuple(builder.documents), tuple(builder.problems), complete), mark


class _Builder:
    """Builds documents from events and collects what is wrong with them."""

    def __init__(self, file: str, scalars: Scalars) -> None:
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self._file = file
        self._scalars = scalars

    def build(self, stream: Iterator[Any]) -> None:
        """Consume the events of a file.

        Raises:
            _GiveUp: the rest of the file is of no use; the problem says why.
        """
        scalars = self._scalars
        anchors: dict[str, tuple[Any, int]] = {}
        aliased = 0
        stack: list[tuple[Any, str | None, str | None, int]] = []
        container: Any = None
        key: str | None = None
        root: Any = None
        line = index = 0
        references = False
        for count, event in enumerate(stream):
            kind = type(event)
            if kind is ScalarEvent:
                value = text = event.value
                if "$" in text:
                    references = True
                try:
                    if event.implicit[0]:
                        value = scalars[text]
                    elif event.tag is not None:
                        value = tagged_value(event.tag, text)
                    elif len(text) > MAX_SCALAR:
                        value = tagged_value(STRING_TAG, text)
                except BadScalar as error:
                    self._problem("bad-scalar", f"this value {error}", event, error.hint)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1)
                if container is None:
                    line = event.start_mark.line + 1
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    hint = "Flatten it: no kind has a field so deep."
                    self._problem("too-deep", f"nesting is deeper than {MAX_DEPTH} levels", event, hint)
                    raise _GiveUp
                if event.tag is not None and event.tag not in (MAP_TAG, LIST_TAG):
                    self._problem("tag", f"the tag {event.tag[:60]} is not allowed", event, "Remove the tag.")
                if container is None:
                    line = event.start_mark.line + 1
                stack.append((container, key, event.anchor, count + aliased))
                container, key = ({} if kind is MappingStartEvent else []), None
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = container
                container, key, anchor, start = stack.pop()
                if anchor is not None:
                    anchors[anchor] = (value, count + aliased - start)
            elif kind is AliasEvent:
                # An anchor is known once its node has ended, so nothing can contain itself.
                if event.anchor not in anchors:
                    hint = "Set the anchor with & earlier in the same document, or put the value in quotes."
                    self._problem("unknown-alias", f"*{event.anchor[:60]} names no anchor before it", event, hint)
                    raise _GiveUp
                value, size = anchors[event.anchor]
                aliased += size
                if aliased > MAX_ALIAS_NODES:
                    message = f"aliases expand to more than {MAX_ALIAS_NODES:,} values"
                    self._problem("too-many-aliases", message, event, "Write the values out, or alias less.")
                    raise _GiveUp
            elif kind is DocumentEndEvent:
                if root is not None:
                    self.documents.append(Document(index, line, root, references))
                root, references = None, False
                index += 1
                anchors.clear()
                continue
            elif kind is StreamEndEvent:
                return
            else:
                continue
            if type(container) is dict:
                if key is not None:
                    container[key] = value
                    key = None
                elif type(value) is str and value not in container:
                    key = value
                else:
                    key = self._key(value, container, event)
            elif container is None:
                root = value
            else:
                container.append(value)
        message = f"the file has more than {MAX_FILE_EVENTS:,} values"
        self.problems.append(Problem("too-large", message, Place(self._file), hint="Split it into several files."))
        raise _GiveUp

    def _key(self, value: Any, container: dict[str, Any], event: Any) -> str:
        if type(value) is not str:
            self._problem("key-not-text", "a field name must be text", event, "Put it in quotes.")
            return f"\0{len(container)}"
        if value in container:
            self._problem("duplicate-key", f"{value[:60]} stands here twice", event, "Keep one of them.", value[:60])
        return value

    def _problem(self, code: str, message: str, event: Any, hint: str | None = None, value: str | None = None) -> None:
        mark = event.start_mark
        self.problems.append(Problem(code, message, Place(self._file, mark.line + 1, mark.column + 1), value, hint))
        if len(self.problems) >= MAX_PROBLEMS_PER_FILE:
            raise _GiveUp


def _refused(data: bytes, file: str) -> Problem | None:
    """Say why bytes are not even tried, or None."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("not-utf8", "the file is UTF-16", Place(file, 1, 1), hint="Save it as UTF-8.")
    conflict = _conflict(data) if b"<<<<<<<" in data else None
    if conflict is not None:
        place = Place(file, data.count(b"\n", 0, conflict) + 1, 1)
        message = "a merge conflict is not resolved: both sides stand here, between <<<<<<< and >>>>>>>"
        return Problem(
            "conflict-marker", message, place, hint="Keep one side, or both in order, and remove the markers."
        )
    # libyaml compares every %TAG directive with all others.
    if data.count(b"%TAG") > _MAX_TAG_DIRECTIVES:
        return Problem("tag", "%TAG directives are not allowed", Place(file), hint="Remove them.")
    return None


def _conflict(data: bytes) -> int | None:
    """Return where an unresolved merge conflict begins, or None."""
    first: int | None = None
    end = 0
    for marker in _CONFLICT:
        found = marker.search(data, end)
        if found is None:
            return None
        first = found.start() if first is None else first
        end = found.end()
    return first


def _syntax_problem(error: yaml.YAMLError, data: bytes, file: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        before = data[: error.position]
        place = Place(file, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        if "UTF-8" in error.reason or "surrogate" in error.reason:
            return Problem("not-utf8", "the file is not UTF-8", place, hint="Save it as UTF-8.")
        return Problem(
            "control-character",
            "a control character stands here",
            place,
            hint="Remove it, or write it as \\x in quotes.",
        )
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "it cannot be read")
    if mark is None:
        return Problem("not-yaml", f"this is not YAML: {problem}", Place(file), hint="Open it in an editor with YAML.")
    place = Place(file, mark.line + 1, mark.column + 1)
    lines = data.split(b"\n", mark.line + 1)
    text = lines[mark.line] if mark.line < len(lines) else b""
    if b"\t" in text[: len(text) - len(text.lstrip())] or text[mark.column : mark.column + 1] == b"\t":
        return Problem("not-yaml", "a tab is used for indentation", place, hint="Indent with spaces.")
    hint = "Look at this line and the one before it: indentation, quotes, colons."
    return Problem("not-yaml", f"this is not YAML: {problem}", place, hint=hint)
