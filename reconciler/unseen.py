"""Which characters of a text cannot be seen, and the text with them escaped. Pure.

Unseen are controls, bidirectional and other format characters, unusual blanks, fillers, surrogates and unassigned code
points. What makes an emoji or a word of a joining script what it is stays: nobody could read it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Patterns that are compiled when they are first used: every command imports this module.
# Letters and marks that Unicode calls printable and that no font shows (fillers, variation selectors, joiners).
_BLANK = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_ONE = f"[{_PICTURES}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
# A flag of a part of a country: the letters of its code as tags, and their end.
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_KEYCAP = "[0-9#*]\ufe0f\u20e3"
# Arabic, Syriac, N'Ko, Mandaic; scripts of India, Sri Lanka, Tibet, Myanmar and Cambodia; Mongolian.
_JOINING = (
    "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0710-\u072f\u074d-\u077f\u07ca-\u07ea\u0840-\u0858\u08a0-\u08c9"
    "\u0900-\u0dff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17b3\u17b6-\u17d3\u1820-\u18aa"
)
_KEPT = f"{_FLAG}|{_KEYCAP}|{_ONE}(?:\u200d{_ONE})*|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
_INSIDE = "[\u200c\u200d\ufe0f\U000e0020-\U000e007f]"


def escape_unseen(text: str, shown: Callable[[str], str], *, keep: str = "") -> str:
    """Return a text with each character that cannot be seen escaped.

    Args:
        text: any text.
        shown: returns what stands for such a character.
        keep: characters that are left as they are.
    """
    if text.isascii() and text.isprintable():
        return text

    def escaped(part: str) -> str:
        if not part.isprintable():
            part = "".join(one if one.isprintable() or one in keep else shown(one) for one in part)
        return part if part.isascii() else re.sub(_BLANK, lambda match: shown(match[0]), part)

    pieces: list[str] = []
    end = 0
    for start, stop in _kept(text):
        pieces += (escaped(text[end:start]), text[start:stop])
        end = stop
    return "".join((*pieces, escaped(text[end:])))


def is_seen(text: str) -> bool:
    """Whether every character of a text can be seen, or belongs to an emoji or a word of a joining script."""
    if text.isascii():
        return text.isprintable()
    end = 0
    for start, stop in (*_kept(text), (len(text), len(text))):
        part = text[end:start]
        if not part.isprintable() or re.search(_BLANK, part):
            return False
        end = stop
    return True


def _kept(text: str) -> Iterator[tuple[int, int]]:
    """Yield where emoji with unseen characters in them stand, and joiners of a joining script."""
    for match in re.finditer(_KEPT, text):
        if re.sub(_INSIDE, "", match[0]).isprintable():  # no code point that is not assigned
            yield match.span()
