"""Search for the manifests folder when nobody names it: `manifests` here, or in a folder above."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.errors import LoadError
from reconciler.manifest.files import FIRST_MANIFEST

NAME = "manifests"


def find_manifests(start: Path | None = None) -> Path:
    """Return the folder `manifests` of a folder, or of the nearest one above that has it, relative to where it starts.

    The search ends at the root of a repository, at a mount point and at the home folder. A folder above that belongs to
    somebody else than the one where it starts is passed over: in a folder that all share, anybody could put it there.

    Args:
        start: where to begin; left out: the working directory.

    Raises:
        LoadError: there is none, and how far the search went.
    """
    try:
        here = (start or Path.cwd()).resolve()
        owner = here.stat().st_uid
    except OSError:  # the working directory is gone; whoever reads the folder says so
        return Path(NAME)
    for steps, folder in enumerate((here, *here.parents)):
        found = folder / NAME
        # Here it may also be what it must not be: whoever reads it says so.
        if os.path.lexists(found) if steps == 0 else found.is_dir() and found.stat().st_uid == owner:
            return Path(*[os.pardir] * steps, NAME)
        if (end := _end(folder)) is not None:
            beyond = f", nor above it up to {folder} ({end})" if steps else f" ({end})"
            raise LoadError(
                f"there is no folder {NAME} here{beyond}",
                next_step=f"Name the folder of the manifests with -m, or make one. {FIRST_MANIFEST}",
            )
    return Path(NAME)


def _end(folder: Path) -> str | None:
    """Return why the search ends at a folder, or None."""
    if os.path.lexists(folder / ".git"):
        return "the root of the repository"
    if folder == Path.home():
        return "your home folder"
    return "a mount point" if os.path.ismount(folder) else None
