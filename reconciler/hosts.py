"""Host names: which of them is this machine, and whether an allow-list lets one through. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable


def host_allowed(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host is one of the patterns; `*.` at the start of a pattern matches one or more labels."""
    host = host.lower().rstrip(".")
    for text in patterns:
        pattern = text.lower().rstrip(".")
        if pattern == host or (pattern.startswith("*.") and len(host) >= len(pattern) and host.endswith(pattern[1:])):
            return True
    return False


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, 127.0.0.0/8 or ::1."""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
