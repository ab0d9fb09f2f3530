"""Promise 1: a plan cannot write. For the type checker and at run time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.http.client import HttpReader
from reconciler.kind.connection import Reader, Writer
from support.http_client_helpers import client
from support.scripted_server import ScriptedServer

WRITES = ("post", "put", "patch", "delete")

SNIPPET = """
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.kind.connection import Reader, Writer


async def plan(reader: HttpReader, by_protocol: Reader) -> None:
    await reader.get("things")
    await reader.put("things", {})
    await by_protocol.delete("things")


def apply(writer: Writer) -> None: ...


def give(reader: HttpReader, writer: HttpWriter) -> Reader:
    apply(writer)
    apply(reader)
    return reader
"""


def test_the_type_checker_refuses_a_write_while_planning(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    command += ["--follow-imports", "silent", "--config-file", "", str(snippet)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    errors = [line.partition(": error: ") for line in done.stdout.splitlines() if ": error: " in line]
    wrong = [place.rpartition(":")[2] for place, _, _ in errors]
    assert wrong == ["8", "9", "17"], done.stdout + done.stderr
    assert '"HttpReader" has no attribute "put"' in done.stdout
    assert '"Reader" has no attribute "delete"' in done.stdout
    assert 'incompatible type "HttpReader"; expected "Writer"' in done.stdout


@pytest.mark.parametrize("method", WRITES)
def test_a_reader_has_no_way_to_write(method: str) -> None:
    assert not hasattr(HttpReader, method)

    async def run() -> None:
        async with ScriptedServer() as server, client(server) as writer:
            reader = writer.read_only()
            assert type(reader) is HttpReader
            assert not hasattr(reader, method)
            assert await reader.get("things") == {}
            assert len(server.logins) == 1

    asyncio.run(run())


def test_the_clients_are_what_the_house_asks_for() -> None:
    async def run() -> None:
        async with ScriptedServer() as server, client(server) as api:
            writer: Writer = api
            reader: Reader = api.read_only()
            assert await writer.post("things") == {}
            assert await reader.get("things") == {}

    asyncio.run(run())
