"""Show as a page what a forge would show of a text of ours: a comment, an issue."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.app.files import write_file
from reconciler.report.escape import html
from reconciler.report.html.page import page, text

_ALERT = re.compile(r"<blockquote>\n<p>\[!(\w+)\](?:<br>)?\n")
# A forge paints such a mark, each in a colour of its own; to Markdown it is text.
_TONES = {"CAUTION": "red", "WARNING": "amber", "IMPORTANT": "purple", "NOTE": "blue", "TIP": "green"}
_MARKS = {"+": "add", "-": "del"}


def forge_page(source: Path, title: str) -> Path:
    """Write Markdown as an HTML page beside it, which may load and run nothing; return its path.

    Args:
        source: the Markdown that `gitops … --print --output` wrote.
        title: of the page.

    Raises:
        OutputError: it cannot be written.
    """
    from markdown_it import MarkdownIt

    # As forges do in comments, where each line stays a line.
    options = {"html": True, "breaks": True, "xhtmlOut": False, "highlight": _painted}
    renderer = MarkdownIt("commonmark", options).enable("table")
    target = source.with_suffix(".html")
    body = _ALERT.sub(_alert, renderer.render(source.read_text(encoding="utf-8")))
    head = f'<p class="kicker">{text(title)}</p>'
    write_file(target, page(title, [head, f'<article class="comment">\n{body}</article>']))
    return target


def _alert(found: re.Match[str]) -> str:
    tone = _TONES.get(found[1], "blue")
    return f'<blockquote class="{tone}">\n<p class="kicker">{found[1].lower()}</p>\n<p>'


def _painted(code: str, language: str, _attributes: str) -> str:
    """Return a block of code; lines of a diff in the colours of what they add and take."""
    if language != "diff":
        return ""
    return "".join(f'<span class="{_MARKS.get(line[:1], "ctx")}">{html(line)}</span>' for line in code.splitlines())
