"""The composition root: the providers and their kinds. Adding a provider is one line here."""

from __future__ import annotations

from functools import cache
from itertools import chain

from reconciler.kind import Kinds


@cache
def kinds() -> Kinds:
    """Return every registered kind by its name, in the order in which docs and schemas list them."""
    from reconciler.ordercloud.kinds import KINDS as ORDERCLOUD  # pydantic models: not for `--help`

    return {kind.name: kind for kind in chain(ORDERCLOUD)}
