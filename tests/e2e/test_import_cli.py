"""Import: what is live as manifests that want just that; whatever it is called, and without touching a file."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from reconciler.emulator.switches import CHOICES
from support.checkout import Checkout, http_config

BUYERS = "/integrations/entitysync/buyers"
HOSTILE = [
    "\x1b[31mred\x1b[0m \x07",
    "${env:HOME} ${secret:OC_CLIENT_SECRET} $${x} $",
    "yes",
    "null",
    "~",
    "1e3",
    "0o17",
    "2026-01-01",
    "12:30:45",
    "- a: b",
    "a: b # c",
    "&anchor *alias !!python/object:os.system",
    "---\n...\n%YAML 1.1",
    " spaces at both ends ",
    "two\nlines\r\nand\ttabs",
    "\u2028\u2029\u0085\ufeff\u202e",
    "'\"`|>@{}[],?",
    "::set-output name=x::y",
    "</script><script>alert(1)</script>",
    "😀 Käse 漢字",
]


@pytest.fixture
def empty(checkout: Checkout) -> Checkout:
    """Return a checkout with an Environment and no manifest."""
    checkout.write("environment.yaml", checkout.environment())
    return checkout


def live_config(live_id: str, name: str = "n", **targets: Any) -> dict[str, Any]:
    http = {"Endpoint": "https://hooks.example.com", "Secret": "kept", "CustomAuthHeaderName": None}
    return {"ID": live_id, "Name": name, "Enabled": True, "DeliveryTargets": targets or {"Http": http}}


def sync_to(live_id: str) -> dict[str, Any]:
    return {"DeliveryConfigID": live_id, "SyncEntityChanged": True, "SyncEntityDeleted": True, "Paused": False}


def load(checkout: Checkout, *configs: dict[str, Any], **syncs: dict[str, Any]) -> None:
    def change(live: dict[str, Any]) -> None:
        live["deliveryConfigs"] = {config["ID"]: config for config in configs}
        live["syncs"] = {f"/integrations/entitysync/{entity}": sync for entity, sync in syncs.items()}

    checkout.change_live(change)


def imported(checkout: Checkout, *words: str) -> Any:
    """Import, and return the JSON of it; live is not touched and no file that was there changes."""
    live, files = checkout.live(), checkout.manifest_bytes()
    ended = checkout.call("import", "--format", "json", *words)
    assert ended.status == 0, str(ended)
    assert checkout.live() == live
    assert files.items() <= checkout.manifest_bytes().items()
    return ended.json


def test_a_token_that_the_path_of_a_url_may_hold_is_told(empty: Checkout) -> None:
    hook = {"Endpoint": "https://hooks.slack.com/services/T01ABC/B02GHI/kr3mbelABC123ghiJKL456", "Secret": "kept"}
    load(empty, live_config("hook", Http=hook))
    told = "DeliveryConfig/hook has a URL in deliveryTargets.http.endpoint whose path may hold a token"
    (note,) = imported(empty)["notes"]
    assert note.startswith(told)
    assert "metadata.sensitive" in note
    assert_nothing_pending(empty)


def assert_nothing_pending(checkout: Checkout, *words: str) -> None:
    ended = checkout.call("plan", "--exit-code", *words)
    assert ended.status == 0, str(ended)
    ended = checkout.call("drift", *words)
    assert ended.status == 0, str(ended)


def hub(live_id: str, text: str) -> dict[str, Any]:
    data = {"a key": text, "nested": [text, {"x": text}], "number": 1.0, "flag": True}
    content_hub = {"Endpoint": "https://hub.example.com", "TargetSchemaName": text, "ApiKey": "k", "ConfigData": data}
    kafka = {"BootstrapServers": "k:9092", "SaslUsername": text, "SaslPassword": "k", "Topic": text}
    return live_config(live_id, text, ContentHub=content_hub, Kafka=kafka)


@pytest.mark.parametrize("masked", CHOICES["write_only_read"])
def test_any_text_comes_back_as_it_is(empty: Checkout, masked: str) -> None:
    empty.emulator.switch(write_only_read=masked)
    load(empty, *(hub(f"hub{number}", text) for number, text in enumerate(HOSTILE)))
    imported(empty)
    shown = empty.call("import", "--into", "again")
    assert "\x1b" not in shown.stdout + shown.stderr
    assert_nothing_pending(empty)
    assert empty.call("validate").status == 0


@pytest.mark.parametrize(
    "live_id", ["null", "yes", "1e3", "123", "0x1f", "-", "_", "--flag", "~"[:0] + "NO", "x" * 100]
)
def test_any_id_comes_back_as_it_is(empty: Checkout, live_id: str) -> None:
    load(empty, live_config(live_id), buyers=sync_to(live_id))
    imported(empty)
    assert_nothing_pending(empty)


def test_defaults_are_left_out_and_secrets_become_references(empty: Checkout) -> None:
    load(empty, live_config("hook"), buyers=sync_to("hook"))
    result = imported(empty)
    documents = {
        one["kind"]: one
        for name, content in empty.manifest_bytes().items()
        if name != "environment.yaml"
        for one in yaml.safe_load_all(content)
    }
    assert documents["EntitySync"]["spec"] == {"entity": "buyers", "deliveryConfig": "hook"}
    http = documents["DeliveryConfig"]["spec"]["deliveryTargets"]["http"]
    assert http == {"endpoint": "https://hooks.example.com", "secret": "${secret:HOOK_HTTP_SECRET}"}
    assert "HOOK_HTTP_SECRET" in str(result)
    assert "HOOK_HTTP_SECRET" in empty.call("plan").stdout


def test_files_are_called_after_what_they_hold_and_point_editors_at_the_schema(empty: Checkout) -> None:
    (empty.folder / "schemas").mkdir()
    (empty.folder / "schemas" / "manifest.schema.json").write_text("{}")
    load(empty, live_config("hook"), buyers=sync_to("hook"))
    imported(empty)
    files = {name: content.decode() for name, content in empty.manifest_bytes().items() if name != "environment.yaml"}
    assert {name.rpartition("/")[2] for name in files} == {"delivery-config.yaml", "entity-sync.yaml"}
    for content in files.values():
        assert content.startswith("# yaml-language-server: $schema=../schemas/manifest.schema.json\n"), content


def test_secrets_of_objects_with_like_names_are_told_apart(empty: Checkout) -> None:
    load(empty, *(live_config(live_id) for live_id in ("a-b", "a_b", "A-B")))
    references = {
        one["spec"]["deliveryTargets"]["http"]["secret"]
        for name in {file["file"] if isinstance(file, dict) else file for file in imported(empty)["files"]}
        for one in yaml.safe_load_all((empty.folder / name).read_text())
    }
    assert len(references) == 3
    assert_nothing_pending(empty)


def test_no_file_is_ever_overwritten(empty: Checkout) -> None:
    for name in ("delivery-config.yaml", "delivery-config-2.yaml"):
        (empty.manifests / name).write_text("# mine\n")
    load(empty, live_config("hook"))
    imported(empty)
    assert (empty.manifests / "delivery-config.yaml").read_text() == "# mine\n"
    assert "hook" in (empty.manifests / "delivery-config.hook.yaml").read_text()
    assert_nothing_pending(empty)


def test_imported_again_there_is_nothing_left_to_write(empty: Checkout) -> None:
    load(empty, live_config("hook"), buyers=sync_to("hook"))
    imported(empty)
    before = empty.manifest_bytes()
    imported(empty)
    assert empty.manifest_bytes() == before


def two_environments(checkout: Checkout) -> None:
    checkout.write("one.yaml", checkout.environment("one"))
    checkout.write("two.yaml", checkout.environment("two"))


def manifests_of(checkout: Checkout) -> dict[str, dict[str, Any]]:
    """Return every manifest but the Environments, by kind and name."""
    found = [
        manifest
        for content in checkout.manifest_bytes().values()
        for manifest in yaml.safe_load_all(content)
        if manifest["kind"] != "Environment"
    ]
    return {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest for manifest in found}


def patches_of(checkout: Checkout, name: str) -> dict[str, Any]:
    spec = yaml.safe_load((checkout.manifests / f"{name}.yaml").read_text())["spec"]
    return {f"{patch['kind']}/{patch['name']}": patch["spec"] for patch in spec.get("patches", [])}


def limits_of(checkout: Checkout) -> dict[str, list[str] | None]:
    return {key: one["metadata"].get("environments") for key, one in manifests_of(checkout).items()}


ONE = (live_config("hook"), live_config("feed"), live_config("of-one"))
TWO = (live_config("hook"), {**live_config("feed", "of two"), "Enabled": False}, live_config("of-two"))


@pytest.mark.parametrize("both_at_first", [True, False])
def test_a_second_environment_shares_what_is_equal_and_patches_what_differs(
    empty: Checkout, both_at_first: bool
) -> None:
    if both_at_first:
        two_environments(empty)
    else:
        empty.write("one.yaml", empty.environment("one"))
    (empty.manifests / "environment.yaml").unlink()
    load(empty, *ONE, buyers=sync_to("hook"), catalogs=sync_to("feed"))
    assert empty.call("import", "-e", "one").status == 0
    two_environments(empty)
    load(empty, *TWO, buyers=sync_to("of-two"), catalogs=sync_to("feed"))
    ended = empty.call("import", "-e", "two", "--format", "json")
    assert ended.status == 0, str(ended)
    assert_nothing_pending(empty, "-e", "two")
    assert limits_of(empty) == {
        "DeliveryConfig/hook": None,
        "DeliveryConfig/feed": None,
        "DeliveryConfig/of-one": ["one"],
        "DeliveryConfig/of-two": ["two"],
        "EntitySync/buyers": None,
        "EntitySync/catalogs": None,
    }
    assert patches_of(empty, "one") == {}
    assert patches_of(empty, "two") == {
        "DeliveryConfig/feed": {"name": "of two", "enabled": False},
        "EntitySync/buyers": {"deliveryConfig": "of-two"},
    }
    assert set(ended.json["patched"]) == {"DeliveryConfig/feed", "EntitySync/buyers"}
    load(empty, *ONE, buyers=sync_to("hook"), catalogs=sync_to("feed"))
    assert_nothing_pending(empty, "-e", "one")
    assert empty.call("validate").status == 0
    before = empty.manifest_bytes()
    load(empty, *TWO, buyers=sync_to("of-two"), catalogs=sync_to("feed"))
    assert empty.call("import", "-e", "two").status == 0
    assert empty.manifest_bytes() == before


def test_what_was_applied_is_not_undone_by_a_patch_unless_somebody_asks(empty: Checkout) -> None:
    two_environments(empty)
    (empty.manifests / "environment.yaml").unlink()
    empty.write("hook.yaml", http_config("hook"))
    assert empty.call("apply", "-e", "two", "--yes").status == 0
    empty.change_live(lambda live: live["deliveryConfigs"]["hook"].update(Name="edited in the portal"))
    assert empty.call("import", "-e", "two").status == 0
    assert patches_of(empty, "two") == {}
    assert empty.call("import", "-e", "two", "--patches").status == 0
    assert patches_of(empty, "two") == {"DeliveryConfig/hook": {"name": "edited in the portal"}}
    assert_nothing_pending(empty, "-e", "two")


def test_a_patch_that_is_there_keeps_what_it_says_and_a_comment_its_place(empty: Checkout) -> None:
    two_environments(empty)
    (empty.manifests / "environment.yaml").unlink()
    empty.write("all.yaml", http_config("hook"), http_config("other"))
    path = empty.manifests / "two.yaml"
    lines = (
        "  patches:\n    # Ours.\n    - kind: DeliveryConfig\n      name: hook\n      spec: {enabled: false}  # off\n"
    )
    path.write_text(path.read_text() + lines)
    hook = {**live_config("hook", "hook"), "Enabled": False}
    load(empty, hook, live_config("other", "other name"))
    assert empty.call("import", "-e", "two").status == 0
    assert patches_of(empty, "two")["DeliveryConfig/hook"]["enabled"] is False
    assert patches_of(empty, "two")["DeliveryConfig/other"]["name"] == "other name"
    assert "    # Ours.\n    - kind: DeliveryConfig\n" in path.read_text()
    assert_nothing_pending(empty, "-e", "two")


def test_a_name_that_another_manifest_has_is_not_taken(empty: Checkout) -> None:
    other = http_config("hook")
    other["spec"]["id"] = "something-else"
    empty.write("mine.yaml", other)
    empty.applied()
    empty.change_live(lambda live: live["deliveryConfigs"].update(hook=live_config("hook")))
    imported(empty)
    assert_nothing_pending(empty)


def test_a_target_that_we_do_not_know_is_noted_and_left_alone(empty: Checkout) -> None:
    load(empty, live_config("hook", Novel={"Key": "k"}, Http={"Endpoint": "https://h.example.com", "Secret": "s"}))
    assert "Novel" in empty.call("import").stdout
    assert_nothing_pending(empty)
    assert empty.live()["deliveryConfigs"]["hook"]["DeliveryTargets"]["Novel"] == {"Key": "k"}


def test_what_refers_to_nothing_is_left_out_with_the_reason(empty: Checkout) -> None:
    load(empty, live_config("hook"), buyers=sync_to("gone"))
    shown = empty.call("import")
    assert shown.status == 0, str(shown)
    assert "EntitySync/buyers" in shown.stdout
    assert "gone" in shown.stdout
    assert_nothing_pending(empty)


def test_a_target_limits_it_and_references_still_hold(empty: Checkout) -> None:
    load(empty, live_config("hook"), live_config("other"), buyers=sync_to("hook"))
    imported(empty, "--target", "DeliveryConfig/hook")
    assert_nothing_pending(empty)
    assert "other" not in str(empty.manifest_bytes())


def test_patches_may_wait_for_what_is_imported(empty: Checkout) -> None:
    patch = {"kind": "DeliveryConfig", "name": "hook", "spec": {"enabled": False}}
    empty.write("environment.yaml", empty.environment(patches=[patch]))
    load(empty, live_config("hook"))
    assert empty.call("validate").status == 1
    ended = empty.call("import")
    assert ended.status == 0, str(ended)
    assert empty.pending() == ["update DeliveryConfig/hook"]


def test_other_mistakes_of_an_environment_still_stop_an_import(empty: Checkout) -> None:
    empty.write("environment.yaml", empty.environment(patches=[{"kind": "Delivery", "name": "hook", "spec": {}}]))
    ended = empty.call("import")
    assert ended.status == 1
    assert "unknown-kind" in ended.stderr + ended.stdout
