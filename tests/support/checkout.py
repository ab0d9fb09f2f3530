"""A checkout of its own for each test: manifests, ledger, token cache, and the command line run in it."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from reconciler.cli.run import run as run_command_line
from reconciler.emulator.testing import RunningEmulator
from support import postgres
from support.forked import Forked

Document = dict[str, Any]

# A test says what it wants to be refused; nothing else shall stand in its way.
FREE = {
    "maxDeletes": 100,
    "maxChanges": 1000,
    "requirePauseEnd": False,
    "maxPause": "36500d",
    "stopAll": "allow",
    "literalSecrets": "allow",
}
ENTITY_PATHS = {
    "adminUsers": "adminusers",
    "buyers": "buyers",
    "buyerUsers": "buyers/users",
    "buyerUserGroups": "buyers/usergroups",
    "catalogs": "catalogs",
    "categories": "categories",
    "inventoryRecords": "products/inventoryrecords",
    "suppliers": "suppliers",
    "supplierUsers": "suppliers/users",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def __str__(self) -> str:
        return f"exit {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def document(kind: str, name: str, spec: Mapping[str, Any] | None = None, **envelope: Any) -> Document:
    """Return a manifest; `metadata` beside the name goes into `metadata=…`."""
    metadata = {"name": name, **envelope.pop("metadata", {})}
    found = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata, **envelope}
    return found if spec is None else {**found, "spec": dict(spec)}


def http_config(name: str, secret: str = "signing-key", **spec: Any) -> Document:
    """Return a DeliveryConfig with one HTTP target."""
    target = {"endpoint": f"https://hooks.example.com/{name}", "secret": secret}
    return document("DeliveryConfig", name, {"name": name, "deliveryTargets": {"http": target}, **spec})


def entity_sync(entity: str, config: str, **spec: Any) -> Document:
    """Return an EntitySync named after its entity."""
    return document("EntitySync", entity, {"entity": entity, "deliveryConfig": config, **spec})


@dataclass
class Checkout:
    """A folder to run commands in, against one emulator."""

    folder: Path
    emulator: RunningEmulator
    variables: dict[str, str] = field(default_factory=dict)
    server_ledger: str | None = None
    """URL of the ledger, where it is no file."""

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def ledger_url(self) -> str:
        return self.server_ledger or f"sqlite:///{self.ledger}"

    def lose_ledger(self) -> None:
        """Remove the ledger, wherever it is; on a server an empty one stands there at once, which spares making it."""
        if self.server_ledger is None:
            self.ledger.unlink()
        elif not postgres.renew(self.server_ledger):
            postgres.empty(self.server_ledger)

    def environment(self, name: str = "test", **spec: Any) -> Document:
        """Return an Environment for the emulator; guardrails that are given replace the free ones one by one."""
        connection = {
            "apiUrl": self.emulator.ordercloud_url,
            "authUrl": self.emulator.ordercloud_auth_url,
            "clientID": "emulator",
            "clientSecret": "emulator",
            "requestsPerSecond": 5000,
            **spec.pop("ordercloud", {}),
        }
        guardrails = {**FREE, **spec.pop("guardrails", {})}
        # Targets of tests are made up, and a probe may find that.
        rest = {"ledger": self.ledger_url, "guardrails": guardrails, "apply": {"bracket": "never"}, **spec}
        return document("Environment", name, {"ordercloud": connection, **rest})

    def write(self, name: str, *documents: Document) -> Path:
        """Write documents as one file of the manifest folder."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    def clear(self) -> None:
        """Remove every manifest."""
        for path in sorted(self.manifests.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    @property
    def environ(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECONCILER_", "OC_")) and name not in ("CI", "EMULATOR")
        }
        cache = {"RECONCILER_CACHE_DIR": str(self.folder / "cache"), "NO_COLOR": "1", "COLUMNS": "80"}
        return {**kept, **cache, **self.variables}

    def run(self, *words: str | Path) -> Ended:
        """Run a command as a process of its own."""
        process = self.fork(*words)
        stdout, stderr = process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, stdout, stderr)

    def fork(self, *words: str | Path, prelude: Callable[[], None] | None = None) -> Forked:
        """Start a command as a process of its own and return at once; nothing has to be imported first."""
        return Forked(tuple(map(str, words)), self.folder, self.environ, prelude=prelude)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a command and return at once, as `fork` does, but as users do: by a new Python."""
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *map(str, words)],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *words: str | Path) -> Ended:
        """Run a command inside this process: the same, but faster."""
        stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environ, clear=True),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            mock.patch.object(sys, "stdin", io.StringIO()),
            _process_hooks_kept(),
        ):
            status = run_command_line([str(word) for word in words])
        texts = (stream.buffer.getvalue().decode() for stream in (stdout, stderr))
        return Ended(status, *texts)

    def applied(self) -> None:
        """Apply everything, and fail where that fails."""
        ended = self.call("apply", "--yes")
        assert ended.status == 0, str(ended)

    def pending(self) -> list[str]:
        """Return what a plan would change, as `action Kind/name`."""
        ended = self.call("plan", "--format", "json")
        assert ended.status in (0, 3), str(ended)
        return [f"{change['action']} {change['kind']}/{change['name']}" for change in ended.json["changes"]]

    def live(self) -> dict[str, Any]:
        """Return the live configuration, write-only members included, by what it is."""
        state = self.emulator.state(secrets=True)["ordercloud"]
        return {"deliveryConfigs": state["deliveryConfigs"], "syncs": state["syncs"]}

    def change_live(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the live configuration behind the reconciler's back."""
        state = self.emulator.state(secrets=True)
        change(state["ordercloud"])
        self.emulator.load(state)

    def writes(self) -> list[tuple[str, str]]:
        """Return method and path of every write that the emulator has seen, logins left out."""
        return [
            (request["method"], request["path"].rpartition("/integrations/")[2])
            for request in self.emulator.requests()
            if request["method"] != "GET" and not request["path"].endswith(("/oauth/token", "/auth/token"))
        ]

    def manifest_bytes(self) -> dict[str, bytes]:
        """Return every file of the manifest folder."""
        files = (path for path in self.manifests.rglob("*") if path.is_file())
        return {str(path.relative_to(self.manifests)): path.read_bytes() for path in files}

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Within, neither live nor the manifests change, and nothing is even tried."""
        before = copy.deepcopy(self.live()), self.manifest_bytes()
        self.emulator.clear_requests()
        yield
        assert (self.live(), self.manifest_bytes()) == before
        assert self.writes() == []


@contextlib.contextmanager
def _process_hooks_kept() -> Iterator[None]:
    """A command sets the excepthook and signal handlers of its process; here that is the tests' own."""
    hook, handlers = sys.excepthook, {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        sys.excepthook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)


def wait_until(condition: Callable[[], bool], seconds: float = 30, every: float = 0.03) -> None:
    """Poll until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)


def outcomes(report: Mapping[str, Any]) -> dict[str, str]:
    """Return outcome by `Kind/name` of an apply's JSON."""
    return {f"{item['change']['kind']}/{item['change']['name']}": item["outcome"] for item in report["results"]}


def wire_name(name: str) -> str:
    return "ID" if name == "id" else name[0].upper() + name[1:]


def api_object(value: Any) -> Any:
    """Return a part of a spec in the API's words, as a reader of the vendor's docs would write it."""
    if isinstance(value, Mapping):
        return {wire_name(name): item if name == "configData" else api_object(item) for name, item in value.items()}
    return value
