"""Style of text output: colour or not, symbols or ASCII, wrapped to a width. Wrapping comes before painting."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable

from msgspec import Struct

from reconciler.kind.kind import Action
from reconciler.kind.semantics import Risk
from reconciler.reconcile.plan import Outcome
from reconciler.report.escape import disarm, terminal
from reconciler.report.given import NOTHING, Given
from reconciler.report.words import SYMBOLS

RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, BOLD, DIM = "31", "32", "33", "34", "35", "36", "1", "2"
ACTION_COLORS = {
    Action.CREATE: GREEN,
    Action.UPDATE: YELLOW,
    Action.DELETE: RED,
    Action.RENAME: CYAN,
    Action.PAUSE: MAGENTA,
    Action.RESUME: GREEN,
}
RISK_COLORS = {Risk.LOSES_DATA: RED, Risk.STOPS_SYNC: MAGENTA, Risk.RE_SYNCS: YELLOW, Risk.COSMETIC: BLUE}
OUTCOME_COLORS = {
    Outcome.UNKNOWN: RED,
    Outcome.FAILED: RED,
    Outcome.STALE: YELLOW,
    Outcome.SKIPPED: YELLOW,
    Outcome.APPLIED: GREEN,
    Outcome.ALREADY: GREEN,
}
# Wide enough for everything: what a pipe or a file takes is found by its lines, so nothing in it is wrapped.
UNWRAPPED = sys.maxsize
# Escaped in every text from outside, so that it is in none.
_GLUE = "\N{NO-BREAK SPACE}"
_COMMAND = re.compile(r"`(?=reconciler )[^`]+`|^→ reconciler .*")
_BAR = 40
MARK_COLORS = {"+": GREEN, "-": RED}
# Every non-ASCII character that our own texts use, and what stands for it where the encoding cannot carry it.
_ASCII = str.maketrans({"→": "->", "…": "...", "‖": "||", "▶": "|>", "•": "*", "✓": "ok", "✗": "x", "·": "-", "—": "-"})


class Style(Struct, frozen=True):
    """How to write for one terminal; the caller knows whether it shows colours and which characters it can carry.

    Args:
        color: whether to paint.
        unicode: whether it carries the symbols that our texts use.
        width: in columns, or `UNWRAPPED`.
        given: what the commands in the text have to repeat.
        full: whether everything is told in full, notes above all.
    """

    color: bool = False
    unicode: bool = True
    width: int = 80
    given: Given = NOTHING
    full: bool = False

    def paint(self, text: str, *codes: str) -> str:
        """Return the text in these colours, or as it is."""
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.color and text and codes else text

    def bar(self, share: float) -> str:
        """Return a bar of which a share is filled, painted; it is full only where all is done."""
        filled = int(_BAR * min(max(share, 0.0), 1.0))
        full, empty = ("━", "─") if self.unicode else ("#", ".")
        return self.paint(full * filled, GREEN) + self.paint(empty * (_BAR - filled), DIM)

    def action(self, action: Action) -> str:
        """Return symbol and word of an action, e.g. `+ create`, padded to a common width and painted."""
        symbol = SYMBOLS[action] if self.unicode else SYMBOLS[action].translate(_ASCII).ljust(2)
        return self.paint(f"{symbol} {action.value:<6}", ACTION_COLORS[action])

    def wrap(self, text: str, indent: int, *codes: str, hanging: int = 0) -> list[str]:
        """Return text (from outside or ours) as painted lines within the width; further lines hang by `hanging`.

        A word that is wider than the width stands whole on a line of its own, so that a URL or an ID can be copied and
        searched for: a terminal breaks it without adding a character. A command to run is such a word.
        """
        shown = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), terminal(self.given.completed(text)))
        lines = textwrap.wrap(
            shown,
            max(self.width, 40),
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hanging),
            break_on_hyphens=False,
            break_long_words=False,
        )
        return [self.paint(line.replace(_GLUE, " "), *codes) for line in lines]

    def line(self, text: str, indent: int, *codes: str) -> tuple[str, bool]:
        """Return text as one painted line, cut between words where it is wider than the width; and whether it was."""
        shown = terminal(self.given.completed(text))
        room = max(self.width, 40) - indent
        if len(shown) <= room:
            return " " * indent + self.paint(shown, *codes), False
        kept = shown[: room - 1].rpartition(" ")[0] or shown.partition(" ")[0]
        return " " * indent + self.paint(f"{kept} …", *codes), True

    def finish(self, lines: Iterable[str]) -> str:
        """Return the finished output: no workflow command in it, in ASCII where that is asked for."""
        output = disarm("\n".join(lines) + "\n")
        if self.unicode:
            return output
        return output.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
