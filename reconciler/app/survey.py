"""Look at what people should know of declared objects beside how they differ: see `kind.Survey`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.errors import ApiError, SecretUnset
from reconciler.kind.kind import Survey
from reconciler.reconcile.plan import Note, NoteKind
from reconciler.reconcile.session import Session
from reconciler.reconcile.work import Desired
from reconciler.registry import open_reader

if TYPE_CHECKING:  # it brings the HTTP client
    from reconciler.http.connections import Connections
    from reconciler.http.observe import Observer


async def surveyed(
    session: Session, targets: frozenset[str], observer: Observer, connections: Connections, *, token_cache: bool = True
) -> tuple[Note, ...]:
    """Return what the surveys of declared objects say; nothing of one whose API cannot be asked: it is no difference.

    Args:
        session: of the environment.
        targets: kinds or `KIND/NAME` that the plan is limited to; empty: none.
        observer: told of the requests.
        connections: shared by the environments of one run.
        token_cache: whether access tokens may be kept in files.
    """

    async def one(desired: Desired, survey: Survey) -> list[Note]:
        try:
            async with open_reader(
                session.connections[survey.api],
                survey.roles,
                token_cache=token_cache,
                observer=observer,
                connections=connections,
            ) as reader:
                said = await survey.ask(desired.state, reader)
        except (ApiError, SecretUnset):  # a plan that needs the login as well says so itself
            return []
        return [Note(NoteKind.REMARK, desired.key, words, desired.place) for words in said]

    asked = [
        one(desired, survey)
        for desired in session.desired
        if not desired.absent
        and (not targets or targets & {desired.kind, desired.key})
        and (survey := session.kinds[desired.kind].survey(desired.state)) is not None
        and survey.api in session.connections
    ]
    return tuple(note for notes in await asyncio.gather(*asked) for note in notes)
