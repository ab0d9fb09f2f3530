"""Connections and settings of an Environment, resolved: how to reach an API, and the limits of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import LedgerError, ManifestErrors, Place, Problem
from reconciler.hosts import host_allowed, is_loopback
from reconciler.ledger.url import OWN_URL, LedgerUrl, parse
from reconciler.manifest.environment import (
    EnvironmentSpec,
    Guardrails,
    HealRule,
    OrderCloudConnection,
    SparkLayerConnection,
)
from reconciler.manifest.hosts import hosts_of
from reconciler.manifest.model import EnvironmentManifest
from reconciler.manifest.positions import Path, SubLocator
from reconciler.manifest.resolve import ModelT, resolve_section
from reconciler.manifest.scope import Scope
from reconciler.manifest.service import ServiceSettings
from reconciler.redacted import RedactedStruct
from reconciler.secret import Secret

_API_HOSTS = ("*.ordercloud.io", "*.sparklayer.io")
_ALLOW_API_HOSTS = "RECONCILER_ALLOW_API_HOSTS"
# Documented by the vendors. Of OrderCloud's regions, US West, the oldest, has names of its own.
_SPARKLAYER_HOSTS = {"live": "app.sparklayer.io", "test": "test.app.sparklayer.io"}
_US_WEST = {"production": "api", "staging": "stagingapi", "sandbox": "sandboxapi"}
_REGIONS = {
    "us-east": "useast",
    "australia-east": "australiaeast",
    "europe-west": "westeurope",
    "japan-east": "japaneast",
}


class Shared(Struct, frozen=True):
    """How the rate of a connection is shared with other processes: by which ledger, and as whose.

    Args:
        ledger: on PostgreSQL.
        environment: name of the Environment.
        is_configuration: whether it is for a plan, a drift check or an apply, for which a share is kept.
    """

    ledger: LedgerUrl
    environment: str
    is_configuration: bool = False


class Connection(RedactedStruct, frozen=True):
    """How to reach an API: URLs without a final slash.

    `environment` is OrderCloud's where it is known, `site_id` SparkLayer's. `supply` returns client ID and secret where
    the Environment names none: the ledger may have got others since it was loaded. `shared` says with whom the rate
    is shared, and `kept_share` which part of it is then kept for configuration; None: we keep to it by ourselves.
    """

    redacted: ClassVar[tuple[str, ...]] = ("supply", "shared")

    api: str
    api_url: str
    auth_url: str
    client_id: str
    client_secret: Secret
    requests_per_second: float
    environment: Literal["sandbox", "staging", "production"] | None = None
    site_id: str | None = None
    supply: Callable[[], tuple[str, Secret]] | None = None
    kept_share: float = 0.1
    shared: Shared | None = None

    def shared_by(self, ledger: LedgerUrl, environment: str) -> Connection:
        """Return the same, with its rate shared by all processes of a ledger that several machines may use."""
        return self if ledger.kind == "sqlite" else replace(self, shared=Shared(ledger, environment))

    @property
    def rate_key(self) -> str:
        """Name of its rate for all who share it: the API, its host, and whose it is."""
        return f"{self.api} {urlsplit(self.api_url).netloc} {self.site_id or self.client_id}"

    def for_configuration(self) -> Connection:
        """Return the same for a plan, a drift check or an apply: a share of its rate is kept for those."""
        if self.shared is None:
            return self
        return replace(self, shared=replace(self.shared, is_configuration=True))

    @property
    def is_handed_over(self) -> bool:
        """Whether the Environment names no credentials, so that those count that the API's Ignite hands over."""
        return not self.client_id

    def supplied(self) -> Connection:
        """Return the same with the credentials that are to be used now, where others than the Environment has them.

        Raises:
            SecretUnset: there are none.
        """
        if self.supply is None:
            return self
        client_id, client_secret = self.supply()
        return replace(self, client_id=client_id, client_secret=client_secret, supply=None)

    @property
    def live_side(self) -> str:
        """Name of the live side in plans and ledger: the base URL, and the site where one URL serves several."""
        return self.api_url if self.site_id is None else f"{self.api_url}#{self.site_id}"


