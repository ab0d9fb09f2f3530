"""deploy/compose.yaml: as the compose specification wants it, with no more rights than needed, and its commands run."""

from __future__ import annotations

import json
import signal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

from reconciler.emulator.testing import RunningEmulator
from support import postgres
from support.checkout import Checkout, wait_until

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def test_it_is_as_the_compose_specification_wants_it() -> None:
    place = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(place.read_text(encoding="utf-8"))
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert [error.message for error in validator_for(schema)(schema).iter_errors(document)] == []


def test_there_is_a_database_two_workers_and_the_service_and_each_waits_for_what_it_needs(
    services: dict[str, Any],
) -> None:
    assert set(services) == {"postgres", "migrate", "worker", "serve"}
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("worker", "serve"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["serve"]["ports"] == ["127.0.0.1:8080:8080"]
    assert "ports" not in services["postgres"]


@pytest.mark.parametrize("name", ["migrate", "worker", "serve"])
def test_ours_write_nowhere_but_to_their_own_memory_as_nobody(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert (service["read_only"], service["user"], service["cap_drop"]) == (True, "65534:65534", ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert service["stop_grace_period"] == "45s"  # longer than an end takes at most: 37


@pytest.mark.postgres
def test_its_commands_run_one_after_the_other_as_they_stand(
    tmp_path: Path, emulator: RunningEmulator, services: dict[str, Any]
) -> None:
    url = postgres.new_database()
    try:
        checkout = Checkout(tmp_path, emulator, server_ledger=url)
        checkout.write("environment.yaml", checkout.environment(service={"loops": ["drift"]}))
        login = tmp_path / "login"
        login.write_text("a-token\n")
        here = {
            "--listen=0.0.0.0:8080": "--listen=127.0.0.1:0",
            "--login-token-file=/run/reconciler/login": f"--login-token-file={login}",
        }

        def begin(name: str) -> Any:
            return checkout.fork(*(here.get(word, word) for word in services[name]["command"]))

        migrated = begin("migrate")
        said = migrated.communicate(60)
        assert migrated.returncode == 0, said
        running = [begin("worker"), begin("worker"), begin("serve")]
        wait_until(lambda: all(b'"event"' in log(each) or each.poll() is not None for each in running))
        assert [each.poll() for each in running] == [None] * 3, [log(each) for each in running]
        for each in running:
            each.send_signal(signal.SIGTERM)
        for each in running:
            each.communicate(60)
        assert [each.returncode for each in running] == [0, 0, 0], [log(each) for each in running]
    finally:
        postgres.drop(url)


def log(process: Any) -> bytes:
    """Return what a process wrote to stderr."""
    process._err.seek(0)
    content: bytes = process._err.read()
    return content
