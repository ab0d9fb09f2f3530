"""Walks whole lists: pages side by side, complete whatever changes meanwhile, whatever order numbers sort in.

The list is read in blocks of 29 pages, each beginning after the last ID of the one before. Of a block the odd pages
are read at once, by number; then what lies between two of them, by ID: `ID=>last of one` and `ID=<first of the next`. A
page is a complete stretch of the list at one moment, and what is between two stretches is asked for by name. So every
ID that is there from the beginning of the walk to its end is in one of the answers, however many others come and go,
and the requests are no more than there are pages.

docs/readers.md says what that costs and promises.
"""

from __future__ import annotations

import string
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing

from msgspec import Struct
from msgspec.structs import replace

from reconciler.kind.connection import Wire
from reconciler.ordercloud.bounds import WalkBound, ascend
from reconciler.ordercloud.readers.pages import Listing, Part, by_ids
from reconciler.ordercloud.readers.streams import mapped
from reconciler.ordercloud.together import together

BLOCK_PAGES = 29
_BLOCKS_AHEAD = 2
_PARTS_AHEAD = 12
# What parts of a list are meant to hold, so that a page is enough for most of them.
_PART_SIZE = 70
# Missing more than this many, and more than this share, is more than what comes and goes while we read.
_TOLERATED = 100
_TOLERATED_SHARE = 0.1

# documented: in lists from the search index, IDs that look like numbers sort as numbers; unknown: what exactly looks
# like one, and whether filters compare as numbers too. With e and - beside the digits, 1e5 and -5 are among them.
_NO_NUMBER = tuple(letter for letter in (*string.ascii_letters, "_") if letter not in "eE")
_ALPHABET = string.digits + string.ascii_lowercase + "-_"
TEXTS = ("|".join(f"*{letter}*" for letter in _NO_NUMBER),)
NUMBERS = tuple(f"!*{letter}*" for letter in _NO_NUMBER)


class Piece(Struct, frozen=True):
    """A complete stretch of a list.

    Args:
        items: its objects, each once.
        where: ID expressions that name the same stretch again.
        total: how many objects the whole list had when the walk began.
        in_order: sorting and filtering by ID agree within it.
    """

    items: list[Wire]
    where: tuple[str, ...]
    total: int
    in_order: bool = True


async def walk(
    listing: Listing,
    *,
    where: tuple[str, ...] = (),
    searched: bool = False,
    ordered: bool = True,
    first: Part | None = None,
) -> AsyncGenerator[Piece, None]:
    """Read a whole list, piece by piece. Close it (`contextlib.aclosing`) where you do not read it to its end.

    Every object that is there from the first request to the last comes exactly once. One that is created or deleted
    meanwhile comes once or not at all; a new ID is a new object.

    Args:
        listing: the list.
        where: further ID expressions; read only what fits all of them.
        searched: the list comes from the search index, where IDs that look like numbers sort as numbers.
        ordered: whether sorting and filtering by ID agree in it, as far as it is not `searched`; else it is read by
            first letters.
        first: page 1 of it, where that was read already.

    Raises:
        ApiError: a page failed, so the rest is not known.
        UnexpectedAnswer: far fewer objects came than the list said it has, or far more; or they do not ascend.
    """
    first = first or await listing.page_within_cap(where)
    listing = replace(listing, bound=WalkBound(listing.path, None if first is None else first.total))
    if first is not None and first.reaches_end:
        yield Piece(first.items, where, first.total, ordered and not searched)
        return
    seen = 0
    stream = _pieces(listing, where, first, searched) if ordered else _divided(listing, where, first, in_order=False)
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            seen += len(piece.items)
            yield replace(piece, total=first.total if first is not None else piece.total)
    if first is not None and seen < first.total:
        now = await listing.page_within_cap(where)
        expected = min(first.total, first.total if now is None else now.total)
        if expected - seen > max(_TOLERATED, expected * _TOLERATED_SHARE):
            raise listing.broken(f"the list says it holds {expected:,} objects and gave {seen:,}")


async def list_of(listing: Listing, *, searched: bool = False) -> list[Wire]:
    """Walk a list that is short, and return all of its objects."""
    async with aclosing(walk(listing, searched=searched)) as pieces:
        return [item async for piece in pieces for item in piece.items]


