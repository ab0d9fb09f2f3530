"""Probes of targets that are URLs: a connection, a valid certificate, and an answer to HEAD.

HEAD carries no data and none of the target's credentials: neither the header pair, nor a key, nor the query.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from reconciler.kind.probe import Outcome, ProbePolicy
from reconciler.manifest.hosts import hosts_of
from reconciler.ordercloud.probes.connect import Stopped, connected

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})\b")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"


async def probe_url(url: str, policy: ProbePolicy) -> str:
    """Ask for the head of a URL and return what it said, in a few words.

    Raises:
        Stopped: it refuses, or it cannot be known.
    """
    hosts = hosts_of(url, "url")
    if hosts is None:
        raise Stopped(Outcome.REFUSES, "it is no URL", "Write https://, the host and the path.")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise Stopped(Outcome.REFUSES, "it is no URL of HTTP", "Write https://, the host and the path.")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    async with connected(hosts[0], port, policy, tls=secure) as connection:
        line = await connection.ask_line(_head(parts.path, parts.netloc.rpartition("@")[2]))
    found = _STATUS.match(line)
    if found is None:
        raise Stopped(Outcome.REFUSES, "it does not speak HTTP", "Check host and port.")
    status = int(found[1])
    if 300 <= status < 400:
        step = "Write the URL that it leads to: a redirect is not followed here, and OrderCloud may not follow it."
        raise Stopped(Outcome.UNKNOWN, f"it answers HEAD with a redirect ({status})", step)
    if status >= 500:
        raise Stopped(Outcome.UNKNOWN, f"it answers HEAD with {status}", "Check the service behind it.")
    # Many endpoints that take POST alone say 404 or 405 to everything else.
    return f"HTTP {status} to HEAD{'' if secure else ', without TLS'}"


def _head(path: str, host: str) -> bytes:
    target = quote(path or "/", safe=_PATH_CHARACTERS)
    lines = (f"HEAD {target} HTTP/1.1", f"Host: {host}", "User-Agent: reconciler", "Accept: */*", "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", "replace")
