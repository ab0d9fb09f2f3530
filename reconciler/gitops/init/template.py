"""Fill templates: files of another language with `@@NAME@@` for values and lines of our own that begin with `%%`.

`%% each NAME` … `%% end` repeats lines for each of a list of values, `%% if NAME` and `%% unless NAME` … `%% end` keep
or leave them, `%% include FILE` takes in another template, indented as it stands. A line that is nothing but `@@NAME@@`
may become several, or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

_OWN = re.compile(r"^( *)%% (each|if|unless|include|end)(?: (\S+))?$")
_ALONE = re.compile(r"^( *)@@(\w+)@@$")
_WITHIN = re.compile(r"@@(\w+)@@")


def fill(name: str, values: Mapping[str, Any]) -> str:
    """Return a template, filled in.

    Args:
        name: its path below templates/.
        values: texts, flags, lists of lines (for a line of its own), and lists of further values (for `each`).
    """
    return "".join(f"{line}\n" for line in _filled(_lines(name), values))


def _lines(name: str) -> list[str]:
    """Return the lines of a template, with those that it includes."""
    text = files(__package__).joinpath("templates", *name.split("/")).read_text(encoding="utf-8")
    lines: list[str] = []
    for line in text.splitlines():
        own = _OWN.match(line)
        if own is not None and own[2] == "include":
            lines += [f"{own[1]}{included}" if included else "" for included in _lines(own[3])]
        else:
            lines.append(line)
    return lines


def _filled(lines: Sequence[str], values: Mapping[str, Any]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        own, alone = _OWN.match(line), _ALONE.match(line)
        if own is not None:
            end = _end(lines, position)
            for inner in _times(own[2], own[3], values):
                yield from _filled(lines[position:end], {**values, **inner})
            position = end + 1
        elif alone is not None and not isinstance(values[alone[2]], str):
            yield from (f"{alone[1]}{one}" for one in values[alone[2]])
        else:
            yield _WITHIN.sub(lambda found: str(values[found[1]]), line)


def _times(word: str, name: str, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the values to add, once for each time that lines are written."""
    if word == "each":
        found: Sequence[Mapping[str, Any]] = values[name]
        return found
    return [{}] if bool(values[name]) == (word == "if") else []


def _end(lines: Sequence[str], position: int) -> int:
    """Return where the `%% end` stands that belongs to what begins before a position."""
    depth = 1
    while depth:
        own = _OWN.match(lines[position])
        depth += 0 if own is None else -1 if own[2] == "end" else 1
        position += 1
    return position - 1
