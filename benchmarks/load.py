"""Delivers signed messages over HTTP, as OrderCloud does: `load.py URL SECRET RATE SECONDS CONNECTIONS RECORDS NAME`.

RATE is messages a second; with 0 every connection sends its next message as soon as the last one was answered. Each
message is about another one of RECORDS products, which NAME is said to be the name of, and after the last one it begins
anew; with 0 for SECONDS each is sent once. Prints as JSON how often each
status was answered, the seconds that it took, and when each product's first message was due.

It is a process of its own, and its messages are signed before the clock starts.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit


def product(number: int) -> str:
    """Return the ID of a product."""
    return f"p{number}"


def message(number: int, name: str, secret: str, host: str, path: str) -> bytes:
    """Return the request that delivers a product's change, signed."""
    payload = {"ProductID": product(number), "Name": f"{name} {number}", "Active": True}
    body = json.dumps(
        {"Headers": {"type": "sitecore.ordercloud.messages.product.updated"}, "Payload": payload}
    ).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nX-oc-hash: {signature}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Load:
    """What is sent, and what came of it."""

    host: str
    port: int
    messages: Iterator[tuple[int, bytes]]
    rate: float
    ends_at: float
    began: float = field(default_factory=time.monotonic)
    taken: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    sent: dict[str, float] = field(default_factory=dict)

    async def deliver(self) -> None:
        """Send messages over one connection, one after the other, until the time is over or they are all sent."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        while time.monotonic() < self.ends_at:
            due = self.began + self.taken / self.rate if self.rate else time.monotonic()
            found = next(self.messages, None)
            if found is None:
                break
            self.taken += 1
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            # A message that is late because those before it were not answered waits all the same.
            self.sent.setdefault(product(found[0]), time.time() - (time.monotonic() - due))
            writer.write(found[1])
            head = await reader.readuntil(b"\r\n\r\n")
            self.statuses[int(head[9:12])] += 1
            if b"content-length: 0" not in head.lower():
                break
        writer.close()


async def deliver(
    url: str, secret: str, rate: float, seconds: float, connections: int, records: int, name: str
) -> Load:
    """Deliver messages; see above."""
    split = urlsplit(url)
    host, port = split.hostname or "127.0.0.1", split.port or 80
    made = [(number, message(number, name, secret, split.netloc, split.path)) for number in range(records)]
    load = Load(host, port, cycle(made) if seconds else iter(made), rate, 0)
    load.began = time.monotonic()
    load.ends_at = load.began + (seconds or math.inf)
    await asyncio.gather(*(load.deliver() for _ in range(connections)))
    return load


def main(url: str, secret: str, rate: str, seconds: str, connections: str, records: str, name: str) -> None:
    """Deliver and print."""
    load = asyncio.run(deliver(url, secret, float(rate), float(seconds), int(connections), int(records), name))
    took = time.monotonic() - load.began
    print(json.dumps({"statuses": load.statuses, "seconds": took, "sent": load.sent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
