"""`Environment.spec.service`: what `reconciler serve` and `consume` do for an environment. Nothing that it leaves out.

Each section has an owner: deliveries are serve/routes/deliveries.py, webhooks serve/routes/webhooks.py, and so on.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from reconciler.kind.semantics import FieldSemantics, SpecModel
from reconciler.manifest.consumers import Consumer
from reconciler.manifest.texts import DataSyncName, Duration

_HEADER = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"
_LARGEST_PORT = 65_535


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def listen_address(text: str) -> tuple[str, int]:
    """Return the host and the port of an address to listen on, e.g. `127.0.0.1:8080` or `[::1]:8080`.

    Raises:
        ValueError: it is no such address.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit()) or int(port) > _LARGEST_PORT:
        raise ValueError("an address is HOST:PORT, such as 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _listens(text: str) -> str:
    listen_address(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
HeaderName = Annotated[str, StringConstraints(pattern=_HEADER)]
SecretTexts = Annotated[
    list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=2), FieldSemantics(write_only=True)
]
"""One secret, or two while one takes the place of the other."""


class TrustedProxy(SpecModel):
    """Who stands in front of the service, and may say for whom it speaks."""

    addresses: Annotated[list[Network], Field(min_length=1)] = Field(
        alias="from", description="Networks that it connects from, as CIDR."
    )
    header: HeaderName = Field(default="X-Forwarded-For", description="Header with the address of the client.")


class Tls(SpecModel):
    """Files of the certificate that the service shows, read again at SIGHUP."""

    certificate: Annotated[str, Field(min_length=1)] = Field(description="PEM file: certificate and its chain.")
    key: Annotated[str, Field(min_length=1)] = Field(description="PEM file: private key.")


class Login(SpecModel):
    """Who may see the page: whoever has a token, or whom a trusted proxy names."""

    tokens: SecretTexts | None = Field(default=None, description="Tokens to log in with; two while one is replaced.")
    user_header: HeaderName | None = Field(
        default=None, description="Header by which the trusted proxy names who is logged in, e.g. X-Forwarded-User."
    )

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if self.tokens is None and self.user_header is None:
            raise ValueError("write tokens or userHeader")
        return self


class Deliveries(SpecModel):
    """OrderCloud's messages over HTTP, at /deliveries/NAME of the DataSync."""

    data_sync: DataSyncName
    secrets: SecretTexts | None = Field(
        default=None,
        description="Keys of the signature. Left out: those of the DeliveryConfigs that point here. Two while one is "
        "replaced.",
    )
    header_name: HeaderName | None = Field(
        default=None, description="Header that comes with each message. Left out: as the DeliveryConfigs declare."
    )
    header_values: SecretTexts | None = Field(
        default=None,
        description="Values of that header; left out: those of the DeliveryConfigs. Two while one is replaced.",
    )
    max_body: Annotated[int, Field(ge=1_000, le=100_000_000)] = Field(
        default=1_000_000, description="Bytes of one message; more is refused with 413."
    )
    timeout: Duration = Field(default="10s", description="How long a message may take to arrive; then 408.")

    @model_validator(mode="after")
    def _header_is_whole(self) -> Self:
        if self.header_name is not None and self.header_values is None:
            raise ValueError("headerName needs headerValues")
        return self


class Webhooks(SpecModel):
    """OrderCloud's webhooks on its configuration, and the portal's after a restore, at /webhooks/…."""

    secrets: SecretTexts = Field(description="Keys of the signature; two while one is replaced.")


class Ignite(SpecModel):
    """SparkLayer's side of an Ignite integration, at /ignite/v1/…. Its disconnect clears every sync log of the site."""

    data_sync: DataSyncName
    tokens: SecretTexts | None = Field(
        default=None, description="Bearer tokens that SparkLayer sends; two while one is replaced."
    )
    allow: Annotated[list[Network], Field(min_length=1)] | None = Field(
        default=None, description="Networks that SparkLayer calls from, as CIDR."
    )
    site_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = Field(
        default=None,
        description="What SparkLayer calls the stage of the site in its paths. Left out: live or test, as sparklayer's "
        "stage or host say.",
    )
    list_member: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")] = Field(
        default="items", description="Name of the list in an answered page: SparkLayer publishes none."
    )
    client_ids: list[str] = Field(
        default=[], alias="clientIDs", description="OrderCloud clients of the storefront, whose tokens are verified."
    )

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.tokens is None and self.allow is None:
            raise ValueError("write tokens, allow, or both")
        return self


class Api(SpecModel):
    """The page's data as JSON, at /api/v1/…."""

    read_tokens: SecretTexts | None = Field(default=None, description="Tokens that may read.")
    write_tokens: SecretTexts | None = Field(default=None, description="Tokens that may ask for something to be done.")


class ServiceSettings(SpecModel):
    """What the service does for this environment; what is left out, it does not do."""

    listen: Annotated[str, AfterValidator(_listens)] = Field(
        default="127.0.0.1:8080", description="Address to listen on; off loopback a login and TLS are needed."
    )
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")] | None = Field(
        default=None, description="URL by which others reach the service, where that is another one."
    )
    trusted_proxy: TrustedProxy | None = Field(default=None, description="Proxy in front, which speaks TLS.")
    tls: Tls | None = Field(default=None, description="Certificate, where the service speaks TLS itself.")
    login: Login | None = Field(default=None, description="Who may see the page; left out: whoever is on loopback.")
    loops: list[Literal["syncs", "drift"]] = Field(
        default=[], description="What runs by the clock: data syncs by their intervals, drift checks with healing."
    )
    drift_interval: Duration = Field(default="15m", description="How long after a drift check the next one starts.")
    deliveries: list[Deliveries] = Field(default=[], description="DataSyncs that messages are POSTed for.")
    consumers: list[Consumer] = Field(default=[], description="Brokers that messages are fetched from.")
    webhooks: Webhooks | None = Field(default=None, description="Webhooks on OrderCloud's configuration.")
    ignite: Ignite | None = Field(default=None, description="Ignite integration.")
    api: Api | None = Field(default=None, description="Data of the page as JSON.")

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [each.data_sync for each in self.deliveries]
        if len(set(names)) < len(names):
            raise ValueError("deliveries name one dataSync twice")
        return self
