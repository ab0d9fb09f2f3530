"""The JSON of an error: its shape as models, and the function that fills them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.errors import ApiError, ManifestErrors, MissingRole, Place, ReconcilerError
from reconciler.reconcile.planfile import Count, Document, SourceDocument, place_to_json
from reconciler.report.documents.problems import ProblemDocument, problem_to_json

FORMAT_VERSION = 1


class ErrorBodyDocument(Document):
    """What went wrong, where, and what to do now."""

    code: str = Field(description="Stable; `reconciler explain` says what it means.")
    message: str
    source: SourceDocument | None
    next_step: str | None
    exit_status: Count
    status: int | None = Field(description="HTTP status, where an API answered.")
    vendor_code: str | None = Field(description="The vendor's own code, where an API answered with one.")
    request: str | None = Field(description="METHOD path of the request, without query.")
    roles: list[str] = Field(description="Roles that are missing.")
    problems: list[ProblemDocument]


class ErrorDocument(Document):
    """An error: printed by any command with `--format json` that cannot do what it was asked."""

    format_version: Literal[1]
    error: ErrorBodyDocument


def error_to_json(error: ReconcilerError) -> dict[str, Any]:
    """Return an error in the shape of `ErrorDocument`."""
    answer = error if isinstance(error, ApiError) else None
    return {
        "format_version": FORMAT_VERSION,
        "error": {
            "code": error.code,
            "message": error.message,
            "source": _place(error.place),
            "next_step": error.next_step,
            "exit_status": error.exit_status,
            "status": answer.status if answer else None,
            "vendor_code": answer.vendor_code if answer else None,
            "request": answer.request if answer else None,
            "roles": list(error.roles) if isinstance(error, MissingRole) else [],
            "problems": [problem_to_json(each) for each in error.problems] if isinstance(error, ManifestErrors) else [],
        },
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return place_to_json(place) if place else None
