"""What a request costs in the http room, beside a bare server: `python -m benchmarks.http_room serve|ask PORT`."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.harness import REPOSITORY, Row, clean_environment, least_of, rounds
from reconciler.http.api import Api
from reconciler.http.connect import open_reader
from reconciler.http.login import FixedToken
from reconciler.http.network import ENGINE_VARIABLE
from reconciler.secret import Secret

_REQUESTS = 3_000
_AT_ONCE = 8
_ITEM = {"Name": "A hammer", "Active": True, "QuantityMultiplier": 1, "xp": {"SKU": "sku-1"}}
_PAGE = orjson.dumps({"Meta": {"TotalCount": 8}, "Items": [{"ID": f"product-{n:05}", **_ITEM} for n in range(8)]})
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 18:55:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\nCache-Control: no-cache\r\n\r\n%s" % (len(_PAGE), _PAGE)
)


def rows(folder: Path) -> Iterator[Row]:
    """Yield the row on the http room; server and client are processes of their own."""
    environ = {**clean_environment(folder), "PYTHONPATH": str(REPOSITORY)}
    module = [sys.executable, "-m", "benchmarks.http_room"]
    with subprocess.Popen([*module, "serve"], env=environ, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()

        def ask(engine: str) -> float:
            asked = [*module, "ask", port]
            told = subprocess.run(asked, env={**environ, ENGINE_VARIABLE: engine}, capture_output=True, check=True)
            return float(told.stdout)

        try:
            found = rounds({"ours": lambda: ask(""), "httpx": lambda: ask("httpx")}, repetitions=3)
        finally:
            server.terminate()
    yield Row(
        "processor per request of our http room", least_of(found, "ours"), "µs", 200,
        f"{_REQUESTS:,} reads of a page of {len(_PAGE)} bytes, {_AT_ONCE} at once, of a bare server; the client's "
        f"process alone; least of 3 runs. With httpx in place of aiohttp {least_of(found, 'httpx'):.0f} µs",
    )  # fmt: skip


async def _serve() -> None:
    class Bare(asyncio.Protocol):
        """Answers every request, none of which has a body, with the same bytes."""

        def connection_made(self, transport: Any) -> None:
            self._transport = transport
            self._rest = b""

        def data_received(self, data: bytes) -> None:
            *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
            self._transport.write(_ANSWER * len(requests))

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _ask(port: str) -> float:
    """Return the microseconds of processor that a read takes, once connections are open and everything is imported."""
    token = FixedToken(Secret("(the benchmark's)", lambda: "token" * 100))
    api = Api(f"http://127.0.0.1:{port}/v1", token, lambda _body: None, requests_per_second=1e6)
    async with open_reader(lambda _scopes: api, {}) as reader:

        async def hand(requests: int) -> None:
            for page in range(requests):
                await reader.get("products", {"page": page, "pageSize": 100, "sortBy": "ID"})

        await asyncio.gather(*(hand(20) for _ in range(_AT_ONCE)))
        before = _processor()
        await asyncio.gather(*(hand(_REQUESTS // _AT_ONCE) for _ in range(_AT_ONCE)))
        return (_processor() - before) / _REQUESTS * 1e6


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve())
    else:
        print(asyncio.run(_ask(sys.argv[2])))
