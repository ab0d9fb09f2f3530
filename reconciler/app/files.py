"""Files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.errors import OutputError


def write_file(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it; a link is followed, a device or pipe written in place.

    Raises:
        OutputError: it cannot be written; nothing is left behind.
    """
    from tempfile import NamedTemporaryFile  # every command imports this module, and few of them write a file

    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=target.parent, delete=False) as half:
            try:
                half.write(text)
                half.flush()
                os.fchmod(half.fileno(), mode)
                Path(half.name).replace(target)
            except BaseException:
                Path(half.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}", next_step="Name another file, or make room for this one."
        ) from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
