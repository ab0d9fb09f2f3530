"""A folder of manifests, an emulated site, and what a user does with both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from reconciler.app.apply import Approval, apply_session
from reconciler.app.connections import readers
from reconciler.app.unattended import Unattended
from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import AnswerLost, Unreachable
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.clock import Clock
from reconciler.http.observe import Silent
from reconciler.http.retry import RetryPolicy
from reconciler.manifest.load import load
from reconciler.manifest.select import select
from reconciler.manifest.validate import validate
from reconciler.manifest.write import render
from reconciler.reconcile.importer import ImportResult, import_live
from reconciler.reconcile.plan import ApplyReport, Plan
from reconciler.reconcile.session import PlanRequest, Session, open_session
from reconciler.registry import kinds
from reconciler.secret import Secret
from reconciler.sparklayer.client import connect, connect_writer

Result = TypeVar("Result")
ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: local}}
spec:
  sparklayer: {{url: "{url}", siteID: {site}, clientID: emulator, clientSecret: emulator, requestsPerSecond: 5000}}
  ledger: sqlite:///{folder}/{ledger}.db
  guardrails: {{literalSecrets: allow, maxDeletes: 10}}
"""


def manifest(kind: str, name: str, spec: str = "{}", metadata: str = "", state: str = "present") -> str:
    """One YAML document."""
    head = f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}{', ' + metadata if metadata else ''}}}\n"
    return f"{head}state: {state}\nspec: {spec}\n---\n"


@dataclass
class Workbench:
    """Manifests, a site and a ledger in one folder."""

    folder: Path
    emulator: RunningEmulator
    site: str = "demo"
    ledger: str = "ledger"
    environment: str = ""
    lasting: bool = True

    def write(self, *documents: str) -> None:
        """Let these be the manifests."""
        manifests = self.folder / "manifests"
        manifests.mkdir(parents=True, exist_ok=True)
        settings = {"url": self.emulator.sparklayer_url, "site": self.site, "folder": self.folder}
        head = self.environment or ENVIRONMENT.format(**settings, ledger=self.ledger)
        (manifests / "all.yaml").write_text("---\n".join([head, "".join(documents)]))

    def problems(self) -> list[tuple[str, str]]:
        """Code and message of everything that `validate` finds."""
        found = validate(load(self.folder / "manifests", kinds()), kinds())
        return [(problem.code, problem.message) for problem in found.problems]

    def session(self) -> Session:
        """Open the environment."""
        loaded = load(self.folder / "manifests", kinds())
        assert self.problems() == []
        session = open_session(select(loaded, None, kinds()), kinds(), {}, datetime.now(UTC))
        return session if self.lasting else replace(session, lasting=False)

    def plan(self, **request: Any) -> Plan:
        """Plan."""
        session = self.session()

        async def work() -> Plan:
            async with readers(session, frozenset(), Silent(), token_cache=False) as opened:
                asked = PlanRequest(**request)
                compared = await session.compare(opened, asked, session.memory(), session.opened_at)
                return compared.planned.plan

        return asyncio.run(work())

    def apply(self, **request: Any) -> ApplyReport:
        """Plan and apply."""

        async def work() -> ApplyReport | None:
            asked = PlanRequest(**request)
            return await apply_session(
                self.session(), asked, Approval(agreed=True), Unattended(), Silent(), token_cache=False
            )

        report = asyncio.run(work())
        assert report is not None
        return report

    def imported(self) -> ImportResult:
        """Import everything, and let that be the manifests."""
        session = self.session()

        async def work() -> ImportResult:
            async with readers(session, frozenset(), Silent(), token_cache=False) as opened:
                return import_live(kinds(), await session.read(opened), {})

        found = asyncio.run(work())
        self.write(*(f"{render(each.kind, {'name': each.name}, each.spec)}---\n" for each in found.manifests))
        return found


def outcomes(report: ApplyReport) -> dict[str, str]:
    """What became of each change."""
    return {result.change.key: result.outcome.value for result in report.results}


@dataclass
class Settings:
    """A site as a client wants it described."""

    api_url: str
    site_id: str | None = "demo"
    client_id: str = "emulator"
    client_secret: Secret = field(default_factory=lambda: Secret("(literal)", lambda: "emulator"))
    requests_per_second: float = 5000

    @property
    def auth_url(self) -> str:
        return f"{self.api_url}/api/auth/token"


def quick_clock(waits: list[float]) -> Clock:
    """A clock that remembers waits and does not wait: their time has passed at once."""
    passed = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal passed
        waits.append(seconds)
        passed += seconds

    return Clock(lambda: time.monotonic() + passed, lambda: time.time() + passed, sleep)


def written(url: str, work: Callable[[HttpWriter], Any], *, waits: list[float] | None = None, **settings: Any) -> Any:
    """Run `work` with a writer; where its answer is lost, up to three times, as the breaker of a data sync does."""

    async def run() -> Any:
        described = Settings(url, **settings)
        policy = RetryPolicy(attempts=3)
        clock = None if waits is None else quick_clock(waits)
        async with connect_writer(described, token_cache=False, policy=policy, clock=clock) as writer:
            for _ in range(2):
                with suppress(AnswerLost, Unreachable):
                    return await work(writer)
            return await work(writer)

    return asyncio.run(run())


def read(url: str, work: Callable[[HttpReader], Any], **settings: Any) -> Any:
    """Run `work` with a reader."""

    async def run() -> Any:
        async with connect(Settings(url, **settings), token_cache=False) as reader:
            return await work(reader)

    return asyncio.run(run())


def without_stamps(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stored record without its times."""
    return {name: value for name, value in record.items() if not name.endswith("_at")}
