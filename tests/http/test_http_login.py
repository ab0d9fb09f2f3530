from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ApiError, LoginRefused, MissingRole, SecretUnset, ServerFault, UnexpectedAnswer
from reconciler.http import connect
from reconciler.http.login import TokenSource, read_token
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer
from reconciler.http.tokens import Token, TokenCache, cache_allowed, cache_dir, cache_key, default_cache
from reconciler.secret import Secret
from support.http_client_helpers import CLIENT_SECRET, Listener, client, real_clock
from support.scripted_server import FakeClock, ScriptedServer, answer, gated

pytestmark = pytest.mark.usefixtures("engine")


def run(server: ScriptedServer, reads: int = 1, **options: Any) -> None:
    async def call() -> None:
        async with server, client(server, **options) as api:
            await asyncio.gather(*(api.get("things") for _ in range(reads)))

    asyncio.run(call())


def test_requests_at_once_share_one_login() -> None:
    server = ScriptedServer()
    run(server, reads=20)
    assert len(server.logins) == 1
    assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer token-1"}


def test_of_two_tokens_the_newer_stays_when_the_older_is_forgotten(tmp_path: Path) -> None:
    async def call() -> list[str]:
        made = iter(("first", "second", "third"))

        async def fetch() -> Token:
            return Token(next(made), 1_000.0)

        tokens = TokenSource(fetch, "key", TokenCache(tmp_path / "own"), real_clock(FakeClock(0)), Redactor())
        first = await tokens.get()
        tokens.forget(first)
        second = await tokens.get()
        tokens.forget(first)  # whoever used it hears only now that it is not accepted
        return [first.value, second.value, (await tokens.get()).value]

    assert asyncio.run(call()) == ["first", "second", "second"]


def test_requests_at_once_share_a_refused_login() -> None:
    server = ScriptedServer(token_script=[answer(401, b"no")] * 2)

    async def call() -> list[Any]:
        async with server, client(server) as api:
            return await asyncio.gather(*(api.get("things") for _ in range(10)), return_exceptions=True)

    results = asyncio.run(call())
    assert all(isinstance(result, LoginRefused) for result in results)
    assert len(server.logins) == 1
    assert server.requests == []


def test_a_waiter_that_gives_up_does_not_take_the_login_from_the_others() -> None:
    async def call() -> None:
        gate = asyncio.Event()
        token = answer(200, {"access_token": "t", "expires_in": 600})
        server = ScriptedServer(token_script=[gated(gate, token)])
        async with server, client(server) as api:
            first = asyncio.create_task(api.get("things"))
            second = asyncio.create_task(api.get("things"))
            await server.busy()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            gate.set()
            assert await second == {}
        assert len(server.logins) == 1

    asyncio.run(call())


def test_a_401_is_worth_one_new_login() -> None:
    server = ScriptedServer(script=[answer(401, {"code": "expired"})])
    run(server)
    assert [seen.headers["authorization"] for seen in server.requests] == ["Bearer token-1", "Bearer token-2"]


def test_a_second_401_is_a_refused_login() -> None:
    server = ScriptedServer(otherwise=answer(401, {"code": "expired"}))
    with pytest.raises(LoginRefused) as caught:
        run(server)
    assert len(server.logins) == 2
    assert caught.value.next_step


def test_a_token_is_renewed_a_little_before_it_ends() -> None:
    clock = FakeClock()
    server = ScriptedServer(token_script=[answer(200, {"access_token": "short", "expires_in": 1000})])

    async def call() -> None:
        async with server, client(server, clock=clock) as api:
            await api.get("things")
            clock.now += 930
            await api.get("things")
            assert len(server.logins) == 1
            clock.now += 15
            await api.get("things")

    asyncio.run(call())
    assert [seen.headers["authorization"] for seen in server.requests][-1] == "Bearer token-2"


