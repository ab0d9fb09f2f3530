"""What became of a saved plan as an approval, and why planning failed. No I/O."""

from __future__ import annotations

from msgspec import Struct


class PlanVerdict(Struct, frozen=True):
    """What became of one saved plan that an apply was given.

    Args:
        file: as it was named.
        digest: of the plan.
        commit: what its manifests stood at in git, where that is known.
        code: why it approves nothing; None: it was taken, or all that it asks for is approved or live anyway.
        message: the same in words, one sentence.
        next_step: what to do about it.
        overtaken: keys of its changes that another plan's change took the place of.
    """

    file: str
    digest: str
    commit: str | None = None
    code: str | None = None
    message: str | None = None
    next_step: str | None = None
    overtaken: tuple[str, ...] = ()
