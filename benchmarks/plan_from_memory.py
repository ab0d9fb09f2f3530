"""A program that does what `reconciler plan` does, but for the network: the live side is answered from memory."""

from __future__ import annotations

import asyncio
import gc
import sys
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

import orjson

from reconciler.app.project import Project
from reconciler.cli.options import Options
from reconciler.cli.plan_file import save_plan
from reconciler.cli.terminal.output import show
from reconciler.clock import utc_now
from reconciler.errors import NotFound
from reconciler.kind.connection import Json, Params, Reader, Wire
from reconciler.ordercloud.kinds.delivery_config import PATH
from reconciler.ordercloud.kinds.singleton import SyncKind
from reconciler.reconcile.planner import require_secrets
from reconciler.reconcile.session import PlanRequest, Session
from reconciler.report.renderers import PLAN
from reconciler.secret import Secret


class MemoryReader:
    """Answers like OrderCloud: pages of delivery configs, and one object per sync.

    Args:
        live: path to what is there; for delivery configs the list of all of them.
    """

    def __init__(self, live: Mapping[str, Json]) -> None:
        self._live = live

    async def get(self, path: str, params: Params | None = None) -> Json:
        """Return the object at a path, or the asked-for page of a list."""
        found = self._live.get(path)
        if found is None:
            raise NotFound(f"GET {path}: there is none")
        if not isinstance(found, list):
            return found
        asked = params or {}
        after, page, size = str(asked.get("ID", ">"))[1:], int(str(asked["page"])), int(str(asked["pageSize"]))
        # Of a list in the order of its IDs, what comes after one: no search, which is the server's work.
        items = found[bisect_right(found, after, key=lambda item: item["ID"]) :] if after else found
        meta = {"Page": page, "PageSize": size, "TotalCount": len(items), "TotalPages": -(-len(items) // size)}
        return {"Meta": meta, "Items": items[(page - 1) * size : page * size]}


def live_side(session: Session) -> dict[str, Json]:
    """Return what is live once everything that the manifests want has been applied, as the API shows it."""
    configs: list[Wire] = []
    live: dict[str, Json] = {PATH: configs}
    for desired in session.desired:
        kind = session.kinds[desired.kind]
        body = _readable(kind.create_body(desired.state))
        if desired.kind == "DeliveryConfig":
            configs.append({**body, "ID": desired.id})
        else:
            assert isinstance(kind, SyncKind)
            live[kind.path(desired.id)] = body
    configs.sort(key=lambda wire: wire["ID"])
    return live


def _readable(value: Json) -> Json:
    """Return a body as a read shows it: without its write-only members."""
    if isinstance(value, dict):
        return {name: _readable(item) for name, item in value.items() if not isinstance(item, Secret)}
    return value


async def plan(folder: Path, live: Mapping[str, Json]) -> None:
    """Plan the only environment of a folder and write the plan to stdout.

    Raises:
        AssertionError: the plan has changes, so this was not the case that is measured.
    """
    (session,), _ = Project(folder).sessions(utc_now())
    readers: dict[str, Reader] = {"ordercloud": MemoryReader(live)}
    comparison = await session.compare(readers, PlanRequest(), session.memory(), session.opened_at)
    require_secrets(comparison.inputs, comparison.planned.work.values())
    found = comparison.planned.plan
    assert not found.changes, f"{len(found.changes)} changes"
    show(Options(manifests=folder), PLAN, found)


async def plan_all(folder: Path, file: Path) -> None:
    """Plan the only environment of a folder where nothing is live yet, and save the plan."""
    (session,), _ = Project(folder).sessions(utc_now())
    readers: dict[str, Reader] = {"ordercloud": MemoryReader({PATH: []})}
    comparison = await session.compare(readers, PlanRequest(), session.memory(), session.opened_at)
    save_plan(file, comparison.planned.plan)


def main(command: str, folder: Path, live: Path) -> None:
    """`save FOLDER LIVE` writes the live side of a folder to a file; `plan FOLDER LIVE` plans against it.

    `changes FOLDER PLAN` saves a plan that creates all of it.
    """
    gc.set_threshold(10_000, 10, 10)  # as the program at work
    if command == "changes":
        asyncio.run(plan_all(folder, live))
    elif command == "save":
        (session,), _ = Project(folder).sessions(utc_now())
        live.write_bytes(orjson.dumps(live_side(session)))
    else:
        asyncio.run(plan(folder, orjson.loads(live.read_bytes())))
    gc.freeze()  # as the program ends


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
