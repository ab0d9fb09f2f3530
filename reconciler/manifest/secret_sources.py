"""Sources of secrets: where `${secret:…}` takes its values from. A further source is one function and one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.secret import UnusableSecret

SecretSource = Callable[[str, Mapping[str, str]], str | None]
SECRETS_DIR = "RECONCILER_SECRETS_DIR"
_MAX_SECRET = 65_536


def without_final_newline(value: str | None) -> str | None:
    """Return a secret as it is meant: without a byte order mark and one final newline; None where there is none.

    Editors, `echo` and mounted files add both, whatever the source, and every signature with them would be wrong.

    Raises:
        UnusableSecret: nothing is left, or it is no text.
    """
    if value is None:
        return None
    text = value.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if not text:
        raise UnusableSecret("is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableSecret("holds bytes that are no UTF-8") from None
    return text


def from_environ(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the environment variable, or None where it is not set."""
    return environ.get(name)


def from_file(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the content of a file in RECONCILER_SECRETS_DIR, or None where there is none."""
    folder = environ.get(SECRETS_DIR)
    if not folder:
        return None
    try:
        root = Path(folder).resolve(strict=True)
        file = (root / name).resolve(strict=True)
        # A link may point elsewhere inside the folder (as Kubernetes mounts do), never out of it.
        if not file.is_relative_to(root) or not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(_MAX_SECRET).decode(errors="surrogateescape")
    except (OSError, RuntimeError):
        return None


# Prefix of `${secret:PREFIX:NAME}` to what supplies the value; the empty prefix is `${secret:NAME}`.
SECRET_SOURCES: Mapping[str, SecretSource] = {"": from_environ, "file": from_file}
