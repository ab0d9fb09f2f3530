"""A schema-driven fuzzer over every operation: no 500, and nothing off its schema.

The OpenAPI file has the marketplace's resources as reads only; their writes are added here, from the same schemas.
RECONCILER_TEST_FUZZ_EXAMPLES sets how many requests each operation gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from reconciler.emulator.testing import running_emulator
from support.emulator_contract import FILE
from support.fuzzing import fuzz
from support.shop import Shop, build

if TYPE_CHECKING:
    import schemathesis

EXAMPLES = 2
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


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_no_request_breaks_the_emulator(method: str, target: Target) -> None:
    document = with_writes(yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader))
    assert list(fuzz(document, method, EXAMPLES, partial(passes, target)))


def passes(target: Target, case: schemathesis.Case) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

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
