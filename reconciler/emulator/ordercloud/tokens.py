"""API clients and tokens of OrderCloud: what they are, how they are signed and dumped."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs

import orjson
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.ordercloud.people import Person
from reconciler.emulator.wire import Request

FULL_ACCESS = "FullAccess"


class ClientSetting(BaseModel):
    """API client; also the body of `POST /_emulator/clients`.

    Token lifetimes are in seconds, so that tests can make them short; the real ones are minutes (10 to 600).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    secret: str = Field(default="", description="Empty: a public client.", repr=False)
    roles: list[str] = Field(default=[FULL_ACCESS], description="Of the client's own tokens, and of impersonation.")
    user_roles: list[str] = Field(default=["Shopper"], description="Of users who log in with a password.")
    buyers: list[str] = Field(default=[], description="IDs of the buyers assigned to it, whose users may log in.")
    any_buyer: bool = Field(default=False, description="Users of every buyer may log in.")
    any_supplier: bool = Field(default=False, description="Users of every supplier may log in.")
    seller: bool = Field(default=True, description="Admin users may log in.")
    default_user: str = Field(default="", description="Username as which it runs. Empty: as an admin user of its own.")
    anonymous: bool = Field(default=False, description="Its own tokens are of shoppers whom nobody knows yet.")
    active: bool = True
    token_seconds: int = Field(default=36_000, ge=1)
    refresh_seconds: int = Field(default=0, ge=0, description="0: no refresh token is given.")


DEFAULT_CLIENT = ClientSetting(id="emulator", secret="emulator")  # noqa: S106 (its documented secret)


class TokenSetting(BaseModel):
    """Body of `POST /_emulator/tokens`: a token without a login."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client: str
    buyer: str = Field(default="", description="With `user`: ID of the buyer.")
    user: str = Field(default="", description="With `buyer`: ID of the user.")
    username: str = Field(default="", description="Instead of both: any user's.")
    roles: list[str] | None = Field(default=None, description="None: those that the client would give.")
    anonymous: bool = Field(default=False, description="As of a shopper whom nobody knows yet.")
    impersonated: bool = Field(default=False, description="As if the client had asked for it on the user's behalf.")
    seconds: float | None = Field(default=None, description="Until it expires; below 0, it has. None: the client's.")


class Token(Struct, frozen=True):
    """Token.

    Args:
        client: ID of the API client that it was asked for with.
        roles: that it holds.
        expires: by the emulator's clock.
        person: whose it is; None: of a client without a default user.
        order: ID of an anonymous shopper's order; empty of everybody else.
        impersonator: number of the user who asked for it on behalf of `person`; empty: `person` did.
    """

    client: str
    roles: frozenset[str]
    expires: float
    person: Person | None = None
    order: str = ""
    impersonator: str = ""


def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name."""
    return {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def bearer(request: Request) -> str:
    """Return the bearer token of a request; empty where there is none."""
    scheme, _, name = request.header(b"authorization").partition(" ")
    return name.strip() if scheme.lower() == "bearer" else ""


def signed(claims: dict[str, Any], key: bytes) -> str:
    """Return a JWT, since clients may look into the real ones. Nobody verifies it here."""
    parts = [_base64url(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(key, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64url(signature)])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token_json(token: Token) -> dict[str, Any]:
    """Dump a token as JSON."""
    person = token.person
    return {
        "client": token.client,
        "roles": sorted(token.roles),
        "expires": token.expires,
        "person": None if person is None else [person.resource, list(person.scope), person.id],
        "order": token.order,
        "impersonator": token.impersonator,
    }


def token_from(item: dict[str, Any]) -> Token:
    """Load what `token_json` returned."""
    # A dump from before users logged in has no more than these three.
    whose = item.get("person")
    person = None if whose is None else Person(whose[0], tuple(whose[1]), whose[2])
    roles = frozenset(item["roles"])
    return Token(item["client"], roles, item["expires"], person, item.get("order", ""), item.get("impersonator", ""))
