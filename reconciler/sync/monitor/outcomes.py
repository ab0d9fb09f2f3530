"""What can become of a record, and when a run says something about its rest. Apart from status, which says far more."""

from __future__ import annotations

from reconciler.sync.run.counts import OUTCOMES as RUN_OUTCOMES

OUTCOMES = (*RUN_OUTCOMES, "left")
"""What can become of a record in a run: the keys of its counts."""

ENOUGH_PERCENT = 2
"""How much of a run has to be done before it says something about the rest."""
