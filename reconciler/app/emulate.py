"""Seed an emulator, and change the marketplace of one that runs."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import Rejected, Unreachable, UsageError

if TYPE_CHECKING:
    from reconciler.emulator.seeds.seed import Seed


def seed_for(name: str | None, products: int | None, seed_number: int) -> Seed:
    """Return what the marketplace of an emulator starts with.

    Args:
        name: a seed that comes along, or a file; None: a generated one.
        products: how many generated products.
        seed_number: which generated marketplace.

    Raises:
        UsageError: a file and a number of products are given.
        LoadError: the file cannot be read, or holds no marketplace.
    """
    from reconciler.emulator.seeds.files import seed_from

    if name is not None and products is not None:
        raise UsageError("--seed and --products exclude each other", next_step="Leave one of them out.")
    return seed_from(products if name is None else name, seed_number)


def mutate(url: str, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Have the emulator at `url` change its marketplace, and return what it touched.

    Raises:
        Unreachable: there is no emulator.
        Rejected: it does not do that.
    """
    from reconciler.emulator.testing import RunningEmulator

    try:
        return RunningEmulator(url.rstrip("/")).mutate(**setting)
    except urllib.error.HTTPError as error:
        reason = error.msg.partition(": ")[2]
        if reason.startswith("{"):
            reason = json.loads(reason).get("error", reason)
        raise Rejected(
            f"the emulator refused: {reason}",
            status=error.code,
            request="POST /_emulator/mutate",
            next_step="Give --url the emulator's root, such as http://127.0.0.1:8800." if error.code == 404 else None,
        ) from error
    except (OSError, ValueError) as error:
        raise Unreachable(
            f"there is no emulator at {url}", next_step="Start one with `reconciler emulate`, or name it with --url."
        ) from error
