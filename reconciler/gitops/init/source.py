"""Where the running reconciler was installed from, so that pipelines install the same."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from msgspec import Struct

from reconciler.app.commits import ask_git
from reconciler.errors import UsageError

DISTRIBUTION = "ordercloud-reconciler"
EXTRAS = "emulator,postgres"
WHEELS = "wheels"


class Source(Struct, frozen=True):
    """What pipelines install.

    Args:
        requirement: a line for pip; None: a runner cannot get at what runs here.
        wheel: a file that has to be beside it in the repository.
    """

    requirement: str | None
    wheel: Path | None = None


def source() -> Source:
    """Return where reconciler came from: a repository at its commit, an address, a wheel file, or an index."""
    try:
        found = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return Source(None)
    text = found.read_text("direct_url.json")
    if text is None:
        return Source(f"{DISTRIBUTION}[{EXTRAS}]=={found.version}")
    return _of(json.loads(text))


def _of(origin: dict[str, Any]) -> Source:
    url, name = str(origin.get("url", "")), f"{DISTRIBUTION}[{EXTRAS}]"
    if "vcs_info" in origin:
        return _of_git(url, str(origin["vcs_info"].get("commit_id", "")))
    if urlsplit(url).scheme != "file":
        hashes = (origin.get("archive_info") or {}).get("hashes") or {}
        fixed = f"#sha256={hashes['sha256']}" if "sha256" in hashes else ""
        return Source(f"{name} @ {_plain(url)}{fixed}")
    path = Path(unquote(urlsplit(url).path))
    if path.suffix == ".whl" and path.is_file():
        return Source(f"./{WHEELS}/{path.name}[{EXTRAS}]", path)
    remote, commit = _git(path, "remote", "get-url", "origin"), _git(path, "rev-parse", "HEAD")
    return _of_git(remote or "", commit or "")


def check_requirement(line: str) -> None:
    """Refuse what is not one line that pip can read.

    Raises:
        UsageError: it is not.
    """
    wrong = "is more than one line" if not line.isprintable() else unusable(line)
    if wrong is not None:
        raise UsageError(
            f"--requirement {wrong}", next_step=f"Give one line for pip, such as {DISTRIBUTION}[{EXTRAS}]==VERSION."
        )


def unusable(text: str) -> str | None:
    """Return why pip cannot install from a file of requirements, or None."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return "says not where reconciler comes from"
    if any(re.search(r"(?:^|[\s@])git\+(?!\w+://)", line) for line in lines):
        return "names a repository by a path, which pip cannot read: it takes git+https:// or git+file:///"
    return None


def _of_git(url: str, commit: str) -> Source:
    """Return a repository at its commit; a path that is not absolute leads nowhere from a runner."""
    plain = f"file://{quote(url)}" if url.startswith("/") else _plain(url)
    if not commit or not re.match(r"(?:https?|git)://[^/]|file:///", plain):
        return Source(None)
    return Source(f"{DISTRIBUTION}[{EXTRAS}] @ git+{plain}@{commit}")


def _plain(url: str) -> str:
    """Return an address as a runner can use it: over HTTPS, and without anybody's password."""
    short = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+):(?!/)(.+)", url)
    if short is not None:
        return f"https://{short[1]}/{short[2]}"
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "ssh" else parts.scheme
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port and parts.scheme != "ssh" else ""
    return urlunsplit((scheme, f"{host}{port}", parts.path, parts.query, ""))


def _git(folder: Path, *words: str) -> str | None:
    return (ask_git(folder, *words) or "").strip() or None
