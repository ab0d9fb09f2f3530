"""Begin a repository, or bring one up to date: files first, then live where asked, then pipelines for what is there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.commits import ask_git
from reconciler.app.project import Project
from reconciler.errors import LoadError, ManifestErrors, OutputError
from reconciler.gitops.init.needs import Needs, needs_of
from reconciler.gitops.init.pipelines import CI, FILES, REQUIREMENTS, pipelines
from reconciler.gitops.init.settings import Setting, settings, unmapped
from reconciler.gitops.init.settle import Outcome, Settled, check_paths, sealed, settle
from reconciler.gitops.init.source import WHEELS, Source, check_requirement, unusable
from reconciler.gitops.init.starter import (
    EMULATOR,
    REGION,
    check_branch,
    check_names,
    environment_file,
    repository_files,
    starter_files,
    uses_starter,
)
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.schemas import ALL_KINDS, schemas
from reconciler.registry import manifest_kinds

MANIFESTS = "manifests"
_LOGIN = ("OC_CLIENT_ID", "OC_CLIENT_SECRET", "SPARK_CLIENT_ID", "SPARK_CLIENT_SECRET")

Import = Callable[[Project, Path], Awaitable[Sequence[str]]]


class Wish(Struct, frozen=True):
    """What somebody wants.

    Args:
        folder: of the repository.
        ci: whose pipelines; None: none.
        environments: names of Environments to add, or to import from; empty: those that are there, or the emulator.
        region: of the marketplaces of new Environments.
        force: whether files that somebody has edited are replaced.
        requirement: what pipelines install, a line for pip; None: what runs here.
    """

    folder: Path
    ci: CI | None = None
    environments: tuple[str, ...] = ()
    region: str = REGION
    force: bool = False
    requirement: str | None = None


class Begun(Struct, frozen=True):
    """What became of a repository: its files, what was imported, its environments, and what is to be set by hand.

    `ci` is whose pipelines it was about; None: none.
    """

    folder: Path
    files: tuple[Settled, ...]
    imported: tuple[str, ...]
    needs: tuple[Needs, ...]
    settings: tuple[Setting, ...]
    ci: CI | None = None


async def begin(
    wish: Wish,
    environ: Mapping[str, str],
    origin: Source,
    take: Import | None = None,
    *,
    branch: str | None = None,
    unfinished: Callable[[Begun], None] = lambda _so_far: None,
) -> Begun:
    """Write what a repository lacks.

    Args:
        wish: what somebody wants.
        environ: environment variables; `SANDBOX_OC_CLIENT_ID` beats `OC_CLIENT_ID` for an environment `sandbox`.
        origin: where reconciler came from.
        take: imports what is live in an environment into a folder; None: manifests to begin with are written.
        branch: the default branch; None: git is asked.
        unfinished: told what was written, where an import fails or is interrupted.

    Raises:
        UsageError: a name that cannot be.
        ManifestErrors: the manifests that are there have problems.
        OutputError: a file cannot be written.
        ReconcilerError: live could not be read.
    """
    folder, manifests = wish.folder, wish.folder / MANIFESTS
    there = _loaded(manifests)
    known = [one.name for one in there.environments] if there else []
    idle = known if take is not None else []
    wanted = list(dict.fromkeys(wish.environments)) or idle or ([] if known else [EMULATOR])
    check_names(list(dict.fromkeys((*known, *wanted))))
    branch = check_branch(branch) if branch is not None else default_branch(folder)
    if wish.requirement is not None:
        check_requirement(wish.requirement)
        origin = replace(origin, requirement=wish.requirement, wheel=None)
    starter = take is None and not there
    new = [name for name in wanted if name not in known]
    _check_places(wish, origin, new, starter=starter, imports=take is not None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}", next_step="Name another folder.") from error
    schema = schemas(manifest_kinds())[ALL_KINDS].decode()
    files = [*settle(folder, {**repository_files(), f"schemas/{ALL_KINDS}": schema}, force=wish.force)]
    begins = starter or (there is not None and uses_starter(there))
    imported: list[str] = []
    for name in wanted:
        if name in new:
            path, text = environment_file(name, starter=begins, region=wish.region)
            files += settle(folder, {path: text}, force=False)
        if take is not None:
            project = Project(manifests, (name,), _environ_of(name, environ))
            try:
                imported += await take(project, manifests)
            except BaseException:
                unfinished(Begun(folder, tuple(files), tuple(imported), (), ()))
                raise
    if starter:
        files += settle(folder, starter_files(), force=False)
    needs = needs_of(_checked(manifests), manifest_kinds())
    found = unmapped(needs)
    if wish.ci is not None:
        made = {path: sealed(text) for path, text in pipelines(wish.ci, needs, branch).items()}
        files += settle(folder, made, force=wish.force)
        files += _install(folder, origin, force=wish.force)
        found = settings(wish.ci, needs, branch, installs=unusable(_text(folder / REQUIREMENTS)) is None)
    return Begun(folder, tuple(files), tuple(imported), needs, found, wish.ci)


def _check_places(wish: Wish, origin: Source, new: Sequence[str], *, starter: bool, imports: bool) -> None:
    """Refuse, before anything is written, what stands in the way of what will be.

    Raises:
        OutputError: a link, or a folder in a file's place.
    """
    paths = [*repository_files(), f"schemas/{ALL_KINDS}", *(starter_files() if starter else ())]
    paths += [environment_file(name, starter=starter)[0] for name in new]
    if wish.ci is not None:
        paths += [*FILES[wish.ci], REQUIREMENTS]
        paths += [f"{WHEELS}/{origin.wheel.name}"] if origin.wheel else []
    if imports:
        # What is imported goes into folders by kind.
        manifests = wish.folder / MANIFESTS
        links = [path for path in (manifests, *manifests.rglob("*")) if path.is_symlink()]
        paths += [path.relative_to(wish.folder).as_posix() for path in links]
    check_paths(wish.folder, paths)


def default_branch(folder: Path) -> str:
    """Return the default branch of a repository: what its origin says, else where it began, else `main`."""
    origin = _git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    name = origin.partition("/")[2] if origin else None
    if name is None and _git(folder, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        name = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    return name if name and re.fullmatch(r"[\w./-]+", name, re.ASCII) else "main"


def _loaded(manifests: Path) -> Loaded | None:
    """Return the manifests that are there already, or None.

    Raises:
        ManifestErrors: they have problems.
    """
    try:
        return _checked(manifests)
    except LoadError:
        if manifests.is_dir() and any(manifests.rglob("*.y*ml")):
            raise
        return None


def _checked(manifests: Path) -> Loaded:
    loaded = load(manifests, manifest_kinds())
    if loaded.problems:
        raise ManifestErrors(loaded.problems)
    return loaded


def _environ_of(name: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables for an environment, so that one command can log in to several."""
    prefix = re.sub(r"\W", "_", name.upper(), flags=re.ASCII)
    own = {login: environ[f"{prefix}_{login}"] for login in _LOGIN if f"{prefix}_{login}" in environ}
    return {**environ, **own}


