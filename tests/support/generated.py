"""Generated repositories: what somebody wants first, and what they want later, with an oracle for both."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from support.checkout import ENTITY_PATHS, Checkout, Document, api_object, document

# What `${secret:NAME}` resolves to in these tests.
VARIABLES = {f"E2E_SECRET_{number}": f"value-of-reference-{number}" for number in range(3)}
KNOWN = ("searchIngestion", "contentHub", "sendEvent", "discoverEvent", "mailchimp")
CUSTOM = ("kafka", "http", "eventHub", "azureBlob", "azureTable", "cosmosDb", "messageSender")
PATHS = {
    "ProductSync": "/integrations/productsync",
    "OrderSync": "/integrations/ordersync",
    "ErrorConfig": "/integrations/errorconfig",
    **{f"EntitySync/{entity}": f"/integrations/entitysync/{path}" for entity, path in ENTITY_PATHS.items()},
}
SLOTS = tuple(PATHS)

_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])
TEXT = st.sampled_from(["yes", "null", "1.5", "a: b #c", "'", "Käse", "${", "x\ty", "- a", "2026-01-01", "@team"]) | (
    st.text(_CHARACTERS, min_size=1, max_size=12)
)
SECRET = st.sampled_from([*(f"${{secret:{name}}}" for name in VARIABLES), "literal-1", "literal-2", "pass: #word"])
# A key is never a reference, and has no way to say `${`.
_KEY = TEXT.filter(lambda text: "${" not in text)
FREE_FORM = st.dictionaries(
    _KEY,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXT,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEY, inner, max_size=2),
        max_leaves=4,
    ),
    min_size=1,
    max_size=2,
)
PAUSE = st.sampled_from(
    [
        True,
        False,
        {"until": "2077-01-01T00:00:00Z", "reason": "Season", "owner": "pricing"},
        {"until": "2001-01-01T00:00:00+02:00", "reason": "long over"},
    ]
)


def plain(text: str) -> str:
    """Return a text so that a manifest means it literally."""
    return text.replace("${", "$${")


def _literally(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_literally(item) for item in value]
    if isinstance(value, dict):
        return {name: _literally(item) for name, item in value.items()}
    return value


@st.composite
def _target(draw: st.DrawFn, name: str, config: str) -> Document:
    text, secret = draw(TEXT.map(plain)), draw(SECRET)
    url = f"https://{draw(st.sampled_from(['a', 'b']))}.example.com/{config}"
    connection = f"Endpoint=sb://{draw(st.sampled_from(['a', 'b']))}.example.com/;SharedAccessKey=k"
    if name == "http":
        header = {"customAuthHeaderName": "X-Key", "customAuthHeaderValue": draw(SECRET)} if draw(st.booleans()) else {}
        return {"endpoint": url, "secret": secret, **header}
    if name == "searchIngestion":
        content = {"locales": ["en-GB", "de-DE"][: draw(st.integers(1, 2))]}
        if draw(st.booleans()):
            content["http"] = {"endpoint": url, "customAuthHeaderName": "X-Key", "customAuthHeaderValue": draw(SECRET)}
        whole = {"domain": "1", "source": text, "endpoint": url, "entity": config, "apiKey": secret}
        return {**whole, "content": content} if draw(st.booleans()) else whole
    others: dict[str, Document] = {
        "kafka": {"bootstrapServers": "k.example.com:9092", "saslUsername": text, "saslPassword": secret, "topic": "t"},
        "eventHub": {"eventHubName": text, "connectionString": connection},
        "azureBlob": {"connectionString": connection, "overrideContainerName": text},
        "azureTable": {"connectionString": connection},
        "cosmosDb": {"connectionString": connection, "overrideDatabaseName": text},
        "messageSender": {"endpoint": url, "secret": secret},
        "contentHub": {"endpoint": url, "targetSchemaName": text, "apiKey": secret}
        | ({"configData": _literally(draw(FREE_FORM))} if draw(st.booleans()) else {}),
        "sendEvent": {"siteID": text, "serviceEndpoint": url},
        "discoverEvent": {"clientID": text, "serviceEndpoint": url, "apiKey": secret},
        "mailchimp": {"apiKey": secret},
    }
    return others[name]


@st.composite
def _config(draw: st.DrawFn, name: str, *, live_id: str | None = None, former: str | None = None) -> Document:
    names = draw(st.lists(st.sampled_from(CUSTOM), unique=True, max_size=2))
    known = draw(st.sampled_from([None, None, *KNOWN]))
    names = [*names, known] if known else names or ["http"]
    spec: Document = {"name": draw(TEXT.map(plain))}
    if live_id is not None:
        spec["id"] = live_id
    if draw(st.booleans()):
        spec["enabled"] = draw(st.booleans())
    spec["deliveryTargets"] = {target: draw(_target(target, name)) for target in names}
    metadata: Document = {}
    ignored = draw(st.sampled_from([(), (), (), ("name",), ("enabled",), ("name", "enabled")]))
    if ignored:
        metadata["ignore"] = list(ignored)
    if former is not None:
        metadata["renamedFrom"] = [former, "an-id-that-never-was"]
    return document("DeliveryConfig", name, spec, metadata=metadata)


@st.composite
def _sync(draw: st.DrawFn, slot: str, config: str) -> Document:
    kind, _, entity = slot.partition("/")
    spec: Document = {"deliveryConfig": config}
    flags = {"ProductSync": ["syncProductChanged", "syncProductDeleted", "excludePriceSchedules"]}
    flags["EntitySync"] = ["syncEntityChanged", "syncEntityDeleted"]
    for flag in flags.get(kind, []):
        if draw(st.booleans()):
            spec[flag] = draw(st.booleans())
    metadata: Document = {}
    if kind in ("ProductSync", "EntitySync"):
        if draw(st.booleans()):
            spec["pause"] = draw(PAUSE)
        if draw(st.integers(0, 5)) == 0:
            metadata["ignore"] = ["pause"]
    if kind in ("ProductSync", "OrderSync") and draw(st.booleans()):
        spec["configData"] = _literally(draw(FREE_FORM))
    if entity:
        spec["entity"] = entity
    return document(kind, f"the-{entity}" if entity else "the-one", spec, metadata=metadata)


def _serves(config: Document, slot: str) -> bool:
    targets = config["spec"]["deliveryTargets"]
    if "sendEvent" in targets or "discoverEvent" in targets:
        return False
    if "contentHub" in targets:
        return slot == "ProductSync"
    return "searchIngestion" not in targets or slot.startswith(("ProductSync", "EntitySync"))


@st.composite
def _syncs(draw: st.DrawFn, slots: Iterable[str], configs: Iterable[Document]) -> dict[str, Document]:
    free, found = list(configs), {}
    for slot in slots:
        fitting = [config for config in free if _serves(config, slot)]
        if fitting:
            chosen = draw(st.sampled_from(fitting))
            if "searchIngestion" in chosen["spec"]["deliveryTargets"]:
                free.remove(chosen)
            found[slot] = draw(_sync(slot, chosen["metadata"]["name"]))
    return found


@dataclass(frozen=True)
class History:
    """`first` is applied to an empty marketplace, `later` to what that left."""

    first: tuple[Document, ...]
    later: tuple[Document, ...]
    seed: int


@st.composite
def histories(draw: st.DrawFn) -> History:
    first = {
        name: draw(_config(name, live_id=draw(st.sampled_from([None, f"{name}_id"]))))
        for name in draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1, max_size=3))
    }
    slots = draw(st.lists(st.sampled_from(SLOTS), unique=True, max_size=4))
    first_syncs = draw(_syncs(slots, first.values()))

    later: dict[str, Document] = {}
    gone: dict[str, Document] = {}
    for name, config in first.items():
        live_id = config["spec"].get("id")
        fate = draw(st.sampled_from(["same", "changed", "changed", "renamed", "absent"]))
        if fate == "absent":
            gone[name] = document("DeliveryConfig", name, {"id": live_id} if live_id else None, state="absent")
        elif fate == "renamed":
            later[name] = draw(_config(name, live_id=f"{name}-new", former=live_id or name))
        else:
            later[name] = config if fate == "same" else draw(_config(name, live_id=live_id))
    if draw(st.booleans()) or not later:
        later["new"] = draw(_config("new"))
    later_syncs: dict[str, Document] = {}
    kept = [slot for slot in SLOTS if slot in first_syncs and draw(st.integers(0, 3)) > 0]
    added = draw(st.lists(st.sampled_from(SLOTS), unique=True, max_size=2))
    later_syncs = draw(_syncs(dict.fromkeys([*kept, *added]), later.values()))
    for slot, sync in first_syncs.items():
        # What no manifest names any more stays live, so what it points at has to stay as well.
        points_at = sync["spec"]["deliveryConfig"]
        holds = later.get(points_at) is not first[points_at] or "searchIngestion" in str(later[points_at])
        if slot not in later_syncs and (holds or draw(st.booleans())):
            kind, name = sync["kind"], sync["metadata"]["name"]
            entity = sync["spec"].get("entity")
            later_syncs[slot] = document(kind, name, {"entity": entity} if entity else None, state="absent")
    wanted_later = (*later.values(), *gone.values(), *later_syncs.values())
    return History((*first.values(), *first_syncs.values()), wanted_later, draw(st.integers(0, 2**16)))


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same data with the keys of every map in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(item, chance)) for name, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


class _Quoting(yaml.SafeDumper):
    """PyYAML knows YAML 1.1, where 1e9 is text; what is no plain word is quoted."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain_word = re.fullmatch("[A-Za-z][A-Za-z-]+", text) and text.lower() not in ("yes", "no", "null", "true", "on")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain_word else '"')


