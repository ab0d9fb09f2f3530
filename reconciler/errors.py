"""Every error that a user can meet: one tree, each leaf with a stable code.

```
ReconcilerError                       exit 1
├── UsageError                        exit 64   usage
├── ManifestErrors                    exit 1    invalid-manifests (carries every Problem found)
│   └── SeveralUnset                  exit 1    unresolved-reference
│       └── SecretsUnset              exit 1    secret-unset
├── UnresolvedReference               exit 1    unresolved-reference
├── SecretUnset                       exit 1    secret-unset
├── LoadError                         exit 1    unreadable-input
├── PlanFileError                     exit 1    unreadable-plan
├── GuardrailBreach                   exit 3    refused-by-guardrail
├── StalePlan                         exit 4    stale-plan
├── LedgerError                       exit 1    ledger
│   ├── LedgerLocked                  exit 1    ledger-locked
│   ├── LedgerNotDurable              exit 1    ledger-not-durable
│   ├── LedgerTooNew                  exit 1    ledger-too-new
│   └── LockLost                      exit 1    lock-lost
├── ApiError                          exit 1    api
│   ├── Unreachable                   exit 1    api-unreachable
│   ├── AnswerLost                    exit 1    api-answer-lost (a write whose outcome is unknown)
│   ├── LoginRefused                  exit 1    api-login-refused
│   ├── MissingRole                   exit 1    api-missing-role
│   ├── NotFound                      exit 1    api-not-found
│   ├── Conflict                      exit 1    api-conflict
│   ├── Rejected                      exit 1    api-rejected
│   ├── RateLimited                   exit 1    api-rate-limited
│   ├── ServerFault                   exit 1    api-server-fault
│   └── UnexpectedAnswer              exit 1    api-unexpected-answer
├── NotVerified                       exit 1    write-not-verified
├── TargetRefuses                     exit 1    target-refuses
├── NotApplied                        exit 1    not-applied
├── TargetIncomplete                  exit 1    target-incomplete
├── SourceIncomplete                  exit 1    source-incomplete
├── NoSuchRecord                      exit 1    no-such-record
├── OutOfScope                        exit 1    out-of-scope
├── MissingExtra                      exit 1    missing-extra
├── OutputError                       exit 1    unwritable-output
├── InternalError                     exit 1    internal-error
└── Interrupted                       exit 130  interrupted
```

Messages never carry a secret. Text that came from outside is printed through report/escape, never raw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

_ABOUT_THE_BODY = frozenset({400, 413, 422})


class Place(Struct, frozen=True, order=True):
    """Where in the input something stands: file as the user named it, 1-based line and column (0: not known)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as `file:line:column`, the form that terminals and editors make clickable."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


class ReconcilerError(Exception):
    """Base of every error that is meant for the user.

    Args:
        message: what is wrong, one sentence, no secret in it.
        place: where in the input, when it is about input.
        next_step: what the user can do now, one sentence, imperative.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, place: Place | None = None, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message, self.place, self.next_step = message, place, next_step


class UsageError(ReconcilerError):
    """The command line itself is wrong: an unknown flag, a missing or contradictory argument."""

    code = "usage"
    exit_status = 64


class Problem(Struct, frozen=True):
    """One thing wrong with one manifest.

    `code` is stable, see docs/errors.md; `value` is the offending one, cut short, no secret; `hint` says what to do.
    """

    code: str
    message: str
    place: Place
    value: str | None = None
    hint: str | None = None


class ManifestErrors(ReconcilerError):
    """Every problem of every manifest, found in one run."""

    code = "invalid-manifests"
    said: ClassVar[str] = "{count} problem{s} in the manifests"
    step: ClassVar[str] = "Mend them and run `reconciler validate` again."

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(self.said.format(count=count, s="" if count == 1 else "s"), next_step=self.step)
        self.problems = tuple(problems)


class SeveralUnset(ManifestErrors):
    """Several references that are needed and have no value, or may not be read; each is a problem with its place."""

    code = "unresolved-reference"
    said = "{count} references have no value"
    step = "Set them where reconciler runs."


class SecretsUnset(SeveralUnset):
    """Several secrets that have to be sent and have no value."""

    code = "secret-unset"


class UnresolvedReference(ReconcilerError):
    """An `${env:}`, `${var:}` or `${secret:file:}` reference that a plan needs and that has no value."""

    code = "unresolved-reference"


class SecretUnset(ReconcilerError):
    """A planned change has to send a secret whose source is not set."""

    code = "secret-unset"


class LoadError(ReconcilerError):
    """A file or folder that cannot be read at all."""

    code = "unreadable-input"


class PlanFileError(ReconcilerError):
    """A saved plan that is not a plan, was altered, or is of another format version."""

    code = "unreadable-plan"


class GuardrailBreach(ReconcilerError):
    """A change that a guardrail forbids and nobody has overridden."""

    code = "refused-by-guardrail"
    exit_status = 3


class StalePlan(ReconcilerError):
    """Nothing of what was approved can be applied as it was reviewed."""

    code = "stale-plan"
    exit_status = 4


class LedgerError(ReconcilerError):
    """The ledger cannot be opened, read or written."""

    code = "ledger"


class LedgerLocked(LedgerError):
    """Another run holds the apply lock."""

    code = "ledger-locked"


class LedgerNotDurable(LedgerError):
    """The command needs a ledger that outlives the process, and this one does not."""

    code = "ledger-not-durable"


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer version of reconciler."""

    code = "ledger-too-new"


