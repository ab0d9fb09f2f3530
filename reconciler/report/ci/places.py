"""Places of problems relative to the checkout, as CI systems name files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from msgspec.structs import replace

from reconciler.errors import Problem

# The variable in which a CI system says where the checkout is, by format.
CHECKOUT = {
    "github": "GITHUB_WORKSPACE",
    "sarif": "GITHUB_WORKSPACE",
    "azure": "BUILD_SOURCESDIRECTORY",
    "gitlab": "CI_PROJECT_DIR",
}


def in_checkout(problems: Sequence[Problem], checkout: str | None, working: str) -> tuple[Problem, ...]:
    """Return problems with their files relative to the checkout; files outside it stay as they are.

    Args:
        problems: with files relative to the working directory, or absolute.
        checkout: its absolute path; None: there is none.
        working: the working directory.
    """
    if not checkout:
        return tuple(problems)
    return tuple(
        replace(problem, place=replace(problem.place, file=_relative(problem.place.file, checkout, working)))
        for problem in problems
    )


def _relative(file: str, checkout: str, working: str) -> str:
    path = PurePath(working, file)
    if ".." in path.parts or not path.is_relative_to(checkout):
        return file
    return path.relative_to(checkout).as_posix()
