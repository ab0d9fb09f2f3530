"""Valid documents made hostile: values, keys, types and nesting changed, by dice that a seed repeats; and a bound."""

from __future__ import annotations

import copy
import json
import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

_TEXTS = (
    *("", " ", "\ud800", "a\udfffb", "\0", "\x1b[31m", "\x1ad800", "\u202eevil", "..", "../../x", "a/b", "*", "`ls`"),
    *(
        "${",
        "${x",
        "$${",
        "${secret:X}",
        "${env:HOME}",
        "%s{0}",
        "null",
        "true",
        "0x10",
        "1e999",
        "9" * 400,
        "x" * 5_000,
    ),
    *(
        "http://[::1",
        "https://user:pw@127.0.0.1:99999/",
        "https://a.example.com",
        "[@,@]",
        "a.b[?c",
        "|".join("@" * 50),
    ),
)
_TIMES = (
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999+00:00"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00+00:00", "2026-01-01T00:00:00"),
    *("2026-01-01", "2026-02-30T00:00:00Z", "0s", "-1h", "99999999999d", "1e9h", "36500d"),
)
_NUMBERS = (
    *(0, 1, -1, 2, 255, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 10**40, 10**400, -(10**400)),
    *(0.1, -0.0, 1e-300, 1e308, float("inf"), float("nan")),
)
_KEYS = ("", "kind", "name", "spec", "metadata", "id", "xp", "\ud800", "a.b", "__class__", "x" * 300, "1", "$ref", "<<")
DEEP = 400


def odd(dice: random.Random) -> Any:
    """Return a value of any type that nobody expects."""
    kind = dice.randrange(8)
    if kind < 2:
        return dice.choice(_TEXTS)
    if kind == 2:
        return dice.choice(_TIMES)
    if kind < 5:
        return dice.choice(_NUMBERS)
    if kind == 5:
        return _nested(dice.choice((3, DEEP)), dice.choice((None, "x", 1)), dice.random() < 0.5)
    return dice.choice((None, True, False, [], {}, [None], {"": None}, [[]], {"a": 1}, ["x", "x"], [1, "1"]))


def _nested(depth: int, value: Any, in_lists: bool) -> Any:
    for _ in range(depth):
        value = [value] if in_lists else {"a": value}
    return value


def changed(dice: random.Random, tree: Any, most: int = 3) -> Any:
    """Return a copy of a tree of which up to so many nodes are changed."""
    root = [copy.deepcopy(tree)]
    for _ in range(dice.randint(min(most, 1), most)):
        places = list(_places(root))
        holder, key = dice.choice(places)
        _change(dice, holder, key, places)
    return root[0]


def of_the_same_type(dice: random.Random, tree: Any) -> Any:
    """Return a copy of a tree of which one value is another one of its type: a text, a number, the other of two."""
    root = [copy.deepcopy(tree)]
    leaves = [place for place in _places(root) if isinstance(place[0][place[1]], (str, int, float))]
    holder, key = dice.choice(leaves)
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, str):
        _change_text(dice, holder, key, value)
    else:
        holder[key] = dice.choice(_NUMBERS)
    return root[0]


def _change_text(dice: random.Random, holder: Any, key: Any, value: str) -> None:
    how = dice.randrange(3)
    if how == 0:
        holder[key] = dice.choice((value[1:], value[:-1], value.upper(), value * 2, value + " ", f" {value}"))
    elif how == 1:
        place = dice.randint(0, len(value))
        holder[key] = value[:place] + dice.choice(_TEXTS + _TIMES) + value[place:]
    else:
        holder[key] = dice.choice(_TEXTS + _TIMES)


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [holder]
    while waiting:
        here = waiting.pop()
        for key in list(here) if isinstance(here, dict) else range(len(here)):
            yield here, key
            if isinstance(here[key], (dict, list)):
                waiting.append(here[key])


def _change(dice: random.Random, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    value = holder[key]
    how = dice.randrange(10)
    if how == 0 and isinstance(holder, dict):
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[dice.choice(_KEYS)] = holder.pop(key)
    elif how == 2 and isinstance(value, dict):
        value[dice.choice(_KEYS)] = odd(dice)
    elif how == 3:
        holder[key] = [value] if dice.random() < 0.5 else {dice.choice(_KEYS): value}
    elif how == 4:
        other, there = dice.choice(places)
        holder[key] = copy.deepcopy(other[there]) if there in other or isinstance(other, list) else None
    elif how == 5 and isinstance(value, list):
        value.extend(copy.deepcopy(value) * dice.choice((1, 50)))
    elif how in (6, 7) and isinstance(value, str):
        _change_text(dice, holder, key, value)
    else:
        holder[key] = odd(dice)


@contextmanager
def bounded(*, seconds: float, megabytes: int) -> Iterator[None]:
    """Fail what needs more of the processor or of memory; what waits for something fails after twenty times as long."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise AssertionError(f"it was still at it after {seconds:g} s")

    before = _peak()
    kept = {number: signal.signal(number, end) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 20 * seconds)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert _peak() - before < megabytes * 1_000_000


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def json_bytes(dice: random.Random, tree: Any) -> bytes:
    """Return a tree as JSON as others might write it."""
    text = json.dumps(tree, ensure_ascii=dice.random() < 0.7, indent=dice.choice((None, 1)))
    return text.encode("utf-8", "surrogatepass")


def scratched(dice: random.Random, content: bytes) -> bytes:
    """Return one content in ten with bytes that are others, missing or doubled; the rest as they are."""
    while dice.random() < 0.1:
        place = dice.randint(0, len(content))
        put = dice.choice(
            (b"", b"\xff", b"\0", b"\xef\xbb\xbf", b"{", b"]", b"\n---\n", b"\t", b"&a ", b"*a ", b"!!x ", b"?")
        )
        content = content[:place] + put + content[dice.choice((place, place + 1)) :]
    return content
