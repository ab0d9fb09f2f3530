"""The page's routes over HTTP with sample environments: what a browser sees of each state, while time stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from unittest import mock

from reconciler.report.log import Log
from reconciler.secret import Secret
from reconciler.serve.asgi import make_app
from reconciler.serve.front import Front
from reconciler.serve.page.glances import Glances
from reconciler.serve.routes import page
from reconciler.serve.server import Server
from reconciler.serve.service import Service
from reconciler.sync.monitor.overview import Overview
from support.page_samples import overviews
from support.sync_samples import NOW

TOKEN = "a-token-for-the-page"


class Samples(Glances):
    """Environments that nobody has to gather."""

    def __init__(self, service: Service, samples: Sequence[Overview]) -> None:
        super().__init__(service)
        self._samples = {each.environment: each for each in samples}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._samples))

    async def of(self, name: str) -> Overview:
        return self._samples[name]

    async def several(self, names: Sequence[str]) -> list[Overview]:
        return [self._samples[name] for name in names]


@contextmanager
def sample_service(
    samples: Sequence[Overview] | None = None, *, login: bool = False, lines: list[str] | None = None
) -> Iterator[str]:
    """Within, the page is served with sample environments; returns its URL. `lines` takes what it logs."""
    shown = partial(Samples, samples=overviews() if samples is None else samples)
    logged = [] if lines is None else lines
    tokens = (Secret("${secret:TOKEN}", lambda: TOKEN),) if login else ()
    front = Front(port=0, login_tokens=tokens)
    ready, urls, ends = threading.Event(), [], []

    async def run() -> None:
        service = Service(cast("Any", {}), front=front, log=Log("json", logged.append), now=lambda: NOW)
        ends.append((asyncio.get_running_loop(), service.stopping))
        with mock.patch.object(page, "Glances", shown):
            server = Server(make_app(service), front)
        task = asyncio.create_task(server.run_until(service.stopping))
        while not server.started and not task.done():  # noqa: ASYNC110 - it has no event for that
            await asyncio.sleep(0.005)
        urls.append(server.url)
        ready.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait(30)
    try:
        yield urls[0]
    finally:
        loop, stopping = ends[0]
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
