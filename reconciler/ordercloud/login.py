"""OrderCloud's token endpoint: client credentials, form-encoded, asking for roles by name."""

from __future__ import annotations

from urllib.parse import urlencode

from msgspec import Struct

from reconciler.errors import ApiError, LoginRefused
from reconciler.http.faults import read_fault
from reconciler.http.login import TokenRequest
from reconciler.http.redact import Redactor
from reconciler.http.retry import Answer
from reconciler.http.tokens import cache_key
from reconciler.ordercloud.faults import parse_fault
from reconciler.secret import Secret

_ROLES = frozenset({"Auth.InsufficientRoles", "invalid_scope"})


class OrderCloudLogin(Struct, frozen=True):
    """Logs in as the API client's default context user.

    Args:
        auth_url: the token endpoint.
        client_id: the API client.
        client_secret: its secret.
        scopes: the roles to ask for; none: all that the user has.
    """

    auth_url: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...] = ()

    @property
    def cache_key(self) -> str:
        """Hash of URL, client, secret and scopes."""
        return cache_key([self.auth_url, self.client_id, self.client_secret.reveal(), *sorted(self.scopes)])

    def request(self, redactor: Redactor) -> TokenRequest:
        """Return the form post; the secret it reveals is remembered by the redactor."""
        secret = self.client_secret.reveal()
        redactor.add(secret)
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": secret}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return TokenRequest(self.auth_url, headers, urlencode(form).encode())

    def refused(self, answer: Answer, redactor: Redactor) -> ApiError:
        """Return the error of a refused login, in OrderCloud's words, and what to do about it."""
        fault = read_fault(answer, parse_fault)
        said = ": ".join(part for part in (fault.code, fault.message) if part) if fault is not None else ""
        step = fault.next_step if fault is not None else None
        if answer.status == 404:
            step = "Check authUrl: it has to be the token endpoint, e.g. https://sandboxapi.ordercloud.io/oauth/token."
        if fault is not None and fault.code in _ROLES and self.scopes:
            step = (
                f"Give the API client's default context user these roles: {', '.join(self.scopes)}; "
                "or leave out with --target what needs those that are missing."
            )
        return LoginRefused(
            f"OrderCloud refused the login of client {self.client_id}: "
            f"{redactor.clean(said)[:1000] or 'it does not say why'} (HTTP {answer.status})",
            status=answer.status,
            vendor_code=redactor.clean(fault.code) if fault is not None and fault.code else None,
            request="POST oauth/token",
            next_step=step or "Check clientID and clientSecret of this environment, and that authUrl is its region's.",
        )
