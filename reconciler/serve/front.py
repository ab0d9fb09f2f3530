"""Front of the service: where it listens, who stands before it, and who may see the page. One for the whole process.

A process that serves one environment takes it from `spec.service`; one that serves several from the command line or
RECONCILER_SERVE_*, since several manifests cannot say where one process listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import Struct

from reconciler.hosts import is_loopback
from reconciler.manifest.connection import Service
from reconciler.manifest.service import Tls, listen_address
from reconciler.secret import Secret

Network = IPv4Network | IPv6Network


class Front(Struct, frozen=True):
    """How the process is reached.

    Args:
        host: address to listen on.
        port: 0 takes any that is free.
        public_url: URL by which others reach it, without a final slash; None: by its address.
        tls: files of the certificate; None: it speaks plain HTTP.
        proxies: networks of trusted proxies.
        client_header: the header in which a trusted proxy names the client's address.
        login_tokens: tokens for the page.
        user_header: the header in which a trusted proxy names who is logged in.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    tls: Tls | None = None
    proxies: tuple[Network, ...] = ()
    client_header: str = "X-Forwarded-For"
    login_tokens: tuple[Secret, ...] = ()
    user_header: str | None = None

    @property
    def has_login(self) -> bool:
        """Whether the page asks who somebody is."""
        return bool(self.login_tokens) or self.user_header is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether what people's browsers see is HTTPS."""
        return self.tls is not None or bool(self.proxies) or (self.public_url or "").startswith("https:")


_FRONT = {"listen": "listen", "public_url": "publicUrl", "trusted_proxy": "trustedProxy", "tls": "tls"}


class Asked(Struct, frozen=True):
    """What the command line says of the front; what it leaves out, the only environment's manifest says."""

    listen: str | None = None
    public_url: str | None = None
    tls: Tls | None = None
    proxies: Sequence[str] = ()
    login_tokens: Sequence[Secret] = ()
    user_header: str | None = None


def left_aside(service: Service) -> tuple[str, ...]:
    """Return what spec.service of an environment says of the front, in its words: of several nobody goes by it."""
    said = service.settings.model_fields_set
    return tuple(words for name, words in _FRONT.items() if name in said)


def front_of(asked: Asked, services: Sequence[Service]) -> Front:
    """Return the front of a process.

    Args:
        asked: on the command line.
        services: of the environments that are served.

    Raises:
        ValueError: an address or a network is none.
    """
    only = services[0].settings if len(services) == 1 else None
    listen = asked.listen or (only.listen if only is not None else "127.0.0.1:8080")
    host, port = listen_address(listen)
    proxy = only.trusted_proxy if only is not None else None
    login = only.login if only is not None else None
    tokens = services[0].secrets("login", "tokens") if only is not None else ()
    url = asked.public_url or (only.public_url if only is not None else None)
    networks = asked.proxies or (proxy.addresses if proxy is not None else ())
    return Front(
        host,
        port,
        url.rstrip("/") if url else None,
        asked.tls or (only.tls if only is not None else None),
        tuple(map(ip_network, networks)),
        proxy.header if proxy is not None else "X-Forwarded-For",
        tuple(asked.login_tokens) or tokens,
        asked.user_header or (login.user_header if login is not None else None),
    )
