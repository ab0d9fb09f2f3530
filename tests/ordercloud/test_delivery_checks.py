"""What is wrong across delivery configs and the syncs that point at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.ordercloud.kinds.delivery_checks import check_delivery
from reconciler.registry import kinds


@dataclass
class View:
    kind: str
    name: str
    spec: Any
    absent: bool = False

    def place(self, path: str = "") -> Place:
        return Place(f"{self.name}.yaml:{path}", 1, 1)


def view(kind: str, manifest: str, /, **spec: Any) -> View:
    return View(kind, manifest, kinds()[kind].spec.model_validate(spec))


def config(name: str = "c", **targets: Any) -> View:
    return view("DeliveryConfig", name, name=name, deliveryTargets=targets)


def search(entity: str = "product", domain: str = "1") -> dict[str, Any]:
    return {
        "domain": domain,
        "source": "2",
        "endpoint": "https://discover.sitecorecloud.io",
        "entity": entity,
        "apiKey": "k",
    }


HTTP = {"endpoint": "https://x.example.com", "secret": "s"}
HUB = {"endpoint": "https://x.example.com", "targetSchemaName": "s", "apiKey": "k"}
EVENT = {"siteID": "s", "serviceEndpoint": "https://x.example.com"}
PRODUCTS = view("ProductSync", "products", deliveryConfig="c")
CATEGORIES = view("EntitySync", "categories", entity="categories", deliveryConfig="c")
ORDERS = view("OrderSync", "orders", deliveryConfig="c")


def codes(*manifests: View) -> list[str]:
    return [problem.code for problem in check_delivery(manifests)]


def test_custom_targets_may_stand_beside_one_known_integration():
    assert codes(config(http=HTTP, searchIngestion=search()), PRODUCTS) == []


def test_two_known_integrations_in_one_config_are_an_error():
    assert codes(config(contentHub=HUB, searchIngestion=search())) == ["two-known-integrations"]


def test_search_ingestion_serves_one_entity_type():
    (problem,) = check_delivery([config(searchIngestion=search()), PRODUCTS, CATEGORIES])
    assert problem.code == "shared-search-ingestion"
    assert problem.place.file == "categories.yaml:deliveryConfig"


def test_two_configs_do_not_feed_one_search_entity():
    other = view("EntitySync", "categories", entity="categories", deliveryConfig="d")
    assert codes(config(searchIngestion=search()), config("d", searchIngestion=search()), PRODUCTS, other) == [
        "shared-search-ingestion"
    ]
    assert (
        codes(config(searchIngestion=search()), config("d", searchIngestion=search("category")), PRODUCTS, other) == []
    )


@pytest.mark.parametrize(
    ("target", "user"),
    [
        ({"contentHub": HUB}, CATEGORIES),
        ({"sendEvent": EVENT}, PRODUCTS),
        ({"searchIngestion": search()}, ORDERS),
    ],
)
def test_a_target_serves_only_the_syncs_that_the_vendor_names(target, user):
    assert codes(config(**target), user) == ["target-not-usable"]


def test_what_is_absent_breaks_nothing():
    gone = View(CATEGORIES.kind, CATEGORIES.name, CATEGORIES.spec, absent=True)
    assert codes(config(searchIngestion=search()), PRODUCTS, gone) == []
