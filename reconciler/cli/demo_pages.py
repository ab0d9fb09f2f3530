"""Show as a page what a forge would show of a text of ours: a comment, an issue."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.app.files import write_file
from reconciler.report.html.page import page

_ALERT = re.compile(r"^> \[!(\w+)\]$", re.MULTILINE)


def forge_page(source: Path, title: str) -> Path:
    """Write Markdown as an HTML page beside it, which may load and run nothing; return its path.

    Args:
        source: the Markdown that `gitops … --print --output` wrote.
        title: of the page.

    Raises:
        OutputError: it cannot be written.
    """
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": True}).enable("table")
    target = source.with_suffix(".html")
    # A forge paints such a mark; to Markdown it is text.
    text = _ALERT.sub(lambda found: f"> **{found[1].capitalize()}**\n>", source.read_text(encoding="utf-8"))
    write_file(target, page(title, [renderer.render(text)]))
    return target
