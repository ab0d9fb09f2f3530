"""URLs: of an API from a manifest, of a request below it, and of where an answer points."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_plus, unquote

from yarl import URL

from reconciler.errors import Rejected, Unreachable
from reconciler.hosts import is_loopback
from reconciler.http.observe import Call
from reconciler.http.retry import Answer
from reconciler.kind.connection import Params


def url_of(base: str, call: Call, params: Params | None = None) -> URL:
    """Return the URL of a request.

    Args:
        base: the API's, without a slash at its end.
        call: has the path below it.
        params: the query.

    Raises:
        Rejected: the path is none, or leads elsewhere: it may hold an ID that came from outside.
    """
    segments = unquote(call.path).split("/")
    if any(segment in ("", ".", "..") for segment in segments) or set(call.path) & set("?#\\"):
        raise Rejected(f"{call}: not a path of this API", request=str(call))
    query = f"?{_query(params)}" if params else ""
    try:
        return URL(f"{base}/{call.path}{query}")
    except ValueError:
        raise Rejected(f"{call}: not a path of this API", request=str(call)) from None


def _query(params: Params) -> str:
    """Return the query of parameters; the standard library's `urlencode` says the same in more than twice the time."""
    pairs = ((name, [value] if isinstance(value, str | int) else value) for name, value in params.items())
    return "&".join(f"{_quoted(name)}={_quoted(str(value))}" for name, values in pairs for value in values)


def _quoted(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote_plus(text, errors="backslashreplace")


def redirect(url: URL, answer: Answer) -> URL | None:
    """Return where an answer points; None for what we do not follow: another scheme, no host, a user in it."""
    try:
        target = url.join(URL(answer.headers.get("location", "")))
    except ValueError:
        return None
    if target.scheme != "https" and not (target.scheme == "http" and is_loopback(target.host or "")):
        return None
    return target if target.host and target.raw_user is None and target.raw_password is None else None


def base_url(text: str, fields: Sequence[str]) -> URL:
    """Return the URL of an API or its token endpoint.

    Args:
        text: as a manifest has it.
        fields: what manifests call it.

    Raises:
        Unreachable: it is no http or https URL, or has more than host, port and path.
    """
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    user = url.raw_user or url.raw_password
    if url.scheme not in ("http", "https") or not url.host or url.raw_query_string or user:
        have = "has to be an http or https URL" if len(fields) == 1 else "have to be http or https URLs"
        raise Unreachable(
            f"{' and '.join(fields)} {have} without user, password and query",
            next_step="Correct the connection in the Environment manifest.",
        )
    return url
