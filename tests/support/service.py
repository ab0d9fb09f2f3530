"""A service for tests, in this process, over real HTTP on a free port of the loopback.

`async with served(checkout) as running:` in a coroutine; `with serving(checkout) as running:` in a plain test.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from reconciler.app.project import Project
from reconciler.report.log import Log
from reconciler.serve.asgi import make_app
from reconciler.serve.front import Asked
from reconciler.serve.run import Duty, close
from reconciler.serve.server import Server
from reconciler.serve.service import Service
from reconciler.serve.start import open_environments, open_service
from support.checkout import Checkout, wait_until


@dataclass
class Answered:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Running:
    """A service that runs."""

    url: str
    service: Service
    lines: list[str]
    """What it logged, as JSON."""
    duty: Duty

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Send a request, and follow nothing. It blocks: in a coroutine, call it by `asyncio.to_thread`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, dict(headers or {}))
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answered:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def logged(self, event: str | None = None) -> list[Any]:
        """Return the lines of the log, those about one event."""
        return [line for line in map(json.loads, self.lines) if event in (None, line["event"])]


class Process:
    """`reconciler serve` as a process of its own, once it serves.

    Args:
        checkout: where it runs.
        words: of the command line, after `serve`.
    """

    def __init__(self, checkout: Checkout, *words: str) -> None:
        self.forked = checkout.fork("serve", "--listen", "127.0.0.1:0", "--log-format", "json", *words)
        wait_until(lambda: self.forked.poll() is not None or bool(self.logged("serving")))
        assert self.forked.poll() is None, self.text
        self.url = str(self.logged("serving")[0]["url"])

    @property
    def text(self) -> str:
        """What it wrote to stderr."""
        self.forked._err.seek(0)
        return self.forked._err.read().decode()

    def logged(self, event: str) -> list[Any]:
        """Return the whole lines of its log that are about one event."""
        lines = [line for line in self.text.split("\n")[:-1] if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
        """Send a request, and return the status; 0 where there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return connection.getresponse().status
        except OSError:
            return 0
        except http.client.HTTPException:
            return 0
        finally:
            connection.close()

    def signalled(self, *numbers: int) -> int:
        """Send signals, each a moment after the one before was heard, and return the exit status."""
        for count, number in enumerate(numbers):
            if count:
                wait_until(lambda: bool(self.logged("ending")))
                time.sleep(0.3)
            self.forked.send_signal(number)
        self.forked.communicate(60)
        return self.forked.returncode if self.forked.returncode is not None else -1


@asynccontextmanager
async def served(
    checkout: Checkout,
    *environments: str,
    asked: Asked | None = None,
    variables: Mapping[str, str] | None = None,
    works: bool = False,
) -> AsyncIterator[Running]:
    """Within, the routes of a service are served; where it `works`, its loops and consumers run as well.

    Args:
        checkout: its manifests.
        environments: which; none: the only one.
        asked: what the command line says; it always listens on a free port.
        variables: environment variables, beside those of the checkout.
        works: whether loops and consumers run.
    """
    lines: list[str] = []
    environ = {**checkout.environ, **(variables or {})}
    project = Project(checkout.manifests, environments, environ)
    said = asked or Asked()
    service = await asyncio.to_thread(
        open_service, project, Asked(**{**_members(said), "listen": "127.0.0.1:0"}), Log("json", lines.append), environ
    )
    server = Server(make_app(service), service.front)
    task = asyncio.create_task(server.run_until(service.stopping))
    duty = Duty(service, lambda: open_environments(project, environ))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.005)
        if works:
            duty.begin()
        yield Running(server.url, service, lines, duty)
    finally:
        duty.end()
        await task
        await duty.ended()
        await close(service)


def _members(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in asked.__struct_fields__}


@contextmanager
def serving(checkout: Checkout, *environments: str, **settings: Any) -> Iterator[Running]:
    """Within, a service runs in a thread of its own; see `served`."""
    begun: list[Running] = []
    failed: list[BaseException] = []
    ready, end = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with served(checkout, *environments, **settings) as running:
            begun.append(running)
            ready.set()
            await end.wait()

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="service", daemon=True)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield begun[0]
    finally:
        if thread.is_alive():
            loops[0].call_soon_threadsafe(end.set)
        thread.join()
    if failed:
        raise failed[0]
