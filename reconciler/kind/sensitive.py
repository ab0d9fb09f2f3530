"""Secrets inside values that are no secret field: which parts of a value they are, and the value without them. Pure.

Userinfo, query values and fragments of URLs, wherever in a text these stand (of fragments not what names a place in a
page, such as `#part`), bearer and basic credentials, private keys, values behind telling names (telling.py) in
connection strings, JSON text and free-form maps, and whatever `metadata.sensitive` names.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus

from msgspec import Struct
from msgspec.structs import replace
from pydantic import AfterValidator, BaseModel

from reconciler.kind.credentials import credentials_in, pairs_in, userinfo_in
from reconciler.kind.inside_json import spans_in_json
from reconciler.kind.semantics import fields_of
from reconciler.kind.telling import is_telling, tells_of_entry, tells_of_member, tells_of_number
from reconciler.secret import MASK, Secret

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*:(?://|\\\\)", re.ASCII)
_FURTHER_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*(?=@)")
# A value may begin with =; what compares, as in `[?key=='x']`, has a quote or a space behind it.
_EQUALS = r"=(?!=[\s'\"`])"
_PAIR = re.compile(rf"(?:^|[;&\n])([^=;&\n]*){_EQUALS}")
_END = re.compile(r";|\n(?=[ \t]*[\w.-]+=)|\Z")
_END_IN_FORM = re.compile(r"[&;\n]|\Z")
_ASSIGNED = re.compile(rf"(?<![^\s,{{(])([A-Za-z][\w.-]{{0,59}}){_EQUALS}([^\s,;&]+)", re.ASCII)
_URL_INSIDE = re.compile(r"((?<![\w+.-])[\w+.-]+:(?://|\\\\)|(?<![\w:/+.-])//)[^\s\"'<>]+", re.ASCII)
# The ? or # before values, percent-encoded: as often as somebody did that.
_QUERY_ENCODED = re.compile(r"%(?:25)*(?:3f|23)(?=[^?#/]*(?:=|%(?:25)*3d))", re.IGNORECASE)
_RELATIVE = re.compile(
    rf"(?<!\S)(?=[^\s?]*[/.])[^\s?#=;]*(?:\?|%(?:25)*3f)[\w.\[\]%-]+(?:{_EQUALS}|%(?:25)*3d)\S+", re.IGNORECASE
)
_ANCHOR = re.compile(r"[/!]?[a-z]+(?:[-_/](?:[a-z]+|[0-9]{1,3}))*")  # a fragment that names a place in a page
_TELLS = (
    *("bearer", "basic", "password", "gh[a-z]_", "github_", "glpat-", "xox", "xapp", "k_live_", "k_test_", "aiza"),
    *("shp[a-z]{2}_", "whsec_", "eyj"),
)
# Each alternative begins with one character as it is: a text that has none of these is passed over at once.
_BEGUN = (f"{first}(?i:{word[1:]})" for word in _TELLS for first in (word[0], word[0].upper()))
_MAY_HOLD = re.compile("|".join((*map(re.escape, "/?=;:<%["), "--", *_BEGUN)))
# A value that says where something is, such as a URL, shows its scheme, hosts, ports and path.
_MAY_HOLD_BESIDE_HOST = re.compile(r"[@?=;#%]")
_ENCODED = re.compile(r"%(?:0[9a]|2[0257]|3[ad]|40)", re.IGNORECASE)
_OCTETS = re.compile(r"(?:%[0-9a-fA-F]{2})+|[^%]+|%")
_PIECE = re.compile(r"[^\s&=?;]+")
_LONG = 6
_MOST_ENCODED = 3  # times over
# A value in quotes or braces goes on over what ends one otherwise.
_QUOTED = re.compile(r"[ \t]*(?:\"(?:[^\"]|\"\"){0,500}\"|'(?:[^']|''){0,500}'|\{(?:[^}]|\}\}){0,500}\})")
_PARAMETER = re.compile(r";([\w.-]{1,60})=([^;/?#\s]+)")
_QUERY_ALONE = re.compile(rf"\?[\w.\[\]%-]+{_EQUALS}\S+")
_HOLE_AS_SCHEME = re.compile(r"[^:]*\0[^:]*://")
_SPACE = re.compile(r"\s")
_JSON_LINE = re.compile(r"^[ \t]*[\[{].*$", re.MULTILINE)
_DELIMITERS = re.compile("[:/?#&=;]")
_INDEX = re.compile(r"\[\d+\]")
Span = tuple[int, int]


def spans(text: str, *, whole: bool = False, host: bool = False) -> tuple[Span, ...]:
    """Return where in a text secrets stand, in order.

    Args:
        text: the value.
        whole: whether all of it is secret; of a URL, scheme and host are shown all the same.
        host: whether the value says where something is, so that no part that says that may be hidden.
    """
    if not whole and not (_MAY_HOLD_BESIDE_HOST if host else _MAY_HOLD).search(text):
        return ()
    scheme = _SCHEME.match(text)
    found = [] if whole else list(userinfo_in(text)) if host else [*_credentials_in(text), *_in_encoded(text)]
    if scheme is not None:
        found.extend(_in_url(text, scheme.end(), whole=whole))
        if whole or host or not _SPACE.search(text):
            return _merged(found)
    elif whole and not host and not _HOLE_AS_SCHEME.match(text):
        return ((0, len(text)),) if text else ()
    if not host:
        found.extend(_urls_in(text))
    found.extend(_assignments_in(text))
    return _merged(found)


def _assignments_in(text: str) -> Iterator[Span]:
    """Yield where secrets stand behind `NAME=`: in connection strings, forms, lines of variables, and between words."""
    # A password may have an & in it, so that only what came after one ends at the next.
    ends = [end.start() for end in _END.finditer(text)]
    ends_in_form = [end.start() for end in _END_IN_FORM.finditer(text)]
    for pair in _PAIR.finditer(text):
        places = ends_in_form if pair[0][0] == "&" else ends
        end = places[bisect_left(places, pair.end())]
        if (quoted := _QUOTED.match(text, pair.end())) is not None:
            end = max(end, quoted.end())
        if end > pair.end() and is_telling(pair[1].strip()):
            yield pair.end(), end
    yield from (pair.span(2) for pair in _ASSIGNED.finditer(text) if is_telling(pair[1]))


def _in_url(text: str, start: int, *, whole: bool) -> Iterable[Span]:
    end = next((index for index in range(start, len(text)) if text[index] in "/?#\\"), len(text))
    at = text.rfind("@", start, end)
    if at < 0 and ":" in text[start:end]:
        at = text.rfind("@", start)  # a password with a / in it that nobody encoded
        end = max(end, at)
    if at > start:
        yield start, at
    if whole:
        if len(text) > end + 1:
            yield end + 1, len(text)
        return
    yield from ((match.start(), match.end()) for match in _FURTHER_USERINFO.finditer(text, start) if match[0])
    yield from (match.span(2) for match in _PARAMETER.finditer(text, end) if is_telling(match[1]))
    if _ENCODED.search(text, end):
        decoded, places = _decoded(text[end:])
        yield from (
            (end + places[match.start()], end + places[match.end()])
            for match in _FURTHER_USERINFO.finditer(decoded)
            if match[0]
        )
    yield from _in_query(text, end)


def _in_query(text: str, end: int) -> Iterator[Span]:
    query = next((index for index in range(end, len(text)) if text[index] in "?#"), len(text))
    if (encoded := _QUERY_ENCODED.search(text, end, query)) is not None:
        query = encoded.end()
    # In a query and in a fragment values follow their names; what has no name is a value.
    for piece in re.finditer(r"[^?#&;]+", text[query:]):
        first = query + piece.start()
        equals = piece[0].find("=")
        value = first + equals + 1
        fragment_alone = equals < 0 and text[first - 1] == "#" and _ANCHOR.fullmatch(piece[0])
        if value < query + piece.end() and not fragment_alone:
            yield value, query + piece.end()


def _urls_in(text: str) -> Iterator[Span]:
    """Yield where secrets stand in the URLs inside a text, those without a scheme or a host included."""
    if "//" in text or ":\\\\" in text:
        for url in _URL_INSIDE.finditer(text):
            found = _in_url(url[0], len(url[1]), whole=False)
            yield from ((url.start() + first, url.start() + last) for first, last in found)
    if text[:1] == "?" and _QUERY_ALONE.fullmatch(text):
        yield from _in_query(text, 0)
    if "?" in text or "%" in text:
        for url in _RELATIVE.finditer(text):
            if "//" not in url[0]:
                yield from ((url.start() + first, url.start() + last) for first, last in _in_query(url[0], 0))


def _credentials_in(text: str) -> Iterator[Span]:
    """Yield where in a text credentials stand that say of themselves what they are, or that JSON in it names."""
    whole = None if text.lstrip()[:1] not in ("{", "[") else spans_in_json(text, spans)
    if whole is not None:
        yield from whole
        return
    yield from credentials_in(text)
    yield from pairs_in(text)
    yield from _json_inside(text)


def _json_inside(text: str) -> Iterator[Span]:
    """Yield where secrets stand in the JSON between other words, or in lines of JSON."""
    openings = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    pieces = [(min(openings), max(text.rfind("}"), text.rfind("]")) + 1)] if openings else []
    if "\n" in text:
        pieces.extend(match.span() for match in _JSON_LINE.finditer(text))
    for start, end in pieces:
        found = spans_in_json(text[start:end], spans) if start or end < len(text) else None
        yield from ((start + first, start + last) for first, last in found or ())


def _in_encoded(text: str, times: int = _MOST_ENCODED) -> Iterator[Span]:
    """Yield where secrets stand in the percent-encoded pieces of a text, as the values of a form are."""
    for piece in _PIECE.finditer(text):
        if times and _ENCODED.search(piece[0]):
            decoded, places = _decoded(piece[0])
            scheme = _SCHEME.match(decoded)
            found = [*_credentials_in(decoded), *_assignments_in(decoded), *_in_encoded(decoded, times - 1)]
            found.extend(_urls_in(decoded) if scheme is None else _in_url(decoded, scheme.end(), whole=False))
            yield from ((piece.start() + places[start], piece.start() + places[end]) for start, end in found)


def _decoded(text: str) -> tuple[str, list[int]]:
    """Return a percent-encoded text in the open, and where each of its characters stands, and its end."""
    decoded, places = "", list[int]()
    for piece in _OCTETS.finditer(text):
        place = piece.start()
        if piece[0][0] != "%" or len(piece[0]) == 1:
            decoded += piece[0]
            places.extend(range(place, piece.end()))
            continue
        for char in bytes.fromhex(piece[0].replace("%", "")).decode(errors="surrogateescape"):
            decoded += char
            places.append(place)
            place += 3 * len(char.encode(errors="surrogateescape"))
    return decoded, [*places, len(text)]


def _merged(found: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def secret_parts(text: str, *, whole: bool, host: bool) -> Iterator[str]:
    """Yield what is secret in a text, in each way in which somebody may repeat it."""
    for start, end in spans(text, whole=whole, host=host):
        part = text[start:end]
        # Of `user:password` and of a path each may be repeated alone, and by whoever takes URLs apart without its %XX.
        for piece in dict.fromkeys((part, *_DELIMITERS.split(part))):
            yield from dict.fromkeys((piece, unquote(piece), unquote_plus(piece)))


def masked(text: str) -> str:
    """Return free text, such as the reason of a pause, as it may be shown and kept: secrets in it masked."""
    return replaced(text, spans(text))


def with_masked_urls(text: str) -> str:
    """Return words of ours that quote what others wrote, secrets in the URLs among it masked, and nothing else."""
    return replaced(text, _merged([*_urls_in(text), *userinfo_in(text)])) if "//" in text or "@" in text else text


def replaced(text: str, found: Iterable[Span], by: str = MASK) -> str:
    """Return a text with parts of it replaced."""
    for start, end in reversed(tuple(found)):
        text = text[:start] + by + text[end:]
    return text


FreeText = AfterValidator(masked)
"""Annotation of a field that people write words into: it holds them without the secrets that stand in them."""


class Position(Struct, frozen=True):
    """Where in a spec a value stands, as far as secrets are concerned.

    Args:
        model: of the value, where it is an object that the spec describes.
        path: dotted, without the numbers of list entries.
        free: whether it is inside a free-form map.
        whole: whether all of the value is secret.
        host: whether the value says where something is.
        write_only: whether it is a secret field, which is masked and sealed as a whole anyway.
        plain: whether a secret may be a part of a field that is none of these.
        code: whether the value is an expression: its texts are no values, and it refuses credentials itself.
        digits: whether it is a secret as a number of few digits, too.
    """

    model: type[BaseModel] | None
    path: str = ""
    free: bool = False
    whole: bool = False
    host: bool = False
    write_only: bool = False
    plain: bool = True
    code: bool = False
    digits: bool = False

    @property
    def may_hold(self) -> bool:
        """Whether secrets are looked for in the value when a manifest is read."""
        return (self.free or self.whole or self.host or self.plain) and not self.write_only

    def spans(self, text: str) -> tuple[Span, ...]:
        """Return where secrets stand in a text that is the value here, in order."""
        return () if self.code and not self.whole else spans(text, whole=self.whole, host=self.host)

    def hides(self, value: object) -> bool:
        """Whether a value that is no text is a secret here: a number that is long, or that is said to be one."""
        if not self.whole or isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.digits or len(str(abs(value))) >= _LONG

    def entry(self, entries: Sequence[Any], index: int) -> Position:
        """Return the position of an entry of a list: `[apiKey, C]` may be a name and its value."""
        return replace(self, whole=True) if self.free and tells_of_entry(entries, index) else self

    def fields_below(self, marked: frozenset[str]) -> Mapping[str, Position]:
        """Return the positions of the fields of the model here; none where something may be marked as secret."""
        if self.model is None or self.whole or marked:
            return _NO_FIELDS
        return _fields_below(self.model, self.path, self.plain)

    def below(self, name: str, marked: frozenset[str], beside: Mapping[str, Any] | None = None) -> Position:
        """Return the position of a member.

        Args:
            name: of the member.
            marked: the paths that `metadata.sensitive` names.
            beside: the object that it is a member of, which may be a name and its value: `{name: apiKey, value: C}`.
        """
        if (unmarked := self.fields_below(marked).get(name)) is not None:
            return unmarked
        path = f"{self.path}.{name}" if self.path else name
        whole = self.whole or path in marked
        known = None if self.model is None else _fields_below(self.model, self.path, self.plain).get(name)
        if known is not None:
            return replace(known, whole=True) if whole else known
        whole = whole or (self.free and tells_of_member(name, beside))
        digits = self.digits or (self.free and tells_of_number(name))
        return Position(None, path, self.free, whole, plain=self.plain, digits=digits)


_NO_FIELDS: Mapping[str, Position] = {}


@cache
def _fields_below(model: type[BaseModel], path: str, plain: bool) -> Mapping[str, Position]:
    """Return the positions of a model's fields where none is said to be secret: the same in every manifest."""
    return {
        name: Position(
            node.model,
            f"{path}.{name}" if path else name,
            node.free_form,
            host=node.semantics.host is not None,
            write_only=node.semantics.write_only,
            plain=plain and not (node.semantics.identity or node.semantics.references or node.semantics.pause),
            code=node.semantics.code,
        )
        for name, node in fields_of(model).items()
    }


