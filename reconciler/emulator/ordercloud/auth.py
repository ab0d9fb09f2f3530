"""OrderCloud's token endpoint, API clients, tokens and roles."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.ordercloud.errors import failure, refuse
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.wire import Answer, Refusal, Request, json_answer

FULL_ACCESS = "FullAccess"


class ClientSetting(BaseModel):
    """API client; also the body of `POST /_emulator/clients`.

    Token lifetimes are in seconds, so that tests can make them short; the real ones are minutes (10 to 600).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    secret: str = Field(default="", description="Empty: a public client.", repr=False)
    roles: list[str] = [FULL_ACCESS]
    active: bool = True
    token_seconds: int = Field(default=36_000, ge=1)
    refresh_seconds: int = Field(default=0, ge=0, description="0: no refresh token is given.")


@dataclass(frozen=True, slots=True)
class Token:
    """Token: its client, its roles, and its expiry by the emulator's clock."""

    client: str
    roles: frozenset[str]
    expires: float


# inferred: sample lifetime 35999 s for a 600-minute client, so expires_in is one second short.
_SHORT_BY = 1
DEFAULT_CLIENT = ClientSetting(id="emulator", secret="emulator")  # noqa: S106 (its documented secret)


class Login:
    """API clients and the tokens that they hold."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._signing_key = secrets.token_bytes(32)
        self.reset()

    def reset(self) -> None:
        """Reset to the one client `emulator` and no tokens."""
        self._clients = {DEFAULT_CLIENT.id: DEFAULT_CLIENT}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._revoked: set[str] = set()

    def add(self, client: ClientSetting) -> None:
        """Add or replace an API client."""
        self._clients[client.id] = client

    def revoke_all(self) -> None:
        """Revoke every token."""
        self._revoked.update(self._access)
        self._access.clear()
        self._refresh.clear()

    def issue(self, request: Request) -> Answer:
        """Answer `POST /oauth/token`."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        grant = form.get("grant_type", "")
        client = self._clients.get(form.get("client_id", ""))
        secret = form.get("client_secret", "")
        # A refresh needs no secret: the SDKs send none.
        if client is None or not (grant == "refresh_token" or client.secret == secret):
            raise self._refused(int(self._state.switches.login_status), "invalid_client", "Auth.OauthError")
        if not client.active:
            raise self._refused(400, "invalid_grant", "Auth.ClientNotActive")
        if grant == "refresh_token":
            held = self._refresh.get(form.get("refresh_token", ""))
            if held is None or held.client != client.id or held.expires <= self._state.clock.timestamp():
                raise self._refused(400, "invalid_grant", "Auth.OauthError")
            return self._grant(client, held.roles)
        if grant != "client_credentials":
            raise self._refused(400, "unsupported_grant_type", "Auth.OauthError")
        return self._grant(client, self._granted_roles(client, form.get("scope", "").split()))

    def _granted_roles(self, client: ClientSetting, scope: list[str]) -> frozenset[str]:
        held = frozenset(client.roles)
        if not scope:
            return held
        asked = frozenset(scope)
        granted = asked if FULL_ACCESS in held else asked & held
        # inferred: what happens to a scope beyond the client's roles; see the switch.
        refused = granted != asked and self._state.switches.scope_beyond_roles == "refused"
        if not granted or refused:
            raise self._refused(400, "invalid_scope", "Auth.InsufficientRoles")
        return granted

    def _grant(self, client: ClientSetting, roles: frozenset[str]) -> Answer:
        now = self._state.clock.timestamp()
        token = Token(client.id, roles, now + client.token_seconds)
        name = self._sign(token, now)
        self._access = {key: held for key, held in self._access.items() if held.expires > now}
        self._access[name] = token
        body: dict[str, Any] = {
            "access_token": name,
            "token_type": "bearer",
            "expires_in": max(client.token_seconds - _SHORT_BY, 1),
            "refresh_token": None,
        }
        if client.refresh_seconds:
            body["refresh_token"] = secrets.token_urlsafe(24)
            self._refresh[body["refresh_token"]] = Token(client.id, roles, now + client.refresh_seconds)
        return json_answer(body)

    def _sign(self, token: Token, now: float) -> str:
        """Make a JWT, since clients may look into the real ones. Nobody verifies it here."""
        claims = {
            "usr": token.client,
            "cid": token.client,
            "usrtype": "admin",
            "role": sorted(token.roles),
            "iss": "emulator",
            "jti": secrets.token_hex(8),
            "nbf": int(now),
            "exp": int(token.expires),
        }
        parts = [_base64url(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signature = hmac.new(self._signing_key, ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _base64url(signature)])

    def secured(self, handler: Handler, *roles: str) -> Handler:
        """Wrap a handler in a check that the token holds FullAccess or one of these roles."""
        enough = frozenset((FULL_ACCESS, *roles))

        def check(request: Request) -> Answer:
            if enough.isdisjoint(self._token_of(request).roles):
                return self._missing(roles)
            return handler(request)

        return check

    def _token_of(self, request: Request) -> Token:
        scheme, _, name = request.header(b"authorization").partition(" ")
        token = self._access.get(name.strip())
        if token is not None and scheme.lower() == "bearer" and token.expires > self._state.clock.timestamp():
            return token
        if name in self._revoked:
            raise refuse(401, "Auth.TokenRevoked", "Access token has been revoked.")
        raise refuse(401)

    def _missing(self, roles: Iterable[str]) -> Answer:
        # documented: 403 lists the missing roles in its body; inferred: in which shape, see the switch.
        names = list(roles)
        data = {"listed": names, "mapped": {"MissingRoles": names}, "bare": None}
        return failure(403, data=data[self._state.switches.missing_role_body])

    @staticmethod
    def _refused(status: int, error: str, code: str) -> Refusal:
        # documented: OAuth2 error and error_description plus Errors[]; inferred: which of each goes with what.
        message = f"Authentication failed: {error}."
        body = {
            "error": error,
            "error_description": message,
            "Errors": [{"ErrorCode": code, "Message": message, "Data": None}],
        }
        return Refusal(json_answer(body, status))

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return clients and tokens as JSON; without `secrets` only what names them."""
        clients = [client.model_dump(exclude=None if secrets else {"secret"}) for client in self._clients.values()]
        if not secrets:
            return {"clients": clients, "tokens": len(self._access)}
        return {
            "clients": clients,
            "access": {name: _token_json(token) for name, token in self._access.items()},
            "refresh": {name: _token_json(token) for name, token in self._refresh.items()},
            "revoked": sorted(self._revoked),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self._clients = {item["id"]: ClientSetting.model_validate(item) for item in dumped["clients"]}
        self._access = {name: _token(item) for name, item in dumped["access"].items()}
        self._refresh = {name: _token(item) for name, item in dumped["refresh"].items()}
        self._revoked = set(dumped["revoked"])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _token_json(token: Token) -> dict[str, Any]:
    return {"client": token.client, "roles": sorted(token.roles), "expires": token.expires}


def _token(item: dict[str, Any]) -> Token:
    return Token(item["client"], frozenset(item["roles"]), item["expires"])
