"""Evaluation of a mapping's expressions on the record of a customer, and the types of what they give. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from reconciler.sparklayer.kinds.data_sync.expressions import CostlyExpression, Expression, FailedExpression
from reconciler.sync.customers.limits import MOST_PERCENT
from reconciler.sync.mapping.fields import Unfit
from reconciler.sync.mapping.values import Misfit, number, text

ValueT = TypeVar("ValueT")


def evaluated(
    expression: Expression,
    key: str,
    external_id: str,
    record: Mapping[str, Any],
    convert: Callable[[Any], ValueT | None],
    expected: str,
) -> ValueT | None:
    """Return what an expression of the mapping gives on a record.

    Args:
        expression: of the mapping.
        key: its key, for messages.
        external_id: of the customer.
        record: what the expression sees.
        convert: turns the result into a value, or raises `Misfit`.
        expected: what it has to be, for messages.

    Raises:
        Unfit: it fails, or gives something else.
    """
    try:
        return convert(expression.search(record))
    except FailedExpression as error:
        code = "costly-mapping" if isinstance(error, CostlyExpression) else "bad-mapping"
        raise Unfit(external_id, code, f"The mapping of {key} fails on this record: {error}") from None
    except Misfit as misfit:
        message = f"The mapping of {key} gives {misfit.shown}, which is no {expected}."
        raise Unfit(external_id, "bad-mapping", message) from None


def flag(value: Any) -> bool | None:
    """Return a truth value, or None for null; raises Misfit."""
    if value is None or isinstance(value, bool):
        return value
    raise Misfit(value)


def texts(value: Any) -> list[str] | None:
    """Return a list of texts, each once, or None for null; one text is a list of it. Raises Misfit."""
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    found = [text(item) for item in listed]
    return list(dict.fromkeys(item for item in found if item is not None))


def percentage(value: Any) -> Decimal | None:
    """Return percent points from 0 to 100, or None for null; raises Misfit."""
    found = number(value)
    if found is not None and not 0 <= found <= MOST_PERCENT:
        raise Misfit(value)
    return found


def account(value: Any) -> dict[str, Any] | None:
    """Return an object as it is, or None for null; raises Misfit."""
    if value is None or isinstance(value, dict):
        return value
    raise Misfit(value)
