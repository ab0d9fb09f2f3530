"""Cross-checks of delivery configs and the syncs that point at them. Pure.

Which target goes with which sync: the vendor's guides (fact sheet §3, documented).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache

from reconciler.errors import Problem
from reconciler.kind.kind import ManifestView
from reconciler.ordercloud.kinds.delivery_targets import KNOWN_INTEGRATIONS, DeliveryTargets

_TRACKING_ONLY = {"sendEvent": "Sitecore Send", "discoverEvent": "Sitecore Discover"}


def check_delivery(manifests: Sequence[ManifestView]) -> Iterator[Problem]:
    """Yield the problems of delivery configs and of the syncs that use them, for the manifests of one environment."""
    present = [manifest for manifest in manifests if not manifest.absent]
    configs = {manifest.name: manifest for manifest in present if manifest.kind == "DeliveryConfig"}
    users: dict[str, list[ManifestView]] = defaultdict(list)
    for manifest in present:
        name = None if manifest.kind == "DeliveryConfig" else getattr(manifest.spec, "delivery_config", None)
        if name in configs:
            users[name].append(manifest)
    for config in configs.values():
        targets = _named(config.spec.delivery_targets)
        if len(targets) > 1:
            yield from _known_integrations(config, targets)
        if (found := users.get(config.name)) is not None:
            yield from _targets_of_users(config, targets, found)
    yield from _shared_search_entity(configs, users)


def _named(targets: DeliveryTargets) -> list[str]:
    """Return the names of the targets that are there, in the order of the model's fields."""
    given = [name for name in targets.model_fields_set if getattr(targets, name) is not None]
    names = _target_names()
    return [names[name] for name in (sorted(given, key=[*names].index) if len(given) > 1 else given)]


@cache
def _target_names() -> dict[str, str]:
    """Return the name of each target by its attribute."""
    return {attribute: str(info.alias) for attribute, info in DeliveryTargets.model_fields.items()}


def _known_integrations(config: ManifestView, targets: Sequence[str]) -> Iterator[Problem]:
    known = [name for name in targets if name in KNOWN_INTEGRATIONS]
    for name in known[1:]:
        yield Problem(
            "two-known-integrations",
            f"DeliveryConfig {config.name} has the known integrations {known[0]} and {name}; OrderCloud allows one",
            config.place(f"deliveryTargets.{name}"),
            value=name,
            hint="Give each its own DeliveryConfig. Custom targets (http, kafka, eventHub, …) may stand beside one.",
        )


def _targets_of_users(config: ManifestView, targets: Sequence[str], users: Sequence[ManifestView]) -> Iterator[Problem]:
    for user in users:
        if "contentHub" in targets and user.kind != "ProductSync":
            yield Problem(
                "target-not-usable",
                f"{user.kind} {user.name} points at {config.name}, whose contentHub target serves ProductSync only",
                user.place("deliveryConfig"),
                value=config.name,
                hint="Point it at a DeliveryConfig without contentHub.",
            )
        for target in _TRACKING_ONLY.keys() & {*targets}:
            yield Problem(
                "target-not-usable",
                f"{user.kind} {user.name} points at {config.name}, whose {target} target serves tracking events only",
                user.place("deliveryConfig"),
                value=config.name,
                hint=f"Point it at a DeliveryConfig without {_TRACKING_ONLY[target]}.",
            )
        if "searchIngestion" in targets and user.kind not in ("ProductSync", "EntitySync"):
            yield Problem(
                "target-not-usable",
                f"{user.kind} {user.name} points at {config.name}, whose searchIngestion target serves "
                "ProductSync and EntitySync only",
                user.place("deliveryConfig"),
                value=config.name,
                hint="Point it at a DeliveryConfig without searchIngestion.",
            )
    if "searchIngestion" in targets:
        for user in [user for user in users if user.kind in ("ProductSync", "EntitySync")][1:]:
            yield Problem(
                "shared-search-ingestion",
                f"{user.kind} {user.name} shares {config.name} with {users[0].kind} {users[0].name}; its "
                "searchIngestion target names one entity of Sitecore Search",
                user.place("deliveryConfig"),
                value=config.name,
                hint="Give each entity type a DeliveryConfig of its own, with its own searchIngestion.entity.",
            )


def _shared_search_entity(configs: dict[str, ManifestView], users: dict[str, list[ManifestView]]) -> Iterator[Problem]:
    """Two configs that feed one and the same Search entity from different entity types mix their records."""
    first: dict[tuple[str, str, str], ManifestView] = {}
    for config in configs.values():
        search = config.spec.delivery_targets.search_ingestion if config.name in users else None
        if search is None:
            continue
        other = first.setdefault((search.domain, search.source, search.entity), config)
        if other is not config:
            yield Problem(
                "shared-search-ingestion",
                f"DeliveryConfig {config.name} feeds the same Sitecore Search entity as {other.name}",
                config.place("deliveryTargets.searchIngestion.entity"),
                value=search.entity,
                hint="Use the entity name that Sitecore Search defines for this entity type.",
            )
