"""A real HTTP server on loopback that takes deliveries and answers as a test says."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "sitecore.ordercloud.messages."


class Taken:
    """One message as it arrived."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        message = json.loads(body)
        self.type: str = message["Headers"]["type"].removeprefix(PREFIX)
        self.payload: dict[str, Any] = message["Payload"]

    @property
    def id(self) -> str:
        found: str = self.payload.get("ID") or self.payload["ProductID"]
        return found


class Receiver:
    """What arrived, in the order of arrival.

    `answers` are taken one by one; after them everything is answered 200, and nothing while `open` is not set.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answers: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.url = ""

    def until(self, count: int, seconds: float = 20) -> list[Taken]:
        """Wait for so many messages and return them all."""
        wait_for(lambda: len(self.taken) >= count, f"{count} messages; there are {len(self.taken)}", seconds)
        return self.taken

    @property
    def told(self) -> list[tuple[str, str]]:
        """Type and ID of each message."""
        return [(each.type, each.id) for each in self.taken]


def wait_for(happened: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.01)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.taken.append(Taken(self.path, dict(self.headers.items()), body))
            receiver.open.wait(30)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with _Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
