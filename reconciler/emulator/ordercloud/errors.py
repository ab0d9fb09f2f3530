"""OrderCloud's errors: `{"Errors": [{"ErrorCode", "Message", "Data"}]}` with the vendor's codes."""

from __future__ import annotations

from typing import Any

from reconciler.emulator.wire import Answer, Refusal, json_answer

# inferred: which code goes with which status; the codes themselves are published where they hold a dot, and for
# NotFound, IdExists, ValidationFailure and ServerError.
DEFAULTS = {
    400: ("ValidationFailure", "The request is not valid."),
    401: ("InvalidToken", "Access token is invalid or expired."),
    403: ("Auth.InsufficientRoles", "User does not have role(s) required to perform this action."),
    404: ("NotFound", "Object not found."),
    405: ("MethodNotAllowed", "The resource does not support this method."),
    409: ("IdExists", "Object already exists."),
    414: ("UriTooLong", "The request URL is too long."),
    429: ("TooManyRequests", "Too many requests."),
}
SERVER_ERROR = ("ServerError", "An unknown error has occurred on the server.")


def error_body(code: str, message: str, data: Any = None) -> dict[str, Any]:
    """Return the body of one error."""
    return {"Errors": [{"ErrorCode": code, "Message": message, "Data": data}]}


def failure(status: int, code: str | None = None, message: str | None = None, data: Any = None) -> Answer:
    """Return an error answer; code and message default to what fits the status."""
    default_code, default_message = DEFAULTS.get(status, SERVER_ERROR)
    return json_answer(error_body(code or default_code, message or default_message, data), status)


def refuse(status: int, code: str | None = None, message: str | None = None, data: Any = None) -> Refusal:
    """Return the exception that answers with this error."""
    return Refusal(failure(status, code, message, data))


def not_found(object_type: str, object_id: str) -> Refusal:
    """Return a 404; its Data names the object, as the vendor's SDK types say."""
    return refuse(
        404, "NotFound", f"{object_type} not found: {object_id}", {"ObjectType": object_type, "ObjectID": object_id}
    )


def id_exists(object_id: str) -> Refusal:
    """Return a 409 for an ID that is taken."""
    return refuse(409, "IdExists", f"Object already exists: {object_id}")


def invalid(problems: list[tuple[str, str]]) -> Refusal:
    """Return a 400 with one error per problem: the member's path and what is wrong with it."""
    # inferred: the shape of Data for a ValidationFailure.
    errors = [
        {"ErrorCode": "ValidationFailure", "Message": message, "Data": {"Member": member}}
        for member, message in problems
    ]
    return Refusal(json_answer({"Errors": errors}, 400))


def invalid_body(message: str) -> Refusal:
    """Return a 400 for a body that is no JSON object, or has members of the wrong type."""
    return refuse(400, "Request.InvalidRequestBody", message)