_Quoting.add_representer(str, _quoted)


def lay_out(checkout: Checkout, wanted: Iterable[Document], seed: int) -> None:
    """Write the manifests into files, documents, keys and comments of any order."""
    chance = random.Random(seed)
    documents = [checkout.environment(), *wanted]
    chance.shuffle(documents)
    checkout.clear()
    while documents:
        count = chance.randint(1, 3)
        some, documents = documents[:count], documents[count:]
        path = checkout.manifests / chance.choice(["", "deep/er", "z"]) / f"{chance.getrandbits(40)}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [
            yaml.dump(
                shuffled(one, chance),
                Dumper=_Quoting,
                sort_keys=False,
                allow_unicode=chance.random() < 0.5,
                default_flow_style=chance.choice([None, False, True]),
            )
            for one in some
        ]
        path.write_text("---\n".join(f"# {chance.random()}\n{text}" for text in texts), encoding="utf-8")


def assert_live_is(checkout: Checkout, wanted: Iterable[Document]) -> None:
    """Hold the marketplace against the manifests, secrets included; knows nothing of how reconciler compares."""
    live, wanted = checkout.live(), list(wanted)
    live_ids = {one["metadata"]["name"]: _live_id(one) for one in wanted if one["kind"] == "DeliveryConfig"}
    for one in wanted:
        if one["kind"] == "DeliveryConfig":
            found = live["deliveryConfigs"].get(live_ids[one["metadata"]["name"]])
        else:
            found = {path.lower(): sync for path, sync in live["syncs"].items()}.get(_path(one))
        if one.get("state") == "absent":
            assert found is None, one
            continue
        assert found is not None, one
        _assert_same(_expected(one, live_ids), found, set(one["metadata"].get("ignore", ())), one)


