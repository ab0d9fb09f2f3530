"""Policies over manifests whose references are resolved: what a plan holds against them. Pure but for `Scope`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kind.kind import ManifestKind
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.policies import Breaches, judge, judged
from reconciler.manifest.resolve import resolve
from reconciler.manifest.scope import Scope
from reconciler.manifest.select import Selected


def policy_breaches(selected: Selected, kinds: Mapping[str, ManifestKind[Any]], scope: Scope) -> Breaches:
    """Return what the policies of an environment find in its manifests, and what they cannot judge.

    An Environment is judged as it is written: what its references stand for differs between the machines it is used on.

    Args:
        selected: the environment, its manifests and policies.
        kinds: the registry, requests included.
        scope: where references resolve.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value.
        ManifestErrors: a resolved value does not fit its field.
    """
    if not selected.policies:
        return Breaches()
    name = selected.environment.name
    subjects = [judged(selected.environment, EnvironmentSpec, name)]
    for manifest in selected.manifests:
        if not manifest.absent:
            kind = kinds[manifest.kind]
            resolved = resolve(manifest, kind, scope)
            subjects.append(judged(manifest, kind.spec, name, (resolved.spec, resolved.state)))
    return judge(selected.policies, subjects, name)
