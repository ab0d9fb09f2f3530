"""What `doctor` looks at for data syncs: can the source be read, and is what would run what was applied."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager

from reconciler.errors import ApiError
from reconciler.kind.connection import Reader
from reconciler.reconcile.doctor import Finding, Verdict
from reconciler.sync.datasync import API_NAMES, SOURCE, DataSync, Standing
from reconciler.words import listed


async def examine_syncs(syncs: Sequence[DataSync], source: AbstractAsyncContextManager[Reader]) -> tuple[Finding, ...]:
    """Examine the data syncs of an environment; nothing is written.

    Args:
        syncs: those of the environment.
        source: opens a connection to the source, with all roles that the API client has.
    """
    async with source as reader:
        roles: dict[str, list[str]] = {}
        for role, path in {role: path for sync in syncs for role, path in sync.data.lists.items()}.items():
            roles.setdefault(path, []).append(role)
        reads = await asyncio.gather(*(_read(reader, path, of_path) for path, of_path in roles.items()))
    return (*reads, *_standings(syncs))


async def _read(reader: Reader, path: str, roles: Sequence[str]) -> Finding:
    subject = f"read {path} of {API_NAMES[SOURCE]}"
    what = f"the role{'s' if len(roles) > 1 else ''} {listed(roles)}"
    try:
        await reader.get(path, {"pageSize": 1})
    except ApiError as error:
        return Finding("data", subject, Verdict.FAILED, error.message, f"Give the API client {what}.")
    return Finding("data", subject, Verdict.OK, "it answers")


def _standings(syncs: Sequence[DataSync]) -> Iterator[Finding]:
    flowing: dict[str, list[str]] = {}
    for sync in syncs:
        flowing.setdefault(sync.key, []).extend(sync.data.flowing)
    for sync in {each.key: each for each in syncs}.values():
        if sync.standing is Standing.APPLIED:
            yield Finding("data", sync.key, Verdict.OK, f"applied; what flows: {', '.join(flowing[sync.key])}")
            continue
        how = "never applied" if sync.standing is Standing.NEVER else "changed since it was applied"
        step = f"`reconciler apply -e {sync.environment} --target {sync.key}`; before that it does not run."
        yield Finding("data", sync.key, Verdict.NOTE, how, step)
