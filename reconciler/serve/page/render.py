"""Render the page: templates with facts, everything from outside visible, clipped and escaped. Pure but for loading."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from reconciler import __version__
from reconciler.ordercloud.resync_types import TYPES
from reconciler.report.escape import clip, visible
from reconciler.report.html.stylesheet import CSS
from reconciler.serve.page import view
from reconciler.sync.monitor.overview import Overview, State

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing inline, nothing from elsewhere."""

_HERE = Path(__file__).parent
_LIMIT = 1_000
_TITLE = " – reconciler"
_AS_IT_SHOULD_BE = (State.IN_SYNC, State.RUNNING)
_SECTION = re.compile(r'^<(section|div) id="([a-z]+)" data-live', re.MULTILINE)
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Viewer(Struct, frozen=True):
    """Who looks at the page.

    Args:
        user: for people; None: nobody has logged in.
        csrf: what their forms send along.
        can_log_out: whether there is a session that can be ended.
        base: path before all others, where a proxy has one.
    """

    user: str | None = None
    csrf: str = ""
    can_log_out: bool = False
    base: str = ""


class StaticFile(Struct, frozen=True):
    """One static file: its bytes and their media type."""

    content: bytes
    media_type: str


def environments_page(overviews: Sequence[Overview], now: datetime, viewer: Viewer, wanted: str = "") -> str:
    """Return the page over all environments.

    Args:
        overviews: every environment that may be seen.
        now: our clock.
        viewer: who looks.
        wanted: part of a name that somebody looks for; empty: all are shown.
    """
    query = f"?{urlencode({'find': wanted})}" if wanted else ""
    return _page("environments.html", viewer, events=f"/events{query}", now=now, **_of_all(overviews, wanted))


def environment_page(
    overview: Overview, now: datetime, viewer: Viewer, *, several: bool = False, refused: str | None = None
) -> str:
    """Return the page of one environment.

    Args:
        overview: the environment.
        now: our clock.
        viewer: who looks.
        several: whether there are others.
        refused: why what was just asked for was refused; said first.
    """
    return _page(
        "environment.html",
        viewer,
        events=f"/environments/{overview.environment}/events",
        now=now,
        overview=overview,
        several=several,
        refused=refused,
    )


def title_of(overview: Overview) -> str:
    """Return the title of the page of one environment, as the browser shows it."""
    return f"{_shown(overview.environment)}: {_shown(overview.headline)}{_TITLE}"


def title_of_all(overviews: Sequence[Overview]) -> str:
    """Return the title of the page over all environments."""
    return f"{_bad(overviews)} of {len(overviews)} need a look{_TITLE}"


def login_page(viewer: Viewer, following: str, wrong: str | None = None, *, several: bool = False) -> str:
    """Return the page to log in.

    Args:
        viewer: who looks.
        following: the path to go on to.
        wrong: why the last try failed.
        several: whether there are several environments, with tokens of their own.
    """
    return _page("login.html", viewer, next=following, wrong=wrong, several=several)


def message_page(viewer: Viewer, title: str, words: str) -> str:
    """Return a page that says one thing, such as what was refused."""
    return _page("message.html", viewer, title=title, words=words)


def live_list(overviews: Sequence[Overview], now: datetime, viewer: Viewer, wanted: str = "") -> dict[str, str]:
    """Return the sections of the page over all environments, by ID; see `environments_page`."""
    return _sections(_rendered("list.html", viewer, now=now, **_of_all(overviews, wanted)))


def live_environment(overview: Overview, now: datetime, viewer: Viewer) -> dict[str, str]:
    """Return the sections of the page of one environment, by ID."""
    return _sections(_rendered("sections.html", viewer, now=now, overview=overview))


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return the static files by name; the name of each holds a digest of its content, so that it may be kept."""
    found = {}
    for path in sorted((_HERE / "static").iterdir()):
        content = path.read_bytes()
        if path.suffix == ".css":
            content = f"{CSS}\n".encode() + content
        name = f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        found[name] = StaticFile(content, _TYPES[path.suffix])
    return found


def events_text(kind: str, data: Any) -> str:
    """Return one server-sent event."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _of_all(overviews: Sequence[Overview], wanted: str) -> dict[str, Any]:
    listed = [each for each in overviews if wanted.casefold() in each.environment.casefold()]
    return {"groups": view.groups_of(listed), "total": len(overviews), "bad": _bad(overviews), "wanted": wanted}


def _bad(overviews: Sequence[Overview]) -> int:
    return sum(each.state not in _AS_IT_SHOULD_BE for each in overviews)


def _sections(html: str) -> dict[str, str]:
    """Return what stands between the beginnings of the live sections; nothing but they stands there."""
    starts = [(found.start(), found[2]) for found in _SECTION.finditer(html)]
    ends = [start for start, _ in starts[1:]] + [len(html)]
    return {name: html[start:end].strip() for (start, name), end in zip(starts, ends, strict=True)}


def _page(template: str, viewer: Viewer, *, events: str | None = None, **given: Any) -> str:
    return _rendered(template, viewer, events=events, **given)


def _rendered(template: str, viewer: Viewer, **given: Any) -> str:
    return (
        _environment()
        .get_template(template)
        .render(user=viewer.user, csrf=viewer.csrf, can_log_out=viewer.can_log_out, base=viewer.base, **given)
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    names = {name.partition("-")[0] + Path(name).suffix: name for name in static_files()}
    made.globals.update(
        view.globals_of(),
        version=__version__,
        static={"css": names["page.css"], "js": names["page.js"], "icon": names["icon.svg"]},
        resync_types=TYPES,
    )
    made.filters["exact"] = _Exact
    made.filters["coded"] = _Coded
    return made


def _shown(value: Any) -> Any:
    """Return text from outside as it may be shown: visible on one line, clipped. What knows its HTML is ours."""
    return clip(visible(value), _LIMIT) if isinstance(value, str) and not hasattr(value, "__html__") else value


class _Exact:
    """A value for an attribute of a form as it is, escaped: it comes back and has to be the same."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __html__(self) -> str:
        return escape(self._value)


class _Coded:
    """A sentence in which what stands between backticks is code."""

    def __init__(self, value: str) -> None:
        self._value = _shown(value)

    def __html__(self) -> str:
        pieces = self._value.split("`")
        if len(pieces) % 2 == 0:  # a backtick without another one is none of ours
            return escape(self._value)
        return "".join(
            f"<code>{escape(piece)}</code>" if number % 2 else escape(piece) for number, piece in enumerate(pieces)
        )