_NOTHING = frozenset[str]()


def marked_paths(paths: Collection[str]) -> frozenset[str]:
    """Return paths as `Position` knows them: without the numbers of list entries."""
    return frozenset(_INDEX.sub("", path) for path in paths) if paths else _NOTHING


def position_of(
    model: type[BaseModel],
    path: str | Iterable[str | int],
    marked: frozenset[str],
    *,
    plain: bool = True,
    within: Mapping[str, Any] | None = None,
) -> Position:
    """Return the position of a path.

    Args:
        model: of the spec.
        path: dotted such as `configData.tags[2]`, or in parts.
        marked: the paths that `metadata.sensitive` names.
        plain: as a position has it.
        within: the spec, where what stands beside a value may say that it is a secret. Its path is in parts.
    """
    parts = _INDEX.sub("", path).split(".") if isinstance(path, str) else path
    position = Position(model, plain=plain)
    value: Any = within
    for part in parts:
        if isinstance(part, str) and part:
            position = position.below(part, marked, value if isinstance(value, Mapping) else None)
            value = value.get(part) if isinstance(value, Mapping) else None
        elif isinstance(value, list) and isinstance(part, int):
            position = position.entry(value, part)
            value = value[part]
    return position


def without_secrets(value: Any, position: Position, marked: frozenset[str], hidden: list[str] | None = None) -> Any:
    """Return a value as it may be shown and kept: every secret in it masked, at any depth.

    Args:
        value: plain data, or a state with `Secret` objects in it. One of a write-only field stays.
        position: where it stands.
        marked: the paths that `metadata.sensitive` names, from `marked_paths`.
        hidden: takes what was masked.
    """
    if isinstance(value, str):
        found = position.spans(value)
        if hidden is not None:
            hidden.extend(value[start:end] for start, end in found)
        return replaced(value, found) if found else value
    if isinstance(value, Mapping):
        return {
            name: without_secrets(item, position.below(name, marked, value), marked, hidden)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item, position.entry(value, index), marked, hidden) for index, item in enumerate(value)]
    if isinstance(value, Secret):
        return value if value.shown is None else value.shown
    return MASK if position.hides(value) else value