class LockLost(LedgerError):
    """Our apply lock was taken over or broken while we ran."""

    code = "lock-lost"


class ApiError(ReconcilerError):
    """An API did not do what was asked.

    Args:
        message: what happened, in our words.
        status: the HTTP status, when there was an answer.
        vendor_code: the vendor's own `ErrorCode` (OrderCloud) or `code` (SparkLayer), when there was one.
        request: `METHOD path`, without query values.
        said: what the vendor said, in its own words; None: nothing.
        rows: the rows of a batch that the answer names: their place in it, from 0, and the vendor's words.
        roles: those that the API client lacks.
    """

    code = "api"
    passes: ClassVar[bool] = False  # whether failures of this kind pass
    is_unsure: ClassVar[bool] = False
    """Whether a write that failed like this may have been carried out."""
    record_statuses: ClassVar[frozenset[int]] = frozenset()
    """Statuses with which the API refuses what was sent."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        vendor_code: str | None = None,
        request: str | None = None,
        said: str | None = None,
        rows: Mapping[int, str] | None = None,
        roles: Sequence[str] = (),
        place: Place | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, place=place, next_step=next_step)
        self.status, self.vendor_code, self.request = status, vendor_code, request
        self.said, self.rows, self.roles = said, rows or {}, tuple(roles)

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later, so that it is worth a retry."""
        return self.passes

    @property
    def is_about_record(self) -> bool:
        """Whether the API refused what was sent; another refusal says that we may not, or that the path is wrong."""
        return self.status in self.record_statuses


class Unreachable(ApiError):
    """No connection, or no answer to a read after every retry. Nothing was written."""

    code = "api-unreachable"
    passes = True


class AnswerLost(ApiError):
    """A write went out and its answer did not come back: it may or may not have been carried out."""

    code = "api-answer-lost"
    passes = True
    is_unsure = True


class LoginRefused(ApiError):
    """The token endpoint refused the credentials, or the API refused a fresh token (401)."""

    code = "api-login-refused"


class MissingRole(ApiError):
    """403. `roles` are those that the answer names, or those that the request would have needed."""

    code = "api-missing-role"


class NotFound(ApiError):
    """404."""

    code = "api-not-found"
    record_statuses = _ABOUT_THE_BODY | {404}


class Conflict(ApiError):
    """409."""

    code = "api-conflict"
    record_statuses = _ABOUT_THE_BODY | {409}


class Rejected(ApiError):
    """400 and other 4xx: the API understood and refused. Repeating it unchanged is of no use."""

    code = "api-rejected"
    record_statuses = _ABOUT_THE_BODY


class RateLimited(ApiError):
    """429 after every retry. `retry_after`: for how many seconds the API wants to be left alone, where it says so."""

    code = "api-rate-limited"
    passes = True
    retry_after: float | None = None


class ServerFault(ApiError):
    """5xx on a read after every retry."""

    code = "api-server-fault"
    passes = True
    is_unsure = True


class UnexpectedAnswer(ApiError):
    """An answer that is no JSON, of another shape, larger than its bound, or a redirect to another host.

    `answer` is what it says where it is JSON but for texts with lone surrogates: the other records can be used.
    """

    code = "api-unexpected-answer"
    passes = True
    is_unsure = True
    answer: Any = None
    is_too_large = False

    @property
    def is_transient(self) -> bool:
        return self.answer is None and not self.is_too_large


class TargetRefuses(ReconcilerError):
    """A delivery target that a sync was to get refuses; the sync keeps the one that it has."""

    code = "target-refuses"


class NotVerified(ReconcilerError):
    """The API accepted a write, and live still is not what was asked for."""

    code = "write-not-verified"


class NotApplied(ReconcilerError):
    """Something would run that is not what was reviewed and applied."""

    code = "not-applied"


class TargetIncomplete(ReconcilerError):
    """A data sync needs something at the target that manifests declare and that is not there."""

    code = "target-incomplete"


class SourceIncomplete(ReconcilerError):
    """Something that decides which records a data sync is about is missing or empty at the source."""

    code = "source-incomplete"


class NoSuchRecord(ReconcilerError):
    """Somebody asked for a record that the source does not have, and that was never synced."""

    code = "no-such-record"


class OutOfScope(ReconcilerError):
    """Somebody asked for a record that exists, that the data sync is not about, and that was never synced."""

    code = "out-of-scope"


class MissingExtra(ReconcilerError):
    """A feature whose optional dependencies are not installed."""

    code = "missing-extra"

    def __init__(self, feature: str, extra: str) -> None:
        from reconciler.extras import how_to_install  # only a failure needs it, and it costs more than this module

        super().__init__(f"{feature} needs an optional dependency", next_step=how_to_install(extra))


class OutputError(ReconcilerError):
    """A result that cannot be written: a full disk, a folder without permission, a closed stdout."""

    code = "unwritable-output"


class InternalError(ReconcilerError):
    """A bug in reconciler itself."""

    code = "internal-error"


class Interrupted(ReconcilerError):
    """Ctrl-C, SIGTERM or SIGHUP; what was under way is finished or reported."""

    code = "interrupted"
    exit_status = 130
