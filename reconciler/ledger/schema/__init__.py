"""The frozen steps from one version of the schema to the next, in the SQL of each database. A step is never edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

VERSION = 26
"""The version of the schema that this program works with."""

OLDEST_WRITER = 26
"""The oldest version whose program may write to a ledger of `VERSION`. The last step that raises it says why."""

_END = "\0"


@cache
def steps(database: str) -> Mapping[int, tuple[str, ...]]:
    """Return the statements of every step by the version that it leads to; the first one starts from nothing.

    Args:
        database: folder of its steps: `sqlite` or `postgres`.
    """
    return _read(database)


@cache
def of_new(database: str) -> tuple[int, tuple[str, ...]]:
    """Return the version that a new ledger begins with and its statements: the same as those of all steps to it.

    Args:
        database: folder of its steps: `sqlite` or `postgres`.
    """
    return max(_read(database, "new").items(), default=(0, ()))


def _read(*folder: str) -> dict[int, tuple[str, ...]]:
    """Return the statements of the files of a folder by the version in their names."""
    place = files(__name__).joinpath(*folder)
    found = {}
    for file in sorted(place.iterdir() if place.is_dir() else (), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            lines = (line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("--"))
            found[int(file.name.removesuffix(".sql"))] = tuple(_statements("\n".join(lines)))
    return found


def _statements(text: str) -> Iterator[str]:
    """Yield the statements of a file. One ends with its line; between two `$$` is the body of a function."""
    parts = text.split("$$")
    marked = "$$".join(part if number % 2 else part.replace(";\n", _END) for number, part in enumerate(parts))
    for statement in marked.split(_END):
        if statement.strip():
            yield statement.strip().rstrip(";")