HANDED_OVER = "the client secret that SparkLayer's Ignite hands over"
SETTINGS = ("targetHosts", "guardrails", "restoreWindow", "drift", "apply")
"""What every run needs of an Environment, beside its connections and its ledger."""


class Settings(Struct, frozen=True):
    """Settings of an Environment for a run, beside its connections."""

    ledger: LedgerUrl
    target_hosts: tuple[str, ...] | None
    guardrails: Guardrails
    restore_window: str
    heal: tuple[HealRule, ...] = ()
    bracket: bool = True


def ordercloud_host(region: str, environment: str) -> str:
    """Return the host of an OrderCloud region and environment."""
    name = _US_WEST[environment] if region == "us-west" else f"{_REGIONS[region]}-{environment}"
    return f"{name}.ordercloud.io"


def resolve_connection(environment: EnvironmentManifest, scope: Scope, api: str) -> Connection:
    """Return how to reach an API; nothing else of the Environment is resolved.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: the Environment does not say how to reach the API, or points where it must not.
    """
    subject = f"Environment {environment.name}"
    section = environment.raw.get(api)
    if not isinstance(section, dict):
        message = f"{subject} does not say how to reach {api}"
        raise ManifestErrors([Problem("missing-field", message, environment.place(), hint=f"Add spec.{api}.")])
    return _SECTIONS[api](_Section(section, SubLocator(environment, (api,)), scope, subject, api))


class _Section(Struct, frozen=True):
    """The part of an Environment that says how to reach one API."""

    data: Mapping[str, Any]
    locator: SubLocator
    scope: Scope
    subject: str
    api: str

    def resolve(self, model: type[ModelT]) -> tuple[ModelT, Mapping[Path, Secret]]:
        return resolve_section(model, self.data, self.locator, self.scope, subject=f"{self.subject}: spec.{self.api}")

    def checked(self, url: str, field: str) -> str:
        return _checked(url, self.scope, partial(self.locator.at, (field,)), f"{self.subject}: {field}")


def _ordercloud(section: _Section) -> Connection:
    resolved, secrets = section.resolve(OrderCloudConnection)
    if resolved.api_url is not None and resolved.auth_url is not None:
        api_url = section.checked(resolved.api_url, "apiUrl")
        auth_url = section.checked(resolved.auth_url, "authUrl")
    else:
        host = ordercloud_host(str(resolved.region), str(resolved.environment))
        api_url, auth_url = f"https://{host}/v1", f"https://{host}/oauth/token"
    return Connection(
        api=section.api,
        api_url=api_url,
        auth_url=auth_url,
        client_id=resolved.client_id,
        client_secret=secrets[("clientSecret",)],
        requests_per_second=resolved.requests_per_second,
        environment=resolved.environment,
        kept_share=resolved.configuration_percent / 100,
    )


def _sparklayer(section: _Section) -> Connection:
    resolved, secrets = section.resolve(SparkLayerConnection)
    if resolved.url is not None:
        api_url = section.checked(resolved.url, "url")
    else:
        api_url = f"https://{_SPARKLAYER_HOSTS[str(resolved.stage)]}"
    return Connection(
        api=section.api,
        api_url=api_url,
        auth_url=f"{api_url}/api/auth/token",
        client_id=resolved.client_id or "",
        client_secret=secrets.get(("clientSecret",))
        or Secret(HANDED_OVER, lambda: None, partial(section.locator.at, ())),
        requests_per_second=resolved.requests_per_second,
        site_id=resolved.site_id,
        kept_share=resolved.configuration_percent / 100,
    )


