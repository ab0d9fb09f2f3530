"""Checks of the windows of one environment: who starts and ends them, and whether they join to too much. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from reconciler.errors import Problem
from reconciler.kind.semantics import SpecModel, fields_of
from reconciler.manifest.environment import HealRule
from reconciler.manifest.model import EnvironmentManifest, Manifest
from reconciler.pause.declared import DeclaredPause
from reconciler.pause.window import Occurrence, Windows
from reconciler.words import parse_duration

_WINDOW = "window"


def window_warnings(
    environment: EnvironmentManifest, manifests: Sequence[Manifest], now: datetime
) -> Iterator[Problem]:
    """Yield a warning for windows that nothing starts and ends, and for those that join to more than `maxPause`.

    Args:
        environment: whose `drift.heal` and `guardrails.maxPause` count.
        manifests: those that belong to it, patches merged.
        now: from when on a year of windows is looked at.
    """
    heal = environment.spec.drift.heal
    is_healed = any((rule.cause if isinstance(rule, HealRule) else rule) == _WINDOW for rule in heal)
    limit = environment.spec.guardrails.max_pause
    for manifest in manifests:
        field = None if manifest.absent else _pause_field(manifest)
        if field is None:
            continue
        name, pause = field
        if pause.windows is None:
            continue
        where = manifest.at((name, "windows"), key=True)
        if not is_healed:
            yield Problem(
                "windows-not-healed",
                f"{manifest.key} has windows, and drift.heal of Environment {environment.name} does not name window: "
                "only an apply starts and ends them",
                where,
                None,
                f"Add window to spec.drift.heal of {environment.name}, and run `reconciler drift --heal` often.",
            )
        longest = _longest(pause.windows, now, parse_duration(limit))
        if longest is not None:
            yield Problem(
                "windows-join",
                f"{manifest.key} has windows that join to more than maxPause ({limit}) of Environment "
                f"{environment.name}, from {longest.start:%Y-%m-%d %H:%M %Z} on: a guardrail refuses that pause",
                where,
                None,
                "Let them end before the next begins, or raise guardrails.maxPause.",
            )


@lru_cache(maxsize=256)
def _longest(windows: Windows, now: datetime, limit: timedelta) -> Occurrence | None:
    # Many environments have the same ones.
    return windows.longest(now, limit)


def _pause_field(manifest: Manifest) -> tuple[str, DeclaredPause] | None:
    if manifest.model is None:
        return None
    for name, attribute in _pause_fields(manifest.model):
        value: Any = getattr(manifest.spec, attribute) if name in manifest.raw else None
        if hasattr(value, "declared"):
            return name, value.declared()
    return None


@cache
def _pause_fields(model: type[SpecModel]) -> tuple[tuple[str, str], ...]:
    """Return name and attribute of the fields that pause a sync: few kinds have one."""
    return tuple((name, node.attribute) for name, node in fields_of(model).items() if node.semantics.pause)
