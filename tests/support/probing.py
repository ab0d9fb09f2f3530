"""What tests of probes share: a resolver that tests decide on, certificates, and a policy that lets the loopback in."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.kind.probe import ProbePolicy

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HOST = "hooks.example.com"
POLICY = ProbePolicy(now=NOW, target_hosts=("*.example.com",), loopback=True, seconds=5.0)


def trusting(certificate: Path | None) -> ProbePolicy:
    """The policy, with this certificate trusted beside the usual ones."""
    return replace(POLICY, ca_file=None if certificate is None else str(certificate))


class Resolver:
    """Answers look-ups as told, one list of addresses after the other (the last one for ever), and keeps the names."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Resolver:
        async def getaddrinfo(_loop: object, host: str, port: int, **_options: Any) -> list[Any]:
            self.asked.append(host)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, OSError):
                raise answer
            return [
                (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in answer
            ]

        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
        return self


def make_certificate(folder: Path, host: str = HOST) -> tuple[Path, Path]:
    """Make a key and a certificate for a host, or an address, that signs itself, and return their files."""
    kind = "IP" if host.replace(".", "").isdigit() else "DNS"
    key, certificate = folder / f"{host}.key", folder / f"{host}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={host}"]
    command += ["-addext", f"subjectAltName={kind}:{host}", "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


def server_tls(files: tuple[Path, Path], names: list[str | None] | None = None) -> ssl.SSLContext:
    """A server's TLS with this certificate; `names` takes the names that clients ask for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    if names is not None:
        context.sni_callback = lambda _socket, name, _context: names.append(name)
    return context
