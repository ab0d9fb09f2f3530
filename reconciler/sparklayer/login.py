"""SparkLayer's token endpoint: client credentials as JSON (a form is refused), for one site."""

from __future__ import annotations

import orjson
from msgspec import Struct

from reconciler.errors import ApiError, LoginRefused
from reconciler.http.faults import read_fault
from reconciler.http.login import TokenRequest
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer
from reconciler.http.tokens import cache_key
from reconciler.secret import Secret
from reconciler.sparklayer.faults import parse_fault

SITE_HEADER = "site-id"


class SparkLayerLogin(Struct, frozen=True):
    """Logs in with an API key of one site.

    Args:
        auth_url: the token endpoint.
        site_id: the site; a token is good for this one only.
        client_id: the key's client ID.
        client_secret: its secret.
    """

    auth_url: str
    site_id: str
    client_id: str
    client_secret: Secret

    @property
    def cache_key(self) -> str:
        """Hash of URL, site, client and secret."""
        return cache_key([self.auth_url, self.site_id, self.client_id, self.client_secret.reveal()])

    def request(self, redactor: Redactor) -> TokenRequest:
        """Return the JSON post; the secret it reveals is remembered by the redactor."""
        secret = self.client_secret.reveal()
        redactor.add(secret)
        body = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": secret}
        headers = {"content-type": "application/json", SITE_HEADER: self.site_id}
        return TokenRequest(self.auth_url, headers, orjson.dumps(body))

    def refused(self, answer: Answer, redactor: Redactor) -> ApiError:
        """Return the error of a refused login, in SparkLayer's words where it has some, and what to do about it."""
        fault = read_fault(answer, parse_fault)
        said = fault.message if fault is not None else None
        step = "Check siteID, clientID and clientSecret: all three from Dashboard, Settings, API, of this stage."
        if answer.status == 404:
            step = "Check stage or url: there is no token endpoint below it."
        return LoginRefused(
            f"SparkLayer refused the login of client {self.client_id} for site {self.site_id}: "
            f"{redactor.clean(said or '')[:1000] or 'it does not say why'} (HTTP {answer.status})",
            status=answer.status,
            vendor_code=redactor.clean(fault.code) if fault is not None and fault.code else None,
            request="POST api/auth/token",
            next_step=step,
        )
