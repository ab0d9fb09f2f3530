"""An Ignite service in a few lines, on real HTTP: it serves what a test gives it, and notes who asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class IgniteStub:
    """What it has by type and ID, two entities a page, and what was asked of it.

    `answers` are statuses for the next requests, before anything else.
    """

    def __init__(self) -> None:
        self.entities: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.tokens: list[str | None] = []
        self.answers: list[int] = []
        self.last_page: str | None = ""
        self.url = ""

    def reply(self, method: str, path: str, query: str, body: Any) -> tuple[int, Any]:
        below = path.split("/")[4:]
        if self.answers:
            return self.answers.pop(0), None
        if below[:1] == ["sync"]:
            held = self.entities.get(below[1], {})
            if method == "POST":
                return (200, held[below[2]]) if below[2] in held else (404, None)
            start = int(parse_qs(query).get("page", ["0"])[0])
            page = list(held.values())[start : start + 2]
            more = start + 2 < len(held)
            return 200, {"items": page, "next_page": str(start + 2) if more else self.last_page}
        if below == ["authentication", "verify"]:
            return 200, {"customer_external_id": body["data"]}
        if below == ["metafield-configuration"]:
            return 200, []
        return {"DELETE": 204, "POST": 201}[method], {"redirect_url": "https://x.test"} if not below else None


@contextlib.contextmanager
def ignite_stub() -> Iterator[IgniteStub]:
    """Serve one on the loopback until the block ends."""
    stub = IgniteStub()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(size)
            body = json.loads(text) if text else None
            parts = urlsplit(self.path)
            path = "/".join(unquote(part) for part in parts.path.split("/"))
            stub.asked.append((self.command, path, body))
            stub.tokens.append(self.headers.get("Authorization"))
            status, answer = stub.reply(self.command, path, parts.query, body)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 (as the base class calls them)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield stub
        server.shutdown()
