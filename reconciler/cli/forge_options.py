"""Options of the commands that talk to a forge: which one, which repository, which pull request, as whom."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from reconciler.gitops.forge_names import ForgeName

if TYPE_CHECKING:
    from reconciler.gitops.event import Event

_Callback = TypeVar("_Callback", bound=Callable[..., Any])


class ForgeOptions(Struct, frozen=True):
    """What was given; None: the pipeline tells it."""

    forge: str | None
    repository: str | None
    pull_request: int | None
    commit: str | None
    author: str | None

    def event(self) -> Event:
        """Return what the pipeline says of itself, with what was given in its place.

        Raises:
            UsageError: no forge is told or several are, no repository, or something that is none.
            LoadError: the event file cannot be read.
        """
        from reconciler.gitops.event import read_event

        return read_event(
            os.environ,
            forge=self.forge,
            repository=self.repository,
            pull_request=self.pull_request,
            commit=self.commit,
        )


def forge_options(callback: _Callback) -> _Callback:
    """Add the options to a command, which gets them one by one, by the names of `ForgeOptions`."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--forge",
        type=click.Choice([name.value for name in ForgeName]),
        help="Which forge, where the pipeline does not tell or tells several.",
    ),
    click.option("--repository", metavar="NAME", help="OWNER/NAME; of Azure DevOps and GitLab an ID."),
    click.option("--pull-request", type=click.IntRange(1), metavar="NUMBER", help="Which pull request."),
    click.option("--commit", metavar="SHA", help="The commit that it is about: of a pull request its last one."),
    click.option("--author", metavar="NAME", help="Whom the token writes as, if not the pipeline's own account."),
)
