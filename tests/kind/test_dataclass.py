"""A class of ours is what the standard library's `dataclass` makes of it, but for when its methods are written."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field

import pytest

from reconciler.dataclass import dataclass


def _classes(decorate):
    """Classes with everything that ours use, made by a decorator."""

    @decorate(frozen=True, slots=True)
    class Place:
        file: str
        line: int = 0
        names: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False, repr=False)

    @decorate(frozen=True, slots=True)
    class Wide(Place):
        """One of more fields."""

        width: int = 1

    @decorate(slots=True, kw_only=True)
    class Count:
        found: int
        missed: int = 0

    @decorate()
    class Worked:
        text: str
        size: int = field(init=False)
        seen: dict[str, int] = field(init=False, default_factory=dict)
        kind: str = field(init=False, default="plain")

        def __post_init__(self) -> None:
            self.size = len(self.text)

    @decorate(frozen=True, slots=True)
    class Folded:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Folded) and self.text.lower() == other.text.lower()

        def __repr__(self) -> str:
            return "folded"

    @decorate(frozen=True, slots=True, eq=False)
    class Thing:
        text: str

    @decorate(frozen=True, slots=True, order=True)
    class Version:
        number: int

    @decorate(frozen=True, slots=True)
    class Nothing:
        pass

    return Place, Wide, Count, Worked, Folded, Thing, Version, Nothing


OURS, THEIRS = _classes(dataclass), _classes(dataclasses.dataclass)
# Number of a class, and what it is called with.
CALLS = [
    (0, ("a.yaml",), {}),
    (0, ("a.yaml", 3), {"names": ["x"], "note": "first"}),
    (0, (), {}),
    (0, ("a.yaml",), {"width": 1}),
    (1, ("a.yaml",), {"width": 2}),
    (2, (), {"found": 1}),
    (2, (1,), {}),
    (3, ("text",), {}),
    (4, ("Text",), {}),
    (5, ("text",), {}),
    (6, (1,), {}),
    (7, (), {}),
]


def _made(classes, number, words, named):
    try:
        return classes[number](*words, **named)
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize(("number", "words", "named"), CALLS)
def test_it_is_made_and_shown_alike(number, words, named):
    ours, theirs = (_made(classes, number, words, named) for classes in (OURS, THEIRS))
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert (type(ours).__hash__ is None) == (type(theirs).__hash__ is None)
    again = [_made(classes, number, words, named) for classes in (OURS, THEIRS)]
    assert (ours == again[0]) == (theirs == again[1])
    assert [each.name for each in dataclasses.fields(ours)] == [each.name for each in dataclasses.fields(theirs)]


def test_equal_ones_have_one_hash_and_those_of_another_class_or_value_are_others():
    place, wide = OURS[0], OURS[1]
    version, folded = OURS[6], OURS[4]
    assert place("a", 1, note="one") == place("a", 1, note="another") != place("a", 2)
    assert place("a") != wide("a")
    assert len({version(1), version(1), version(2)}) == 2
    assert folded("A") == folded("a")
    assert {OURS[7]()} == {OURS[7]()}


def test_a_frozen_one_is_not_changed_but_copied():
    found = OURS[0]("a", names=["x"])
    for change in (
        lambda: setattr(found, "file", "b"),
        lambda: setattr(found, "other", 1),
        lambda: delattr(found, "file"),
    ):
        with pytest.raises(FrozenInstanceError):
            change()
    assert dataclasses.replace(found, line=2) == OURS[0]("a", 2, ["x"])
    assert copy.deepcopy(found) == copy.copy(found) == found


@dataclass(frozen=True, slots=True)
class Kept:
    text: str


def test_it_goes_to_another_process():
    assert pickle.loads(pickle.dumps(Kept("text"))) == Kept("text")
