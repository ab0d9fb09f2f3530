from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulator.server import Addresses, serve
from reconciler.emulator.testing import RunningEmulator, emulator_process, running_emulator
from reconciler.errors import LoadError, UsageError

Login = Callable[..., httpx.Response]
BODY = {"ID": "one", "Name": "One", "DeliveryTargets": {"Http": {"Endpoint": "https://x", "Secret": "marker-s"}}}


def configure(emulator: RunningEmulator, login: Login) -> None:
    headers = {"Authorization": f"Bearer {login(emulator).json()['access_token']}"}
    url = f"{emulator.ordercloud_url}/integrations/deliveryconfig"
    assert httpx.post(url, json=BODY, headers=headers, trust_env=False).status_code == 201


def test_request_log(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.clear_requests()
    before = datetime.now(UTC)
    plain.get("/deliveryconfig", params={"page": 1})
    plain.get("/productsync")
    first, second = emulator.requests()
    assert first["method"] == "GET"
    assert first["path"] == "/ordercloud/v1/integrations/deliveryconfig"
    assert first["query"] == "page=1"
    assert (first["status"], second["status"]) == (200, 404)
    assert timedelta() <= datetime.fromisoformat(first["time"]) - before < timedelta(seconds=10)
    emulator.clear_requests()
    assert emulator.requests() == []


def test_request_log_keeps_the_bodies_that_were_asked_for(emulator: RunningEmulator, plain: httpx.Client) -> None:
    emulator.clear_requests()
    emulator.keep_bodies("*/DeliveryConfig*")
    assert plain.post("/deliveryconfig", json=BODY).status_code == 201
    plain.patch("/productsync", json={"Paused": True})
    kept, other = emulator.requests()
    assert json.loads(kept["body"]) == BODY
    assert "body" not in other
    emulator.keep_bodies(None)
    plain.get("/deliveryconfig")
    assert "body" not in emulator.requests()[-1]


def test_a_reset_keeps_no_bodies_any_more(emulator: RunningEmulator, login: Login) -> None:
    emulator.keep_bodies("*")
    emulator.reset()
    configure(emulator, login)
    assert all("body" not in request for request in emulator.requests())


def test_clock(emulator: RunningEmulator) -> None:
    shown = emulator.clock(now="2026-12-01T06:00:00Z", frozen=True)
    assert shown["now"] == "2026-12-01T06:00:00+00:00"
    assert emulator.clock(advance=90)["now"] == "2026-12-01T06:01:30+00:00"
    running = emulator.clock(frozen=False)
    assert datetime.fromisoformat(running["now"]) >= datetime(2026, 12, 1, 6, 1, 30, tzinfo=UTC)
    assert emulator.clock()["frozen"] is False


def test_answers_are_dated_by_the_emulators_clock(emulator: RunningEmulator) -> None:
    urls = [f"{emulator.ordercloud_url}/me", f"{emulator.sparklayer_url}/api/v1/stock-locations", emulator.url]
    for advance in (0, 90, 86_400):
        shown = datetime.fromisoformat(emulator.clock(advance=advance, frozen=True)["now"])
        for url in urls:
            [date] = httpx.get(url, trust_env=False).headers.get_list("date")
            assert parsedate_to_datetime(date) == shown.replace(microsecond=0)


@pytest.mark.parametrize(
    "setting", [{"advance": 1e18}, {"advance": -1e12}, {"now": "9999-12-31T23:59:59Z"}, {"now": "0001-01-01T00:00:00Z"}]
)
def test_a_time_out_of_range_is_refused_and_the_clock_stays(
    emulator: RunningEmulator, login: Login, setting: dict[str, Any]
) -> None:
    emulator.clock(now="2026-12-01T06:00:00Z", frozen=True)
    answer = httpx.put(f"{emulator.url}/_emulator/clock", json=setting, trust_env=False)
    assert answer.status_code == 400
    assert "1970" in answer.json()["nextStep"]
    assert emulator.clock()["now"] == "2026-12-01T06:00:00+00:00"
    assert login(emulator).status_code == 200


def test_reset_and_restoring_a_dump(emulator: RunningEmulator, login: Login) -> None:
    configure(emulator, login)
    emulator.add_client("other", "s", ["ErrorConfigAdmin"])
    emulator.clock(now="2026-12-01T06:00:00Z", frozen=True)
    dump = emulator.state(secrets=True)
    emulator.reset()
    assert emulator.state()["ordercloud"]["deliveryConfigs"] == {}
    assert emulator.requests() == []
    emulator.load(dump)
    assert emulator.state(secrets=True) == dump | {"clock": emulator.state()["clock"]}
    assert emulator.state()["clock"]["now"] == "2026-12-01T06:00:00+00:00"
    assert login(emulator, "other", "s").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"products": 5},
        {"ordercloud": {}},
        {"clock": {}},
        {"switches": {"x": "y"}},
        {"switches": 3},
        {"Objects": {}},
    ],
)
def test_what_is_no_dump_is_refused_and_changes_nothing(emulator: RunningEmulator, login: Login, body: Any) -> None:
    configure(emulator, login)
    before = emulator.state()["ordercloud"]
    answer = httpx.put(f"{emulator.url}/_emulator/state", json=body, trust_env=False)
    assert answer.status_code == 400
    assert "missing" in answer.json()["error"]
    assert emulator.state()["ordercloud"] == before


