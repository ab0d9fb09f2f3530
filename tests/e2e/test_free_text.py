"""Words that people write into manifests and on command lines: kept and shown without the secrets in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from reconciler.kind.semantics import SpecModel
from reconciler.kind.sensitive import FreeText
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.policies import PolicySpec
from reconciler.registry import manifest_kinds
from support.checkout import Checkout, document, entity_sync, http_config

LINK = "https://me:kr3mbel-pw@wiki.example.com/load?code=kr3mbel-code"
WORDS = f"see:-{LINK} or {LINK}"
SHOWN = "wiki.example.com/load?code="


def models(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for part in str_parts(field.annotation):
            yield from models(part, seen)


def str_parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from str_parts(part)


def test_every_field_for_words_of_people_masks_what_looks_like_a_secret() -> None:
    seen = set[type[BaseModel]]()
    roots: list[type[SpecModel]] = [EnvironmentSpec, PolicySpec, *(kind.spec for kind in manifest_kinds().values())]
    found = {
        (model.__name__, name): field
        for root in roots
        for model in models(root, seen)
        for name, field in model.model_fields.items()
        if name in ("reason", "owner", "message")
    }
    assert {"Pause", "PauseWindow", "Override", "PolicySpec", "ResyncSpec"} <= {model for model, _ in found}
    for where, field in found.items():
        assert FreeText in field.metadata or FreeText in _inner(field.annotation), where


def _inner(annotation: Any) -> list[Any]:
    own = list(getattr(annotation, "__metadata__", ()))
    return own + [each for part in getattr(annotation, "__args__", ()) for each in _inner(part)]


@pytest.fixture
def shop(checkout: Checkout) -> Checkout:
    override = {
        "rule": "maxPause",
        "objects": ["EntitySync/catalogs"],
        "reason": WORDS,
        "until": "2990-01-01T00:00:00Z",
    }
    window = {"cron": "0 1 * * *", "duration": "1h", "timezone": "UTC", "reason": WORDS}
    pause = {"until": "2990-01-01T00:00:00Z", "reason": WORDS, "owner": WORDS}
    checkout.write("environment.yaml", checkout.environment(guardrails={"overrides": [override], "maxPause": "7d"}))
    checkout.write(
        "shop.yaml",
        http_config("hook"),
        entity_sync("catalogs", "hook", pause=pause),
        entity_sync("categories", "hook", pause={"windows": [window]}),
        document("Policy", "short", {"message": LINK, "severity": "warning", "schema": {"not": {}}}),
    )
    return checkout


def test_a_link_with_a_password_in_a_reason_is_shown_and_kept_without_it(shop: Checkout) -> None:
    told = ""
    for form in ("text", "json", "markdown", "html"):
        ended = shop.call("plan", "--format", form)
        assert ended.status in (0, 3), str(ended)
        told += f"{ended.stdout}{ended.stderr}"
    assert shop.call("plan", "--format", "json", "--output", "plan.json").status in (0, 3)
    for words in (
        ("validate",),
        ("apply", "--yes"),
        ("drift",),
        ("pauses",),
        ("pause", "EntitySync/catalogs", "--for", "1h", "--reason", LINK, "--owner", LINK),
        ("pauses", "--format", "json"),
        ("drift", "snooze", "EntitySync/catalogs", "--for", "1h", "--reason", LINK),
        ("drift", "--format", "json"),
        ("ledger", "show", "--format", "json"),
        ("show", "plan.json"),
    ):
        ended = shop.call(*words)
        assert ended.status in (0, 2), str(ended)
        told += f"{ended.stdout}{ended.stderr}"
    assert told.count(SHOWN) > 20
    kept = "".join(path.read_bytes().decode("latin-1") for path in shop.folder.glob("*") if path.is_file())
    assert SHOWN in kept
    assert "kr3mbel" not in told + kept


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
def test_a_link_where_a_name_should_be_is_quoted_without_its_secrets(checkout: Checkout, form: str) -> None:
    checkout.write(
        "environment.yaml", checkout.environment(patches=[{"kind": "EntitySync", "name": LINK, "spec": {LINK: 1}}])
    )
    checkout.write(
        "shop.yaml",
        document("EntitySync", "a", {"entity": "catalogs", "deliveryConfig": LINK, LINK: 1}),
        document("EntitySync", "b", {"entity": LINK, "deliveryConfig": LINK}, metadata={"environments": [LINK]}),
        document("EntitySync", "c", {"entity": "buyers"}, metadata={LINK: 1, "ignore": [LINK], "sensitive": [LINK]}),
        document("DataSync", "d", {"currency": LINK, "stock": {"locations": {LINK: LINK}, "default": LINK}}),
    )
    checkout.manifests.joinpath("twice.yaml").write_text(f"'{LINK}': 1\n'{LINK}': 2\nx: !{LINK} 1\n")
    told = checkout.call("validate", "--format", form)
    assert told.status == 1
    assert f"{told.stdout}{told.stderr}".count("wiki.example.com/load?code=") > 5
    assert "kr3mbel" not in told.stdout + told.stderr
    planned = checkout.call("plan")
    assert "wiki.example.com" in planned.stderr
    assert "kr3mbel" not in planned.stdout + planned.stderr