_SECTIONS: Mapping[str, Callable[[_Section], Connection]] = {"ordercloud": _ordercloud, "sparklayer": _sparklayer}


def resolve_settings(environment: EnvironmentManifest, scope: Scope) -> Settings:
    """Return what an Environment sets for a run, connections left unresolved.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: a resolved value does not fit its field.
        LedgerError: the ledger's URL names none, or one that a manifest may not choose.
    """
    data = {name: environment.raw[name] for name in SETTINGS if name in environment.raw}
    spec, _ = resolve_section(EnvironmentSpec, data, environment, scope, subject=f"Environment {environment.name}")
    ledger = _ledger(environment, scope)
    hosts = None if spec.target_hosts is None else tuple(spec.target_hosts)
    heal = tuple(rule if isinstance(rule, HealRule) else HealRule(cause=rule) for rule in spec.drift.heal)
    return Settings(ledger, hosts, spec.guardrails, spec.restore_window, heal, spec.apply.bracket == "auto")


def _ledger(environment: EnvironmentManifest, scope: Scope) -> LedgerUrl:
    """Return where the ledger is: the operator says so, and a manifest where the operator does not."""
    own = scope.environ.get(OWN_URL)
    if own:
        return parse(own, base=scope.base, environ=scope.environ)
    place = partial(environment.at, ("ledger",))
    text = scope.text(environment.spec.ledger, place, ledger=True)
    try:
        return parse(text, base=scope.base, environ=scope.environ, trusted=False)
    except LedgerError as error:
        error.place = place()
        raise


def _checked(url: str, scope: Scope, place: Callable[[], Place], subject: str) -> str:
    """Return a URL that credentials may be sent to, less its final slash."""
    allowed = (*_API_HOSTS, *scope.environ.get(_ALLOW_API_HOSTS, "").replace(",", " ").split())
    host = (hosts_of(url, "url") or ("",))[0]
    if not host:
        message = "is no URL"
        hint = "Write https://, the host and the path."
    elif not is_loopback(host) and not host_allowed(host, allowed):
        message = f"points at {host}, and credentials may not be sent there"
        hint = f"Use a host of the vendor, or add this one to {_ALLOW_API_HOSTS} where reconciler runs."
    elif urlsplit(url).scheme not in (("https", "http") if is_loopback(host) else ("https",)):
        message = "must begin with https://"
        hint = "Credentials go over https only; http is for loopback."
    elif "@" in url or "?" in url or "#" in url:
        message = "must be host and path only"
        hint = "Remove user, password, ? and # from it."
    else:
        return url.rstrip("/")
    raise ManifestErrors([Problem("bad-api-url", f"{subject} {message}", place(), None, hint)])


class Service(Struct, frozen=True):
    """`spec.service` of an Environment, resolved; paths are those of the manifest, below `spec.service`.

    Args:
        settings: write-only texts masked.
        sealed: the secrets behind the masks, by path.
        place: returns where in the manifest a path stands.
    """

    settings: ServiceSettings
    sealed: Mapping[Path, Secret]
    place: Callable[[Path], Place]

    def secrets(self, *path: str | int) -> tuple[Secret, ...]:
        """Return the secrets at a path or below it, in order."""
        return tuple(secret for at, secret in self.sealed.items() if at[: len(path)] == path)


def resolve_service(environment: EnvironmentManifest, scope: Scope) -> Service | None:
    """Return what a service does for an environment, None where that is nothing; secrets are not looked up.

    Raises:
        UnresolvedReference: an `${env:}` or `${var:}` has no value, or may not be reached.
        ManifestErrors: a resolved value does not fit its field.
    """
    section = environment.raw.get("service")
    if section is None:
        return None
    locator = SubLocator(environment, ("service",))
    subject = f"Environment {environment.name}: spec.service"
    settings, sealed = resolve_section(ServiceSettings, section, locator, scope, subject=subject)
    return Service(settings, sealed, locator.at)