async def _pieces(
    listing: Listing, where: tuple[str, ...], first: Part | None, searched: bool
) -> AsyncGenerator[Piece, None]:
    numbers = await listing.page_within_cap((*where, *NUMBERS)) if searched else None
    if not searched or (numbers is not None and not numbers.total):
        streams = [_in_order(listing, where, first)]
    else:
        streams = [
            _in_order(listing, (*where, *TEXTS), None),
            _divided(listing, (*where, *NUMBERS), numbers, in_order=False),
        ]
    for stream in streams:
        async with aclosing(stream):
            async for piece in stream:
                yield piece


async def _in_order(listing: Listing, where: tuple[str, ...], first: Part | None) -> AsyncGenerator[Piece, None]:
    """Read what `where` names, in blocks; what is too large to be listed at all by its first letters."""
    part = first or await listing.page_within_cap(where)
    if part is None:
        async with aclosing(_divided(listing, where, None, in_order=True)) as pieces:
            async for piece in pieces:
                yield piece
        return
    before: set[Hashable] = set()
    grown: list[tuple[str, ...]] = []

    async def filled(block: _Block) -> Piece:
        return await _filled(listing, where, block)

    async with aclosing(mapped(_blocks(listing, where, part, grown), filled, _BLOCKS_AHEAD)) as pieces:
        async for piece in pieces:
            # Only where a hundred objects and more come or go within a block do two of them overlap.
            items = [item for item in piece.items if listing.key(item) not in before]
            before = {listing.key(item) for item in piece.items}
            yield replace(piece, items=items)
    for rest in grown:
        async with aclosing(_divided(listing, rest, None, in_order=True)) as pieces:
            async for piece in pieces:
                yield piece


class _Block(Struct, frozen=True):
    """The pages of a block that were read by number.

    Args:
        after: the ID that it begins after; None at the list's beginning.
        parts: its pages, none of them empty unless it is the only one.
        ends: nothing came after the last one.
    """

    after: str | None
    parts: list[Part]
    ends: bool


