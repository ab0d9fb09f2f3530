"""Escaping of text from outside, for every format that we write. The only place for it.

Names, IDs, values, messages and file names may come from a pull request or from a live API. They may hold escape
sequences that repaint a terminal, bidirectional controls that reorder a line, Markdown, HTML, `@mentions`, or
workflow commands that a CI runner would carry out. `visible` is the common first step: it leaves only characters
that can be seen, on one line. The other functions add what their format needs.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.unseen import escape_unseen

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# `##[command]`, `##vso[…]`, `##teamcity[…]`: carried out by CI runners wherever they stand in a line.
_MARKED_COMMAND = re.compile(r"##(?=\w*\[)")
# `::command::` is carried out at the start of a line, after blanks; our own colours may stand before it.
_LINE_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*):(?=:)", re.MULTILINE)
# `/command` at the start of a line of a comment: GitLab carries it out, and looks for code blocks in its own way.
# This one and those below are compiled when they are first used: every command imports this module.
_QUICK_ACTION = r"^(\s*)/(?=\w)"
# What stays plain in Markdown prose: words of letters and short numbers, with closing punctuation. Everything else
# (mentions, #123, commit hashes, links, emphasis, emoji codes, HTML) needs a character that is not in here.
_PLAIN_WORD = r"\(?(?:[^\W\d_]+(?:['’-][^\W\d_]+)*|\d{1,6}(?:[.,:-]\d{1,6})*%?)[,.;:?)]{0,2}"
_CODE = r"`([^`]+)`([,.;:?)]{0,2})(?!\S)"
_HEX = r"[0-9a-fA-F]{7,}"
_LIST_NUMBER = r"\d+[.)].*"
_PLAIN_SHORT = r"[-–—=→+]"


def _shown(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""Return the text on one line, with everything that cannot be seen written as an escape such as `\x1b`.

    That covers C0 and C1 controls, line and paragraph separators, bidirectional and zero-width characters, unusual
    blanks, surrogates and unassigned code points, but not what makes an emoji or a word of a joining script.
    """
    return escape_unseen(text, _shown)


_NOTE = len(" … 1,000 more characters … ")


def clip(text: str, limit: int) -> str:
    """Return the text, cut in its middle to about `limit` characters with a note of how much is left out.

    What is longer by no more than such a note takes stays whole.
    """
    if len(text) <= limit + _NOTE:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]} … {len(text) - head - tail:,} more characters … {text[len(text) - tail :]}"


def disarm(output: str) -> str:
    """Return finished output in which no CI runner finds a workflow command, for everything that a log may show.

    Escaping values one by one is not enough: wrapping may move the middle of a value to the start of a line.
    """
    return _LINE_COMMAND.sub(r"\1\\x3a", _MARKED_COMMAND.sub(r"#\\x23", output))


def terminal(text: str) -> str:
    """Return text from outside for one line of a terminal or a log."""
    return disarm(visible(text))


def code_span(text: str, limit: int = 300) -> str:
    """Return text from outside as a Markdown code span: nothing in it is markup, link or mention.

    Not for tables and not for HTML blocks, where a code span is read differently. Beyond `limit` it is clipped.
    """
    shown = clip(visible(text), limit)
    if not shown.strip():
        return "(empty)" if not shown else f"({len(shown)} blanks)"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    # A blank beside the fence is taken off by the reader; without one a backtick at the edge would extend the fence.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _plain_in_markdown(word: str, first: bool) -> bool:
    if first and (re.fullmatch(_PLAIN_SHORT, word) or re.fullmatch(_LIST_NUMBER, word)):
        return False  # it would open a list
    if re.fullmatch(_PLAIN_SHORT, word):
        return True
    return re.fullmatch(_PLAIN_WORD, word) is not None and re.search(_HEX, word) is None


