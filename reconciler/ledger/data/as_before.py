"""What a look at lists found as it was before."""

from __future__ import annotations

from msgspec import Struct


class AsBefore(Struct, frozen=True):
    """Records of which lists show what they showed before, and which a run sees for the first time.

    Args:
        good: how many are at the target as they should be.
        held_back: how many are kept from it by a problem.
        dead: how many could not be written, and are not tried any more.
    """

    good: int = 0
    held_back: int = 0
    dead: int = 0

    @property
    def seen(self) -> int:
        """All of them."""
        return self.good + self.held_back + self.dead
