"""Restore of staging from production, and the portal's webhook that tells of it (fact sheet §7)."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.ordercloud.models import JsonObject, Model


class RestoreWebhookSetting(BaseModel):
    """Body of `PUT /_emulator/restore-webhook`: the portal's model of the webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    URL: str = Field(min_length=1)
    HashKey: str | None = Field(default=None, repr=False)


class RestoreSetting(BaseModel):
    """Body of `POST /_emulator/restore`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    production: str | None = Field(
        default=None, description="Name of a marketplace beside this one, which staging becomes a copy of."
    )


def restored_webhooks(webhooks: dict[str, JsonObject]) -> dict[str, JsonObject]:
    """Return webhooks as they are after a restore. documented: without URL, and without API clients."""
    return {key: {**row, "Url": None, "ApiClientIDs": []} for key, row in webhooks.items()}


def with_other_secrets(model: Model, stored: JsonObject, value: str) -> JsonObject:
    """Return an object as production has it: what staging had, and other values of what no read shows.

    Args:
        model: its members.
        stored: the object.
        value: of every secret.
    """
    found: dict[str, Any] = dict(stored)
    for name, member in model.members.items():
        held = stored.get(name)
        if held is None:
            continue
        if member.write_only:
            found[name] = value
        elif member.model is not None and isinstance(held, dict):
            found[name] = with_other_secrets(member.model, held, value)
    return found


def restore_body(moment: str) -> bytes:
    """Return what the portal's webhook is sent. inferred: all of it, nothing is published."""
    return orjson.dumps({"Event": "StagingRestored", "Date": moment})
