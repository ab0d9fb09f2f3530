"""Request bodies of the control API, decoded and validated; a mistake is answered with 400 and `error`."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from reconciler.emulator.wire import Refusal, Request, json_answer

BodyT = TypeVar("BodyT", bound=BaseModel)


def decode(request: Request) -> Any:
    """Return the decoded JSON body.

    Raises:
        Refusal: it is no JSON.
    """
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Refusal(json_answer({"error": f"the body is no JSON: {error}"}, 400)) from error


def json_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object.

    Raises:
        Refusal: it is none.
    """
    decoded = decode(request)
    if not isinstance(decoded, dict):
        raise Refusal(json_answer({"error": "the body has to be a JSON object"}, 400))
    return decoded


def validated(model: type[BodyT], value: Any) -> BodyT:
    """Validate a value against a model, and return it as that.

    Raises:
        Refusal: it does not fit; names each member that does not.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise Refusal(json_answer({"error": "; ".join(problems)}, 400)) from error
