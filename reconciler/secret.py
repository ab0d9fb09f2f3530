"""A secret value and where it comes from. It has no text form: printing it prints a mask."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.errors import Place, Problem, SecretUnset

MASK = "••••••"


class UnusableSecret(Exception):
    """A source has something that cannot be sent; the words say what, after the reference: `is empty`."""


class Secret:
    """The value of a secret field, or one with secrets in it, resolved only when it has to be sent or compared.

    Args:
        reference: how the manifest names it, e.g. `${secret:SEARCH_API_KEY}`; `(literal)` for a literal value.
        resolve: returns the value, or None where its source is not set. Called at most once.
        place: where the manifest names it, or what finds that out when an error needs it.
        shown: the value with its secret parts masked, where live shows the value and only parts of it are secret;
            None for a write-only field.
        parts: returns the secret parts of the value; left out, all of it is.
    """

    __slots__ = ("_lacks", "_parts", "_place", "_resolve", "_resolved", "_value", "reference", "shown")

    def __init__(
        self,
        reference: str,
        resolve: Callable[[], str | None],
        place: Place | Callable[[], Place] | None = None,
        shown: str | None = None,
        parts: Callable[[str], Iterable[str]] | None = None,
    ) -> None:
        self._parts = parts
        self._lacks = "is not set"
        self.reference = reference
        self.shown = shown
        self._place = place
        self._resolve = resolve
        self._resolved = False
        self._value: str | None = None

    @property
    def place(self) -> Place | None:
        """Where the manifest names it."""
        return self._place() if callable(self._place) else self._place

    @property
    def value(self) -> str | None:
        """The value, or None where its source is not set. Never print it, never put it into an exception."""
        if not self._resolved:
            try:
                self._value = self._resolve()
            except UnusableSecret as error:
                self._lacks = str(error)
            self._resolved = True
        return self._value

    @property
    def is_set(self) -> bool:
        """Whether the source has a value."""
        return self.value is not None

    @property
    def lacks(self) -> str:
        """Why there is no value, in words that follow the reference: `is not set`; empty where it has one."""
        return "" if self.is_set else self._lacks

    @property
    def parts(self) -> tuple[str, ...]:
        """What must not be seen of the value: each secret part of it, and the value itself. Never print it."""
        value = self.value
        if value is None:
            return ()
        return (value, *(self._parts(value) if self._parts is not None else ()))

    def reveal(self) -> str:
        """Return the value for sending.

        Raises:
            SecretUnset: the source has no value, or one that is no text; names reference, file and line.
        """
        value = self.value
        if value is None:
            raise SecretUnset(
                f"{self.reference} has to be sent and {self.lacks}",
                place=self.place,
                next_step="Set it in the environment of this run.",
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SecretUnset(
                f"{self.reference} has to be sent and holds bytes that are no UTF-8",
                place=self.place,
                next_step="Set it in the environment of this run again, as text in UTF-8.",
            ) from None
        return value

    def left_to_apply(self) -> Secret:
        """Return it as it is where the source of no `${secret:}` has a value; others have theirs in the manifests."""
        if "${secret:" not in self.reference:
            return self
        return Secret(self.reference, lambda: None, self._place, self.shown, self._parts)

    def __repr__(self) -> str:
        """Name the reference, never the value."""
        return f"Secret({self.reference})"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse to be pickled: a secret leaves the process only inside the request that sends it."""
        raise TypeError("a Secret cannot be serialised")


def unset_secret(secret: Secret, sender: str | None = None, or_else: str = "") -> Problem:
    """Return the problem that a secret that has to be sent has no value.

    Args:
        secret: the secret.
        sender: what has to send it, where that is to be named.
        or_else: what can be done beside setting it, with a comma before it.
    """
    sends = f"{sender} has to send {secret.reference}, which" if sender else f"{secret.reference} has to be sent and"
    step = f"Set it in the environment of this run{or_else}."
    return Problem(SecretUnset.code, f"{sends} {secret.lacks}", secret.place or Place(""), hint=step)
