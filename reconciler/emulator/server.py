"""HTTP server of the emulator: `serve` runs it until a signal, `EmulatorServer` in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from reconciler.emulator.app import App, new_state
from reconciler.emulator.seeds.files import seed_from
from reconciler.emulator.state import State
from reconciler.emulator.switches import Switches
from reconciler.emulator.traffic import TrafficSetting
from reconciler.errors import LoadError, UsageError

SAVE_EVERY = 0.5


class Addresses(Struct, frozen=True):
    """Addresses of a running emulator. As text, the line that is printed when it is ready."""

    url: str

    @property
    def ordercloud_url(self) -> str:
        """Return the base URL of OrderCloud's API."""
        return f"{self.url}/ordercloud/v1"

    @property
    def ordercloud_auth_url(self) -> str:
        """Return the URL of OrderCloud's token endpoint."""
        return f"{self.url}/ordercloud/oauth/token"

    @property
    def sparklayer_url(self) -> str:
        """Return the base URL of SparkLayer."""
        return f"{self.url}/sparklayer"

    def __str__(self) -> str:
        """Return both URLs on one line."""
        return f"Emulator ready: OrderCloud at {self.ordercloud_url}, SparkLayer at {self.sparklayer_url}"


def announce_on_stdout(addresses: Addresses) -> None:
    """Print the addresses on one line, flushed, so that whoever reads a pipe gets them at once."""
    print(addresses, flush=True)  # noqa: T201 (the program's result)


def serve(
    host: str = "127.0.0.1",
    port: int = 8800,
    *,
    file: Path | str | None = None,
    latency: float = 0,
    switches: Mapping[str, Any] | None = None,
    seed: str | int | None = None,
    seed_number: int = 0,
    announce: Callable[[Addresses], None] = announce_on_stdout,
) -> None:
    """Run the emulator until Ctrl-C or SIGTERM.

    Args:
        host: address to listen on.
        port: 0 for any that is free.
        file: where to keep the state; None keeps it in memory only.
        latency: seconds that every request waits.
        switches: those that are not to have their default.
        seed: what the marketplace starts with: a seed file, or how many products to generate.
        seed_number: which of the generated marketplaces.
        announce: called once, when it is ready.

    Raises:
        UsageError: the address cannot be listened on, or there is no such switch.
        LoadError: the file is there and holds no state, or the seed cannot be read.
    """
    planted = seed_from(seed, seed_number)
    state = new_state(Switches().changed(switches or {}), TrafficSetting(latency=latency), planted)
    EmulatorServer(state, host, port, None if file is None else Path(file), announce).run_until_stopped()


class EmulatorServer:
    """Emulator on one socket, which is bound on construction.

    Args:
        state: what it serves.
        host: address to listen on.
        port: 0 for any that is free.
        file: where the state is kept, or None.
        announce: called once, when it is ready.
    """

    def __init__(
        self, state: State, host: str, port: int, file: Path | None, announce: Callable[[Addresses], None]
    ) -> None:
        if file is not None:
            _load(state, file)
        self._socket = _listen(host, port)
        bound_port = self._socket.getsockname()[1]
        shown_host = f"[{host}]" if ":" in host else host
        self.addresses = Addresses(f"http://{shown_host}:{bound_port}")
        config = uvicorn.Config(
            App(state),
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # The Date header comes from the emulator's own clock.
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, lambda: announce(self.addresses), state, file)

    def run_until_stopped(self) -> None:
        """Serve until a signal or `stop`."""
        self._server.run(sockets=[self._socket])
        self._socket.close()

    def stop(self) -> None:
        """Ask `run_until_stopped` to end. Safe to call from another thread."""
        self._server.should_exit = True


class _Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # which class it is, uvicorn decides on import
    """HTTP protocol that puts the connection into `scope["state"]`, so that faults can cut it."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Server that announces when it is ready, ends quietly on a signal, and keeps the state in a file."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], state: State, file: Path | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._state = state
        self._file = file
        # A file that is not there yet is written at once, for what the marketplace was seeded with.
        self._saved_revision = state.revision if file is None or file.exists() else -1

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for room in self._state.rooms.values():
            room.start(asyncio.get_running_loop())
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        # uvicorn ticks ten times a second.
        if counter % int(SAVE_EVERY * 10) == 0:
            self._save()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for room in self._state.rooms.values():
            room.stop()
        await super().shutdown(sockets=sockets)
        self._save()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, and do not raise them again: an emulator ends by them in order."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _save(self) -> None:
        """Write the state to its file if it changed, whole or not at all, readable to its owner only."""
        revision = self._state.revision
        if self._file is None or revision == self._saved_revision:
            return
        descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.")
        with os.fdopen(descriptor, "wb") as output:
            output.write(orjson.dumps(self._state.dump(secrets=True), option=orjson.OPT_INDENT_2))
        Path(temporary).replace(self._file)
        self._saved_revision = revision


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off; without it an answer can wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {error}",
            next_step="Choose another port; 0 takes any that is free.",
        ) from error
    return listener


def _load(state: State, file: Path) -> None:
    """Load the state from `file`, if there is one yet."""
    if not file.parent.is_dir():
        raise LoadError(f"{file} is in a folder that is not there", next_step=f"Make the folder {file.parent} first.")
    if not file.exists():
        return
    try:
        state.load(orjson.loads(file.read_bytes()))
    except OSError as error:
        raise LoadError(f"{file} cannot be read: {error.strerror}", next_step="Name a file of yours.") from error
    except (ValueError, LoadError) as error:
        raise LoadError(
            f"{file} holds no state of an emulator, and would be written over",
            next_step="Name a file that an emulator kept, or one that is not there yet. A seed goes to --seed.",
        ) from error
