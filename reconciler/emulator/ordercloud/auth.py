"""OrderCloud's token endpoint: API clients, tokens of clients and of users, roles."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from reconciler.emulator.ordercloud.errors import failure, not_found, refuse
from reconciler.emulator.ordercloud.models import Member, Model, checked_body
from reconciler.emulator.ordercloud.people import People, Person, me_of_client
from reconciler.emulator.ordercloud.tokens import (
    DEFAULT_CLIENT,
    FULL_ACCESS,
    ClientSetting,
    Token,
    TokenSetting,
    bearer,
    form_of,
    signed,
    token_from,
    token_json,
)
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.wire import Answer, Refusal, Request, json_answer

IMPERSONATION = Model(
    "ImpersonateTokenRequest",
    {
        "ClientID": Member(str, required=True),
        "Roles": Member(list, required=True, items=str),
        "CustomRoles": Member(list, items=str),
    },
    closed=True,
)


# inferred: sample lifetime 35999 s for a 600-minute client, so expires_in is one second short.
_SHORT_BY = 1


class Login:
    """API clients, and the tokens that they and users hold.

    Args:
        state: for switches and clock.
        people: the users.
    """

    def __init__(self, state: State, people: People) -> None:
        self._state = state
        self._people = people
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

    def has_client(self, client_id: str) -> bool:
        """Return whether there is an API client with this ID."""
        return client_id in self._clients

    def knows(self, request: Request) -> bool:
        """Return whether the token of a request is, or was, of this marketplace."""
        name = bearer(request)
        return name in self._access or name in self._revoked

    def issue(self, request: Request) -> Answer:
        """Answer `POST /oauth/token`."""
        form = form_of(request)
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
            return self._grant(client, held)
        scope = form.get("scope", "").split()
        if grant == "password":
            person = self._who(client, form.get("username", ""), form.get("password", ""))
            return self._grant(client, self._token(client, self._granted_roles(client.user_roles, scope), person))
        if grant != "client_credentials":
            raise self._refused(400, "unsupported_grant_type", "Auth.OauthError")
        return self._grant(client, self._own_token(client, scope))

    def _who(self, client: ClientSetting, username: str, password: str) -> Person:
        """Return who logs in with a password. inferred: the status, and what somebody gets who may not use a client."""
        if not username or not password:
            raise self._refused(400, "invalid_grant", "Auth.UsernameAndPasswordRequired")
        person = self._people.named(username)
        if person is None or not self._people.has_password(person, password) or not _lets_in(client, person):
            raise self._refused(400, "invalid_grant", "Auth.InvalidUsernameOrPassword")
        self._check_active(person)
        return person

    def _check_active(self, person: Person) -> None:
        if not self._people.is_active(person):
            raise self._refused(400, "invalid_grant", "Auth.UserNotActive")
        if not self._people.is_company_active(person):
            raise self._refused(400, "invalid_grant", "Auth.CompanyNotActive")

    def _own_token(self, client: ClientSetting, scope: list[str]) -> Token:
        """Return a token of a client itself, which runs as its default user."""
        person = self._default_user(client)
        roles = client.user_roles if client.anonymous else client.roles
        order = secrets.token_urlsafe(12) if client.anonymous else ""
        return self._token(client, self._granted_roles(roles, scope), person, order=order)

    def _default_user(self, client: ClientSetting) -> Person | None:
        if not client.default_user:
            return None
        person = self._people.named(client.default_user)
        if person is None:
            raise self._refused(400, "invalid_grant", "Auth.UserNotActive")
        self._check_active(person)
        return person

    def impersonate(self, request: Request) -> Answer:
        """Answer `POST /buyers/{buyerID}/users/{userID}/accesstoken`: a token by which an admin acts for a shopper.

        inferred: its roles where the list is empty, and the errors.
        """
        asked = checked_body(IMPERSONATION, request, IMPERSONATION.missing)
        person = Person("BuyerUser", (request.ids["buyerID"],), request.ids["userID"])
        client = self._clients.get(asked["ClientID"])
        if self._people.row(person) is None:
            raise not_found("User", person.id)
        if client is None or not client.active or not _lets_in(client, person):
            raise not_found("ApiClient", asked["ClientID"])
        held = self.token_of(request)
        number = held.person.number if held.person is not None else Person("AdminUser", (), held.client).number
        roles = self._granted_roles(client.user_roles, asked.get("Roles") or [])
        return self._grant(client, self._token(client, roles, person, impersonator=number))

    def mint(self, setting: TokenSetting) -> str:
        """Make a token without a login, for tests.

        Raises:
            Refusal: there is no such client or user.
        """
        client = self._clients.get(setting.client)
        person = Person("BuyerUser", (setting.buyer,), setting.user) if setting.buyer else None
        if setting.username:
            person = self._people.named(setting.username)
        if client is None or (person is not None and self._people.row(person) is None):
            raise Refusal(json_answer({"error": "there is no such client, or no such user"}, 404))
        if person is None and (setting.username or setting.user):
            raise Refusal(json_answer({"error": "there is no such user; a buyer's needs buyer and user"}, 404))
        roles = setting.roles or (client.roles if person is None else client.user_roles)
        impersonator = Person("AdminUser", (), client.id).number if setting.impersonated else ""
        order = secrets.token_urlsafe(12) if setting.anonymous else ""
        token = self._token(client, frozenset(roles), person, order=order, impersonator=impersonator)
        if setting.seconds is not None:
            token = replace(token, expires=self._state.clock.timestamp() + setting.seconds)
        return self._keep(token)

    def _granted_roles(self, roles: Iterable[str], scope: list[str]) -> frozenset[str]:
        held = frozenset(roles)
        if not scope:
            return held
        asked = frozenset(scope)
        granted = asked if FULL_ACCESS in held else asked & held
        # inferred: what happens to a scope beyond the roles of client or user; see the switch.
        refused = granted != asked and self._state.switches.scope_beyond_roles == "refused"
        if not granted or refused:
            raise self._refused(400, "invalid_scope", "Auth.InsufficientRoles")
        return granted

    def _token(
        self,
        client: ClientSetting,
        roles: frozenset[str],
        person: Person | None,
        *,
        order: str = "",
        impersonator: str = "",
    ) -> Token:
        expires = self._state.clock.timestamp() + client.token_seconds
        return Token(client.id, roles, expires, person, order, impersonator)

    def _keep(self, token: Token) -> str:
        now = self._state.clock.timestamp()
        name = self._sign(token, now)
        self._access = {key: held for key, held in self._access.items() if held.expires > now}
        self._access[name] = token
        return name

    def _grant(self, client: ClientSetting, token: Token) -> Answer:
        now = self._state.clock.timestamp()
        token = replace(token, expires=now + client.token_seconds)
        body: dict[str, Any] = {
            "access_token": self._keep(token),
            "token_type": "bearer",
            "expires_in": max(client.token_seconds - _SHORT_BY, 1),
            "refresh_token": None,
        }
        if client.refresh_seconds:
            body["refresh_token"] = secrets.token_urlsafe(24)
            self._refresh[body["refresh_token"]] = replace(token, expires=now + client.refresh_seconds)
        return json_answer(body)

    def _sign(self, token: Token, now: float) -> str:
        """Make a JWT.

        Claims as the vendor's libraries read them: `orderid` of an anonymous shopper, `imp` where somebody else acts.
        """
        person = token.person
        row = None if person is None else self._people.row(person)
        claims = {
            "usr": token.client if row is None else row.get("Username"),
            "cid": token.client,
            "usrtype": "admin" if person is None else person.kind,
            "u": (person or Person("AdminUser", (), token.client)).number,
            "role": sorted(token.roles),
            **({"orderid": token.order} if token.order else {}),
            **({"imp": token.impersonator} if token.impersonator else {}),
            "iss": "emulator",
            "aud": "emulator",
            "jti": secrets.token_hex(8),
            "nbf": int(now),
            "exp": int(token.expires),
        }
        return signed(claims, self._signing_key)

    def secured(self, handler: Handler, *roles: str) -> Handler:
        """Wrap a handler in a check that the token holds FullAccess or one of these roles."""
        enough = frozenset((FULL_ACCESS, *roles))

        def check(request: Request) -> Answer:
            if enough.isdisjoint(self.token_of(request).roles):
                return self._missing(roles)
            return handler(request)

        return check

    def me(self, request: Request) -> Answer:
        """Answer `GET /me`. inferred: that any token may ask."""
        token = self.token_of(request)
        roles = sorted(token.roles)
        if token.person is None:
            return json_answer(me_of_client(token.client, roles))
        return json_answer(self._people.me(token.person, roles))

    def token_of(self, request: Request) -> Token:
        """Return the token of a request.

        Raises:
            Refusal: there is none that is good.
        """
        name = bearer(request)
        token = self._access.get(name)
        if token is not None and token.expires > self._state.clock.timestamp() and self._is_let_in(token.person):
            return token
        if name in self._revoked:
            raise refuse(401, "Auth.TokenRevoked", "Access token has been revoked.")
        raise refuse(401)

    def _is_let_in(self, person: Person | None) -> bool:
        """Return whether a token of somebody is still good.

        inferred: what one of an inactive user is; see the switch.
        """
        if person is None:
            return True
        row = self._people.row(person)
        answered = self._state.switches.inactive_user_token == "answered"
        return row is not None and (answered or bool(row.get("Active")))

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
            "access": {name: token_json(token) for name, token in self._access.items()},
            "refresh": {name: token_json(token) for name, token in self._refresh.items()},
            "revoked": sorted(self._revoked),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self._clients = {item["id"]: ClientSetting.model_validate(item) for item in dumped["clients"]}
        self._access = {name: token_from(item) for name, item in dumped["access"].items()}
        self._refresh = {name: token_from(item) for name, item in dumped["refresh"].items()}
        self._revoked = set(dumped["revoked"])


def _lets_in(client: ClientSetting, person: Person) -> bool:
    """Return whether users of somebody's company may log in with a client."""
    if person.resource == "BuyerUser":
        return client.any_buyer or person.scope[0] in client.buyers
    return client.any_supplier if person.resource == "SupplierUser" else client.seller
