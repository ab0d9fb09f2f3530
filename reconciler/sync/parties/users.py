"""Scope of users: which of them flow, and so get price lists of their own. Every way in asks here. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from reconciler.sparklayer.kinds.data_sync.expressions import Expression, FailedExpression
from reconciler.sync.mapping.fields import Unfit, evaluated
from reconciler.sync.mapping.identity import CustomerKey
from reconciler.sync.mapping.values import text, text_or_none
from reconciler.sync.parties.scope import in_scope

_LATER = frozenset({"UserGroups", "Addresses"})


class Skip(StrEnum):
    """Why a user does not flow that could."""

    NO_EMAIL = "without an e-mail address"
    DEFAULT = "default users of API clients"
    WHERE = "not among those that customers.where names"
    BUYERS = "of buyers that customers.buyers does not name"


class UserScope(Struct, frozen=True):
    """What a manifest says of the users that flow.

    Args:
        buyers: patterns of buyer IDs whose users flow; none: all.
        where: only those flow for whom it is true; None: all.
        email: what a user's e-mail address is; None: its `Email`.
    """

    buyers: tuple[str, ...] = ()
    where: Expression | None = None
    email: Expression | None = None


def user_scope(customers: Mapping[str, Any]) -> UserScope:
    """Return what the section `customers` of a DataSync says of the users that flow.

    Args:
        customers: the section, in manifest terms; empty: there is none.
    """
    where, email = customers.get("where"), (customers.get("mapping") or {}).get("email")
    return UserScope(
        buyers=tuple(customers.get("buyers") or ()),
        where=None if where is None else Expression(where),
        email=None if email is None else Expression(email),
    )


def skipped(record: Mapping[str, Any], scope: UserScope, default_users: Collection[str]) -> Skip | None:
    """Return why a user does not flow; None where it does.

    Args:
        record: the user with its `CompanyID` and its `Buyer`.
        scope: of the DataSync.
        default_users: usernames of the users that API clients stand for, in lower case.
    """
    if not in_scope(text_or_none(record.get("CompanyID")) or "", scope.buyers):
        return Skip.BUYERS
    if (text_or_none(record.get("Username")) or "").casefold() in default_users:
        return Skip.DEFAULT
    try:
        if scope.where is not None and scope.where.search(about_user(record)) is not True:
            return Skip.WHERE
        return Skip.NO_EMAIL if email_of(record, scope.email) is None else None
    except (FailedExpression, Unfit):
        # The mapper tells: a user of whom nobody can say whether it flows is not taken for one that left.
        return None


def about_user(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `where`, `email` and `parentCustomerID` see: the user and its buyer, which are read first."""
    return {name: value for name, value in record.items() if name not in _LATER and not name.startswith("(")}


def email_of(record: Mapping[str, Any], expression: Expression | None) -> str | None:
    """Return the e-mail address of a user as it is there; None where it has none, so that it does not flow.

    Args:
        record: the user with its `Buyer`.
        expression: that the manifest maps it by; None: `Email` has it.

    Raises:
        Unfit: the mapping fails on it.
    """
    if expression is None:
        return text_or_none(record.get("Email"))
    buyer, user = (text_or_none(record.get(name)) or "" for name in ("CompanyID", "ID"))
    key = CustomerKey(buyer, user).external_id
    return evaluated(expression, "email", key, about_user(record), text, "text")
