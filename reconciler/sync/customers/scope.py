"""Scope of customers: which users flow. Every way in asks here, and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from reconciler.sparklayer.kinds.data_sync.expressions import FailedExpression
from reconciler.sync.customers.record import about_user, email_of
from reconciler.sync.customers.settings import CustomerSettings
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.values import text_or_none
from reconciler.sync.parties.scope import in_scope


class Skip(StrEnum):
    """Why a user does not flow that could."""

    NO_EMAIL = "without an e-mail address"
    DEFAULT = "default users of API clients"
    WHERE = "not among those that customers.where names"
    BUYERS = "of buyers that customers.buyers does not name"


def skipped(record: Mapping[str, Any], settings: CustomerSettings, default_users: Collection[str]) -> Skip | None:
    """Return why a user does not flow; None where it does.

    Args:
        record: the user with its `Buyer`.
        settings: of the DataSync.
        default_users: usernames of the users that API clients stand for, in lower case.
    """
    if not in_scope(text_or_none(record.get("CompanyID")) or "", settings.buyers):
        return Skip.BUYERS
    if (text_or_none(record.get("Username")) or "").casefold() in default_users:
        return Skip.DEFAULT
    try:
        if settings.where is not None and settings.where.search(about_user(record)) is not True:
            return Skip.WHERE
        return Skip.NO_EMAIL if email_of(record, settings) is None else None
    except (FailedExpression, Unfit):
        # The mapper tells: a user of whom nobody can say whether it flows is not taken for one that left.
        return None
