from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import (
    AnswerLost,
    ApiError,
    Conflict,
    LoginRefused,
    MissingRole,
    NotFound,
    Rejected,
    SecretUnset,
    ServerFault,
    UnexpectedAnswer,
)
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.clock import Clock
from reconciler.ordercloud.client import connect, connect_writer
from reconciler.secret import Secret
from support.scripted_server import FakeClock, Reply, ScriptedServer, answer, errors

SECRET = "oc-secret-marker&=ü"


@dataclass(frozen=True)
class Settings:
    api_url: str
    auth_url: str
    client_id: str = "my-client"
    client_secret: Secret = field(default_factory=lambda: Secret("${secret:OC}", lambda: SECRET))
    requests_per_second: float = 10_000


def settings_of(server: ScriptedServer, **other: Any) -> Settings:
    return Settings(f"{server.url}/ordercloud/v1", f"{server.url}/ordercloud/oauth/token", **other)


def fast() -> Clock:
    fake = FakeClock()
    return Clock(fake.read, fake.read, fake.sleep)


def call(server: ScriptedServer, method: str = "get", scopes: tuple[str, ...] = ("DeliveryConfigAdmin",)) -> Any:
    async def run() -> Any:
        async with (
            server,
            connect_writer(settings_of(server), scopes=scopes, token_cache=False, clock=fast()) as api,
        ):
            if method == "get":
                return await api.get("integrations/deliveryconfig/a")
            return await getattr(api, method)("integrations/deliveryconfig/a", {"Name": "n"})

    return asyncio.run(run())


def refusal(reply: Reply, method: str = "put") -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(ScriptedServer(otherwise=reply), method)
    return caught.value


def test_the_login_is_a_form_that_asks_for_roles() -> None:
    server = ScriptedServer()
    call(server, scopes=("ProductSyncConfigAdmin", "DeliveryConfigAdmin", "ProductSyncConfigAdmin"))
    [login] = server.logins
    assert login.path == "/ordercloud/oauth/token"
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert login.form == {
        "grant_type": "client_credentials",
        "client_id": "my-client",
        "client_secret": SECRET,
        "scope": "ProductSyncConfigAdmin DeliveryConfigAdmin",
    }
    assert server.requests[0].path == "/ordercloud/v1/integrations/deliveryconfig/a"


def test_no_scopes_asks_for_every_role_of_the_user() -> None:
    server = ScriptedServer()
    call(server, scopes=())
    assert "scope" not in server.logins[0].form


def test_a_reader_reads_and_a_writer_writes() -> None:
    async def run() -> None:
        async with ScriptedServer() as server:
            async with connect(settings_of(server), token_cache=False) as reader:
                assert type(reader) is HttpReader
                assert await reader.get("me") == {}
            async with connect_writer(settings_of(server), token_cache=False) as writer:
                assert type(writer) is HttpWriter

    asyncio.run(run())


def test_an_unset_client_secret_stops_before_anything_is_sent() -> None:
    server = ScriptedServer()

    async def run() -> None:
        unset = Secret("${secret:OC_CLIENT_SECRET}", lambda: None)
        async with server, connect(settings_of(server, client_secret=unset), token_cache=False):
            pass

    with pytest.raises(SecretUnset, match="OC_CLIENT_SECRET"):
        asyncio.run(run())
    assert server.logins == []


def test_tokens_are_kept_per_client_secret_and_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    other = Secret("${secret:OTHER}", lambda: "another")

    async def run() -> None:
        async with ScriptedServer() as server:

            async def read(logins: int, settings: Settings, *scopes: str, token_cache: bool = True) -> None:
                async with connect(settings, scopes=scopes, token_cache=token_cache) as reader:
                    await reader.get("me")
                assert len(server.logins) == logins

            settings = settings_of(server)
            await read(1, settings, "A", "B")
            await read(1, settings, "B", "A")
            await read(2, settings, "A")
            await read(3, settings_of(server, client_secret=other), "A")
            await read(4, settings_of(server, client_id="other"), "A")
            await read(5, settings, "A", token_cache=False)
            monkeypatch.setenv("CI", "true")
            await read(6, settings, "A")

    asyncio.run(run())
    files = list((tmp_path / "tokens").iterdir())
    assert len(files) == 4
    assert not any("marker" in file.name + file.read_text() for file in files)


def oauth(status: int, error: str, description: str = "", code: str | None = None) -> Reply:
    body: dict[str, Any] = {"error": error, "error_description": description}
    if code is not None:
        body["Errors"] = [{"ErrorCode": code, "Message": description, "Data": None}]
    return answer(status, body)


