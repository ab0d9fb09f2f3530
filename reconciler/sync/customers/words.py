"""What a merchant reads of a customer that cannot be written as it should be."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.words import counted

UNREAD = (
    "SparkLayer has a customer with this external ID or e-mail address already, and does not show what it holds: to "
    "write it would clear its addresses, lists, discount and terms. customers.overwriteUnread in the DataSync allows "
    "that."
)
BALANCE_UNREAD = (
    "SparkLayer does not show the balance of this customer's account, and to write the customer may clear it. "
    "customers.overwriteUnread in the DataSync allows that."
)
ARCHIVED = (
    "It is the primary customer of a company: SparkLayer archived it instead of deleting it. Give its sub-accounts "
    "another parent to be rid of it."
)


def refused(why: str, role: str | None) -> str:
    """Return what is told of a customer that the API refused.

    Args:
        why: what the API says.
        role: that is mapped. It has to exist at the site (documented), and no published operation lists the roles.
    """
    also = "" if role is None else f". It takes no role that it does not have, and the customer's is {role[:60]}"
    return f"SparkLayer refused the customer: {why.rstrip('.') if also else why}{also}"


def unknown_list(slug: str) -> str:
    """Return what is told of a price list that is not there."""
    return f"The site has no price list {slug}, and would take the customer without a word. Create it, or correct it."


def missing_parent(external_id: str) -> str:
    """Return what is told of a parent that is not there."""
    return f"There is no customer {external_id} at SparkLayer, which is mapped as the parent. Correct the parent."


def unshown(replaced: int, uncompared: int) -> Iterator[str]:
    """Yield what is told of customers of ours that the site does not show.

    Args:
        replaced: how many are replaced by what we wrote.
        uncompared: how many of these a run that compares could not compare.
    """
    if replaced:
        verb = "is" if replaced == 1 else "are"
        why = "this site does not show what others changed there"
        yield f"{counted(replaced, 'customer')} {verb} replaced by what we wrote: {why}"
    if uncompared:
        verb = "is" if uncompared == 1 else "are"
        why = "nothing there can be compared"
        yield f"{counted(uncompared, 'customer')} {verb} written though nothing may differ: {why}"
