"""Customers, wanted and held, also as the ledger keeps it; and the record that one is made of. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from reconciler.errors import LedgerError
from reconciler.sync.problem import RecordProblem

PART = "customer"
EMAIL, USERNAME = "email", "username"
"""Kinds of names: what one customer of a site, or one user of a marketplace, has and no other."""
LEAVING = "leaving"
"""Kind of name for an address that somebody gives up or waits for: both ask for it, and the second sees the first."""
FLAW = "(flaw)"
"""Member of a record that came and cannot be used; it holds a `BadRecord`, which no JSON can."""
EVERYBODY = "(customers)"
"""Key of a record that stands for all users together, where something is wrong with how many they are."""
NUMBER = "(number)"
"""Member of that record: how many users flow."""
PARENT = "(parent)"
"""Member of a record for what the source found out of its parent: a `Parent`."""
GROUPS = "(groups)"
"""Member of a record for the IDs of the groups that its user is in, also of those that cannot be read."""
SCHEDULES = "(schedules)"
"""Member of a record for the price schedules of parties: a `PartySchedules`."""


class Parent(Struct, frozen=True):
    """The customer above another one.

    Args:
        external_id: of it.
        is_there: such a user flows.
        in_cycle: the users are above one another.
        children: how many customers have this parent; 0: not counted.
    """

    external_id: str
    is_there: bool = True
    in_cycle: bool = False
    children: int = 0


class CustomerDraft(Struct, frozen=True):
    """What the target should hold of one user, as far as the record itself tells.

    Args:
        key: external ID of the customer.
        named: what is mapped, by member of the API; None clears it. What is not named stays as it is at the site.
        username: of the user, which is unique in the marketplace; None: it has none.
        email: None: it has none that can be used.
        kept: external IDs of addresses that cannot be written: they stay as they are.
        kept_defaults: by member, the default address where that is one of these: it stays where we wrote it.
        soft: members that no mapping names: what somebody chose at the site stays.
        opening: members of the account that are sent with a creation alone.
        problems: of the record by itself.
        is_whole: whether it can be written at all; else all that the target holds of it stays as it is.
        parent_is_full: whether the parent has more customers below it than it may; None: nobody counted them.
    """

    key: str
    named: Mapping[str, Any] = {}
    username: str | None = None
    email: str | None = None
    kept: frozenset[str] = frozenset()
    kept_defaults: Mapping[str, str] = {}
    soft: frozenset[str] = frozenset()
    opening: Mapping[str, Any] = {}
    problems: tuple[RecordProblem, ...] = ()
    is_whole: bool = True
    parent_is_full: bool | None = None

    @property
    def parent(self) -> str | None:
        """External ID of the customer above it; None: there is none."""
        found = self.named.get("parent_customer_id")
        return found if isinstance(found, str) else None


class HeldCustomer(Struct, frozen=True):
    """What the target holds of a record as far as we wrote it.

    Args:
        external_id: under which it is there; None: nothing is there.
        own_id: SparkLayer's own ID of it; None: not known.
        named: what was written of what is mapped.
        extra: what was carried over beside it.
        username: of the user, by which a user is known who has another ID by now.
        is_gone: it was deactivated, as its user is gone.
        left: its user left the scope, and it stays as it is.
        was_lost: the site was seen to have nothing under its external ID.
        parent_id: SparkLayer's own ID of the parent that was written.
        full_parent: external ID of the parent that has more customers below it than it may, by the last walk.
    """

    external_id: str | None = None
    own_id: str | None = None
    named: Mapping[str, Any] = {}
    extra: Mapping[str, Any] = {}
    username: str | None = None
    is_gone: bool = False
    left: bool = False
    was_lost: bool = False
    parent_id: str | None = None
    full_parent: str | None = None

    @property
    def exists(self) -> bool:
        """Whether the target is thought to have it."""
        return self.external_id is not None

    @property
    def email(self) -> str | None:
        """The email under which it is there; None: it is not, so that somebody else may have that."""
        email = self.named.get("email")
        return email if isinstance(email, str) and not self.was_lost else None


_TEXTS = {
    "externalId": "external_id",
    "ownId": "own_id",
    "username": "username",
    "parentId": "parent_id",
    "fullParent": "full_parent",
}
_OBJECTS = {"named": "named", "extra": "extra"}
_FLAGS = {"gone": "is_gone", "left": "left", "lost": "was_lost"}


def held_to_json(held: HeldCustomer) -> dict[str, Any]:
    """Return it as JSON data; what is empty is left out."""
    members = {**_TEXTS, **_OBJECTS, **_FLAGS}
    found = {name: getattr(held, attribute) for name, attribute in members.items()}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items() if value}


def held_from_json(body: Mapping[str, Any]) -> HeldCustomer:
    """Return what `held_to_json` made of it.

    Raises:
        LedgerError: it did not make that.
    """
    found: dict[str, Any] = {}
    for types, members in (((str,), _TEXTS), ((dict,), _OBJECTS), ((bool,), _FLAGS)):
        for name, attribute in members.items():
            if (value := body.get(name)) is None:
                continue
            if not isinstance(value, types):
                raise LedgerError(
                    "The ledger is damaged: what the target holds of a customer is not as reconciler writes it",
                    next_step="Restore it from a backup, and see who else writes to it.",
                )
            found[attribute] = value
    return HeldCustomer(**found)


def email_name(email: str) -> tuple[str, str]:
    """Return the name that an email is: the same whatever its case."""
    return EMAIL, email.casefold()
