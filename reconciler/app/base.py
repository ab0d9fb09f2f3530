"""The manifests that a plan is compared with: those of another folder, or of a commit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from msgspec import Struct

from reconciler.app.commits import ask_git
from reconciler.errors import LoadError, UsageError
from reconciler.manifest.limits import MAX_FILE_BYTES, MAX_FILES
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.rule_changes import RuleChange, rule_changes
from reconciler.manifest.secret_changes import secret_changes
from reconciler.registry import manifest_kinds

_LINK = "120000"
_FILES = ("100644", "100755", _LINK)
_SUFFIXES = (".yaml", ".yml")


class Base(Struct, frozen=True):
    """What a plan is compared with.

    Args:
        name: as it was given; of a commit, its full ID.
        loaded: its manifests; None: it has none.
        after: the manifests that are planned.
    """

    name: str
    loaded: Loaded | None
    after: Loaded

    @property
    def unread(self) -> int:
        """Number of problems of the base: what could not be read counts as new."""
        return 0 if self.loaded is None else len(self.loaded.problems)

    def changes(self, environment: str) -> tuple[RuleChange, ...]:
        """Return what has changed in the rules of an environment since, and in what its secrets are made of."""
        secrets = secret_changes(self.loaded, self.after, environment, manifest_kinds())
        return (*rule_changes(self.loaded, self.after, environment), *secrets)


def open_base(given: str, manifests: Path, after: Loaded) -> Base:
    """Load the manifests of a base.

    Args:
        given: a folder of manifests, or what git calls a commit. Of a branch, the commit counts that it has in common
            with the one that is checked out.
        manifests: folder of the manifests that are planned.
        after: the manifests in it.

    Raises:
        UsageError: it is neither.
        LoadError: its manifests cannot be read.
    """
    folder = Path(given)
    if given and folder.is_dir():
        return Base(given, load(folder, manifest_kinds()), after)
    return _at(_commit(given, manifests), manifests, after)


def open_applied(commit: str, manifests: Path, after: Loaded) -> Base | None:
    """Load the manifests of the commit that was applied last; None: git does not know it here.

    Args:
        commit: its full ID, as the ledger has it.
        manifests: folder of the manifests that are planned.
        after: the manifests in it.

    Raises:
        LoadError: its manifests cannot be read.
    """
    try:
        return _at(_commit(commit, manifests), manifests, after)
    except UsageError:
        return None


def _at(commit: str, manifests: Path, after: Loaded) -> Base:
    with _checked_out(commit, manifests) as copy:
        return Base(commit, None if copy is None else load(copy, manifest_kinds()), after)


def _commit(given: str, manifests: Path) -> str:
    if ask_git(manifests, "rev-parse", "--show-prefix") is None:
        raise UsageError(
            f"--base {given} is no folder, and {manifests} is in no git repository",
            next_step="Name a folder of manifests.",
        )
    found = ask_git(manifests, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{given}^{{commit}}")
    if found is None:
        raise UsageError(
            f"--base {given} is neither a folder nor a commit that git knows here",
            next_step="Fetch it first; in a pipeline, check out with its history (fetch-depth: 0).",
        )
    commit = found.strip()
    return (ask_git(manifests, "merge-base", commit, "HEAD") or commit).strip()


@contextmanager
def _checked_out(commit: str, manifests: Path) -> Iterator[Path | None]:
    """Write the manifests of a commit to a folder that lasts as long as this; None: it has none."""
    prefix = (ask_git(manifests, "rev-parse", "--show-prefix") or "").strip("\n")
    listed = ask_git(manifests, "ls-tree", "-r", "-l", "-z", "--full-tree", commit, *(["--", prefix] if prefix else []))
    entries = [entry for line in (listed or "").split("\0") if line and (entry := _entry(line, prefix)) is not None]
    if len(entries) > MAX_FILES:
        raise LoadError(f"the base {commit} holds more than {MAX_FILES:,} files", next_step="Name a folder instead.")
    if not entries:
        yield None
        return
    with TemporaryDirectory(prefix="reconciler-base-") as place:
        _write(Path(place) / "manifests", entries, manifests)
        yield Path(place) / "manifests"


def _entry(line: str, prefix: str) -> tuple[str, str, PurePosixPath] | None:
    """Return mode, blob and path below the manifests of one entry; None of what is no manifest file."""
    told, _, name = line.partition("\t")
    mode, _, blob, size = told.split()
    path = PurePosixPath(name.removeprefix(prefix))
    usable = mode in _FILES and size.isdigit() and int(size) <= MAX_FILE_BYTES
    inside = name.startswith(prefix) and not path.is_absolute() and ".." not in path.parts
    return (mode, blob, path) if usable and inside and path.suffix.lower() in _SUFFIXES else None


def _write(folder: Path, entries: Sequence[tuple[str, str, PurePosixPath]], manifests: Path) -> None:
    # Links last, so that no file is written through one.
    entries = sorted(entries, key=lambda entry: entry[0] == _LINK)
    said = ask_git(manifests, "cat-file", "--batch", given="".join(f"{blob}\n" for _, blob, _ in entries))
    answer = (said or "").encode("utf-8", "surrogateescape")
    begin = 0
    for mode, _, path in entries:
        # Each answer: `BLOB blob SIZE`, a line's end, the content, a line's end.
        head = answer.index(b"\n", begin) + 1
        end = head + int(answer[begin:head].split()[-1])
        content, begin = answer[head:end], end + 1
        target = folder / path
        if os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if mode == _LINK:
            target.symlink_to(os.fsdecode(content))
        else:
            target.write_bytes(content)
