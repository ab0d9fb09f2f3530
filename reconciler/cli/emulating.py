"""Behind `reconciler emulate`: what the marketplace starts with, and calls to an emulator that runs."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.terminal.output import say
from reconciler.errors import Rejected, Unreachable, UsageError
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.emulator.seeds.seed import Seed

# How the lists of a mutation's answer are told, in this order.
_TOLD = ("created", "deleted", "renamed", "products", "prices", "stocks", "paused", "resumed")


def seed_for(name: str | None, products: int | None, seed_number: int, file: Path | None) -> Seed:
    """Return what the marketplace starts with, and say on stderr what of a file is left out.

    Raises:
        UsageError: a file and a number of products are given.
        LoadError: the file cannot be read, or holds no marketplace.
    """
    from reconciler.emulator.seeds.files import seed_from

    if name is not None and products is not None:
        raise UsageError("--seed and --products exclude each other", next_step="Leave one of them out.")
    seed = seed_from(products if name is None else name, seed_number)
    if seed.skipped:
        parts = ", ".join(f"{section} ({count})" for section, count in seed.skipped.items())
        say(f"{terminal(str(seed.about['source']))}: not emulated, and left out: {terminal(parts)}")
    for remark in seed.remarks:
        say(f"{terminal(str(seed.about['source']))}: {terminal(remark)}")
    if file is not None and file.exists() and seed.about["source"] != "none":
        say(f"{terminal(str(file))} is there and is what the marketplace starts with; a reset goes back to the seed.")
    return seed


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


def mutation_to(output_format: str, report: Mapping[str, list[Any]]) -> str:
    """Return what was touched, for people or as JSON."""
    if output_format == "json":
        return json.dumps(report, indent=2)
    lines = [terminal(f"{name:<9}{', '.join(map(_word, report[name]))}") for name in _TOLD if report[name]]
    return "\n".join(lines) or "Nothing was there to change."


def _word(touched: Any) -> str:
    if isinstance(touched, str):
        return touched
    if "from" in touched:
        return f"{touched['from']} → {touched['to']}"
    place = touched.get("inventoryRecordID") or touched.get("variantID") or touched["productID"]
    return f"{place} = {touched['quantityAvailable']}"
