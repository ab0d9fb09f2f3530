"""Requests and answers inside the emulator. Small, because the hot path builds one of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson

JSON_HEADERS = ((b"content-type", b"application/json; charset=utf-8"),)
Header = tuple[bytes, bytes]


class Request:
    """HTTP request with its body.

    Args:
        method: upper case.
        segments: the path split at `/` and percent-decoded, in the case it was sent in.
        query: the raw query string.
        headers: as ASGI gives them, names in lower case.
        body: the raw body.

    `ids` holds the path parameters once a route was found.
    """

    __slots__ = ("body", "headers", "ids", "method", "query", "segments")

    def __init__(
        self, method: str, segments: list[str], query: str = "", headers: Iterable[Header] = (), body: bytes = b""
    ) -> None:
        self.method = method
        self.segments = segments
        self.query = query
        self.headers = headers
        self.body = body
        self.ids: dict[str, str] = {}

    @property
    def path(self) -> str:
        """Return the decoded path."""
        return "/" + "/".join(self.segments)

    @property
    def params(self) -> list[tuple[str, str]]:
        """Return the query parameters in order, repeated ones repeated."""
        return parse_qsl(self.query, keep_blank_values=True) if self.query else []

    def header(self, name: bytes) -> str:
        """Return the value of a header by its lower-case name; empty where it was not sent."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return ""


class Answer:
    """HTTP answer: status, body and headers (content-length is added when it is sent)."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[Header] = ()) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    def with_headers(self, *headers: Header) -> Answer:
        """Return the same answer with more headers."""
        return Answer(self.status, self.body, (*self.headers, *headers))


NO_CONTENT = Answer(204)


def json_answer(value: Any, status: int = 200) -> Answer:
    """Return an answer with a value as JSON."""
    return Answer(status, orjson.dumps(value), JSON_HEADERS)


class Refusal(Exception):
    """Exception by which a handler answers with an error of the API, which it carries."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
