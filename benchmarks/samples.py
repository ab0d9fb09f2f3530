"""Manifests to measure with: a realistic mix of the kinds, about 15 lines each, the same ones every time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

ENTITIES = (
    "adminUsers", "buyers", "buyerUsers", "buyerUserGroups", "catalogs", "categories", "inventoryRecords", "suppliers",
    "supplierUsers",
)  # fmt: skip
SYNCS = len(ENTITIES) + 3
_HEAD = "# yaml-language-server: $schema=../schemas/manifest.schema.json\n"
_TARGETS = (
    """\
    searchIngestion:
      domain: "{number}"
      source: "1099"
      endpoint: https://discover.sitecorecloud.io
      entity: product
      apiKey: ${{secret:SEARCH_API_KEY}}
""",
    """\
    http:
      endpoint: https://hooks.example.com/ordercloud/{number}
      secret: ${{secret:HOOK_SIGNING_KEY}}
      customAuthHeaderName: X-Key
      customAuthHeaderValue: ${{secret:HOOK_HEADER}}
""",
    """\
    kafka:
      bootstrapServers: kafka-1.example.com:9092,kafka-2.example.com:9092
      saslUsername: reconciler
      saslPassword: ${{secret:KAFKA_PASSWORD}}
      topic: products-{number}
""",
    """\
    eventHub:
      eventHubName: stock-{number}
      connectionString: ${{secret:EVENT_HUB_CONNECTION}}
    azureBlob:
      connectionString: ${{secret:BLOB_CONNECTION}}
      overrideContainerName: stock-{number}
""",
)
SECRETS = {
    "SEARCH_API_KEY": "search-key",
    "HOOK_SIGNING_KEY": "signing-key",
    "HOOK_HEADER": "header-value",
    "KAFKA_PASSWORD": "kafka-password",
    "EVENT_HUB_CONNECTION": "Endpoint=sb://events.example.com/;SharedAccessKeyName=send;SharedAccessKey=none",
    "BLOB_CONNECTION": "BlobEndpoint=https://blobs.example.com/;SharedAccessSignature=none",
}


def environment(name: str, url: str, *, client: str = "emulator", per_second: int | None = None, **spec: object) -> str:
    """Return the manifest of an environment on an emulator at `url`.

    Args:
        name: its name.
        url: of the emulator.
        client: the API client.
        per_second: requests that it may get a second; None: as many as by default.
        spec: what else its spec says.
    """
    limit = "" if per_second is None else f"\n    requestsPerSecond: {per_second}"
    more = "".join(f"  {member}: {json.dumps(value)}\n" for member, value in spec.items())
    return f"""\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  ordercloud:
    apiUrl: {url}/ordercloud/v1
    authUrl: {url}/ordercloud/oauth/token
    clientID: {client}
    clientSecret: ${{secret:OC_SECRET}}{limit}
  ledger: sqlite:///ledger.db
  targetHosts: ["*.example.com", discover.sitecorecloud.io]
{more}"""


def delivery_config(name: str, number: int, *, only: str = "") -> str:
    """Return a DeliveryConfig; `only` is the environment that it is limited to."""
    limit = f"\n  environments: [{only}]" if only else ""
    return f"""\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata:
  name: {name}{limit}
spec:
  id: {name}
  name: Delivery {number}
  enabled: true
  deliveryTargets:
{_TARGETS[number % len(_TARGETS)].format(number=number)}"""


def syncs(prefix: str, config: str, *, only: str = "") -> Iterator[str]:
    """Yield the twelve syncs of one marketplace, all of them pointing at one delivery config."""
    limit = f"\n  environments: [{only}]" if only else ""
    yield f"""\
apiVersion: reconciler/v1
kind: ProductSync
metadata:
  name: {prefix}products{limit}
spec:
  deliveryConfig: {config}
  syncProductChanged: true
  syncProductDeleted: true
  excludePriceSchedules: false
  pause: false
"""
    for entity in ENTITIES:
        yield f"""\
apiVersion: reconciler/v1
kind: EntitySync
metadata:
  name: {prefix}{entity}{limit}
spec:
  entity: {entity}
  deliveryConfig: {config}
  syncEntityChanged: true
  syncEntityDeleted: true
  pause: false
"""
    for kind in ("OrderSync", "ErrorConfig"):
        yield f"""\
apiVersion: reconciler/v1
kind: {kind}
metadata:
  name: {prefix}{kind.lower()}{limit}
spec: {{deliveryConfig: {config}}}
"""


def one_marketplace(count: int, url: str) -> Iterator[str]:
    """Yield `count` manifests of one environment: itself, its twelve syncs, and delivery configs."""
    yield environment("shop", url)
    yield from syncs("", "config-1")
    for number in range(count - 1 - SYNCS):
        yield delivery_config(f"config-{number}", number)


def many_marketplaces(count: int, environments: int, url: str) -> Iterator[str]:
    """Yield `count` manifests of so many environments, each with syncs and delivery configs of its own."""
    share = count // environments
    for shop in range(environments):
        name = f"shop-{shop:03}"
        yield environment(name, url)
        yield from syncs(f"{name}-", f"{name}-config-1", only=name)
        for number in range(share - 1 - SYNCS):
            yield delivery_config(f"{name}-config-{number}", number, only=name)


def write(folder: Path, manifests: Sequence[str], files: int) -> Path:
    """Write manifests into so many files of a new folder and return the folder."""
    folder.mkdir()
    share = -(-len(manifests) // files)
    for number in range(files):
        part = manifests[number * share : (number + 1) * share]
        if part:
            (folder / f"part-{number:03}.yaml").write_text(_HEAD + "---\n".join(part))
    return folder
