"""Ask git what has changed since a commit. Where there is no git or no such commit, that is said, and no error."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SECONDS = 60
# A stranger's hooks and helpers have no business in a question.
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}


def clean_commit(folder: Path) -> str | None:
    """Return the commit that a folder stands at; None where it is in no git work tree, or differs from the commit."""
    head = ask_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = ask_git(folder, "status", "--porcelain", "--untracked-files=all", "--", ".")
    return head.strip() if head and changes == "" else None


def changed_since(folder: Path, commit: str | None) -> frozenset[Path] | None:
    """Return the files below a folder that differ from a commit, by their real paths; None where that is not known.

    What is not committed counts, and so does what git does not know yet.

    Args:
        folder: of the manifests.
        commit: a full commit ID, or None.
    """
    if commit is None or not all(letter in "0123456789abcdef" for letter in commit):
        return None
    top = ask_git(folder, "rev-parse", "--show-toplevel")
    diff = ask_git(folder, "diff", "--no-ext-diff", "--no-renames", "--name-only", "-z", commit, "--", ".")
    new = ask_git(folder, "ls-files", "--others", "--full-name", "--exclude-standard", "-z", "--", ".")
    if top is None or diff is None or new is None:
        return None
    root = Path(top.rstrip("\n"))
    return frozenset((root / name).resolve() for name in (*diff.split("\0"), *new.split("\0")) if name)


def ask_git(folder: Path, *words: str, given: str = "") -> str | None:
    """Return what git says, undecodable bytes as surrogates; None where it fails or there is none."""
    try:
        ended = subprocess.run(  # noqa: S603 - no shell, and words of our own
            ["git", "-c", "core.fsmonitor=false", *words],  # noqa: S607 - whichever git is on the PATH
            cwd=folder,
            input=given.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | _QUIET,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.decode("utf-8", "surrogateescape") if ended.returncode == 0 else None
