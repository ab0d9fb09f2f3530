"""Credentials in running text, by what they say of themselves or what is said of them. Pure.

Each takes a text of any size in linear time. A character NUL stands for a reference, and is found where a value was.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from reconciler.kind.telling import is_clearly_telling, is_telling

Span = tuple[int, int]

_BEARER = re.compile(r"\bbearer(?:[ \t:]+|%20)([^\s\"',;]+)", re.IGNORECASE)
_NO_BEARER = frozenset({"token", "tokens", "auth", "authentication", "authorization", "bonds", "of", "is", "and", "or"})
_BASIC = re.compile(r"\bbasic[ \t]+([^\s\"',;]+)", re.IGNORECASE)
_HEADER = re.compile(
    r"\b(?:authorization[ \t]*:[ \t]*(?:[A-Za-z][\w-]*[ \t]+)?|(?:set-)?cookie[ \t]*:[ \t]*)(\S[^\r\n]*)",
    re.IGNORECASE,
)
_PEM = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}\s*([^\s-](?:(?!-{4,5} ?END).)*)", re.DOTALL)
# Where no quote ends the value for sure, as after a backslash at its end, all of the rest is taken for it.
_JSON_PAIR = re.compile(
    r'(?<!\\)(?P<quote>\\*")(?P<name>[\w .-]{1,60})(?P=quote)\s*:\s*(?P=quote)(?P<value>.*?)(?:(?<!\\)(?P=quote)|\Z)',
    re.DOTALL,
)
_JSON_GROUP = re.compile(r"[\"']([\w .-]{1,60})[\"']\s*:\s*([\[{\0])")
# `X-Api-Key: C`, `password: C`, `{apiKey: 'C'}`; no port and no scheme.
_NAMED = re.compile(
    r"(?:(?P<line>^[ \t]*(?:[-*>][ \t]*)?)|(?<![\w./:?&=%-]))(?P<quote>[\"']?)"
    r"(?P<name>(?:(?:api|access|account|private|secret|license|client|auth)[ ])?[^\W\d_][\w.-]{0,59})"
    r"(?P=quote)[ \t]*:(?!//|[0-9]{1,5}\b)[ \t]*(?=[^\s:=])",
    re.MULTILINE | re.IGNORECASE,
)
_BRACKET = re.compile(r'[\[{}\]]|"(?:[^"\\]|\\.)*"', re.DOTALL)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)|'([^'\r\n]*)", re.DOTALL)
_TO_END_OF_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(r"[^\s,;\"'}\])]+")
_WORD_ALONE = re.compile(r"[^\s\"']+(?=[ \t]*$)", re.MULTILINE)
_ELEMENT = re.compile(r"<(?:[\w.-]{1,60}:)?([\w.-]{1,60})(?:\s[^<>]*)?>([^<]+)")
_FLAG = re.compile(r"(?<![\w-])--?([A-Za-z][\w-]{1,59})[ \t]+(?![-\s])(\"[^\"]*|'[^']*|[^\s\"']+)")
_USER_FLAG = re.compile(r"(?<![\w-])(?:-u|--user|--proxy-user)[ \t=]*[\"']?[^\s:\"'/]+:([^\s\"']+)")
_NETRC = re.compile(r"\blogin\s+\S+\s+password\s+(\S+)")
_ORACLE = re.compile(r"\bjdbc:oracle:\w+:([^/\s@]+/[^\s@]+)@", re.IGNORECASE)
# `user:password@host` without a scheme; what has neither port nor path behind it may be an address of mail.
_USERINFO = re.compile(
    r"(?<![\w.:/@%+-])(?!mailto:)[A-Za-z\0][\w.+%-]{0,99}:([^\s@/,\"'<>]{1,200})@[\w.-]{1,253}(?::[0-9]|/)",
    re.IGNORECASE,
)
_USERINFO_OF_URL = re.compile(r"://[^/?#\s@'\"`]+@")
_BEARER_WRITTEN = re.compile(r"\b(?:bearer|basic) [\w.~+/=-]{8,}", re.IGNORECASE)
# What issuers put before their tokens, so that anybody can tell them.
_ISSUED = re.compile(
    r"(?<![\w-])(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|xapp-|[rs]k_(?:live|test)_|AIza|shp(?:at|ca|pa|ss)_|whsec_|eyJ)"
    r"([\w.=-]{8,}|\0)"
)

_PATH = re.compile(r"[A-Za-z][\w+.-]*://[^/?#\s]+(/[^?#\s]*)", re.ASCII)
# A piece of a path as machines make it: many letters and digits, a long number, a UUID.
_MADE_BY_MACHINE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{12,}|[0-9]{15,}"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![A-Za-z0-9])"
)
_CHAT_HOOK = re.compile(
    r"[A-Za-z][\w+.-]*://(?:hooks\.[^/]+/[^/]+/[^/]+/[^/]|[^/]+/[^?#]*webhooks?\w*/[^/]+/[^/])", re.ASCII
)

# What has to be in a text, in small letters, so that a pattern may find something: looking for that is cheap.
_SAID = (
    ("authorization", _HEADER),
    ("cookie", _HEADER),
    ("private key", _PEM),
    ("-u", _USER_FLAG),
    ("-user", _USER_FLAG),
    ("login", _NETRC),
    ("jdbc:oracle:", _ORACLE),
    ("@", _USERINFO),
    ("", _ISSUED),
)


def userinfo_in(text: str) -> Iterator[Span]:
    """Yield where `user:password` stands before a host without a scheme."""
    yield from (found.span(1) for found in _USERINFO.finditer(text))


def has_token_in_path(text: str) -> bool:
    """Whether the path of a URL has a piece that nobody would type, as those of chat hooks have: it may be a token."""
    path = _PATH.match(text)
    return path is not None and (_MADE_BY_MACHINE.search(path[1]) or _CHAT_HOOK.match(text)) is not None


def shows_credentials(text: str) -> bool:
    """Whether an expression, whose texts are no values, has credentials written into it all the same."""
    return any(pattern.search(text) for pattern in (_USERINFO_OF_URL, _ISSUED, _PEM, _BEARER_WRITTEN))


def credentials_in(text: str) -> Iterator[Span]:
    """Yield where in a text that is no JSON credentials stand."""
    lowered = text.lower()
    for needle, pattern in _SAID:
        if needle in lowered:
            yield from (found.span(1) for found in pattern.finditer(text))
    if "bearer" in lowered:
        for credentials in _BEARER.finditer(text):
            if credentials[1].lower().rstrip(".,;:!?)") not in _NO_BEARER:
                yield credentials.span(1)
    if "basic" in lowered:
        yield from (credentials.span(1) for credentials in _BASIC.finditer(text) if _is_basic(credentials[1]))
    for needle, pattern in (("<", _ELEMENT), ("-", _FLAG)):
        if needle in text:
            yield from (found.span(2) for found in pattern.finditer(text) if is_telling(found[1]))
    if ":" in text:
        yield from _named_in(text)


def pairs_in(text: str) -> Iterator[Span]:
    """Yield where secrets stand behind telling names, in a text that has JSON in it and is none."""
    if '"' not in text and "'" not in text:
        return
    for pair in _JSON_PAIR.finditer(text):
        if pair["value"] and is_telling(pair["name"]):
            yield pair.span("value")
    done = 0
    for group in _JSON_GROUP.finditer(text):
        if group.start() >= done and is_telling(group[1]):
            done = _end_of(text, group.start(2))
            yield group.start(2), done


def _named_in(text: str) -> Iterator[Span]:
    done = 0
    for pair in _NAMED.finditer(text):
        alone, start = pair["line"] is not None, pair.end()
        if start < done:
            continue
        if text[start] in "[{":
            if is_clearly_telling(pair["name"]):
                done = _end_of(text, start)
                yield start, done
            continue
        if is_clearly_telling(pair["name"]):
            value = _QUOTED.match(text, start) or (_TO_END_OF_LINE if alone else _WORD).match(text, start)
        elif alone and is_telling(pair["name"]):
            # `Key: C` says it, and `Key: see page 5` does not.
            value = _QUOTED.match(text, start) or _WORD_ALONE.match(text, start)
        else:
            continue
        if value is not None:
            first = start + (text[start] in "\"'")
            if first < value.end():
                yield first, value.end()


def _end_of(text: str, start: int) -> int:
    """Return where what an open bracket begins ends; the end of the text where that is not to be seen."""
    if text[start] == "\0":
        return start + 1
    depth = 0
    for mark in _BRACKET.finditer(text, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.end()
    return len(text)


def _is_basic(text: str) -> bool:
    """Whether a text is what basic authentication sends; a place for a reference is taken for it, too."""
    try:
        return "\0" in text or b":" in b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False
