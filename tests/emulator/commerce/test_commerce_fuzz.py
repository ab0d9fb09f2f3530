"""A schema-driven fuzzer over every operation: no 500, and nothing off its schema.

The OpenAPI file has the marketplace's resources as reads only; their writes are added here, from the same schemas.
RECONCILER_FUZZ_EXAMPLES sets how many requests each operation gets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconciler.emulator.testing import running_emulator
from support.emulator_contract import FILE
from support.shop import Shop, build

EXAMPLES = int(os.environ.get("RECONCILER_FUZZ_EXAMPLES", "3"))
REFUSALS = ("400", "401", "403", "404", "409", "429")


def with_writes(document: dict[str, Any]) -> dict[str, Any]:
    """Add the writes of each resource that can be read by ID."""
    paths = document["paths"]
    for path, item in list(paths.items()):
        base, _, last = path.rpartition("/")
        if path.startswith(("/integrations", "/oauth")) or not last.startswith("{") or "get" not in item:
            continue
        if last == "{direction}" or base not in paths:
            continue
        schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        item |= {"put": write(schema, "200"), "patch": write(schema, "200")}
        # Variants come from specs and go with them.
        if not base.endswith("/variants"):
            item["delete"] = write(None, "204")
            paths[base]["post"] = write(schema, "201")
    del paths["/oauth/token"]
    return document


def write(schema: dict[str, Any] | None, status: str) -> dict[str, Any]:
    refusals = {code: {"$ref": "#/components/responses/E400"} for code in REFUSALS}
    if schema is None:
        return {"responses": {status: {"description": "Done"}, **refusals}}
    content = {"application/json": {"schema": schema}}
    return {
        "requestBody": {"required": True, "content": content},
        "responses": {status: {"description": "Done", "content": content}, **refusals},
    }


SCHEMA = schemathesis.openapi.from_dict(with_writes(yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)))


@dataclass(frozen=True)
class Target:
    url: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    # A URL that is too long is refused with a status that the file does not have; another test has the switch.
    with running_emulator(switches={"long_urls": "accepted"}) as emulator:
        form = {"grant_type": "client_credentials", "client_id": "emulator", "client_secret": "emulator"}
        answer = httpx.post(emulator.ordercloud_auth_url, data=form, trust_env=False)
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        with httpx.Client(base_url=emulator.ordercloud_url, headers=headers, trust_env=False) as client:
            build(Shop(client))
        yield Target(emulator.ordercloud_url, headers)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_emulator(case: schemathesis.Case, target: Target) -> None:
    for name, value in known_ids(case).items():
        case.path_parameters[name] = value
    case.call_and_validate(
        base_url=target.url,
        headers=target.headers,
        checks=(
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ),
    )


IDS = {
    "productID": "shirt",
    "buyerID": "acme",
    "supplierID": "sup",
    "catalogID": "cat",
    "specID": "size",
    "orderID": "o",
}


def known_ids(case: schemathesis.Case) -> dict[str, str]:
    """IDs of what is there for all but the last parameter, so that requests get past the parents."""
    path = case.operation.path
    return {name: value for name, value in IDS.items() if f"{{{name}}}/" in path}