@pytest.mark.parametrize(
    ("reply", "code", "step"),
    [
        (oauth(400, "invalid_client", "Unknown client."), "invalid_client", "clientID and clientSecret"),
        (oauth(400, "x", "x", "Auth.InvalidUsernameOrPassword"), "Auth.InvalidUsernameOrPassword", "client"),
        (oauth(400, "x", "x", "Auth.UsernameAndPasswordRequired"), "Auth.UsernameAndPasswordRequired", "context user"),
        (oauth(401, "x", "x", "Auth.ClientNotActive"), "Auth.ClientNotActive", "Activate the API client"),
        (oauth(403, "x", "x", "Auth.InsufficientRoles"), "Auth.InsufficientRoles", "DeliveryConfigAdmin"),
        (oauth(400, "invalid_scope"), "invalid_scope", "DeliveryConfigAdmin"),
        (answer(404, b"<html>", content_type="text/html"), None, "authUrl"),
        (answer(400), None, "clientID and clientSecret"),
    ],
)  # fmt: skip
def test_a_refused_login_says_why_and_what_to_do(reply: Reply, code: str | None, step: str) -> None:
    server = ScriptedServer(token_script=[reply])
    with pytest.raises(LoginRefused) as caught:
        call(server)
    assert caught.value.vendor_code == code
    assert "my-client" in caught.value.message
    assert step in (caught.value.next_step or "")


def test_a_login_error_that_echoes_the_secret_is_masked() -> None:
    server = ScriptedServer(token_script=[oauth(400, "invalid_client", f"{SECRET} / oc-secret-marker%26%3D%C3%BC")])
    with pytest.raises(LoginRefused) as caught:
        call(server)
    assert "marker" not in f"{caught.value.message} {caught.value.next_step} {caught.value.vendor_code}"


def test_a_403_names_the_roles_that_the_body_lists() -> None:
    data = {"SufficientRoles": ["DeliveryConfigAdmin", "FullAccess"], "AssignedRoles": ["Shopper"]}
    error = refusal(errors(403, "Auth.InsufficientRoles", "User does not have role(s).", data), "get")
    assert isinstance(error, MissingRole)
    assert error.roles == ("DeliveryConfigAdmin", "FullAccess")
    assert "DeliveryConfigAdmin, FullAccess" in (error.next_step or "")


@pytest.mark.parametrize("data", [None, [], "x", {}, {"Roles": "x"}, {"AssignedRoles": ["Shopper"]}, {"a": [1]}])
def test_a_403_that_lists_none_names_the_role_that_was_asked_for(data: Any) -> None:
    error = refusal(errors(403, "Auth.InsufficientRoles", data=data), "get")
    assert isinstance(error, MissingRole)
    assert error.roles == ("DeliveryConfigAdmin",)


@pytest.mark.parametrize(
    ("reply", "error", "step"),
    [
        (errors(400, "DeliveryConfig.CannotDeleteConfigInUse"), Rejected, "elsewhere"),
        (errors(409, "DeliveryConfig.CannotDeleteConfigInUse"), Conflict, "elsewhere"),
        (errors(400, "DeliveryConfig.ConfigurationDisabled"), Rejected, "enabled: true"),
        (errors(400, "ProductSyncConfig.AdminLockout"), Rejected, "support"),
        (errors(400, "OrderSyncConfig.OnlyOneConfigPerMarketplace"), Rejected, "import"),
        (errors(400, "Synchronize.EntitySyncForBuyerNotEnabled"), Rejected, "Configure this sync"),
        (errors(400, "FullSyncStatus.FullSyncAlreadyRunning"), Rejected, "Wait"),
        (errors(400, "Request.InvalidRequestBody"), Rejected, "validate"),
        (errors(400, "IdExists"), Conflict, "import"),
        (errors(404, "NotFound"), NotFound, ""),
        (errors(403, "Auth.BetaForbiddenProduction"), Rejected, "sandbox"),
        (errors(401, "Auth.TokenRevoked"), LoginRefused, "again"),
        (errors(400, "Search.ResultSetTooLarge"), Rejected, "100,000"),
        (errors(418, "Brand.New"), Rejected, ""),
        (answer(400), Rejected, ""),
        (answer(404), UnexpectedAnswer, "apiUrl"),
    ],
)
def test_a_refusal_becomes_ours_with_the_vendors_code_and_a_next_step(
    reply: Reply, error: type[ApiError], step: str
) -> None:
    refused = refusal(reply)
    assert type(refused) is error
    assert step in (refused.next_step or "")
    assert refused.request == "PUT integrations/deliveryconfig/a"


def test_every_error_of_a_body_is_told() -> None:
    body = {"Errors": [{"ErrorCode": "A", "Message": "One."}, 7, {"Message": "Two."}, {}]}
    error = refusal(answer(400, body))
    assert (error.vendor_code, "One. Two." in error.message) == ("A", True)


def test_a_short_maintenance_is_waited_out_for_writes_as_well() -> None:
    offline = errors(500, "Api.Offline")
    assert call(ScriptedServer(script=[offline, answer(200, {"ID": "a"})]), "put") == {"ID": "a"}
    assert isinstance(refusal(offline), ServerFault)


def test_a_server_error_leaves_a_write_unknown() -> None:
    assert isinstance(refusal(errors(500, "ServerError")), AnswerLost)
    assert isinstance(refusal(errors(500, "ServerError"), "get"), ServerFault)
