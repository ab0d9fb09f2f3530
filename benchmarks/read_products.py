"""Reads every product of an emulated marketplace: `read_products.py URL RATE` prints what that took as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass

from reconciler.ordercloud.client import connect
from reconciler.ordercloud.readers.products import ProductReader
from reconciler.secret import Secret


@dataclass(frozen=True)
class Settings:
    """The connection to an emulator."""

    url: str
    requests_per_second: float
    client_id: str = "emulator"

    @property
    def api_url(self) -> str:
        """The marketplace."""
        return f"{self.url}/ordercloud/v1"

    @property
    def auth_url(self) -> str:
        """Its token endpoint."""
        return f"{self.url}/ordercloud/oauth/token"

    @property
    def client_secret(self) -> Secret:
        """The emulator's."""
        return Secret("(literal)", lambda: "emulator")


async def read(settings: Settings) -> int:
    """Read all products with variants, stock and prices; return how many there were."""
    async with connect(settings, token_cache=False) as reader, aclosing(ProductReader(reader).walk()) as products:
        return sum([1 async for _ in products])


def main() -> None:
    """Read and print."""
    started = time.perf_counter()
    count = asyncio.run(read(Settings(sys.argv[1], float(sys.argv[2]))))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"products": count, "seconds": seconds, "peak_mib": peak}))


if __name__ == "__main__":
    main()
