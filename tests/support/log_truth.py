"""Whether a sync log said that a full sync is finished only when it was. Bodies of its writes have to be kept."""

from __future__ import annotations

import json
from typing import Any

from support.syncing import Shop, is_write


def log_writes(shop: Shop) -> list[dict[str, Any]]:
    """Return the accepted writes of the sync log with their place in the list of requests."""
    return [
        {"place": place, **json.loads(request["body"])}
        for place, request in enumerate(shop.emulator.requests())
        if "/sync-log/" in request["path"] and request["method"] in ("PUT", "PATCH") and request["status"] == 204
    ]


def assert_the_log_never_lied(shop: Shop) -> None:
    """No `last_full_sync` before the last record of its run was written, and none while a full sync is on."""
    requests = shop.emulator.requests()
    started = None
    for each in log_writes(shop):
        if each.get("last_full_sync"):
            assert started is not None, "finished before it was begun"
            later = [request for request in requests[each["place"] + 1 :] if is_write(request)]
            begun_again = next(
                (
                    n
                    for n, request in enumerate(later)
                    if request["method"] == "PUT" and "/sync-log/" in request["path"]
                ),
                len(later),
            )
            assert [request["path"] for request in later[:begun_again]] == []
            started = None
        elif each.get("started_full_sync"):
            started = each["started_full_sync"]
