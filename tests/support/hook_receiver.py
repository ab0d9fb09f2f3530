"""A real HTTP server on loopback that takes webhooks and answers as a test says."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.receiver import wait_for


@dataclass(frozen=True)
class Hooked:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_signed_by(self, key: str) -> bool:
        wanted = base64.b64encode(hmac.new(key.encode(), self.body, hashlib.sha256).digest()).decode()
        return self.headers.get("x-oc-hash") == wanted


class HookReceiver:
    """What arrived; `answer` is the body of every answer, None for an empty one."""

    def __init__(self) -> None:
        self.taken: list[Hooked] = []
        self.answer: Any = None
        self.url = ""

    def until(self, count: int) -> list[Hooked]:
        """Wait for so many webhooks and return them all."""
        wait_for(lambda: len(self.taken) >= count, f"{count} webhooks; there are {len(self.taken)}", 20)
        return self.taken


@contextlib.contextmanager
def hook_receiver() -> Iterator[HookReceiver]:
    """Serve one on the loopback until the block ends."""
    receiver = HookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.taken.append(Hooked(self.path, headers, body))
            content = b"" if receiver.answer is None else json.dumps(receiver.answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield receiver
        server.shutdown()
