"""TLS, private CAs, proxies and cassettes: what the environment of a run decides."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
import vcr

from reconciler.errors import LoadError, Rejected, Unreachable
from reconciler.http.client import HttpReader
from reconciler.http.connections import Connections
from reconciler.http.network import ENGINE_VARIABLE
from support.http_client_helpers import Listener, client
from support.scripted_server import Reply, ScriptedServer, Seen, answer

pytestmark = pytest.mark.usefixtures("engine")

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the test's certificate")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("RECONCILER_CA_FILE", raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"]
    subprocess.run(command, check=True, capture_output=True)
    return key, cert


def secure_server(certificate: tuple[Path, Path]) -> ScriptedServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return ScriptedServer(tls=context)


async def one_read(server: ScriptedServer) -> None:
    async with server, client(server) as api:
        await api.get("things")


@needs_openssl
@pytest.mark.parametrize("variable", ["RECONCILER_CA_FILE", "SSL_CERT_FILE"])
def test_a_private_ca_is_trusted_when_the_environment_names_it(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate[1]))
    server = secure_server(certificate)
    asyncio.run(one_read(server))
    assert len(server.requests) == 1


@needs_openssl
def test_an_untrusted_certificate_is_told_at_once(certificate: tuple[Path, Path]) -> None:
    server = secure_server(certificate)
    with pytest.raises(Unreachable, match=r"not trusted.*RECONCILER_CA_FILE"):
        asyncio.run(one_read(server))
    assert server.logins == []


def test_a_ca_file_that_cannot_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_CA_FILE", str(tmp_path / "gone.pem"))

    async def read() -> None:
        async with client("https://127.0.0.1:9") as api:
            await api.get("things")

    with pytest.raises(LoadError, match="CA certificates") as caught:
        asyncio.run(read())
    assert caught.value.next_step is not None
    assert "RECONCILER_CA_FILE" in caught.value.next_step


def test_plain_http_needs_no_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_CA_FILE", str(tmp_path / "gone.pem"))
    asyncio.run(one_read(ScriptedServer()))


async def through_proxy(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[Seen]:
    """Ask for a host that does not exist; the proxy answers in its place."""

    def reply(_: Seen) -> Reply:
        return answer(200, {"by": "proxy"})

    async with ScriptedServer(handler=reply) as proxy:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(proxy=f"127.0.0.1:{proxy.port}"))
        async with client("http://api.example.invalid", attempts=1) as api:
            assert await api.get("things") == {"by": "proxy"}
        return proxy.requests


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    [seen] = asyncio.run(through_proxy(monkeypatch, **{variable: "http://user:pass@{proxy}"}))
    assert seen.headers["host"] == "api.example.invalid"
    assert seen.headers["proxy-authorization"].startswith("Basic ")


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable, match=r"api\.example\.invalid: the host cannot be found"):
        asyncio.run(through_proxy(monkeypatch, HTTP_PROXY="http://{proxy}", NO_PROXY=".example.invalid"))


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    asyncio.run(one_read(ScriptedServer()))


@pytest.mark.parametrize("address", ["socks5://user:pass-marker@h:1", "http://user:pass-marker@", "ftp://h"])
def test_a_proxy_that_cannot_be_used_is_an_error_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", address)

    async def read() -> None:
        async with client("http://api.example.invalid") as api:
            await api.get("things")

    with pytest.raises(LoadError, match="proxy") as caught:
        asyncio.run(read())
    assert "marker" not in f"{caught.value.message} {caught.value.next_step}"


@pytest.mark.parametrize("url", ["ftp://host", "https://", "host", "https://user:pass@host", "https://host?x=1", "::"])
def test_a_base_that_is_no_plain_url_is_refused(url: str) -> None:
    async def read() -> None:
        async with client(url):
            pass

    with pytest.raises(Unreachable, match="http or https"):
        asyncio.run(read())


def test_environments_can_share_connections() -> None:
    async def run() -> None:
        async with ScriptedServer() as server, Connections() as connections:
            for _ in range(5):
                async with client(server, connections=connections) as api:
                    await api.get("things")
            assert server.connections == 1

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cassette_records_and_replays_us(tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.yaml"
    recorder = vcr.VCR(filter_headers=["authorization"], match_on=["method", "path"])

    async def read(url: str) -> object:
        async with Connections(engine="httpx") as connections, client(url, connections=connections) as api:
            return await HttpReader.get(api, "things", {"page": 1})

    async def record() -> str:
        async with ScriptedServer(script=[answer(200, {"ID": "a"})]) as server:
            with recorder.use_cassette(str(cassette)):
                assert await read(server.url) == {"ID": "a"}
            return server.url

    url = asyncio.run(record())
    with recorder.use_cassette(str(cassette), record_mode="none"):
        assert asyncio.run(read(url)) == {"ID": "a"}


def test_a_proxy_that_is_not_there_is_named_as_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:pass-marker@127.0.0.1:9")

    async def read() -> None:
        async with client("http://api.example.invalid", attempts=1) as api:
            await api.get("things")

    with pytest.raises(Unreachable, match=r"no connection to api\.example\.invalid:80 through the proxy") as caught:
        asyncio.run(read())
    assert "marker" not in caught.value.message


@pytest.mark.parametrize("target", ["http", "https"])
def test_a_proxys_407_is_told_as_such_and_once(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    listener = Listener()

    async def read() -> None:
        refused = answer(407, b"password-marker", proxy_authenticate="Basic")
        async with ScriptedServer(otherwise=refused, token_script=[refused] * 9) as proxy:
            monkeypatch.setenv(f"{target.upper()}_PROXY", f"http://127.0.0.1:{proxy.port}")
            async with client(f"{target}://api.example.invalid", listener=listener) as api:
                await api.put("things", {})

    with pytest.raises(Unreachable, match=r"the proxy of this environment asks for a user and a password") as caught:
        asyncio.run(read())
    assert len(listener.exchanges) == 1
    assert "HTTPS_PROXY" in str(caught.value.next_step)
    assert "marker" not in f"{caught.value.message}{caught.value.next_step}"


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (500, 3), (502, 3)])
def test_a_proxy_that_opens_no_tunnel_says_so(monkeypatch: pytest.MonkeyPatch, status: int, tries: int) -> None:
    listener = Listener()

    async def read() -> None:
        async with ScriptedServer(otherwise=answer(status)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            async with client("https://api.example.invalid", listener=listener, attempts=3) as api:
                await api.get("things")

    with pytest.raises(Unreachable, match=rf"the proxy of this environment opens no connection \(HTTP {status}\)"):
        asyncio.run(read())
    assert len(listener.exchanges) == tries


def test_a_407_without_a_proxy_is_the_apis_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> None:
        async with ScriptedServer(otherwise=answer(407)) as server, client(server) as api:
            await api.get("things")

    with pytest.raises(Rejected, match="HTTP 407"):
        asyncio.run(read())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_refused_connection_on_loopback_names_the_emulator(host: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))

        async def read() -> None:
            async with client(f"http://{host}:{held.getsockname()[1]}", attempts=1) as api:
                await api.get("things")

        with pytest.raises(Unreachable) as caught:
            asyncio.run(read())
    assert "reconciler emulate" in str(caught.value.next_step)


def test_another_host_that_refuses_does_not_name_the_emulator() -> None:
    async def read() -> None:
        async with client("http://api.example.invalid", attempts=1) as api:
            await api.get("things")

    with pytest.raises(Unreachable) as caught:
        asyncio.run(read())
    assert "emulate" not in str(caught.value.next_step)


def test_an_engine_that_there_is_not_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "curl")
    with pytest.raises(LoadError, match="RECONCILER_HTTP_ENGINE") as caught:
        Connections()
    assert "httpx" in str(caught.value.next_step)
