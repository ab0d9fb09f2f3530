"""`reconciler` as scripts find it on their PATH, carried out by a forked process, without the start of Python."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.forked import Forked

_CLIENT = """\
#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    line.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    out, err, status = json.loads(line.makefile().readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


class _Command(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        words, folder, environ = json.loads(self.rfile.readline())
        process = Forked(tuple(words), Path(folder), environ)
        out, err = process.communicate(120)
        self.wfile.write(json.dumps([out, err, process.returncode]).encode() + b"\n")


@contextmanager
def command_on_path(folder: Path) -> Iterator[Path]:
    """Within, the folder that this returns holds a command `reconciler`; it is made in another one."""
    place = folder / "bin"
    place.mkdir()
    address = str(folder / "line")
    with socketserver.ThreadingUnixStreamServer(address, _Command) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        command = place / "reconciler"
        command.write_text(_CLIENT.format(python=sys.executable, address=address))
        command.chmod(0o755)
        try:
            yield place
        finally:
            server.shutdown()
