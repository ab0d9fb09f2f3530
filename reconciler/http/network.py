"""What the environment of a run decides: proxies, trusted CAs, the engine."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Literal
from urllib.request import getproxies, proxy_bypass

import certifi
from yarl import URL

from reconciler.errors import LoadError
from reconciler.hosts import is_loopback

EngineName = Literal["aiohttp", "httpx"]
"""An engine for direct connections; through proxies httpx goes in any case."""
ENGINE_VARIABLE = "RECONCILER_HTTP_ENGINE"
_ENGINES: Mapping[str, EngineName] = {"": "aiohttp", "aiohttp": "aiohttp", "httpx": "httpx"}


def chosen_engine() -> EngineName:
    """Return the engine that the environment names, aiohttp where it names none.

    Raises:
        LoadError: it names one that we do not have.
    """
    name = _ENGINES.get(os.environ.get(ENGINE_VARIABLE, ""))
    if name is None:
        raise LoadError(
            f"{ENGINE_VARIABLE} names an engine that there is not",
            next_step="Set it to httpx, as a cassette of vcrpy needs it, or leave it unset.",
        )
    return name


def tls_context() -> ssl.SSLContext:
    """Trust the usual CAs, or those of SSL_CERT_FILE / SSL_CERT_DIR, and those of RECONCILER_CA_FILE as well.

    Raises:
        LoadError: a CA file that the environment names cannot be read.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    extra = os.environ.get("RECONCILER_CA_FILE")
    try:
        if file:
            context = ssl.create_default_context(cafile=file)
        elif folder:
            context = ssl.create_default_context(capath=folder)
        else:
            context = ssl.create_default_context(cafile=certifi.where())
        if extra:
            context.load_verify_locations(cafile=extra)
    except OSError as error:
        raise LoadError(
            f"cannot load the CA certificates: {error.strerror or error}",
            next_step="Check RECONCILER_CA_FILE, SSL_CERT_FILE and SSL_CERT_DIR: PEM files that can be read.",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def proxy_for(url: URL) -> str | None:
    """Return the URL of the proxy that the environment sets for this host. Loopback never goes through one.

    Raises:
        LoadError: what it sets is no http or https URL.
    """
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    import httpx  # what reads it in the end

    text = address if "://" in address else f"http://{address}"
    try:
        proxy = httpx.Proxy(text)
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https") or not proxy.url.host:
        # The address may hold a password: it is not repeated.
        raise LoadError(
            f"the proxy that the environment sets for {url.scheme} is not a URL we can use",
            next_step="Set HTTPS_PROXY, HTTP_PROXY or ALL_PROXY to an http:// or https:// URL.",
        )
    return text
