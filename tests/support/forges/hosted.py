"""What every forge on loopback is: a real git repository, pull requests that become commits of it, an HTTP server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from support.forges.described import undescribed

_NAME = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A"}
_GIT = _NAME | {
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


@dataclass
class Pull:
    """A pull request: `introduced` are the commits that it became on its base, `how` says by which way."""

    number: int
    branch: str
    base: str
    head: str
    title: str = "Change"
    source: str | None = None
    opener: str = "alice"
    merge_commit: str | None = None
    introduced: tuple[str, ...] = ()
    how: str = ""


@dataclass
class Artifact:
    """An archive that a run left."""

    id: int
    name: str
    archive: bytes
    run: int
    expired: bool = False


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


Answer = tuple[int, Any, Mapping[str, str]]


@dataclass
class Hosted:
    """One repository at a forge. `refuse`, when set, may answer a request before anything else does.

    `undescribed` is what was asked or answered that the forge's published description does not have: nothing may be.
    """

    described: ClassVar[str]
    """Its table in tests/data/forges/described."""

    folder: Path
    repository: str = "acme/shop"
    prefix: str = ""
    token: str = "forge-token-marker"
    author: str = ""
    pulls: dict[int, Pull] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    refuse: Callable[[Seen], Answer | None] = lambda _seen: None
    undescribed: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.git = self.folder / "forge.git"
        if not self.git.exists():
            self._run("init", "-q", "--bare", "-b", "main", str(self.git), at=self.folder)
        self._lock, self._ids = threading.RLock(), 1000
        forge: Hosted = self

        class Handler(_Handler):
            owner = forge

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.api_url = self.url + self.prefix
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert error is not None or not self.undescribed, self.undescribed

    # What people and pipelines do at the forge.

    def head(self, branch: str = "main") -> str:
        """Return the commit at the end of a branch."""
        return self._run("rev-parse", branch)

    def commit(self, branch: str, files: Mapping[str, str | None], message: str = "Change", onto: str = "main") -> str:
        """Commit files (None: delete) to a branch, which begins at another one where it is new; return the commit."""
        work = self.folder / "forge-work"
        if not work.exists():
            self._run("clone", "-q", str(self.git), str(work), at=self.folder)
        self._run("fetch", "-q", "origin", at=work)
        known = self._run("branch", "-r", "--format=%(refname:short)", at=work).split()
        if f"origin/{branch}" in known:
            self._run("checkout", "-q", "-B", branch, f"origin/{branch}", at=work)
        elif known:
            self._run("checkout", "-q", "-B", branch, f"origin/{onto}", at=work)
        else:
            self._run("checkout", "-q", "-B", branch, at=work)
        for name, content in files.items():
            path = work / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self._run("add", "-A", at=work)
        self._run("commit", "-q", "--allow-empty", "-m", message, at=work)
        self._run("push", "-q", "origin", branch, at=work)
        for pull in self.pulls.values():
            if pull.branch == branch and pull.merge_commit is None:
                pull.head = self.head(branch)
        return self.head(branch)

    def open_pull(
        self,
        branch: str,
        base: str = "main",
        *,
        source: str | None = None,
        title: str = "Change",
        opener: str = "alice",
    ) -> int:
        """Open a pull request; `source` is the fork that it comes from, `opener` whoever opens it."""
        number = self.next_number()
        self.pulls[number] = Pull(number, branch, base, self.head(branch), title, source, opener)
        return number

    def merge(self, number: int, how: str = "merge") -> str:
        """Merge a pull request by `merge`, `squash`, `rebase` or both (`semi-linear`); return the commit it became."""
        pull, work = self.pulls[number], self.folder / "forge-work"
        self._run("fetch", "-q", "origin", at=work)
        self._run("checkout", "-q", "-B", pull.base, f"origin/{pull.base}", at=work)
        before = self.head(pull.base)
        if how in ("rebase", "semi-linear"):
            self._run("checkout", "-q", "--detach", pull.head, at=work)
            # As GitHub does: the commits are always made anew.
            self._run(
                "rebase", "-q", "--force-rebase", "--onto", before, f"{before}", at=work, GIT_COMMITTER_NAME="GitHub"
            )
            rebased = self._run("rev-parse", "HEAD", at=work)
            if how == "rebase":
                self._run("checkout", "-q", "-B", pull.base, rebased, at=work)
            else:
                self._run("checkout", "-q", pull.base, at=work)
                self._run("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number}", rebased, at=work)
        elif how == "squash":
            self._run("merge", "-q", "--squash", pull.head, at=work)
            self._run("commit", "-q", "--allow-empty", "-m", f"{pull.title} (#{number})", at=work)
        else:
            self._run("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number}", pull.head, at=work)
        self._run("push", "-q", "origin", pull.base, at=work)
        pull.merge_commit, pull.how = self.head(pull.base), how
        pull.introduced = tuple(self._run("rev-list", f"{before}..{pull.base}").split())
        return pull.merge_commit

    def next_number(self) -> int:
        """Return the number of the next pull request."""
        return len(self.pulls) + 1

    def answer(self, seen: Seen) -> Answer:
        """Answer one request."""
        raise NotImplementedError

    def held(self, seen: Seen) -> Answer:
        """Answer one request, and hold it and its answer against the forge's description."""
        status, answer, headers = self.answer(seen)
        path = unquote(seen.path)
        if path.startswith(f"{self.prefix}/") and not path.startswith("/store/"):
            told = None if status >= 300 or isinstance(answer, bytes) else answer
            path = path.removeprefix(self.prefix)
            self.undescribed += undescribed(self.described, seen.method, path, seen.query, seen.body, told)
        return status, answer, headers

    def _run(self, *words: str, at: Path | None = None, check: bool = True, **more: str) -> str:
        ended = subprocess.run(
            ["git", *words],
            cwd=at or self.git,
            env=os.environ | _GIT | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or ended.returncode == 0, (words, ended.stderr)
        return ended.stdout.strip()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


class _Handler(BaseHTTPRequestHandler):
    owner: Hosted
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(content) if content else None
        seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        status, answer, more = self.owner.held(seen)
        sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json; charset=utf-8", **more}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(sent)))
        self.end_headers()
        if status != 204:
            self.wfile.write(sent)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
