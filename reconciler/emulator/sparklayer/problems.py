"""SparkLayer's errors: RFC 7807 problems, with a body or without."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from reconciler.emulator.state import State
from reconciler.emulator.wire import Answer, Refusal, Request, json_answer

# documented: these codes. inferred: the last, and which status goes with what where the fact sheet has none.
TAKEN = "resource-already-exists"
UNKNOWN_ID = "resource-id-not-found"
INVALID_ID = "resource-id-invalid"
MISMATCH = "idMismatch"
INVALID = "invalid"
_PROBLEM_HEADERS = ((b"content-type", b"application/problem+json"),)
_MOST_SHOWN = 100


class Problems:
    """Error answers in the form that the switches choose.

    Args:
        state: for the switches.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, status: int, detail: str | None = None, errors: Sequence[dict[str, Any]] = ()) -> Answer:
        """Answer with a problem; title and detail default to those of the status."""
        form = self._state.switches.spark_error_bodies
        if form == "empty":
            return Answer(status)
        title = HTTPStatus(status).phrase
        body: dict[str, Any] = {"title": title, "status": status, "detail": detail or title}
        if errors:
            body["errors"] = list(errors[:_MOST_SHOWN])
        # inferred: the media type; see the switch.
        return json_answer(body, status) if form == "json" else Answer(status, orjson.dumps(body), _PROBLEM_HEADERS)

    def refuse(self, status: int, detail: str, code: str | None = None, where: str | None = None) -> Refusal:
        """Return the exception that answers with a problem; with `code`, it has one error."""
        errors = [{"code": code, "message": detail, "property": where or ""}] if code is not None else []
        return Refusal(self.answer(status, detail, errors))

    def not_found(self, what: str, name: str) -> Refusal:
        """Return a 404."""
        return self.refuse(404, f"{what} {name} not found.", UNKNOWN_ID)

    def body(self, request: Request, adapter: TypeAdapter[Any]) -> Any:
        """Decode the JSON body of a request and validate it by an adapter.

        Raises:
            Refusal: 400 that names every member that is wrong.
        """
        try:
            decoded = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise self.refuse(400, "The request body is not valid JSON.", INVALID) from error
        try:
            return adapter.validate_python(decoded)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            errors = [
                {"code": INVALID, "message": item["msg"], "property": ".".join(map(str, item["loc"]))} for item in found
            ]
            raise Refusal(self.answer(400, "The request is not valid.", errors)) from error
