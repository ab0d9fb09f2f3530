"""What a row of the benchmarks says of itself."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from benchmarks.__main__ import table
from benchmarks.harness import Row


@pytest.mark.parametrize(
    ("row", "ok"),
    [
        (Row("time", 1.2, "x", 1.2, ""), True),
        (Row("time", 1.3, "x", 1.2, ""), False),
        (Row("rate", 95, "%", 95, "", more_is_better=True), True),
        (Row("rate", 94, "%", 95, "", more_is_better=True), False),
        (Row("too little to be true", 0.4, "x", 1.2, "", least=0.5), None),
        (Row("met and disturbed", 1.0, "x", 1.2, "", is_noise=True), None),
        (Row("missed and disturbed", 1.3, "x", 1.2, "", is_noise=True), None),
        (Row("too slow and disturbed", 94, "%", 95, "", more_is_better=True, is_noise=True), None),
    ],
)
def test_what_could_not_be_measured_neither_met_nor_missed_its_target(row: Row, ok: bool | None) -> None:
    assert row.ok is ok
    text = StringIO()
    Console(file=text, width=120).print(table([row]))
    assert {True: " ok ", False: " missed ", None: " could not be measured "}[ok] in text.getvalue()
