"""The manifests of one environment: those that belong to it, with its patches merged in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import Struct

from reconciler.errors import ManifestErrors, Problem, UsageError
from reconciler.kind.kind import ManifestKinds
from reconciler.manifest.environment import Patch
from reconciler.manifest.explain import suggest
from reconciler.manifest.load import Loaded, gc_paused
from reconciler.manifest.model import EnvironmentManifest, Manifest, PolicyManifest
from reconciler.manifest.positions import PatchedLocator, SubLocator
from reconciler.manifest.references import check_references, reads_variables, texts_of
from reconciler.manifest.spec import read_spec

IDLE_PATCH = "patch-without-target"


class Selected(Struct, frozen=True):
    """One environment and its manifests, patches merged; relative paths of ledger and secrets count from `base`."""

    environment: EnvironmentManifest
    manifests: tuple[Manifest, ...]
    base: Path = Path()
    policies: tuple[PolicyManifest, ...] = ()


def select(loaded: Loaded, name: str | None, kinds: ManifestKinds, *, idle_patches: bool = False) -> Selected:
    """Return the manifests of an environment.

    Args:
        loaded: what the folder holds.
        name: of the environment; None takes the only one.
        kinds: the registry.
        idle_patches: whether patches may be there before the manifests that they change.

    Raises:
        UsageError: there is no such environment, or more than one and none is named.
        ManifestErrors: a patch does not fit.
    """
    environment = named_environment(loaded, name)
    with gc_paused():
        manifests, found = patched(loaded, environment, kinds)
    problems = [problem for problem in found if not (idle_patches and problem.code == IDLE_PATCH)]
    if problems:
        raise ManifestErrors(problems)
    return Selected(environment, manifests, loaded.base, loaded.policies)


def named_environment(loaded: Loaded, name: str | None) -> EnvironmentManifest:
    """Return an environment by its name; None takes the only one.

    Raises:
        UsageError: there is no such environment, or more than one and none is named.
    """
    names = sorted({environment.name for environment in loaded.environments})
    if not names:
        raise UsageError("the manifests have no Environment", next_step="Add a manifest of kind Environment.")
    if name is None and len(names) > 1:
        raise UsageError(
            f"there are several environments: {', '.join(names)}", next_step="Choose one with -e/--environment."
        )
    found = next((each for each in loaded.environments if name is None or each.name == name), None)
    if found is None:
        raise UsageError(f"there is no environment {name}", next_step=suggest(name, names, "environments"))
    return found


def patched(
    loaded: Loaded, environment: EnvironmentManifest, kinds: ManifestKinds
) -> tuple[tuple[Manifest, ...], tuple[Problem, ...]]:
    """Return the manifests of an environment with its patches merged, and what is wrong with the patches."""
    manifests = loaded.manifests_of(environment.name)
    if not environment.spec.patches:
        return tuple(manifests), ()
    problems: list[Problem] = []
    positions = {(each.kind, each.name): position for position, each in enumerate(manifests)}
    for number, patch in enumerate(environment.spec.patches):
        position = positions.get((patch.kind, patch.name))
        if position is None:
            problems.extend(_without_target(environment, number, patch, manifests, kinds, loaded))
            continue
        manifests[position], found = _merged(manifests[position], environment, number, patch, kinds)
        problems.extend(found)
    return tuple(manifests), tuple(problems)


def _without_target(
    environment: EnvironmentManifest,
    number: int,
    patch: Patch,
    manifests: list[Manifest],
    kinds: ManifestKinds,
    loaded: Loaded,
) -> Iterator[Problem]:
    subject = f"Environment {environment.name}"
    if patch.kind not in kinds:
        yield Problem(
            "unknown-kind",
            f"{subject}: the patch names an unknown kind",
            environment.at(("patches", number, "kind")),
            patch.kind[:60],
            suggest(patch.kind, list(kinds), "kinds"),
        )
    elif not loaded.may_hold(patch.kind, patch.name):
        names = sorted(each.name for each in manifests if each.kind == patch.kind)
        yield Problem(
            "patch-without-target",
            f"{subject}: there is no {patch.kind} {patch.name[:60]} here to patch",
            environment.at(("patches", number, "name")),
            patch.name[:60],
            suggest(patch.name, names, f"manifests of kind {patch.kind}"),
        )


def _merged(
    manifest: Manifest, environment: EnvironmentManifest, number: int, patch: Patch, kinds: ManifestKinds
) -> tuple[Manifest, list[Problem]]:
    model = kinds[manifest.kind].spec
    raw = merge(manifest.raw, patch.spec)
    locator = SubLocator(environment, ("patches", number, "spec"))
    where = PatchedLocator(manifest, locator, patch.spec)
    texts = texts_of(raw)
    problems = list(check_references(model, texts_of(patch.spec), locator, manifest.metadata.sensitive, within=raw))
    subject = f"{manifest.kind} {manifest.name}"
    typed, found = read_spec(model, raw, where, subject=subject, references=bool(texts), absent=manifest.absent)
    merged = replace(
        manifest, raw=raw, typed=typed, references=bool(texts), variables=reads_variables(texts), locator=where
    )
    return merged, [*problems, *found]


def merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `patch` merged in: maps merge, lists and scalars are replaced, null removes."""
    merged = dict(base)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            below = merged.get(name)
            merged[name] = merge(below if isinstance(below, dict) else {}, value)
        else:
            merged[name] = value
    return merged
