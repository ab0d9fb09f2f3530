"""Who says where the ledger is: the operator, before any manifest; and what relative paths count from."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.checkout import Checkout, http_config


def test_the_operators_ledger_beats_the_manifests(checkout: Checkout) -> None:
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("shop.yaml", http_config("hook"))
    checkout.variables["RECONCILER_LEDGER"] = f"sqlite:///{checkout.folder}/own/ledger.db"
    checkout.applied()
    assert (checkout.folder / "own" / "ledger.db").is_file()
    assert not checkout.ledger.exists()


def test_the_operators_ledger_needs_no_line_in_the_environment(checkout: Checkout) -> None:
    environment = checkout.environment()
    del environment["spec"]["ledger"]
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", http_config("hook"))
    checkout.variables["RECONCILER_LEDGER"] = "sqlite:///kept/ledger.db"
    checkout.applied()
    assert (checkout.folder / "kept" / "ledger.db").is_file()
    assert not (checkout.folder / ".reconciler").exists()


@pytest.mark.parametrize("own", [False, True])
def test_relative_paths_count_from_the_parent_of_the_manifests(checkout: Checkout, own: bool) -> None:
    environment = checkout.environment()
    environment["spec"]["ledger"] = "sqlite:///.reconciler/ledger.db"
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", http_config("hook", secret="${secret:file:hook}"))
    (checkout.folder / "secrets").mkdir()
    (checkout.folder / "secrets" / "hook").write_text("from-a-file")
    checkout.variables["RECONCILER_SECRETS_DIR"] = "secrets"
    if own:
        checkout.variables["RECONCILER_LEDGER"] = "sqlite:///.reconciler/ledger.db"
    elsewhere = checkout.folder / "elsewhere"
    elsewhere.mkdir()
    ended = Checkout(elsewhere, checkout.emulator, checkout.variables).call("apply", "--yes", "-m", checkout.manifests)
    assert ended.status == 0, str(ended)
    assert (checkout.folder / ".reconciler" / "ledger.db").is_file()
    assert list(elsewhere.rglob("*.db")) == []
    assert "from-a-file" in str(checkout.live())


def test_a_folder_without_a_name_has_a_parent_too(checkout: Checkout) -> None:
    environment = checkout.environment()
    environment["spec"]["ledger"] = "sqlite:///ledger.db"
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", http_config("hook"))
    inside = Checkout(checkout.manifests, checkout.emulator, checkout.variables)
    ended = inside.call("apply", "--yes", "-m", ".")
    assert ended.status == 0, str(ended)
    assert checkout.ledger.is_file()
    assert not Path(checkout.manifests, "ledger.db").exists()


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",), ("ledger", "show"), ("doctor",)])
def test_a_pull_request_cannot_choose_the_ledgers_server(checkout: Checkout, command: tuple[str, ...]) -> None:
    environment = checkout.environment()
    environment["spec"]["ledger"] = "postgresql://me:hunter2@db.elsewhere.com/ledger"
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", http_config("hook"))
    ended = checkout.call(*command)
    told = " ".join(f"{ended.stdout} {ended.stderr}".split())
    assert ended.status == 1, str(ended)
    assert "db.elsewhere.com" in told
    assert "RECONCILER_ALLOW_LEDGER_HOSTS" in told
    assert "environment.yaml:" in told
    assert "hunter2" not in told
    assert checkout.writes() == []


def test_a_run_from_a_subfolder_is_the_same_project(checkout: Checkout) -> None:
    environment = checkout.environment()
    environment["spec"]["ledger"] = "sqlite:///ledger.db"
    checkout.write("environment.yaml", environment)
    checkout.write("shop.yaml", http_config("hook"))
    below = checkout.folder / "src" / "deep"
    below.mkdir(parents=True)
    inside = Checkout(below, checkout.emulator, checkout.variables)
    ended = inside.call("apply", "--yes")
    assert ended.status == 0, str(ended)
    assert ended.stderr.splitlines()[0] == "Manifests: ../../manifests"
    assert ended.stderr.count("Manifests:") == 1
    assert checkout.ledger.is_file()
    assert list(below.rglob("*.db")) == []


def test_c_works_in_another_folder_and_the_next_command_says_so(checkout: Checkout) -> None:
    checkout.write("../config/environment.yaml", checkout.environment())
    checkout.write("../config/shop.yaml", http_config("hook"))
    above = Checkout(checkout.folder.parent, checkout.emulator, checkout.variables)
    name = checkout.folder.name
    ended = above.call("-C", name, "plan", "-m", "config", "--save", "plan.json")
    assert ended.status == 0, str(ended)
    assert (checkout.folder / "plan.json").is_file()
    shown = " ".join(ended.stdout.split())
    assert f"`reconciler -C {name} apply plan.json -e test -m config`" in shown
    (checkout.folder / "plan.json").write_text("{}")
    refused = above.call("-C", name, "apply", "plan.json", "-m", "config")
    assert f"`reconciler -C {name} plan --save plan.json -m config`" in " ".join(refused.stderr.split())
