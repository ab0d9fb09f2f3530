"""`doctor` against an emulator: what is well, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.reconcile.doctor import addresses_of, connect_to
from support.forked import reconciler

MARKER = "marker-that-nobody-may-see"
EMULATED = "cannot be known from here: not tried: OrderCloud is an emulator here, and sends to this machine alone"
BLOB = "DeliveryConfig/hook deliveryTargets.azureBlob.connectionString"
MANIFESTS = """
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: here}}
spec:
  ordercloud:
    apiUrl: {url}/ordercloud/v1
    authUrl: {url}/ordercloud/oauth/token
    clientID: {client}
    clientSecret: {secret}
  targetHosts: [{hosts}]
  guardrails: {{literalSecrets: allow}}
---
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {{name: hook}}
spec:
  name: Hook
  deliveryTargets:
    http: {{endpoint: "{target}", secret: "${{secret:NOT_SET}}"}}
    azureBlob: {{connectionString: "${{secret:BLOB}}"}}
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with running_emulator() as running:
        yield running


def doctor(
    folder: Path,
    url: str,
    target: str,
    client: str = "emulator",
    blob: str = "elsewhere.example",
    hosts: str = "127.0.0.1",
    secret: str = "emulator",
    more: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, list[str]], str]:
    """Run doctor and return its status, verdict and message by subject, and all that it wrote."""
    manifests = folder / "manifests"
    manifests.mkdir()
    text = MANIFESTS.format(url=url, target=target, client=client, hosts=hosts, secret=secret)
    (manifests / "all.yaml").write_text(text)
    value = f"BlobEndpoint=https://{blob}/{MARKER};AccountName=a;AccountKey=eA=="
    given = {"BLOB": value, "NO_PROXY": "*", **(environ or {})}
    ended = reconciler("doctor", "--format", "json", *more, folder=folder, environ=given)
    assert ended.stdout, ended.stderr
    findings = json.loads(ended.stdout)["environments"]["here"]
    assert all(finding["next_step"] for finding in findings if finding["verdict"] == "failed")
    found = {finding["subject"]: [finding["verdict"], finding["message"]] for finding in findings}
    return ended.returncode, found, ended.stdout + ended.stderr


def test_each_thing_is_examined(emulator: RunningEmulator, tmp_path: Path) -> None:
    status, found, output = doctor(tmp_path, emulator.url, f"{emulator.url}/hook")
    assert found["read DeliveryConfig"] == ["ok", "logged in, 0 live"]
    assert found["DeliveryConfig/hook deliveryTargets.http.endpoint"] == ["ok", "answers: it takes a connection"]
    assert found[BLOB] == ["failed", "refuses: not tried: it points outside targetHosts"]
    assert found["DeliveryConfig/hook deliveryTargets.http.secret"] == ["note", "${secret:NOT_SET} is not set here"]
    assert found["ledger"][0] == "ok"
    assert status == 1
    assert MARKER not in output
    assert "elsewhere.example" not in output
    assert {request["method"] for request in emulator.requests() if "oauth" not in request["path"]} == {"GET"}


def test_a_missing_role_hides_no_other(emulator: RunningEmulator, tmp_path: Path) -> None:
    emulator.add_client("few", "emulator", ["DeliveryConfigAdmin", "OrderSyncConfigAdmin"])
    status, found, _ = doctor(tmp_path, emulator.url, f"{emulator.url}/hook", client="few")
    assert status == 1
    assert found["read DeliveryConfig"][0] == found["read OrderSync"][0] == "ok"
    assert found["read ProductSync"][0] == "failed"


def test_a_refused_login_is_said_once(emulator: RunningEmulator, tmp_path: Path) -> None:
    status, found, _ = doctor(tmp_path, emulator.url, f"{emulator.url}/hook", client="nobody")
    assert status == 1
    assert found["log in"][0] == "failed"
    assert "read DeliveryConfig" not in found


def test_a_secret_that_is_not_set_ends_no_examination(emulator: RunningEmulator, tmp_path: Path) -> None:
    status, found, _ = doctor(tmp_path, emulator.url, f"{emulator.url}/hook", secret="${secret:OC_CLIENT_SECRET}")
    assert found["log in"] == ["failed", "${secret:OC_CLIENT_SECRET} has to be sent and is not set"]
    assert found["ledger"][0] == "ok"
    assert status == 1


def test_a_target_that_does_not_answer_is_named(emulator: RunningEmulator, tmp_path: Path) -> None:
    _, found, _ = doctor(tmp_path, emulator.url, "http://127.0.0.1:9/hook")
    verdict, message = found["DeliveryConfig/hook deliveryTargets.http.endpoint"]
    assert (verdict, message) == ("failed", "refuses: 127.0.0.1:9: the connection is refused")


