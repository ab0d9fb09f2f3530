"""Write files into a repository: nothing over what is there without saying so, and over nobody's own work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reconciler.app.files import write_file
from reconciler.errors import OutputError

_SEAL = re.compile(r"# init: [0-9a-f]{16}\n\Z")


class Outcome(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    UPDATED = "updated"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Settled:
    """A file by its path in the repository, and what became of it."""

    path: str
    outcome: Outcome


def sealed(text: str) -> str:
    """Return a file with a last line by which it is known later whether somebody has edited it."""
    return f"{text}# init: {hashlib.sha256(text.encode()).hexdigest()[:16]}\n"


def is_ours(text: str) -> bool:
    """Whether a file is as it was written with `sealed`."""
    return _SEAL.search(text) is not None and sealed(_SEAL.sub("", text)) == text


def settle(folder: Path, files: Mapping[str, str], *, force: bool) -> tuple[Settled, ...]:
    """Write files that are missing, and update those that are still as they were written before.

    Args:
        folder: of the repository.
        files: contents by path.
        force: whether files that somebody has edited are replaced.

    Raises:
        OutputError: one cannot be written.
    """
    return tuple(Settled(path, _settled(folder / path, text, force=force)) for path, text in files.items())


def _settled(path: Path, text: str, *, force: bool) -> Outcome:
    try:
        there = path.read_bytes().decode(errors="replace") if path.is_file() else None
        if there is None and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text)
            return Outcome.WRITTEN
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}", next_step="Name another folder.") from error
    if there == text:
        return Outcome.UNCHANGED
    if there is not None and (is_ours(there) or force):
        write_file(path, text)
        return Outcome.UPDATED if is_ours(there) else Outcome.REPLACED
    return Outcome.KEPT
