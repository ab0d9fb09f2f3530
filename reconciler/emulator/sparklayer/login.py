"""SparkLayer's token endpoint, sites, their API keys, and the check of every other call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from reconciler.emulator.routing import Handler
from reconciler.emulator.sparklayer.problems import Problems
from reconciler.emulator.sparklayer.site import Site
from reconciler.emulator.state import State
from reconciler.emulator.wire import Answer, Refusal, Request, json_answer

SiteHandler = Callable[[Site, Request], Answer]


class SiteSetting(BaseModel):
    """Site and its API key; also the body of `POST /_emulator/sites`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, description="Site ID.")
    client_id: str = Field(default="emulator", min_length=1)
    client_secret: str = Field(default="emulator", repr=False)
    token_seconds: int = Field(default=3600, ge=1, description="The real one is always 3600.")
    may_write_settings: bool = Field(default=True, description="False: a key made in the Dashboard.")


class TokenRequest(BaseModel):
    """Body of the token request."""

    model_config = ConfigDict(strict=True)

    grant_type: str
    client_id: str
    client_secret: str


class Token(Struct, frozen=True):
    """Token: the site that it is for, and its expiry by the emulator's clock."""

    site: str
    expires: float


DEMO = SiteSetting(id="demo")
_TOKEN_REQUEST = TypeAdapter(TokenRequest)


class Login:
    """Sites, their keys, and the tokens that were given out."""

    def __init__(self, state: State, problems: Problems) -> None:
        self._state = state
        self._problems = problems
        self.reset()

    def reset(self) -> None:
        """Reset to the one empty site `demo` with the key `emulator`."""
        self.settings = {DEMO.id: DEMO}
        self.sites = {DEMO.id: Site(DEMO.id, self._state.clock)}
        self._tokens: dict[str, Token] = {}

    def add(self, setting: SiteSetting) -> None:
        """Add a site, or give one that is there another key; its data stays."""
        self.settings[setting.id] = setting
        self.sites.setdefault(setting.id, Site(setting.id, self._state.clock))

    def restore(self, site_id: str, held: dict[str, Any]) -> None:
        """Load into a site what its `dump` returned, or with `{}` nothing. Keys and tokens stay.

        Raises:
            Refusal: it is no such dump; the site is then as it was.
        """
        site = Site(site_id, self._state.clock)
        try:
            site.load({**held, "id": site_id})
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Refusal(json_answer({"error": "this is no dump of a site; take one from GET"}, 400)) from error
        self.sites[site_id] = site

    def revoke_all(self) -> None:
        """Revoke every token."""
        self._tokens.clear()

    def issue(self, request: Request) -> Answer:
        """Answer `POST /api/auth/token`."""
        if not request.header(b"content-type").lower().startswith("application/json"):
            # documented: JSON only. inferred: the status.
            raise self._problems.refuse(400, "The token endpoint takes application/json only.")
        asked: TokenRequest = self._problems.body(request, _TOKEN_REQUEST)
        setting = self.settings.get(self._site_id(request))
        if asked.grant_type != "client_credentials":
            raise self._problems.refuse(400, "grant_type has to be client_credentials.")
        if setting is None or (asked.client_id, asked.client_secret) != (setting.client_id, setting.client_secret):
            raise self._problems.refuse(
                int(self._state.switches.spark_login_status), "Site ID, client ID or client secret is wrong."
            )
        now = self._state.clock.timestamp()
        self._tokens = {name: token for name, token in self._tokens.items() if token.expires > now}
        name = secrets.token_urlsafe(24)
        self._tokens[name] = Token(setting.id, now + setting.token_seconds)
        return json_answer({"access_token": name, "expires_in": setting.token_seconds, "token_type": "Bearer"})

    def token_for(self, site_id: str) -> str:
        """Return a token for a site, for SparkLayer's own use."""
        name = secrets.token_urlsafe(24)
        self._tokens[name] = Token(site_id, self._state.clock.timestamp() + 86_400)
        return name

    def secured(self, handler: SiteHandler) -> Handler:
        """Wrap a handler in a check of site and token; it is given the site."""

        def check(request: Request) -> Answer:
            if self._state.switches.spark_missing_user_agent == "refused" and not request.header(b"user-agent"):
                raise self._problems.refuse(400, "A User-Agent that names the integration is required.")
            site = self._site_id(request)
            scheme, _, name = request.header(b"authorization").partition(" ")
            token = self._tokens.get(name.strip())
            if token is None or scheme.lower() != "bearer" or token.expires <= self._state.clock.timestamp():
                raise self._problems.refuse(401, "The access token is missing, unknown or expired.")
            if token.site != site:
                raise self._problems.refuse(401, "The access token is not good for this site.")
            return handler(self.sites[site], request)

        return check

    def _site_id(self, request: Request) -> str:
        site = request.header(b"site-id")
        if not site:
            # documented: on every call. inferred: the status.
            raise self._problems.refuse(400, "The header Site-Id is missing.")
        return site

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return sites, keys and tokens as JSON; without `secrets` only what names them."""
        keys = [item.model_dump(exclude=None if secrets else {"client_secret"}) for item in self.settings.values()]
        tokens = {name: [token.site, token.expires] for name, token in self._tokens.items()}
        return {
            "keys": keys,
            "tokens": tokens if secrets else len(tokens),
            "sites": {site.id: site.dump() for site in self.sites.values()},
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self.settings = {item["id"]: SiteSetting.model_validate(item) for item in dumped["keys"]}
        self._tokens = {name: Token(site, expires) for name, (site, expires) in dumped["tokens"].items()}
        self.sites = {}
        for name, held in dumped["sites"].items():
            self.sites[name] = Site(name, self._state.clock)
            self.sites[name].load(held)
