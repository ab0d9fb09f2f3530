"""What a mapping's expressions give on a record and on the variants of a product, and what keeps it from counting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from reconciler.sparklayer.kinds.data_sync.expressions import CostlyExpression, Expression, FailedExpression
from reconciler.sync.mapping.rules import MappingRules
from reconciler.sync.mapping.values import Found, Misfit, View, objects, text_or_none
from reconciler.sync.problem import RecordProblem

ValueT = TypeVar("ValueT")


class Unfit(Exception):
    """What keeps a member from being mapped.

    Args:
        external_id: of the record where it stands.
        code: of the problem.
        message: for the merchant.
    """

    def __init__(self, external_id: str, code: str, message: str) -> None:
        super().__init__(message)
        self.external_id = external_id
        self.code = code
        self.message = message

    def problem(self, part: str) -> RecordProblem:
        """Return it as a problem of a part."""
        return RecordProblem(self.external_id, part, self.code, self.message)


class Item(Struct, frozen=True):
    """One variant to be mapped.

    Args:
        external_id: of the variant.
        views: the variant, then its product; of a product without variants only the product.
        position: its place in the API's list, from 1.
    """

    external_id: str
    views: tuple[View, ...]
    position: int

    @property
    def own(self) -> View:
        """The variant; of a product without variants the product."""
        return self.views[0]

    @property
    def product(self) -> View:
        """The product."""
        return self.views[-1]


class Context(Struct, frozen=True):
    """What the variants of a product have in common.

    Args:
        rules: the mapping.
        schedule: the default price schedule; empty where there is none.
        currency: of recommended prices; None: not known.
    """

    rules: MappingRules
    schedule: Mapping[str, Any]
    currency: str | None


def items_of(product: View) -> Iterator[Item]:
    """Yield the variants of a product; a product without any is its own.

    A variant without an ID has the external ID of its product with nothing behind the slash.
    """
    variants = objects(product.data.get("Variants"))
    if not variants:
        yield Item(product.external_id, (product,), 1)
    for position, variant in enumerate(variants, 1):
        external_id = f"{product.external_id}/{text_or_none(variant.get('ID')) or ''}"
        yield Item(external_id, (View(external_id, variant), product), position)


def mapped(
    expression: Expression,
    key: str,
    views: Sequence[View],
    convert: Callable[[Any], ValueT | None],
    expected: str,
    *,
    code: str = "bad-mapping",
    product: View | None = None,
) -> Found[ValueT] | None:
    """Return what an expression gives, on the first view where that is not null.

    Args:
        expression: of the mapping.
        key: its key, for messages.
        views: where to try it.
        convert: turns the result into a value, or raises `Misfit`.
        expected: what it has to be, for messages.
        code: of the problem where it is something else.
        product: what the expression sees as `Product`; None: the last of the views.

    Raises:
        Unfit: it fails, or gives something else.
    """
    seen = (views[-1] if product is None else product).data
    for view in views:
        record = {**view.data, "Product": seen}
        value = evaluated(expression, key, view.external_id, record, convert, expected, code=code)
        if value is not None:
            return Found(value, view.external_id)
    return None


def evaluated(
    expression: Expression,
    key: str,
    external_id: str,
    record: Mapping[str, Any],
    convert: Callable[[Any], ValueT | None],
    expected: str,
    *,
    code: str = "bad-mapping",
) -> ValueT | None:
    """Return what an expression of the mapping gives on a record.

    Args:
        expression: of the mapping.
        key: its key, for messages.
        external_id: of the record.
        record: what the expression sees.
        convert: turns the result into a value, or raises `Misfit`.
        expected: what it has to be, for messages.
        code: of the problem where it is something else.

    Raises:
        Unfit: it fails, or gives something else.
    """
    try:
        return convert(expression.search(record))
    except FailedExpression as error:
        kind = "costly-mapping" if isinstance(error, CostlyExpression) else "bad-mapping"
        raise Unfit(external_id, kind, f"The mapping of {key} fails on this record: {error}") from None
    except Misfit as misfit:
        message = f"The mapping of {key} gives {misfit.shown}, which is no {expected}."
        raise Unfit(external_id, code, message) from None


def check(external_id: str, fault: str | None) -> None:
    """Let a value through that is within its limits.

    Args:
        external_id: of the product or variant where it stands.
        fault: what is wrong with it; None: nothing.

    Raises:
        Unfit: something is.
    """
    if fault is not None:
        raise Unfit(external_id, "over-limit", fault)
