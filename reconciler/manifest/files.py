"""The files of a manifest folder: found in a stable order, and read without ever blocking or leaving the folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from msgspec import Struct

from reconciler.errors import LoadError, Place, Problem
from reconciler.manifest.limits import MAX_FILE_BYTES, MAX_FILES

ELSEWHERE = "Name the folder of the manifests with -m. To delete live objects, write `state: absent`."
FIRST_MANIFEST = (
    "`reconciler init` begins a repository with one. `reconciler import` needs an Environment manifest there first; "
    "`reconciler explain Environment` shows one."
)
_PERMISSIONS = "Check its permissions."
_SUFFIXES = (".yaml", ".yml")
# What people and editors make of a manifest's name: hidden, a copy, saved as text, JSON.
_LIKE_A_MANIFEST = re.compile(r"\..*\.ya?ml|.*\.ya?ml(~|\.(?!sw.$)[^.]+)|.*\.json", re.IGNORECASE)
_API_VERSION = b"reconciler/v"
_LOOKED_AT_BYTES = 65_536
# A FIFO must not block us, and a link that appears after the check must not be followed.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class FileBytes(Struct, frozen=True):
    """One file, under the name that the user knows."""

    file: str
    data: bytes


def base_of(folder: Path) -> Path:
    """Return what relative paths of ledger and secrets count from: the parent of the manifests folder."""
    # The text of `.` and `..` does not say their parent.
    return folder.parent if folder.name not in ("", "..") else folder.resolve().parent


def unread(folder: Path) -> Iterator[Problem]:
    """Yield a remark about each file below a folder that is no manifest by its name, and one by what it holds."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = str(Path(place) / name)
            if _LIKE_A_MANIFEST.fullmatch(name) and _API_VERSION in _beginning(file):
                yield Problem(
                    "not-read",
                    "this looks like a manifest and is not read",
                    Place(file),
                    hint="Give it a name that ends in .yaml or .yml and begins with no dot, or move it elsewhere.",
                )


def _beginning(file: str) -> bytes:
    """Return the beginning of a regular file; of what cannot be read, nothing."""
    try:
        descriptor = os.open(file, _OPEN_FLAGS)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _LOOKED_AT_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def read_folder(folder: Path) -> Iterator[FileBytes | Problem]:
    """Yield every manifest file below a folder, sorted by path, or the problem that stands in its way.

    Names that begin with a dot are left out. Links are followed to files inside the folder only.

    Raises:
        LoadError: the folder is missing, is no folder, cannot be read, or holds no manifest file.
    """
    try:
        root = folder.resolve(strict=True)
        if not root.is_dir():
            raise LoadError(f"{folder} is not a folder", next_step="Name the folder of the manifests with -m.")
        os.scandir(root).close()
    except FileNotFoundError:
        raise LoadError(
            f"there is no folder {folder}",
            next_step=f"Name the folder of the manifests with -m. {FIRST_MANIFEST}",
        ) from None
    except (OSError, RuntimeError) as error:
        raise LoadError(f"the folder {folder} cannot be read: {_reason(error)}", next_step=_PERMISSIONS) from None
    count = 0
    for found in _entries(str(folder), str(root)):
        count += 1
        if count > MAX_FILES:
            raise LoadError(f"{folder} holds more than {MAX_FILES:,} files", next_step="Split it into several folders.")
        yield _read(*found) if isinstance(found, tuple) else found
    if not count:
        like_one = next(unread(folder), None)
        raise LoadError(
            f"the folder {folder} holds no manifest (*.yaml, *.yml)",
            place=None if like_one is None else like_one.place,
            next_step=f"{ELSEWHERE} {FIRST_MANIFEST}" if like_one is None else like_one.hint,
        )


def _entries(folder: str, root: str) -> Iterator[tuple[str, str] | Problem]:
    """Yield (name for people, path to open) of each manifest file."""
    waiting = list(_listed(folder))
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, Problem):
            yield entry
            continue
        is_manifest = entry.name.lower().endswith(_SUFFIXES)
        if entry.is_symlink():
            yield from _linked(entry, root, is_manifest=is_manifest)
        elif entry.is_dir(follow_symlinks=False):
            waiting.extend(_listed(entry.path))
        elif is_manifest:
            yield entry.path, entry.path


def _listed(folder: str) -> list[os.DirEntry[str] | Problem]:
    """Return what a folder holds, last name first, names that begin with a dot left out."""
    try:
        with os.scandir(folder) as scan:
            visible = [entry for entry in scan if not entry.name.startswith(".")]
    except OSError as error:
        return [
            Problem("unreadable-file", f"the folder cannot be read: {_reason(error)}", Place(folder), hint=_PERMISSIONS)
        ]
    return [*sorted(visible, key=lambda entry: entry.name, reverse=True)]


def _linked(entry: os.DirEntry[str], root: str, *, is_manifest: bool) -> Iterator[tuple[str, str] | Problem]:
    try:
        target = Path(entry.path).resolve(strict=True)
        is_dir = target.is_dir()
    except (OSError, RuntimeError) as error:
        if is_manifest:
            yield Problem(
                "unreadable-file",
                f"the link cannot be followed: {_reason(error)}",
                Place(entry.path),
                hint="Put the file itself here.",
            )
        return
    if is_dir:
        yield Problem("link", "a link to a folder is not followed", Place(entry.path), hint="Use a real folder.")
    elif is_manifest and not target.is_relative_to(root):
        yield Problem("link", "the link leads out of the folder", Place(entry.path), hint="Put the file itself here.")
    elif is_manifest:
        yield entry.path, str(target)


def _read(file: str, path: str) -> FileBytes | Problem:
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Problem("not-a-file", "this is not a regular file", Place(file), hint="Remove it.")
            if status.st_size > MAX_FILE_BYTES:
                message = f"the file is larger than {MAX_FILE_BYTES >> 20} MiB"
                return Problem("too-large", message, Place(file), hint="Split it.")
            with FileIO(descriptor, closefd=False) as stream:
                return FileBytes(file, stream.readall())
        finally:
            os.close(descriptor)
    except OSError as error:
        return Problem("unreadable-file", f"the file cannot be read: {_reason(error)}", Place(file), hint=_PERMISSIONS)


def _reason(error: OSError | RuntimeError) -> str:
    return (getattr(error, "strerror", None) or "links that lead in a circle").lower()
