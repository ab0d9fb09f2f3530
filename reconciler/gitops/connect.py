"""Which forge is which file. A forge is imported when it is used."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module

from reconciler.errors import UsageError
from reconciler.gitops.event import Event
from reconciler.gitops.forge import Forge
from reconciler.gitops.forge_names import ForgeName
from reconciler.http.observe import Observer

FORGES = {
    ForgeName.GITHUB: "reconciler.gitops.github:open_github",
    ForgeName.AZURE: "reconciler.gitops.azure_devops:open_azure_devops",
    ForgeName.GITLAB: "reconciler.gitops.gitlab:open_gitlab",
}


def open_forge(
    event: Event, observer: Observer, *, author: str | None = None, work_item_type: str | None = None
) -> AbstractAsyncContextManager[Forge]:
    """Open the repository that a pipeline is about, at its forge.

    Args:
        event: what the pipeline says of itself.
        observer: told of requests and waits.
        author: whom the token writes as, where it is not the forge's own account for pipelines.
        work_item_type: of Azure DevOps; what an issue is there.

    Raises:
        UsageError: a type of work item is given for a forge that has none.
        SecretUnset: the token is not set.
    """
    module, _, name = FORGES[event.forge].partition(":")
    more = {}
    if work_item_type is not None:
        if event.forge is not ForgeName.AZURE:
            raise UsageError("--work-item-type is for Azure DevOps", next_step="Leave it out.")
        more = {"work_item_type": work_item_type}
    opened: AbstractAsyncContextManager[Forge] = getattr(import_module(module), name)(
        event, observer, author=author, **more
    )
    return opened
