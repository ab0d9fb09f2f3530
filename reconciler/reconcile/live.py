"""Read the live side: every object of the kinds in question, all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from reconciler.errors import MissingRole
from reconciler.kind.connection import Reader
from reconciler.kind.kind import Kinds, Observed
from reconciler.manifest.load import gc_paused

LiveSide = Mapping[str, Mapping[str, Observed]]


async def read_live(kinds: Kinds, names: Iterable[str], readers: Mapping[str, Reader]) -> LiveSide:
    """Return the live objects, by kind and live ID.

    Args:
        kinds: the registry.
        names: the kinds to read; those whose provider has no reader are left out.
        readers: a reader for each provider.

    Raises:
        ApiError: a read failed. A failed read never looks like an empty one, so the run stops. `MissingRole` names
            the role and how to go on without that kind.
    """
    wanted = [name for name in names if kinds[name].api in readers]
    reads = [asyncio.create_task(_read_kind(kinds, name, readers)) for name in wanted]
    try:
        results = await asyncio.gather(*reads)
    finally:
        # The first that fails ends the others: nothing is sent any more when the connections are closed.
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
    return dict(zip(wanted, results, strict=True))


async def _read_kind(kinds: Kinds, name: str, readers: Mapping[str, Reader]) -> Mapping[str, Observed]:
    kind = kinds[name]
    try:
        wires = await kind.read(readers[kind.api])
    except MissingRole as error:
        if kind.role is None:
            raise
        roles = error.roles or (kind.role,)
        raise MissingRole(
            f"reading {name} needs the role {' or '.join(roles)}, which this API client does not have",
            roles=roles,
            status=error.status,
            vendor_code=error.vendor_code,
            request=error.request,
            next_step=f"Assign it to the API client's default context user, or leave {name} out with --target.",
        ) from error
    with gc_paused():
        return {live_id: kind.observe(live_id, wire) for live_id, wire in wires.items() if live_id not in kind.built_in}
