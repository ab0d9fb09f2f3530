"""Azure's own storage emulator, Azurite, as a process.

`npm install --no-package-lock` in tests/intake/node brings it; where it is missing, its tests are not run.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

FOLDER = Path(__file__).parent.parent / "intake" / "node"
PROGRAM = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
NODE = shutil.which("node")
needs_azurite = pytest.mark.skipif(NODE is None or not PROGRAM.is_file(), reason="node or azurite is not installed")
# Azurite's account and key are documented, and the same everywhere.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Storage:
    """A storage account."""

    def __init__(self, port: int) -> None:
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )

    def container(self, name: str | None = None, *, made: bool = True) -> ContainerClient:
        """Return a container of this or a new name, made unless told otherwise."""
        client = BlobServiceClient.from_connection_string(self.connection_string)
        found = client.get_container_client(name or f"c-{uuid.uuid4().hex[:8]}")
        if made:
            found.create_container()
        return found


@contextlib.contextmanager
def running_azurite(folder: Path) -> Iterator[Storage]:
    """Run Azurite in memory until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(NODE), str(PROGRAM), "--inMemoryPersistence", "--silent", "--skipApiVersionCheck"]
    command += ["--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < end, "Azurite does not start"
            time.sleep(0.05)
        yield Storage(port)
    finally:
        process.terminate()
        process.communicate()