def test_a_login_is_repeated_while_the_endpoint_fails() -> None:
    server = ScriptedServer(token_script=[answer(503), answer(429)])
    run(server)
    assert len(server.logins) == 3
    with pytest.raises(ServerFault):
        run(ScriptedServer(token_script=[answer(500)] * 2), attempts=2)


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>"),
        answer(200, {}),
        answer(200, {"access_token": "a\r\nx: y", "expires_in": 5}),
        answer(200, {"access_token": "tok", "expires_in": "soon"}),
        answer(200, {"access_token": "tok", "expires_in": True}),
        answer(302, location="https://elsewhere.example.com"),
    ],
)
def test_a_login_without_a_usable_token_is_an_unexpected_answer(reply: Any) -> None:
    server = ScriptedServer(token_script=[reply])
    with pytest.raises(UnexpectedAnswer) as caught:
        run(server)
    assert server.requests == []
    assert "tok" not in caught.value.message.replace("token", "")


def test_a_missing_token_endpoint_is_never_a_missing_object() -> None:
    with pytest.raises(LoginRefused):
        run(ScriptedServer(token_script=[answer(404, {"code": "gone"})]))


def test_the_client_secret_is_masked_where_the_endpoint_echoes_it() -> None:
    listener = Listener()
    server = ScriptedServer(token_script=[answer(400, f"bad secret {CLIENT_SECRET}".encode())])
    with pytest.raises(LoginRefused) as caught:
        run(server, listener=listener)
    assert server.logins[0].form == {"client_secret": CLIENT_SECRET}
    assert "marker" not in f"{caught.value.message}{listener}"


# The cache on disk


def test_the_next_run_uses_the_token_of_the_last(tmp_path: Path) -> None:
    cache = TokenCache(tmp_path / "deep" / "tokens")
    run(ScriptedServer(), cache=cache)
    [file] = (tmp_path / "deep" / "tokens").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    content = file.read_text()
    assert CLIENT_SECRET not in content
    assert json.loads(content)["value"] == "token-1"
    assert cache.load(file.stem) is not None


def test_a_cached_token_spares_the_login_and_a_stale_one_is_replaced(tmp_path: Path) -> None:
    cache = TokenCache(tmp_path / "tokens")
    server = ScriptedServer()

    async def call() -> None:
        async with server:
            async with client(server, cache=cache) as api:
                await api.get("things")
            async with client(server, cache=cache) as api:
                await api.get("things")
            assert len(server.logins) == 1
            server.script.append(answer(401, {"code": "revoked"}))
            async with client(server, cache=cache) as api:
                await api.get("things")
            assert len(server.logins) == 2
            async with client(server, cache=cache, clock=FakeClock(1_000_000 + 36_000)) as api:
                await api.get("things")
            assert len(server.logins) == 3

    asyncio.run(call())


def test_a_cached_token_that_lacks_a_role_is_replaced_once(tmp_path: Path) -> None:
    cache = TokenCache(tmp_path / "tokens")
    server = ScriptedServer()

    async def call() -> None:
        async with server:
            async with client(server, cache=cache) as api:
                await api.get("things")
            server.script.append(answer(403, {"code": "roles"}))
            async with client(server, cache=cache) as api:
                await api.get("things")
            assert len(server.logins) == 2
            server.otherwise = answer(403, {"code": "roles", "roles": ["ThingAdmin"]})
            async with client(server, cache=cache) as api:
                with pytest.raises(MissingRole) as caught:
                    await api.get("things")
            assert caught.value.roles == ("ThingAdmin",)
            assert len(server.logins) == 3

    asyncio.run(call())


def test_a_403_without_roles_names_the_ones_that_were_asked_for() -> None:
    async def call(scopes: tuple[str, ...]) -> MissingRole:
        server = ScriptedServer(otherwise=answer(403, {"code": "roles"}))
        async with server, client(server, scopes=scopes) as api:
            with pytest.raises(MissingRole) as caught:
                await api.get("things")
        return caught.value

    assert asyncio.run(call(("OnlyAdmin",))).roles == ("OnlyAdmin",)
    several = asyncio.run(call(("OneAdmin", "TwoAdmin")))
    assert several.roles == ()
    assert several.next_step is not None
    assert "OneAdmin, TwoAdmin" in several.next_step


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"value": 1, "renewAt": 2.0}', b'{"value": "a\\nb", "renewAt": 9e9}',
     b'{"value": "a", "renewAt": "x"}', b'{"value": "a"}', b"[" * 60_000],
)  # fmt: skip
def test_a_corrupt_cache_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    cache = TokenCache(tmp_path / "tokens")
    cache.store("key", Token("x", 1.0))
    (tmp_path / "tokens" / "key.json").write_bytes(content)
    assert cache.load("key") is None


