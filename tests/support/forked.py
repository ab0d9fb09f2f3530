"""Commands in processes of their own that are forked with everything imported: for tests that kill a great many."""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

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
    ]
)


class Forked:
    """A command that runs, with what tests use of `subprocess.Popen`. Its output goes into files."""

    def __init__(self, words: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> None:
        self._out, self._err = (tempfile.NamedTemporaryFile() for _ in range(2))  # noqa: SIM115
        told = (words, str(folder), dict(environ), self._out.name, self._err.name)
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


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _command(words: tuple[str, ...], folder: str, environ: dict[str, str], out: str, err: str) -> None:
    """Be `reconciler` in the forked process."""
    for descriptor, path in ((0, os.devnull), (1, out), (2, err)):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, closefd=False) for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.argv = ["reconciler", *words]
    from reconciler.cli.main import main

    main()
