"""Tokens on disk, for the next run: one file per hash, readable by its owner only."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import orjson

from reconciler.redacted import RedactedStruct

_LARGEST = 1 << 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Token(RedactedStruct, frozen=True, eq=False):
    """An access token and when to renew it (seconds since the epoch). `from_disk`: an earlier run's."""

    redacted: ClassVar[tuple[str, ...]] = ("value",)

    value: str
    renew_at: float
    from_disk: bool = False


def cache_key(parts: Sequence[str]) -> str:
    """Return the SHA-256 over the parts; ('a', 'bc') and ('ab', 'c') differ."""
    return hashlib.sha256(orjson.dumps(list(parts))).hexdigest()


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder for tokens: below RECONCILER_CACHE_DIR, XDG_CACHE_HOME/reconciler or ~/.cache/reconciler."""
    if chosen := environ.get("RECONCILER_CACHE_DIR"):
        return Path(chosen) / "tokens"
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "reconciler" / "tokens"


def cache_allowed(environ: Mapping[str, str]) -> bool:
    """Whether tokens may go to disk: not on CI, and only where file modes protect them."""
    return os.name == "posix" and environ.get("CI", "").lower() in ("", "0", "false")


class TokenCache:
    """Reads and writes tokens below one folder. What it cannot read or trust is as good as not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> Token | None:
        """Return the token, or None: no file, not ours, open to others, a link, or not what we write."""
        try:
            content = self._read(key)
            entry = orjson.loads(content)
            value, renew_at = entry["value"], entry["renewAt"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        usable = isinstance(value, str) and value.isascii() and value.isprintable() and isinstance(renew_at, float)
        return Token(value, renew_at, from_disk=True) if usable else None

    def store(self, key: str, token: Token) -> None:
        """Write the token whole or not at all. A folder that cannot be written, or that is not ours alone, is left."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            about = self._folder.stat(follow_symlinks=False)
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & _OTHERS:
                return
            handle, name = tempfile.mkstemp(dir=self._folder)  # made with mode 0600
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(orjson.dumps({"value": token.value, "renewAt": token.renew_at}))
                Path(name).replace(self._file(key))
            except OSError:
                Path(name).unlink(missing_ok=True)

    def drop(self, key: str) -> None:
        """Remove the token of this key."""
        with suppress(OSError):
            self._file(key).unlink()

    def _read(self, key: str) -> bytes:
        """Return the file's content, empty where it must not be trusted."""
        handle = os.open(self._file(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & _OTHERS:
                return b""
            return os.read(handle, _LARGEST)
        finally:
            os.close(handle)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def default_cache(environ: Mapping[str, str]) -> TokenCache | None:
    """Return the cache that this environment asks for, or None where tokens stay in memory."""
    return TokenCache(cache_dir(environ)) if cache_allowed(environ) else None
