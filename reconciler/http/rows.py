"""Rows of a JSON array, decoded while it comes: no more of it is in memory than a row and a piece."""

from __future__ import annotations

import codecs
import json
import re

from reconciler.http.body import number
from reconciler.http.decoding import Undecodable
from reconciler.kind.connection import RowTaker, Wire

LONGEST_ROW = 1024 * 1024
"""Characters that a row may have."""
# So little is not looked at by itself: what comes in tiny pieces would be looked at again and again.
_WORTH_A_LOOK = 64 * 1024
_AT_ONCE = 500
_NO_BLANK = re.compile(r"[^ \t\r\n]")
# What may come after what.
_AFTER = {"[": "{]", ",": "{", "}": ",]", "]": ""}


class Rows:
    """Decodes a JSON array of objects that comes in pieces. It implements `decoding.Taker`.

    It reads what `body.decode_leniently` reads, so that one text of one row keeps nobody from reading the others: there
    are lone surrogates in what is no Unicode, and a number that no float can hold is infinite.

    Args:
        taker: takes the rows.
    """

    def __init__(self, taker: RowTaker) -> None:
        self._taker = taker
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._scan = json.JSONDecoder(strict=False, parse_constant=str, parse_int=number).raw_decode
        self._text = ""
        self._enough = _WORTH_A_LOOK
        self._expected = "["

    def take(self, piece: bytes) -> None:
        """Decode the rows that are whole by now.

        Raises:
            Undecodable: it is no array of objects, or a row is too long.
        """
        self._text += self._decode(piece)
        if len(self._text) >= self._enough:
            self._look()

    def end(self) -> None:
        """Decode the rest.

        Raises:
            Undecodable: it is no array of objects, or not a whole one.
        """
        self._text += self._decode(b"", final=True)
        self._look()
        if self._expected == "[":
            raise _not_rows()
        if self._expected:
            raise Undecodable("the answer ends in the middle of a list")

    def _look(self) -> None:
        text, place, rows = self._text, 0, list[Wire]()
        while (found := _NO_BLANK.search(text, place)) is not None:
            sign, place = found[0], found.start()
            if sign not in self._expected:
                raise _not_rows()
            if sign == "{":
                try:
                    row, place = self._scan(text, place)
                except RecursionError:
                    raise Undecodable("the answer is nested too deeply") from None
                except ValueError:
                    # It is not whole yet, or no JSON: which of them the end tells.
                    break
                rows.append(row)
                sign = "}"
                if len(rows) == _AT_ONCE:
                    self._taker.take(rows)
                    rows = []
            else:
                place += 1
            self._expected = _AFTER[sign]
        else:
            place = len(text)
        self._text = text[place:]
        self._enough = max(2 * len(self._text), _WORTH_A_LOOK)
        if len(self._text) > LONGEST_ROW:
            raise Undecodable("the answer is a list with something in it that is no object, or too long for one")
        if rows:
            self._taker.take(rows)


def _not_rows() -> Undecodable:
    return Undecodable("the answer is not a list of objects")
