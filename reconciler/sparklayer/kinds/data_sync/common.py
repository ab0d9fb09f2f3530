"""Pieces that several sections of a DataSync share."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field, StringConstraints

from reconciler.kind.credentials import shows_credentials
from reconciler.kind.semantics import FieldSemantics, Risk
from reconciler.kind.telling import is_telling
from reconciler.sparklayer.kinds.data_sync.expressions import Expression

RE_SYNCS = FieldSemantics(risk=Risk.RE_SYNCS)
"""Semantics of what decides what records become: they are compared anew, and sent where they differ."""
SECTION = FieldSemantics(risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC)
"""Semantics of a section: what does not flow any more stays in the target as it is, and grows old."""
SCOPE = FieldSemantics(unordered=True, selects=True, risk=Risk.RE_SYNCS, risk_gone=Risk.STOPS_SYNC)
"""Semantics of what selects records."""


def _compiled(text: str) -> str:
    if shows_credentials(text):
        raise ValueError("an expression is shown everywhere and must hold no credentials")
    Expression(text)
    return text


Jmespath = Annotated[str, AfterValidator(_compiled), FieldSemantics(risk=Risk.RE_SYNCS, code=True)]


def mapped(key: str, description: str) -> Any:
    """Return the field of a mapping: an expression that may be left out.

    Args:
        key: of the manifest.
        description: what the expression gives, what it sees, and the default.
    """
    return Field(default=None, alias=key, description=description)


def _without_credentials(link: str) -> str:
    address, _, fragment = link.partition("#")
    pairs = parse_qsl(address.partition("?")[2]) + parse_qsl(fragment.partition("?")[2])
    if shows_credentials(link) or any(is_telling(name) for name, _ in pairs):
        raise ValueError("the sync log shows this link to merchants, so it must hold no credentials")
    return link


RecordUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://.*\{ID\}"),
    AfterValidator(_without_credentials),
    FieldSemantics(code=True),
]