@pytest.mark.parametrize(
    "broken",
    [
        {"clock": {"now": "", "frozen": False, "offset": 1e18}},
        {"ordercloud": {}},
        {"clock": {}},
        {"clock": 1},
        {"switches": {"x": "y"}},
        {"switches": 3},
    ],
)
def test_a_dump_with_a_broken_part_is_refused(emulator: RunningEmulator, broken: dict[str, Any]) -> None:
    body = emulator.state(secrets=True) | broken
    answer = httpx.put(f"{emulator.url}/_emulator/state", json=body, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert httpx.put(f"{emulator.url}/_emulator/state", json=[], trust_env=False).status_code == 400


def test_a_dump_without_secrets_is_refused_and_says_how_to_take_one(emulator: RunningEmulator) -> None:
    with pytest.raises(urllib.error.HTTPError, match="secrets=true"):
        emulator.load(emulator.state())


def test_unknown_paths_say_what_there_is(emulator: RunningEmulator, plain: httpx.Client) -> None:
    assert "/ordercloud/" in httpx.get(emulator.url, trust_env=False).json()["error"]
    assert plain.get("/nothing").json()["Errors"][0]["ErrorCode"] == "NotFound"
    assert plain.post("/productsync").status_code == 405
    assert httpx.get(f"{emulator.url}/_emulator/nothing", trust_env=False).status_code == 404
    listed = emulator.control("GET", "")["endpoints"]
    assert all(entry["does"] for entry in listed)
    assert {"method": "POST", "path": "/_emulator/clients"}.items() <= next(
        entry for entry in listed if entry["path"] == "/_emulator/clients"
    ).items()


def test_announcement_names_both_urls_on_one_line() -> None:
    text = str(Addresses("http://127.0.0.1:8800"))
    assert "http://127.0.0.1:8800/ordercloud/v1" in text
    assert "http://127.0.0.1:8800/sparklayer" in text
    assert "\n" not in text


def start(**arguments: Any) -> subprocess.Popen[str]:
    program = "import json, sys; from reconciler.emulator.server import serve; serve(**json.loads(sys.argv[1]))"
    command = [sys.executable, "-c", program, json.dumps({"port": 0, **arguments})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_tidily(number: signal.Signals) -> None:
    with start() as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Emulator ready: OrderCloud at http://127.0.0.1:")
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, output, errors) == (0, "", "")


def test_a_signal_ends_it_while_a_request_hangs() -> None:
    with emulator_process() as emulator:
        emulator.fault("hang")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{emulator.ordercloud_url}/products", timeout=0.1, trust_env=False)


def test_a_port_in_use_is_a_usage_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot listen"):
            serve(port=taken.getsockname()[1])
    with pytest.raises(UsageError, match="cannot listen"):
        serve(port=99_999)


def test_state_is_kept_on_a_file(tmp_path: Path, login: Login) -> None:
    file = tmp_path / "emulator.json"
    with emulator_process(file=file) as emulator:
        configure(emulator, login)
        kept = emulator.state(secrets=True)["ordercloud"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["emulator.json"]  # noqa: PTH208
    with running_emulator(file=file) as emulator:
        assert emulator.state(secrets=True)["ordercloud"] == kept
        emulator.reset()
    with running_emulator(file=file) as emulator:
        assert emulator.state()["ordercloud"]["deliveryConfigs"] == {}


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "null", "{", "{}", '{"ordercloud": {}}', '{"clock": 1}'),
        *('{"name": "my-package", "version": "1.0.0"}', '{"Objects": {"Products": []}}'),
    ],
)
def test_a_file_that_holds_no_state_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "emulator.json"
    file.write_text(content)
    with pytest.raises(LoadError, match="no state of an emulator"):
        serve(port=0, file=file)
    assert file.read_text() == content


def test_a_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="folder that is not there"):
        serve(port=0, file=tmp_path / "nowhere" / "emulator.json")
