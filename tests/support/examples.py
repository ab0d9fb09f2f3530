"""How much dear tests try: few examples each time, and many where somebody asks for them."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    """Return how many examples a dear test tries: RECONCILER_TEST_EXAMPLES, or else few."""
    return int(os.environ.get("RECONCILER_TEST_EXAMPLES", few))
