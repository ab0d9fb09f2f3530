"""Identity of whoever holds an OrderCloud user's token: what its claims say, and what `GET /me` answers to it.

Claims are worth nothing until `/me` has accepted the very token that they stand in (claims.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from reconciler.errors import ApiError, LoginRefused, MissingRole, NotFound, Rejected
from reconciler.http.api import Api, Options
from reconciler.http.client import HttpReader, open_session
from reconciler.http.connect import ConnectionSettings
from reconciler.http.login import FixedToken
from reconciler.http.retry import RetryPolicy
from reconciler.ordercloud.claims import CLIENT, USERNAME, parts_of
from reconciler.ordercloud.faults import parse_fault
from reconciler.secret import Secret

# One that takes part in a login waits: somebody is looking at a page that does not load.
_POLICY = RetryPolicy(attempts=2, seconds=8, base=0.2)
# As CLIENT and USERNAME are: as the vendor's libraries read them.
_KIND, _EXPIRES = "usrtype", "exp"
_ANONYMOUS, _IMPERSONATED = "orderid", "imp"
_BUYER = "buyer"


class Claims(Struct, frozen=True):
    """Claims of a token, as they stand in it: nobody has checked them.

    Args:
        client: ID of the API client that it was asked for with.
        username: of the user; None: it names none.
        expires: when it ends, in seconds since the epoch.
        is_buyer: whether it is a buyer's user.
        is_anonymous: whether it is of a shopper whom nobody knows.
        is_impersonated: whether somebody else asked for it on the user's behalf.
    """

    client: str
    username: str | None
    expires: float
    is_buyer: bool
    is_anonymous: bool
    is_impersonated: bool


class Me(Struct, frozen=True):
    """User of a buyer, as `/me` names it.

    Args:
        buyer: ID of the buyer.
        user: ID of the user, unique within the buyer.
        username: unique in the marketplace.
        is_active: whether the user is.
    """

    buyer: str
    user: str
    username: str
    is_active: bool


def claims_of(token: str) -> Claims | None:
    """Return the claims of a token; None: it is no token that OrderCloud would make. Pure, and never raises."""
    parts = parts_of(token)
    if parts is None or str(parts[0].get("alg")).casefold() in ("none", ""):
        return None
    claims = parts[1]
    client, expires = claims.get(CLIENT), claims.get(_EXPIRES)
    # Claims of numbers come as text from some libraries.
    if isinstance(expires, str):
        with suppress(ValueError):
            expires = float(expires)
    if not isinstance(client, str) or isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    username = claims.get(USERNAME)
    return Claims(
        client=client,
        username=username if isinstance(username, str) else None,
        expires=float(expires),
        is_buyer=claims.get(_KIND) == _BUYER,
        is_anonymous=claims.get(_ANONYMOUS) is not None,
        is_impersonated=claims.get(_IMPERSONATED) is not None,
    )


async def read_me(settings: ConnectionSettings, token: str) -> Me | None:
    """Ask OrderCloud whose a token is; None: it does not accept the token, or it is of no buyer's user.

    Args:
        settings: where the API is; its credentials are not used.
        token: of the user. It goes into the one request, and nowhere else.

    Raises:
        ApiError: OrderCloud could not say.
    """
    api = Api(
        settings.api_url, FixedToken(Secret("the token", lambda: token)), parse_fault, settings.requests_per_second
    )
    try:
        async with open_session(api, Options(policy=_POLICY)) as session:
            answer = await HttpReader(session).get("me")
    except (LoginRefused, MissingRole, NotFound, Rejected):
        return None
    except ApiError as error:
        # inferred: which error a token of another marketplace, or one that was revoked, is answered with.
        if error.status is not None and 400 <= error.status < 500 and error.status not in (408, 429):
            return None
        raise
    return _me(answer)


def _me(answer: Any) -> Me | None:
    # inferred: `/me` names the buyer of a buyer's user, and a supplier for a supplier's, as the SDKs have it.
    if not isinstance(answer, Mapping) or answer.get("Supplier") is not None:
        return None
    company = answer.get("Buyer")
    buyer = company.get("ID") if isinstance(company, Mapping) else None
    user, username = answer.get("ID"), answer.get("Username")
    if not (isinstance(buyer, str) and isinstance(user, str) and isinstance(username, str)):
        return None
    return Me(buyer, user, username, answer.get("Active") is True) if buyer and user and username else None
