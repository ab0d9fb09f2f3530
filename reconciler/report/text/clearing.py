"""What became of the prices on an old list, as text."""

from __future__ import annotations

from reconciler.report.escape import clip, visible
from reconciler.report.style import Style
from reconciler.report.words import counted
from reconciler.sync.clearing import ClearingReport

_SHOWN = 5
_LIMIT = 400


def clearing_to_text(report: ClearingReport, style: Style | None = None) -> str:
    """Return what became of the prices on an old list, as text.

    Args:
        report: what was found and done.
        style: characters and width; left out: Unicode, 80 columns.
    """
    style = style or Style()
    return style.finish(list(style.wrap(clip(visible(_words(report)), _LIMIT * _SHOWN), 0)))


def _words(report: ClearingReport) -> str:
    found, done = report.found, report.done
    if not found.skus:
        return f"On the price list {found.price_list} there are no prices that {report.sync} wrote."
    if done is None:
        return "Nothing was removed."
    if done.no_list:
        return f"There is no price list {found.price_list} any more, and none of its prices."
    words = f"Removed the prices of {counted(done.skus, 'SKU')} from the price list {found.price_list}."
    if not done.refused:
        return words
    first = [f"{sku}: {clip(said, _LIMIT)}" for sku, said in sorted(done.refused.items())[:_SHOWN]]
    return f"{words} SparkLayer refused it for {counted(len(done.refused), 'SKU')}: {'; '.join(first)}"
