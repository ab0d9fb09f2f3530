"""Process identity: this process's, and whether another one on this machine still lives. For locks."""

from __future__ import annotations

import getpass
import os
import socket
from contextlib import suppress
from pathlib import Path

from msgspec import Struct


class ProcessId(Struct, frozen=True):
    """A process, so that it can be told from another one that got the same number later.

    Args:
        machine: host name and PID namespace: the same number elsewhere is another process.
        pid: its number.
        started: when it started, in the kernel's own ticks; empty where that cannot be read.
    """

    machine: str
    pid: int
    started: str

    def is_dead(self) -> bool:
        """Whether this process is certainly gone. False also where that cannot be known."""
        if self.machine != _machine() or os.name != "posix":
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass  # it lives and belongs to somebody else
        state, started = _process_stat(self.pid)
        return state in ("Z", "X") or bool(self.started and started and self.started != started)


def this_process() -> ProcessId:
    """Return the identity of this process."""
    return ProcessId(_machine(), os.getpid(), _process_stat(os.getpid())[1])


def describe_holder(command: str) -> str:
    """Return `user@host pid N: command`, how a lock and a run name us to people.

    Args:
        command: the name of the command that runs; no arguments, which may hold anything.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()} pid {os.getpid()}: {command}"


def _machine() -> str:
    namespace = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return f"{socket.gethostname()} {namespace}".strip()


def _process_stat(pid: int) -> tuple[str, str]:
    """State letter and start time of a process from /proc, or two empty strings where there is no /proc."""
    with suppress(OSError):
        # The command name before them may hold spaces and brackets, so count from the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return fields[0], fields[19]
    return "", ""