async def _blocks(
    listing: Listing, where: tuple[str, ...], first: Part, grown: list[tuple[str, ...]]
) -> AsyncGenerator[_Block, None]:
    """Yield block after block, until one reaches the end.

    Args:
        listing: the list.
        where: what to read of it.
        first: page 1 of that.
        grown: gets the expressions of what is left where that has become too large to be listed meanwhile.
    """
    after: str | None = None
    left = first.total
    known: Part | None = first
    while True:
        pages = min(BLOCK_PAGES, -(-left // 100))
        bounds = where if after is None else (*where, f">{after}")
        numbers = range(1 if known is None else 3, max(pages, 1) + 1, 2)
        found = await together(listing.page_within_cap(bounds, number) for number in numbers)
        if None in found:
            grown.append(bounds)
            return
        parts = [part for part in (known, *found) if part is not None]
        for part in parts:
            check_moved(listing, part, after)
        # The list may have become shorter than it was.
        filled = [part for part in parts if part.items]
        ends = not filled or filled[-1].reaches_end
        yield _Block(after, filled, ends)
        if ends:
            return
        last = filled[-1]
        after, left, known = last.last_id, last.left, None


async def _filled(listing: Listing, where: tuple[str, ...], block: _Block) -> Piece:
    """Read what lies between the pages of a block."""
    gaps = zip(block.parts, block.parts[1:], strict=False)
    between = await together(_between(listing, where, left.last_id, right.first_id) for left, right in gaps)
    items: dict[Hashable, Wire] = {}
    for part, gap in zip(block.parts, [*between, []], strict=False):
        for item in (*part.items, *gap):
            items.setdefault(listing.key(item), item)
    if listing.shares_ids:
        edges = [name for part in block.parts for name in (part.first_id, part.last_id)]
        for item in await by_ids(listing, edges):
            items.setdefault(listing.key(item), item)
    start = () if block.after is None else (f">{block.after}",)
    end = () if block.ends else (f"!>{block.parts[-1].last_id}",)
    return Piece(list(items.values()), (*where, *start, *end), 0)


async def _between(listing: Listing, where: tuple[str, ...], low: str, high: str) -> list[Wire]:
    """Return everything between two IDs, read from ID to ID."""
    found: list[Wire] = []
    while True:
        part = await listing.page((*where, f">{low}", f"<{high}"))
        check_moved(listing, part, low, high)
        found += part.items
        if part.reaches_end:
            return found
        low = part.last_id


def check_moved(listing: Listing, part: Part, after: str | None, before: str | None = None) -> None:
    """Count a page, and refuse one that does not ascend from one ID to the other: the walk would never end.

    Args:
        listing: the list.
        part: the page.
        after: what it was asked to begin after; None: nothing.
        before: what it was asked to end before; None: nothing.
    """
    if any(item["ID"] in (after, before) for item in part.items):
        raise listing.broken("the list does not move on past the ID that it was asked to start after")
    names = [str(item["ID"]) for item in part.items]
    # The bounds themselves may be the wrong way round, where pages moved: then nothing lies between them.
    edges = [(after, names[0]), (names[-1], before)] if names else []
    pairs = [(first, second) for first, second in edges if first is not None and second is not None]
    if not ascend(names, strictly=not listing.shares_ids) or not all(ascend(pair, strictly=False) for pair in pairs):
        raise listing.broken("the list does not move on: its IDs do not ascend")
    listing.took(len(part.items), goes_on=not part.reaches_end)


class Prefix(Struct, frozen=True):
    """The IDs that start with `text`.

    Args:
        text: what they start with.
        chosen: only those whose next character is one of these; all where there are none.
        without: not those whose next character is one of these.
    """

    text: str = ""
    chosen: str = ""
    without: str = ""

    @property
    def where(self) -> tuple[str, ...]:
        """Expressions that name them."""
        if self.chosen:
            return ("|".join(f"{self.text}{character}*" for character in self.chosen),)
        own = (f"{self.text}*",) if self.text else ()
        return (*own, *(f"!{self.text}{character}*" for character in self.without))

    def holds(self, name: str) -> bool:
        """Whether an ID is one of them, as far as that can be told: filters may or may not care for case."""
        if not name.isascii():
            return True
        following = name[len(self.text) : len(self.text) + 1]
        if self.chosen and following.lower() not in (character.lower() for character in self.chosen):
            return False
        return name.lower().startswith(self.text.lower()) and (not following or following not in self.without)

    def divided(self, part: Part | None) -> list[Prefix]:
        """Return smaller ones that are the same together; none where the page shows that nothing was filtered.

        Args:
            part: the first of their objects; None where there are too many to be listed.
        """
        fresh = self.chosen or self._next_characters(part)
        if not fresh:
            return []
        each = 1 if part is None else max(1, min(len(fresh) - 1, _PART_SIZE * len(fresh) // part.total))
        groups = [fresh[start : start + each] for start in range(0, len(fresh), each)]
        smaller = [Prefix(self.text + group) if len(group) == 1 else Prefix(self.text, group) for group in groups]
        return smaller if self.chosen else [*smaller, replace(self, without=self.without + fresh)]

    def _next_characters(self, part: Part | None) -> str:
        size = len(self.text)
        names = [self.text + c for c in _ALPHABET] if part is None else [str(item["ID"]) for item in part.items]
        # Filters may or may not care for case, so of a letter only one case is asked for; the rest keeps the other.
        nexts = {name[size].lower(): name[size] for name in names if len(name) > size}
        found = {character for character in nexts.values() if character not in self.without}
        if len(found) > 1 or (found and self.without):
            # They do not all go on alike, and the page showed but the first of them.
            found |= set(string.digits) - set(self.without)
        return "".join(sorted(found))


async def _divided(
    listing: Listing, where: tuple[str, ...], first: Part | None, *, in_order: bool
) -> AsyncGenerator[Piece, None]:
    """Read what `where` names by the characters that its IDs start with; a part of one page needs no order.

    Args:
        listing: the list.
        where: what to read of it.
        first: page 1 of that, or None where it is too large to be listed.
        in_order: parts that can be listed may be read page by page.
    """
    if first is not None and first.reaches_end:
        listing.took(len(first.items))
        yield Piece(first.items, where, 0, in_order)
        return
    waiting = Prefix().divided(first)
    while waiting:
        batch, waiting = waiting[-_PARTS_AHEAD:], waiting[:-_PARTS_AHEAD]
        parts = await together(listing.page_within_cap((*where, *prefix.where)) for prefix in batch)
        for prefix, part in zip(batch, parts, strict=True):
            named = (*where, *prefix.where)
            if part is not None and not all(prefix.holds(str(item["ID"])) for item in part.items):
                raise listing.broken("entries come that the filter by ID should have kept out")
            if part is not None and part.reaches_end:
                listing.took(len(part.items))
                yield Piece(part.items, named, 0, in_order)
            elif part is not None and in_order:
                async with aclosing(_in_order(listing, named, part)) as pieces:
                    async for piece in pieces:
                        yield piece
            else:
                smaller = prefix.divided(part)
                if not smaller:
                    raise listing.broken("entries come that the filter by ID should have kept out")
                waiting += smaller