_NOTHING = "# What pipelines install: one line for pip that says where reconciler comes from, as its README shows.\n"


def _install(folder: Path, origin: Source, *, force: bool) -> tuple[Settled, ...]:
    """Write what pipelines install, and the wheel beside it where it is one."""
    wanted = f"{origin.requirement}\n" if origin.requirement else _NOTHING
    path = folder / REQUIREMENTS
    there = _text(path)
    # A line that somebody has written stays: it may be a mirror of their own.
    if there and there != wanted and there != _NOTHING and not force:
        return (Settled(REQUIREMENTS, Outcome.KEPT),)
    done = [*settle(folder, {REQUIREMENTS: wanted}, force=force or there == _NOTHING)]
    if origin.wheel is not None:
        copy = folder / WHEELS / origin.wheel.name
        outcome = Outcome.UNCHANGED
        try:
            content = origin.wheel.read_bytes()
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(exist_ok=True)
                copy.write_bytes(content)
                outcome = Outcome.WRITTEN
        except OSError as error:
            raise OutputError(f"{copy} cannot be written: {error.strerror}", next_step="Name another folder.") from None
        done.append(Settled(f"{WHEELS}/{origin.wheel.name}", outcome))
    return tuple(done)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _git(folder: Path, *words: str) -> str | None:
    return (ask_git(folder, *words) or "").strip() or None
