"""The gate before what nobody has reviewed: does the forge's environment have reviewers?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from reconciler.errors import ApiError, LoadError, SecretUnset, UsageError
from reconciler.gitops.connect import open_forge
from reconciler.gitops.event import GATE_NEEDS, GATE_TOKEN, read_event
from reconciler.http.observe import Observer


def forge_gate(environ: Mapping[str, str], observer: Observer) -> Callable[[str], Awaitable[str | None]]:
    """Return what asks the forge of this pipeline whether an environment has reviewers.

    It answers None where it has, or one sentence without a full stop why that cannot be relied on. Whatever the forge
    does not say counts as no.

    Args:
        environ: the environment variables.
        observer: told of the requests.
    """

    async def ask(environment: str) -> str | None:
        try:
            event = read_event(environ, gate=True)
            if event.environment not in (None, environment):
                return f"this job runs in the environment {event.environment} of the forge, and not in {environment}"
            if event.forge in GATE_NEEDS and not event.token.is_set:
                variable, needs = GATE_TOKEN[event.forge], GATE_NEEDS[event.forge]
                return f"{variable} is not set: to ask for reviewers takes a token with {needs}"
            async with open_forge(event, observer) as forge:
                found = await forge.reviewed(environment)
        except (ApiError, LoadError, SecretUnset, UsageError) as error:
            return f"the forge cannot be asked whether the environment {environment} has reviewers: {error.message}"
        return None if found.is_certain else found.why

    return ask
