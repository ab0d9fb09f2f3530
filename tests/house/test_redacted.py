"""What a value shows of itself."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from reconciler.redacted import RedactedStruct

ROOT = Path(__file__).parents[2]


class Login(RedactedStruct, frozen=True):
    redacted: ClassVar[tuple[str, ...]] = ("password",)

    user: str
    password: str = "hunter2"


def _classes(base: type[RedactedStruct] = RedactedStruct) -> Iterator[type[RedactedStruct]]:
    for each in base.__subclasses__():
        yield each
        yield from _classes(each)


def test_a_repr_shows_what_may_be_seen_and_nothing_else() -> None:
    assert repr(Login("anna")) == "Login(user='anna')"


def test_what_is_redacted_is_a_field() -> None:
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        if "RedactedStruct" in path.read_text():
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = {each.__qualname__: set(each.redacted) - set(each.__struct_fields__) for each in _classes()}
    assert len(found) > 20
    assert not {name: fields for name, fields in found.items() if fields}


def test_what_is_redacted_counts_in_a_comparison_all_the_same() -> None:
    assert Login("anna", "a") == Login("anna", "a") != Login("anna", "b")
