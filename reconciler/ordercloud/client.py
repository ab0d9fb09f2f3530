"""Connections to one OrderCloud marketplace: to read, or to write as well."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Unpack

from reconciler.http.api import Api
from reconciler.http.client import HttpReader, HttpWriter
from reconciler.http.connect import ConnectionSettings, Opening, open_reader, open_writer
from reconciler.ordercloud.faults import parse_fault
from reconciler.ordercloud.login import OrderCloudLogin


def connect(settings: ConnectionSettings, **opening: Unpack[Opening]) -> AbstractAsyncContextManager[HttpReader]:
    """Open a connection that can only read. Nothing is sent before the first request.

    Args:
        settings: URLs, credentials and rate.
        opening: see `Opening`.

    Raises:
        SecretUnset: the client secret is not set.
        Unreachable: a URL is not one.
    """
    return open_reader(lambda scopes: _api(settings, scopes), opening)


def connect_writer(settings: ConnectionSettings, **opening: Unpack[Opening]) -> AbstractAsyncContextManager[HttpWriter]:
    """Open a connection that can write as well; arguments and errors as for `connect`."""
    return open_writer(lambda scopes: _api(settings, scopes), opening)


def _api(settings: ConnectionSettings, scopes: Sequence[str]) -> Api:
    roles = tuple(dict.fromkeys(scopes))
    login = OrderCloudLogin(settings.auth_url, settings.client_id, settings.client_secret, roles)
    return Api(settings.api_url, login, parse_fault, settings.requests_per_second, roles)
