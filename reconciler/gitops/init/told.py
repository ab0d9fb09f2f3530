"""What `init` says at its end: the files, where to begin, and what to set by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.gitops.init.repository import Begun
from reconciler.gitops.init.settings import REACH
from reconciler.gitops.init.settle import Outcome
from reconciler.report.escape import visible
from reconciler.report.style import BOLD, DIM, GREEN, YELLOW, Style

_MARKS = {
    Outcome.WRITTEN: ("+", GREEN, ""),
    Outcome.UPDATED: ("~", GREEN, "  updated: nobody had edited it"),
    Outcome.REPLACED: ("~", YELLOW, "  replaced: it had been edited"),
    Outcome.KEPT: ("·", YELLOW, "  kept as it is; --force replaces it"),
}


def begun_to_text(begun: Begun, style: Style | None = None) -> str:
    """Return what became of a repository, as text."""
    return (style or Style()).finish(_lines(begun, style or Style()))


def unfinished_to_text(begun: Begun, style: Style | None = None) -> str:
    """Return what was written before an import failed, as text; empty where nothing was."""
    style = style or Style()
    lines = list(_files(begun, style))
    if not lines:
        return ""
    head = f"{begun.folder}: written before the import failed; it stays, and `reconciler init` goes on from it"
    return style.finish([*style.wrap(head, 0, BOLD), *lines])


def _files(begun: Begun, style: Style) -> Iterator[str]:
    for one in begun.files:
        if one.outcome is not Outcome.UNCHANGED:
            mark, color, words = _MARKS[one.outcome]
            yield from style.wrap(f"{mark} {visible(one.path)}{words}", 2, color)
    for path in begun.imported:
        yield from style.wrap(f"+ {visible(path)}  imported from live", 2, GREEN)


def _lines(begun: Begun, style: Style) -> Iterator[str]:
    written = begun.imported or any(one.outcome is not Outcome.UNCHANGED for one in begun.files)
    head = "what was written" if written else "everything is there already"
    yield from style.wrap(f"{begun.folder}: {head}", 0, BOLD)
    yield from _files(begun, style)
    yield ""
    yield from style.wrap("Next", 0, BOLD)
    yield from style.wrap("Look at the files; `reconciler validate` checks them, without network.", 2)
    if any(need.emulated for need in begun.needs):
        yield from style.wrap("`reconciler emulate` in another terminal, and `reconciler plan` shows a first plan.", 2)
    if any(not need.emulated for need in begun.needs):
        yield from style.wrap("`reconciler doctor` tries the login, `reconciler import` takes in what is live.", 2)
    if begun.settings:
        checked = "" if begun.ci is None else "; `reconciler doctor --forge` checks it"
        yield from ("", *style.wrap(f"To be set by hand{checked}", 0, BOLD))
        for setting in begun.settings:
            yield from style.wrap(visible(setting.where), 2)
            for line in setting.what:
                yield from style.wrap(visible(line), 4, DIM, hanging=2)
    if begun.ci is not None:
        yield from ("", *style.wrap("What somebody who may push can reach", 0, BOLD), *style.wrap(REACH, 2))
