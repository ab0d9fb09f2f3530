"""One process that shares a rate: `limit_worker.py LEDGER EMULATOR RATE busy|idle`. Sends until its input ends.

It asks as workers do: through the http room, 16 requests at once, over one connection to the API.
"""

from __future__ import annotations

import asyncio
import sys

from reconciler.errors import ApiError
from reconciler.http.observe import Silent
from reconciler.ledger.url import located
from reconciler.manifest.connection import Connection
from reconciler.registry import open_reader
from reconciler.secret import Secret

_AT_ONCE = 16
_IDLE_SECONDS = 5.0


async def main(ledger: str, emulator: str, rate: float, *, busy: bool) -> None:
    """Send, as fast as may be or now and then."""
    client = "emulator"
    connection = Connection(
        "ordercloud",
        f"{emulator}/ordercloud/v1",
        f"{emulator}/ordercloud/oauth/token",
        client,
        Secret("the client secret", lambda: client),
        rate,
    ).shared_by(located(ledger), "bench")
    async with open_reader(connection, (), token_cache=False, observer=Silent()) as reader:
        await reader.get("catalogs", {"pageSize": 1})
        print("ready", flush=True)
        stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

        async def send() -> None:
            while not stop.done():
                try:
                    await reader.get("catalogs", {"pageSize": 1})
                except ApiError as error:
                    print(error, file=sys.stderr)
                if not busy:
                    await asyncio.wait([stop], timeout=_IDLE_SECONDS)

        sending = [asyncio.create_task(send()) for _ in range(_AT_ONCE if busy else 1)]
        await stop
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), busy=sys.argv[4] == "busy"))
