"""The RequestKind protocol: kinds of manifests that ask for something to be done once, instead of naming a state.

A request has no live object. A plan shows it as an operation; the ledger notes each of its steps before it is taken,
and no step is taken twice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from msgspec import Struct
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from reconciler.errors import Problem
from reconciler.kind.connection import Wire
from reconciler.kind.kind import ManifestKind, ManifestView, Observed, SpecT_co
from reconciler.kind.semantics import SpecModel
from reconciler.kind.sensitive import FreeText

LONGEST_AHEAD = timedelta(days=7)
"""How far ahead the end of a request may lie. What is older is over, so a ledger that is older knows all of them."""


def _only_text(value: object) -> object:
    # Lax datetimes would take a bare number for seconds since 1970.
    if not isinstance(value, str | datetime):
        raise ValueError("expected a time such as 2026-12-01T06:00:00Z")  # noqa: TRY004 - pydantic wants ValueError
    return value


class RequestSpec(SpecModel):
    """What every request says."""

    not_after: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_text)] = Field(
        description="When the request is over, done or not, with its offset, e.g. 2026-12-01T06:00:00Z; at most 7 days "
        "ahead. Part of its identity: another time makes it another request."
    )
    reason: Annotated[str, StringConstraints(pattern=r"\S", max_length=500), FreeText] | None = Field(
        default=None, description="Why, for whoever reviews it."
    )


class Call(Struct, frozen=True):
    """Step of a request that is one POST to the API.

    Args:
        paths: its spellings; the next one is tried only where the API says that the one before is no path.
        body: what is sent; no secret.
    """

    paths: tuple[str, ...]
    body: Wire

    @property
    def does(self) -> str:
        """What it does, in one line."""
        return " ".join((f"POST {self.paths[0]}", *(f"{name}={value}" for name, value in self.body.items())))


class Wish(Struct, frozen=True):
    """Step of a request that notes in the ledger what a data sync is to do; whoever runs it, does it.

    Args:
        integration: live ID of the data sync.
        data_types: which of its data types.
        mode: how it is to run; None: only the records in `keys` are wanted.
        keys: the records that are wanted.
        does: what it does, in one line.
    """

    integration: str
    data_types: tuple[str, ...]
    mode: str | None
    keys: tuple[str, ...]
    does: str


Step = Call | Wish
LiveObjects = Mapping[str, Mapping[str, Observed]]


class RequestKind(ManifestKind[SpecT_co]):
    """One kind of request. Its spec is a `RequestSpec`.

    Class attributes:
        reads: the kinds whose live side says whether it can be carried out.
        instead: what to do where it is about too many records; one or more sentences, without the last full stop.
    """

    reads: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[str] = ""

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:  # noqa: ARG002 - it stands for itself
        return name

    @abstractmethod
    def does(self, state: Mapping[str, Any]) -> str:
        """Return what the request asks for, in one short sentence without a full stop."""

    @abstractmethod
    def steps(self, state: Mapping[str, Any]) -> Sequence[Step]:
        """Return what carrying it out takes, in order."""

    def weight(self, state: Mapping[str, Any]) -> int:  # noqa: ARG002 - most weigh nothing
        """Return how many records it counts for, against `guardrails.resyncMax`."""
        return 0

    def needs(self, state: Mapping[str, Any]) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - most need nothing
        """Return kind and live ID of what has to be there before it can be carried out."""
        return ()

    def remarks(self, state: Mapping[str, Any], live: LiveObjects) -> Iterable[str]:  # noqa: ARG002 - most have none
        """Return what people should know of the request before they agree to it, as live is now."""
        return ()

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        for manifest in manifests:
            if manifest.kind == self.name and manifest.absent:
                yield Problem(
                    "absent-request",
                    f"{manifest.kind} {manifest.name} is a request: there is no live object that could be absent",
                    manifest.place(),
                    hint="Remove the manifest; what was carried out cannot be taken back.",
                )


RequestKinds = Mapping[str, RequestKind[RequestSpec]]