def test_a_file_that_others_can_read_or_could_have_planted_is_ignored(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    cache = TokenCache(folder)
    cache.store("key", Token("x", 9e9))
    file = folder / "key.json"
    assert cache.load("key") is not None
    for mode in (0o644, 0o620, 0o604):
        file.chmod(mode)
        assert cache.load("key") is None
    file.chmod(0o600)
    (folder / "link.json").symlink_to(file)
    assert cache.load("link") is None
    os.mkfifo(folder / "pipe.json", 0o600)
    assert cache.load("pipe") is None
    (folder / "folder.json").mkdir()
    assert cache.load("folder") is None


def test_another_users_file_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TokenCache(tmp_path / "tokens")
    cache.store("key", Token("x", 9e9))
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache.load("key") is None


def test_nothing_is_written_into_a_folder_that_others_can_enter(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    folder.mkdir(mode=0o755)
    TokenCache(folder).store("key", Token("x", 9e9))
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = TokenCache(tmp_path / "file" / "tokens")
    cache.store("key", Token("x", 9e9))
    cache.drop("key")
    assert cache.load("key") is None


def test_where_tokens_are_kept() -> None:
    assert cache_dir({"RECONCILER_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a/tokens")
    assert cache_dir({"XDG_CACHE_HOME": "/b"}) == Path("/b/reconciler/tokens")
    assert cache_dir({}) == Path.home() / ".cache/reconciler/tokens"


@pytest.mark.parametrize(("ci", "allowed"), [("", True), ("false", True), ("0", True), ("true", False), ("1", False)])
def test_on_ci_tokens_stay_in_memory(ci: str, allowed: bool) -> None:
    assert cache_allowed({"CI": ci}) is allowed
    assert (default_cache({"CI": ci}) is not None) is allowed


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_a_cache_key_stands_for_exactly_its_parts(one: list[str], other: list[str]) -> None:
    assert (cache_key(one) == cache_key(other)) is (one == other)


def test_a_token_has_no_text_form() -> None:
    assert "marker" not in repr(Token("marker", 1.0))


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "tok", "expires_in": -1},
        {"access_token": "tok", "expires_in": "600"},
        {"access_token": "tok" * 20_000, "expires_in": 600},
        {"access_token": "", "expires_in": 600},
        {"access_token": ["tok"], "expires_in": 600},
        [{"access_token": "tok"}],
    ],
)
def test_a_token_that_no_request_could_use_is_an_unexpected_answer(token: Any) -> None:
    server = ScriptedServer(token_script=[answer(200, token)])
    with pytest.raises(UnexpectedAnswer, match="without a usable token"):
        run(server)
    assert server.requests == []


def test_a_lifetime_beyond_every_calendar_is_cut() -> None:
    token = read_token(Answer(200, {}, b'{"access_token": "t", "expires_in": 1e308}'), 1_000.0)
    assert token.renew_at < 1_000 + 86_400 * 366


def test_a_secret_that_is_no_text_is_told_by_its_name() -> None:
    secret = Secret("${secret:ODD}", lambda: "marker\udcff")
    with pytest.raises(SecretUnset, match=r"\$\{secret:ODD\} has to be sent and holds bytes that are no UTF-8"):
        secret.reveal()


@pytest.mark.parametrize(
    ("opening", "kept"), [({}, True), ({"token_cache": True}, True), ({"token_cache": False}, False)]
)
def test_a_token_is_kept_in_a_file_unless_somebody_does_not_want_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opening: Any, kept: bool
) -> None:
    monkeypatch.setenv("RECONCILER_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(connect, "open_session", lambda _described, options, _connections: options.cache)
    cache: Any = connect._open(lambda _scopes: None, opening)
    assert (cache is not None) is kept


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä", ""])
def test_a_token_that_no_header_holds_is_no_token(token: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        read_token(Answer(200, {}, json.dumps({"access_token": token, "expires_in": 600}).encode()), 0.0)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_login_that_is_put_off_is_not_one_that_is_refused(status: int) -> None:
    with pytest.raises(ApiError) as caught:
        run(ScriptedServer(token_script=[answer(status)] * 9), attempts=1, clock=FakeClock())
    assert not isinstance(caught.value, LoginRefused)
    assert caught.value.status == status
