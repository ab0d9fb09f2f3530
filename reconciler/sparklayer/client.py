"""Connections to one SparkLayer site: to read, or to write as well."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Unpack

from reconciler.errors import UsageError
from reconciler.http.api import Api
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.connect import ConnectionSettings, Opening, open_reader, open_writer
from reconciler.http.observe import Call
from reconciler.sparklayer.faults import parse_fault
from reconciler.sparklayer.login import SITE_HEADER, SparkLayerLogin

READS_BY_POST = frozenset({"batch-fetch-stock"})
"""Last segments of paths that read although they are POSTs."""
_FORBIDDEN = "Check that the site's plan is Pro or Enterprise and that this API key belongs to it: keys have no roles."


class SiteSettings(ConnectionSettings, Protocol):
    """Settings of a site from a manifest, resolved."""

    @property
    def site_id(self) -> str | None: ...


def connect(settings: SiteSettings, **opening: Unpack[Opening]) -> AbstractAsyncContextManager[HttpReader]:
    """Open a connection that can only read. Nothing is sent before the first request.

    Args:
        settings: URLs, site, credentials and rate.
        opening: see `Opening`; its scopes are not used: API keys have no roles.

    Raises:
        SecretUnset: the client secret is not set.
        Unreachable: a URL is not one.
        UsageError: the settings name no site.
    """
    return open_reader(lambda scopes: _api(settings, scopes), opening)


def connect_writer(settings: SiteSettings, **opening: Unpack[Opening]) -> AbstractAsyncContextManager[HttpWriter]:
    """Open a connection that can write as well; arguments and errors as for `connect`."""
    return open_writer(lambda scopes: _api(settings, scopes), opening)


def _api(settings: SiteSettings, scopes: Sequence[str]) -> Api:
    if settings.site_id is None:
        raise UsageError("a SparkLayer connection needs a site", next_step="Add siteID to the Environment.")
    if not settings.site_id.isascii() or not settings.site_id.isprintable() or " " in settings.site_id:
        raise UsageError("a header cannot hold this site ID", next_step="Correct siteID of the Environment.")
    return Api(
        settings.api_url,
        SparkLayerLogin(settings.auth_url, settings.site_id, settings.client_id, settings.client_secret),
        parse_fault,
        settings.requests_per_second,
        scopes,
        headers={SITE_HEADER: settings.site_id},
        clashes=_clashes,
        forbidden=_FORBIDDEN,
        questions=READS_BY_POST,
        url_fields=("url",),
    )


def _clashes(call: Call) -> bool:
    """documented: a 409 of a pricing write is a clash with another one and may be repeated; elsewhere it is final."""
    return call.method == "PATCH" and call.path.rstrip("/").rpartition("/")[2] in ("pricing", "batch-update-pricing")
