"""The open problems of a data sync as CSV. No cell is a formula, whatever a record is called."""

from __future__ import annotations

import csv
import io

from reconciler.report.escape import visible
from reconciler.sync.monitor.problems import Problems

_COLUMNS = ("external_id", "record", "part", "code", "message", "url", "found_at", "logged")
# A spreadsheet takes what begins like this for a formula, and carries it out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def problems_to_csv(_environment: str, found: Problems) -> str:
    """Return open problems as CSV with a line of headings. No cell is a formula, whatever a record is called."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for item in found.listed:
        problem = item.problem
        cells = (problem.external_id, item.key, problem.part, problem.code, problem.message, problem.url)
        writer.writerow([*map(_cell, cells), item.found_at.isoformat(), "yes" if item.logged else "no"])
    return text.getvalue().replace("\r\n", "\n")


def _cell(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if text.lstrip(" ").startswith(_FORMULA) else shown