@pytest.mark.parametrize("more", [[], ["--targets"]], ids=["connecting", "probing"])
def test_both_ways_judge_alike_what_an_emulator_never_sends_to(
    emulator: RunningEmulator, tmp_path: Path, more: list[str]
) -> None:
    status, found, _ = doctor(
        tmp_path, emulator.url, "https://hooks.example.com/x", hosts="hooks.example.com", more=more
    )
    for target in ("http", "azureBlob"):
        verdict, message = next(told for subject, told in found.items() if f"deliveryTargets.{target}" in subject)
        expected = "refuses: not tried: it points outside targetHosts" if target == "azureBlob" else EMULATED
        assert (verdict, message) == ("failed" if target == "azureBlob" else "note", expected)
    assert status == 1


def test_in_a_run_for_a_pull_request_nothing_is_connected_to(emulator: RunningEmulator, tmp_path: Path) -> None:
    _, found, _ = doctor(tmp_path, emulator.url, f"{emulator.url}/hook", environ={"CI_MERGE_REQUEST_IID": "7"})
    assert found["DeliveryConfig/hook deliveryTargets.http.endpoint"] == [
        "note",
        "cannot be known from here: not tried: this run is for a pull request (CI_MERGE_REQUEST_IID)",
    ]


def test_of_a_secret_target_not_even_the_host_is_shown(emulator: RunningEmulator, tmp_path: Path) -> None:
    _, found, _ = doctor(tmp_path, emulator.url, f"{emulator.url}/hook", blob="127.0.0.1")
    verdict, message = found[BLOB]
    assert verdict == "failed"
    assert "127.0.0.1" not in message
    assert "outside" not in message


@pytest.mark.parametrize(
    ("value", "form", "addresses"),
    [
        ("https://a.example/x", "url", (("a.example", 443),)),
        ("http://a.example:8080", "url", (("a.example", 8080),)),
        ("b1.example:9093, b2.example", "brokers", (("b1.example", 9093), ("b2.example", 9092))),
        (
            "Endpoint=sb://h.servicebus.windows.net/;SharedAccessKey=x",
            "connection-string",
            (("h.servicebus.windows.net", 443),),
        ),
        ("no url", "url", None),
    ],
)
def test_addresses(value: str, form: str, addresses: object) -> None:
    assert addresses_of(value, form) == addresses  # type: ignore[arg-type]  # the forms are listed above


def test_nothing_is_sent_to_a_target() -> None:
    async def probe() -> tuple[object, bytes]:
        received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            received.set_result(await reader.read())
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            failure = await connect_to(*server.sockets[0].getsockname())
            return failure, await received

    assert asyncio.run(probe()) == (None, b"")


def test_targets_are_probed_when_asked_and_never_for_a_pull_request(emulator: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    text = MANIFESTS.format(
        url=emulator.url,
        target=f"{emulator.url}/ordercloud/v1/hook?key=1",
        client="emulator",
        hosts="127.0.0.1",
        secret="emulator",
    )
    (tmp_path / "manifests" / "all.yaml").write_text(text)
    signature = f"sv=2024-11-04&sr=c&sp=rl&se=2099-01-01T00:00:00Z&sig={MARKER}"
    environ = {"BLOB": f"BlobEndpoint=https://127.0.0.1/{MARKER};SharedAccessSignature={signature}", "NO_PROXY": "*"}
    command = ("doctor", "--targets", "--format", "json")
    probed = reconciler(*command, folder=tmp_path, environ=environ)
    findings = {each["subject"]: each for each in json.loads(probed.stdout)["environments"]["here"]}
    hook = findings["DeliveryConfig/hook deliveryTargets.http"]
    assert (hook["verdict"], hook["outcome"]) == ("ok", "answers")
    assert hook["message"].startswith("answers: HTTP 404 to HEAD, without TLS; ")
    blob = findings["DeliveryConfig/hook deliveryTargets.azureBlob"]
    assert (blob["verdict"], blob["outcome"]) == ("failed", "refuses")
    assert blob["message"] == "refuses: its signature does not let create or write"
    assert probed.returncode == 1
    assert MARKER not in probed.stdout + probed.stderr
    emulator.clear_requests()
    refused = reconciler(*command, folder=tmp_path, environ={**environ, "CI_MERGE_REQUEST_IID": "7"})
    assert refused.returncode == 64
    assert "CI_MERGE_REQUEST_IID" in refused.stdout + refused.stderr
    assert emulator.requests() == []
