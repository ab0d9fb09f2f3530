"""OrderCloud's error bodies, and what the user can do about the codes that the vendor publishes."""

from __future__ import annotations

from reconciler.errors import ApiError, Conflict, LoginRefused, MissingRole, NotFound, Rejected
from reconciler.http.faults import Fault
from reconciler.kind.connection import Json

_OFFLINE = "Api.Offline"

# Codes are from the vendor's .NET SDK; `IdExists` and the OAuth 2 codes (lower case) are not, and are as commonly seen.
_NEXT_STEPS = {
    "DeliveryConfig.CannotDeleteConfigInUse": (
        "Point every sync, error config, webhook and message sender that uses it elsewhere, or delete them, first."
    ),
    "DeliveryConfig.ConfigurationDisabled": "Set `enabled: true` on the delivery config and apply, then repeat this.",
    "ErrorConfig.DeliveryConfigDisabled": "Set `enabled: true` on the delivery config of the ErrorConfig.",
    "TrackingEvent.InvalidDeliveryConfigID": "Create the delivery config first, or correct `deliveryConfig`.",
    "ProductSyncConfig.AdminLockout": "Only Sitecore support can lift this lock: open a support case.",
    "FullSyncStatus.FullSyncAlreadyRunning": "Wait until the full sync has finished; the portal shows it.",
    "OrderSync.InvalidDateRangeForSyncOperation": "Correct the range of dates.",
    "Request.InvalidRequestBody": "Run `reconciler validate`; if that finds nothing, please report this as a bug.",
    "ValidationFailure": "Correct the values that the message names, and plan again.",
    "IdExists": "Another object has this ID: run `reconciler import`, or choose another ID.",
    "Search.ResultSetTooLarge": "A list ends at 100,000 entries: ask for less at once, e.g. by catalog.",
    "List.InvalidPageSize": "Please report this as a bug: a list was asked for in a way that OrderCloud refuses.",
    "List.InvalidProperty": "Correct the filter: OrderCloud does not filter this list by that member.",
    "List.InvalidSearchProperty": "Correct searchOn: OrderCloud does not search that member.",
    "List.InvalidSortProperty": "Correct sortBy: OrderCloud does not sort this list by that member.",
    "List.InvalidType": "Correct the filter: its value is of another type than the member.",
    "Auth.InvalidUsernameOrPassword": "Check clientID and clientSecret of this environment.",
    "Auth.UsernameAndPasswordRequired": "Give the API client a default context user: client credentials run as one.",
    "Auth.ClientNotActive": "Activate the API client in the portal.",
    "Auth.UserNotActive": "Activate the API client's default context user in the portal.",
    "Auth.SellerNotActive": "The marketplace is not active: ask Sitecore support.",
    "Auth.CompanyNotActive": "Activate the buyer or supplier of the API client's default context user.",
    "Auth.LockedOut": "Unlock the API client's default context user in the portal.",
    "Auth.PasswordExpired": "Set a new password for the API client's default context user.",
    "Auth.InsecurePassword": "Set a stronger password for the API client's default context user.",
    "Auth.OauthError": "Check clientID, clientSecret, and that the API client has a default context user.",
    "Auth.TokenRevoked": "Run the command again: the token was revoked while it was in use.",
    "Auth.BetaForbiddenProduction": "OrderCloud offers this in sandbox and staging only: limit the manifest to those.",
    "Api.Offline": "OrderCloud is under maintenance for a short while: try again later.",
    "invalid_client": "Check clientID and clientSecret of this environment.",
    "unauthorized_client": "Allow client credentials for the API client, and give it a default context user.",
    "invalid_scope": "Ask for roles that exist: left out, OrderCloud grants all that the user has.",
    "invalid_grant": "Check clientSecret, and that the API client has an active default context user.",
}
_ONE_PER_MARKETPLACE = ".OnlyOneConfigPerMarketplace"
_NOT_ENABLED = "NotEnabled"

_ERRORS: dict[str, type[ApiError]] = {
    "IdExists": Conflict,
    "NotFound": NotFound,
    "Auth.InsufficientRoles": MissingRole,
    "Auth.TokenRevoked": LoginRefused,
    # A 403, but no role would help.
    "Auth.BetaForbiddenProduction": Rejected,
}


def parse_fault(body: Json) -> Fault | None:
    """Read an `Errors[]` body, or a token endpoint's `error` and `error_description`; None where it is neither.

    The first error names the code; the messages of all are kept.
    """
    if not isinstance(body, dict):
        return None
    listed = body.get("Errors")
    errors = [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []
    if not errors:
        return _oauth_fault(body)
    code = _text(errors[0].get("ErrorCode"))
    messages = [message for error in errors if (message := _text(error.get("Message")))]
    return Fault(
        code=code,
        message=" ".join(messages) or None,
        next_step=_next_step(code),
        roles=_roles(errors[0].get("Data")),
        error=_ERRORS.get(code or ""),
        offline=code == _OFFLINE,
    )


def _oauth_fault(body: dict[str, Json]) -> Fault | None:
    code = _text(body.get("error"))
    if code is None:
        return None
    return Fault(code=code, message=_text(body.get("error_description")), next_step=_next_step(code))


def _next_step(code: str | None) -> str | None:
    if code is None:
        return None
    if code.endswith(_ONE_PER_MARKETPLACE):
        return (
            "A marketplace has one such config: run `reconciler import`, or plan again to change the one that is there."
        )
    if code.startswith("Synchronize.") and code.endswith(_NOT_ENABLED):
        return "Configure this sync and apply first: there is nothing yet that could send the records."
    return _NEXT_STEPS.get(code)


def _roles(data: Json) -> tuple[str, ...]:
    """The roles that a 403 lists. Inferred: that they are listed is documented, the members' names are not.

    Whatever list of strings `Data` holds is taken, but for the roles that the user already has.
    """
    if not isinstance(data, dict):
        return ()
    lists = [value for name, value in data.items() if isinstance(value, list) and not name.startswith("Assigned")]
    return tuple(dict.fromkeys(role for roles in lists for role in roles if isinstance(role, str)))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
