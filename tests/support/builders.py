"""Small builders: desired and observed objects, and the inputs of a plan, with everything else at rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.errors import Place
from reconciler.kind.kind import Kinds, Observed
from reconciler.ledger.config.model import Memory
from reconciler.manifest.environment import Guardrails
from reconciler.ordercloud.kinds import KINDS
from reconciler.reconcile.inputs import PlanInputs
from reconciler.reconcile.work import Desired
from reconciler.secret import Secret

API = "http://127.0.0.1:8800/ordercloud/v1"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ALL_KINDS: Kinds = {kind.name: kind for kind in KINDS}


def secret(value: str | None = "s3cr3t", name: str = "SECRET") -> Secret:
    return Secret(f"${{secret:{name}}}", lambda: value, Place("manifests/a.yaml", 9, 9))


def http_targets(endpoint: str = "https://hooks.example.com/oc", **members: Any) -> dict[str, Any]:
    return {"http": {"endpoint": endpoint, "secret": secret(), **members}}


def config(manifest: str = "hooks", /, *, targets: dict[str, Any] | None = None, **extra: Any) -> Desired:
    options = {key: extra.pop(key) for key in ("absent", "protect", "ignore", "renamed_from") if key in extra}
    state = {
        "id": manifest,
        "name": manifest,
        "enabled": True,
        "deliveryTargets": targets or http_targets(),
        **extra,
    }
    return Desired("DeliveryConfig", manifest, manifest, state, Place("manifests/a.yaml", 1, 1), **options)


def entity_sync(entity: str = "categories", config: str = "hooks", **extra: Any) -> Desired:
    options = {key: extra.pop(key) for key in ("absent", "protect", "ignore", "pause_spec") if key in extra}
    pause = options.pop("pause_spec", None)
    state = {
        "entity": entity,
        "deliveryConfig": config,
        "syncEntityChanged": True,
        "syncEntityDeleted": True,
        "pause": False,
        **extra,
    }
    return Desired("EntitySync", entity, entity, state, Place("manifests/b.yaml", 3, 1), pause=pause, **options)


def live_config(live_id: str = "hooks", **wire: Any) -> Observed:
    body = {
        "ID": live_id,
        "Name": live_id,
        "Enabled": True,
        "DeliveryTargets": {"Http": {"Endpoint": "https://hooks.example.com/oc"}},
        **wire,
    }
    return ALL_KINDS["DeliveryConfig"].observe(live_id, body)


def live_sync(entity: str = "categories", config: str = "hooks", **wire: Any) -> Observed:
    body = {
        "DeliveryConfigID": config,
        "SyncEntityChanged": True,
        "SyncEntityDeleted": True,
        "Paused": False,
        **wire,
    }
    return ALL_KINDS["EntitySync"].observe(entity, body)


def inputs(desired: list[Desired], live: list[Observed], **changes: Any) -> PlanInputs:
    side: dict[str, dict[str, Observed]] = {name: {} for name in ALL_KINDS}
    for item in live:
        side[item.kind][item.id] = item
    settings: dict[str, Any] = {
        "environment": "sandbox",
        "connections": {"ordercloud": API},
        "kinds": ALL_KINDS,
        "desired": tuple(desired),
        "live": side,
        "memory": Memory(),
        "guardrails": Guardrails(),
        "now": NOW,
    }
    return PlanInputs(**(settings | changes))
