"""Commands in processes of their own that are forked with everything imported: the same, without the start of Python.

Each has its own process ID, streams, signals, environment and folder, and ends as `reconciler` does. What it does not
show is the start: imports, variables that Python itself reads, signals before the first line of ours, and what Python
does at the very end. tests/e2e/test_forked.py holds both ways against each other.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import IO
from unittest import mock

import reconciler

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *(
            module.name
            for module in pkgutil.walk_packages(reconciler.__path__, "reconciler.")
            if not module.name.startswith(("reconciler.emulator.", "reconciler.__main__"))
        ),
        "psycopg",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql.psycopg",
        "support.warmed",  # the last: what was imported before it is not looked through for garbage
    ]
)


@cache
def _has_server() -> None:
    """Start the process that others are forked from: before Python 3.13 it does not get our path by itself."""
    with mock.patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1])):
        forkserver.ensure_running()


class Forked:
    """A command that runs, with what tests use of `subprocess.Popen`. Its output goes into files.

    Args:
        words: of its command line, after `reconciler`.
        folder: where it runs.
        environ: its whole environment.
        merged: stderr goes where stdout goes.
        prelude: is called in that process before the command begins; a function of a module.
    """

    def __init__(
        self,
        words: tuple[str, ...],
        folder: Path,
        environ: Mapping[str, str],
        *,
        merged: bool = False,
        prelude: Callable[[], None] | None = None,
    ) -> None:
        self._out = tempfile.NamedTemporaryFile()  # noqa: SIM115
        self._err = self._out if merged else tempfile.NamedTemporaryFile()  # noqa: SIM115
        _has_server()
        told = (words, str(folder), dict(environ), self._out.name, self._err.name, prelude)
        self._process = _CONTEXT.Process(target=_command, args=told)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs; a signal's number is negative."""
        return self._process.exitcode

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def communicate(self, timeout: float = 60) -> tuple[str, str]:
        """Wait for the end, and return what it wrote to stdout and stderr."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(["reconciler"], timeout)
        return _text(self._out), _text(self._err)

    @property
    def returncode(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.exitcode


def reconciler(
    *words: str | Path, folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for its end; without a folder and an environment it has those of this process."""
    told = tuple(map(str, words))
    process = Forked(told, folder or Path.cwd(), os.environ if environ is None else environ)
    stdout, stderr = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(told, process.returncode, stdout, stderr)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _command(
    words: tuple[str, ...],
    folder: str,
    environ: dict[str, str],
    out: str,
    err: str,
    prelude: Callable[[], None] | None,
) -> None:
    """Be `reconciler` in the forked process."""
    for descriptor, path in enumerate((os.devnull, out, err)):
        if descriptor == 2 and err == out:
            os.dup2(1, 2)
            continue
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, descriptor)
        os.close(opened)
    # As Python makes them where they are no terminal.
    was = sys.stdout
    encoding, errors = was.encoding, was.errors
    sys.stdin = os.fdopen(0, "r", encoding=encoding, errors=errors, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, errors=errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["reconciler", *words]
    if prelude is not None:
        prelude()
    from reconciler.cli.main import main

    main()
