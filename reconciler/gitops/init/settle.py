"""Write files into a repository: nothing over what is there without saying so, and over nobody's own work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath

from msgspec import Struct

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


class Settled(Struct, frozen=True):
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
    check_paths(folder, files)
    return tuple(Settled(path, _settled(folder / path, text, force=force)) for path, text in files.items())


def check_paths(folder: Path, paths: Iterable[str]) -> None:
    """Refuse files that cannot be written, or that would be written elsewhere because a link leads out.

    Args:
        folder: of the repository; where it is itself is its owner's matter.
        paths: of files below it.

    Raises:
        OutputError: a link is on the way to one, a folder in its place, or a file in the place of its folder.
    """
    for path in paths:
        _check_path(folder, PurePosixPath(path).parts)


def _check_path(folder: Path, parts: Sequence[str]) -> None:
    at = folder
    for number, part in enumerate(parts, 1):
        at /= part
        try:
            linked, is_folder, there = at.is_symlink(), at.is_dir(), at.exists()
        except OSError as error:
            raise OutputError(f"{at} cannot be written: {error.strerror}", next_step="Name another folder.") from error
        if linked:
            raise OutputError(
                f"{at} is a symbolic link, and nothing is written through one",
                next_step="Put a file or folder of its own there, or take the link away.",
            )
        if there and is_folder != (number < len(parts)):
            words = "a folder, where a file belongs" if is_folder else "a file, where a folder belongs"
            raise OutputError(f"{at} is {words}", next_step="Move it away, or name another folder.")


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
