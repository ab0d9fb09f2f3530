"""Probes of URLs against real servers on the loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.kind.probe import Outcome, ProbePolicy
from reconciler.ordercloud.probes.connect import Stopped
from reconciler.ordercloud.probes.web import probe_url
from support.probing import HOST, POLICY, Resolver, make_certificate, server_tls, trusting
from support.scripted_server import ScriptedServer, answer, hang, raw, reset

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the test's certificates")
Ask = Callable[[str], str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


def ask(server: ScriptedServer, policy: ProbePolicy = POLICY, host: str = HOST, path: str = "/hook") -> str:
    """Probe a URL at the server and return what it said, or outcome and words of what stopped it."""

    async def run() -> str:
        async with server:
            scheme = "https" if server.tls else "http"
            try:
                return await probe_url(f"{scheme}://{host}:{server.port}{path}", policy)
            except Stopped as stopped:
                return f"{stopped.outcome.value}: {stopped.message}"

    return asyncio.run(run())


@needs_openssl
def test_the_connection_goes_to_the_address_that_was_checked_under_the_name_of_the_host(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str | None] = []
    # Who asks a second time gets an address that nobody has checked.
    resolver = Resolver(["127.0.0.1"], ["10.255.255.1"]).install(monkeypatch)
    server = ScriptedServer(otherwise=answer(405), tls=server_tls(files, names))
    found = ask(server, trusting(files[1]), path="/hook%20a/ü?code=marker")
    assert found == "HTTP 405 to HEAD"
    assert resolver.asked == [HOST]
    assert names == [HOST]
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.query) == ("HEAD", "/hook%20a/%C3%BC", {}), "no query: it may be secret"
    assert seen.headers["host"] == f"{HOST}:{server.port}"
    assert seen.headers.keys() == {"host", "user-agent", "accept", "connection"}


@needs_openssl
def test_certificates_have_to_be_valid(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(["127.0.0.1"]).install(monkeypatch)
    unknown = ask(ScriptedServer(tls=server_tls(files)))
    assert unknown.startswith("refuses: its certificate is not valid: self")
    other = ask(ScriptedServer(tls=server_tls(files)), trusting(files[1]), host="other.example.com")
    assert other == "refuses: its certificate is not valid: it is for another name"


def test_what_answers_and_what_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(["127.0.0.1"]).install(monkeypatch)
    assert ask(ScriptedServer(otherwise=answer(200))) == "HTTP 200 to HEAD, without TLS"
    redirect = ScriptedServer(otherwise=answer(302, location="http://10.0.0.1/"))
    assert ask(redirect) == "cannot be known from here: it answers HEAD with a redirect (302)"
    assert len(redirect.requests) == 1
    assert ask(ScriptedServer(otherwise=answer(503))) == "cannot be known from here: it answers HEAD with 503"
    assert ask(ScriptedServer(otherwise=raw(b"SSH-2.0-x\r\n"))) == "refuses: it does not speak HTTP"
    assert ask(ScriptedServer(otherwise=reset())).startswith("refuses: it closes the connection")
    silent = ask(ScriptedServer(otherwise=hang()), replace(POLICY, seconds=0.2))
    assert silent == "cannot be known from here: it connects, and says nothing in time"
    endless = ask(ScriptedServer(otherwise=raw(b"x" * 200_000, stay=True)))
    assert endless == "refuses: it does not speak HTTP"


def stopped_by(url: str, policy: ProbePolicy = POLICY) -> tuple[Outcome, str]:
    with pytest.raises(Stopped) as stopped:
        asyncio.run(probe_url(url, policy))
    return stopped.value.outcome, stopped.value.message


def test_only_what_the_policy_lets_through_is_looked_up_or_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(["127.0.0.1"]).install(monkeypatch)
    assert stopped_by("https://elsewhere.example.org/x") == (
        Outcome.REFUSES,
        "not tried: it points outside targetHosts",
    )
    assert stopped_by(f"https://{HOST}/", replace(POLICY, target_hosts=None))[0] is Outcome.UNKNOWN
    assert stopped_by(f"https://{HOST}/", replace(POLICY, pull_request="CI_MERGE_REQUEST_IID"))[0] is Outcome.UNKNOWN
    assert stopped_by("nonsense")[0] is Outcome.REFUSES
    assert stopped_by(f"ftp://{HOST}/")[0] is Outcome.REFUSES
    assert resolver.asked == []
    emulated = replace(POLICY, emulated=True)
    assert stopped_by(f"http://{HOST}/", emulated)[0] is Outcome.UNKNOWN
    assert resolver.asked == []
    # One address that is not public is enough: which one OrderCloud would take is not known.
    Resolver(["127.0.0.1", "10.0.0.1"]).install(monkeypatch)
    assert stopped_by(f"http://{HOST}/") == (Outcome.UNKNOWN, "not tried: its address is not public")


def test_unknown_hosts_and_closed_ports_refuse_and_a_name_server_that_is_away_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Resolver(socket.gaierror(socket.EAI_NONAME, "x")).install(monkeypatch)
    assert stopped_by(f"https://{HOST}/") == (Outcome.REFUSES, "the host is not known")
    behind_a_proxy = replace(POLICY, proxied=True)
    assert stopped_by(f"https://{HOST}/", behind_a_proxy)[0] is Outcome.UNKNOWN
    Resolver(socket.gaierror(socket.EAI_AGAIN, "x")).install(monkeypatch)
    assert stopped_by(f"https://{HOST}/") == (Outcome.UNKNOWN, "its name cannot be looked up here")
    Resolver(["127.0.0.1"]).install(monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert stopped_by(f"http://{HOST}:{port}/") == (Outcome.REFUSES, "the connection is refused")
        assert stopped_by(f"http://{HOST}:{port}/", behind_a_proxy)[0] is Outcome.UNKNOWN
