"""Connection to a target: its name is resolved once, and the connection goes to the address that was checked."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from reconciler.kind.probe import ALLOW_PRIVATE, FIREWALL, UNKNOWN_HOST, Outcome, ProbePolicy, obstacle
from reconciler.ordercloud.probes.addresses import is_allowed

_CERTIFICATE = "Let the host show a certificate that is valid for its name and signed by a public authority."


class Stopped(Exception):
    """A probe ends here, with this outcome. No error of ours: it is what was found.

    Args:
        outcome: what was found.
        message: why, without a secret.
        next_step: what to do.
    """

    def __init__(self, outcome: Outcome, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message
        self.next_step = next_step


class Connection:
    """An open connection to a target, whose reads end in time.

    Args:
        reader: what comes.
        writer: what goes.
        seconds: the longest that an answer may take.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._seconds = seconds

    async def ask(self, request: bytes, size: int) -> bytes:
        """Send bytes and return the next `size` bytes that come.

        Raises:
            Stopped: they did not come.
        """
        await self._send(request)
        return await self.read(size)

    async def ask_line(self, request: bytes) -> bytes:
        """Send bytes and return the first line that comes.

        Raises:
            Stopped: there came none.
        """
        await self._send(request)
        try:
            async with asyncio.timeout(self._seconds):
                line = await self._reader.readline()
        except ValueError:  # a line without an end
            return b"?"
        except (TimeoutError, OSError) as error:
            raise _silent(error) from None
        if not line:
            raise _silent(EOFError())
        return line

    async def read(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            Stopped: they did not come.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._reader.readexactly(size)
        except (TimeoutError, OSError, EOFError) as error:
            raise _silent(error) from None

    async def _send(self, request: bytes) -> None:
        try:
            self._writer.write(request)
            async with asyncio.timeout(self._seconds):
                await self._writer.drain()
        except (TimeoutError, OSError) as error:
            raise _silent(error) from None


def _silent(error: BaseException) -> Stopped:
    if isinstance(error, TimeoutError):
        return Stopped(Outcome.UNKNOWN, "it connects, and says nothing in time", FIREWALL)
    return Stopped(Outcome.REFUSES, "it closes the connection without an answer", "Check what listens there.")


@asynccontextmanager
async def connected(host: str, port: int, policy: ProbePolicy, *, tls: bool) -> AsyncIterator[Connection]:
    """Open a connection to a host that the policy lets through.

    Args:
        host: a name or an address.
        port: its port.
        policy: what may be touched.
        tls: whether TLS is spoken; its certificate has to be valid for `host`.

    Raises:
        Stopped: there is none, or it may not be made.
    """
    check_host(host, policy)
    addresses = await _resolved(host, port, policy)
    if not all(is_allowed(host, address, policy) for address in addresses):
        raise Stopped(
            Outcome.UNKNOWN,
            "not tried: its address is not public",
            f"OrderCloud reaches public addresses. To try it all the same, name host or network in {ALLOW_PRIVATE}.",
        )
    context = _tls_context(policy) if tls else None
    failures: list[Stopped] = []
    for address in addresses:
        try:
            reader, writer = await _open(address, port, host, context, policy)
        except Stopped as stopped:
            failures.append(stopped)
            continue
        try:
            yield Connection(reader, writer, policy.seconds)
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
        return
    # What cannot be known of one address, cannot be known of the host.
    raise next((failure for failure in failures if failure.outcome is Outcome.UNKNOWN), failures[0])


def check_host(host: str, policy: ProbePolicy) -> None:
    """Let a host through that the environment allows.

    Raises:
        Stopped: it does not, or nothing is to be touched in this run.
    """
    found = obstacle(host, policy)
    if found is not None:
        raise Stopped(found.outcome, found.message, found.next_step)


async def _resolved(host: str, port: int, policy: ProbePolicy) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(policy.seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in UNKNOWN_HOST and not policy.proxied:
            raise Stopped(Outcome.REFUSES, "the host is not known", "Check the name of the host.") from None
        raise Stopped(Outcome.UNKNOWN, "its name cannot be looked up here", "Check the name server here.") from None
    except (TimeoutError, OSError, UnicodeError):
        raise Stopped(Outcome.UNKNOWN, "its name cannot be looked up here", "Check the name server here.") from None
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


async def _open(
    address: str, port: int, host: str, context: ssl.SSLContext | None, policy: ProbePolicy
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address, with the host's name in TLS alone."""
    try:
        async with asyncio.timeout(policy.seconds):
            return await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host if context is not None else None
            )
    except TimeoutError:
        raise Stopped(Outcome.UNKNOWN, f"no answer within {policy.seconds:g} s", FIREWALL) from None
    except ssl.SSLCertVerificationError as error:
        raise Stopped(Outcome.REFUSES, f"its certificate is not valid: {_why(error)}", _CERTIFICATE) from None
    except (ssl.SSLError, ConnectionResetError):
        raise Stopped(Outcome.REFUSES, "it does not speak TLS as we do", "Check host and port.") from None
    except ConnectionRefusedError:
        outcome = Outcome.UNKNOWN if policy.proxied else Outcome.REFUSES
        raise Stopped(outcome, "the connection is refused", "Check host and port.") from None
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else "no connection"
        raise Stopped(Outcome.UNKNOWN, words, FIREWALL) from None


def _why(error: ssl.SSLCertVerificationError) -> str:
    """Say why a certificate is not valid. OpenSSL's own words name the host, which may be a secret's."""
    words = error.verify_message or ""
    return "it is for another name" if "mismatch" in words or "not valid for" in words else words


def _tls_context(policy: ProbePolicy) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if policy.ca_file is not None:
        try:
            context.load_verify_locations(cafile=policy.ca_file)
        except OSError:
            raise Stopped(Outcome.UNKNOWN, "RECONCILER_CA_FILE cannot be read", "Name a PEM file there.") from None
    return context