def _live_id(one: Document) -> str:
    return str(one.get("spec", {}).get("id", one["metadata"]["name"]))


def _path(one: Document) -> str:
    entity = one.get("spec", {}).get("entity")
    return PATHS[f"{one['kind']}/{entity}" if entity else one["kind"]].lower()


def _expected(one: Document, live_ids: Mapping[str, str]) -> Document:
    spec = _resolved(one["spec"])
    if one["kind"] == "DeliveryConfig":
        return {"Enabled": True, **api_object({**spec, "id": _live_id(one)})}
    pause = spec.pop("pause", False)
    spec.pop("entity", None)
    paused = pause if isinstance(pause, bool) else pause["until"].startswith("2077")
    flags = {
        "ProductSync": {"SyncProductChanged": True, "SyncProductDeleted": True, "ExcludePriceSchedules": False},
        "EntitySync": {"SyncEntityChanged": True, "SyncEntityDeleted": True},
    }.get(one["kind"], {})
    held = {"Paused": paused} if flags else {}
    config = live_ids[spec.pop("deliveryConfig")]
    return {**flags, **held, **api_object(spec), "DeliveryConfigID": config}


def _resolved(value: Any) -> Any:
    if isinstance(value, str):
        for name, secret in VARIABLES.items():
            value = value.replace(f"${{secret:{name}}}", secret)
        return value.replace("$${", "${")
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return {name: _resolved(item) for name, item in value.items()} if isinstance(value, dict) else value


def _assert_same(expected: Document, found: Document, ignored: set[str], one: Document) -> None:
    found = {name: value for name, value in found.items() if value is not None}
    for name in {*expected, *found}:
        if {"Paused": "pause"}.get(name, name[0].lower() + name[1:]) in ignored:
            continue
        if name == "DeliveryTargets":
            here, there = (_without_nulls(_current_names(side[name])) for side in (expected, found))
            assert here == there, one
        else:
            assert _without_nulls(expected.get(name)) == _without_nulls(found.get(name)), one


def _current_names(targets: Document) -> Document:
    return {"Mailchimp" if name == "Mandrill" else name: value for name, value in targets.items()}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
