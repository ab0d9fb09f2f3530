"""The open problems of a data sync as CSV. No cell is a formula, whatever a record is called."""

from __future__ import annotations

import csv
import io

from reconciler.report.escape import visible
from reconciler.sync.monitor.problems import Problems

_COLUMNS = ("external_id", "record", "part", "code", "message", "url", "found_at", "logged")
# A spreadsheet takes what begins like this for a formula, and carries it out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def problems_to_csv(_environment: str, found: Problems, *, typed: bool = False, headed: bool = True) -> str:
    """Return open problems as CSV with a line of headings. No cell is a formula, whatever a record is called.

    Args:
        found: the problems.
        typed: the first column is the data type.
        headed: there is a line of headings.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    if headed:
        writer.writerow([*(["data_type"] if typed else []), *_COLUMNS])
    kind = [_cell(found.data_type)] if typed else []
    for item in found.listed:
        problem = item.problem
        cells = (problem.external_id, item.key, problem.part, problem.code, problem.message, problem.url)
        writer.writerow([*kind, *map(_cell, cells), item.found_at.isoformat(), "yes" if item.logged else "no"])
    return text.getvalue().replace("\r\n", "\n")


def _cell(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA) else shown