def prose(text: str, limit: int = 600) -> str:
    """Return a sentence from outside for a Markdown paragraph or list item, clipped beyond `limit`.

    Plain words stay as they are, and what stands between backticks stays one code span; whatever else could mean
    something to Markdown or to GitHub goes into code spans too.
    """
    pieces: list[str] = []
    shown, start = clip(visible(text), limit), 0
    for code in re.finditer(_CODE, shown):
        if code.start() and not shown[code.start() - 1].isspace():
            continue
        pieces.extend(_prose_words(shown[start : code.start()], limit, first=not pieces))
        pieces.append(code_span(code[1], 2 * limit) + code[2])
        start = code.end()
    return " ".join([*pieces, *_prose_words(shown[start:], limit, first=not pieces)])


def _prose_words(text: str, limit: int, *, first: bool) -> list[str]:
    pieces: list[str] = []
    suspicious: list[str] = []

    def close(punctuation: str = "") -> None:
        if suspicious:
            pieces.append(code_span(" ".join(suspicious), 2 * limit) + punctuation)
            suspicious.clear()

    for word in text.split():
        if _plain_in_markdown(word, first=first and not pieces and not suspicious):
            close()
            pieces.append(word)
        elif len(word) > 1 and word[-1] in ",.;:":
            suspicious.append(word[:-1])
            close(word[-1])
        else:
            suspicious.append(word)
    close()
    return pieces


def fenced(lines: list[str], language: str = "") -> str:
    """Return lines from outside as a Markdown code block that none of them can close."""
    shown = [re.sub(_QUICK_ACTION, r"\1\\x2f", disarm(visible(line))) for line in lines]
    runs = (len(run) for line in shown for run in re.findall("`+", line))
    fence = "`" * max(3, max(runs, default=0) + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


def html(text: str) -> str:
    """Return text from outside for HTML content and quoted attributes (and for XML, which knows fewer characters)."""
    import html as html_module

    return html_module.escape(visible(text))


def _unmarked(text: str) -> str:
    """Return visible text without a command of the older form, which would be looked for inside of ours as well."""
    return _MARKED_COMMAND.sub(r"#\\x23", visible(text))


def command_data(text: str) -> str:
    """Return text from outside for the message of a GitHub workflow command."""
    return _unmarked(text).replace("%", "%25")


def command_property(text: str) -> str:
    """Return text from outside for a property (`file=`, `title=`) of a GitHub workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def azure_data(text: str) -> str:
    """Return text from outside for the message of an Azure Pipelines logging command."""
    return _unmarked(text).replace("%", "%AZP25")


def azure_property(text: str) -> str:
    """Return text from outside for a property (`sourcepath=`) of an Azure Pipelines logging command."""
    return azure_data(text).replace(";", "%3B").replace("]", "%5D")


def github_output(name: str, value: str, delimiter: str) -> str:
    """Return one output of a step, as it is appended to the file that GITHUB_OUTPUT names.

    Args:
        name: of the output; ours.
        value: text from outside, of any number of lines.
        delimiter: random, so that no value can hold it and begin an output of its own.

    Raises:
        ValueError: the value holds the delimiter.
    """
    if delimiter in value or delimiter in name:
        raise ValueError("an output holds its delimiter")
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def sarif(text: str) -> str:
    """Return text from outside for a SARIF message, where `[text](target)` would be a link."""
    shown = visible(text)
    return shown.replace("[", "\\[").replace("]", "\\]") if "](" in shown else shown


def json_text(document: Any) -> str:
    """Return a JSON document as text: ASCII only, so that it is as harmless on a terminal as it is exact."""
    import json

    return _harmless_json(json.dumps(document, indent=2, ensure_ascii=True))


def json_line(document: Any) -> str:
    """Return a JSON document on one line, for streams of them; see `json_text`."""
    import json

    return _harmless_json(json.dumps(document, ensure_ascii=True))


def _harmless_json(text: str) -> str:
    return _MARKED_COMMAND.sub(r"#\\u0023", text.replace("\x7f", "\\u007f")) + "\n"
