"""Mapping of variants, member by member, as docs/sync.md says; and what a discontinued one is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from reconciler.kind.connection import Wire
from reconciler.sync.mapping.fields import Context, Item, Unfit, check, mapped
from reconciler.sync.mapping.limits import out_of_range, too_long
from reconciler.sync.mapping.values import (
    Found,
    Misfit,
    View,
    first,
    json_number,
    mapping,
    number,
    objects,
    rounded,
    text,
    text_or_none,
)
from reconciler.sync.products.b2b import rrp, settings

STATUSES = ("live", "suspended", "pending", "discontinued")


def body_of(item: Item, sku: str, context: Context) -> tuple[Wire, list[Unfit]]:
    """Return the body of a variant, and what is wrong with it; where anything is, the body must not be used."""
    body: Wire = {"external_id": item.external_id, "sku": sku}
    faults: list[Unfit] = []
    for name, make in _MEMBERS:
        try:
            value = make(item, context)
        except Unfit as fault:
            faults.append(fault)
        else:
            if value is not None:
                body[name] = value
    if body.get("status") == "discontinued":
        body = discontinued(item.external_id)
    return body, faults


def discontinued(external_id: str) -> Wire:
    """Return the body of a variant that is no longer sold. Nothing else of it is compared or written."""
    return {"external_id": external_id, "status": "discontinued"}


def _weight(item: Item, context: Context) -> int | None:
    rules = context.rules
    expression = rules.expressions.get("variants.weightInGrams")
    grams: Found[Decimal] | None
    if expression is not None:
        key = "variants.weightInGrams"
        grams = mapped(expression, key, item.views, number, "number of grams", code="weight-not-a-number")
        where = f"what {key} is mapped to"
    else:
        where = "xp.weight"
        try:
            grams = first(item.views, lambda view: view.xp.get("weight"), number)
        except Misfit as misfit:
            message = f"The weight {misfit.shown} is no number of grams. Correct xp.weight."
            raise Unfit(misfit.external_id, "weight-not-a-number", message) from None
        if grams is None:
            shipped = first(item.views, lambda view: view.data.get("ShipWeight"), json_number)
            where = "ShipWeight"
            grams = None if shipped is None else Found(shipped.value * rules.grams, shipped.external_id)
    if grams is None:
        return None
    if grams.value < 0:
        raise Unfit(grams.external_id, "weight-not-a-number", f"The weight is less than 0. Correct {where}.")
    check(grams.external_id, out_of_range("weight", grams.value))
    return int(rounded(grams.value, 0))


def _position(item: Item, context: Context) -> int:
    expression = context.rules.expressions.get("variants.position")
    if expression is None:
        return item.position
    found = mapped(expression, "variants.position", item.views, _whole, "whole number")
    if found is None:
        return item.position
    check(found.external_id, out_of_range("position", found.value))
    return found.value


def _image(item: Item, context: Context) -> str | None:
    expression = context.rules.expressions.get("variants.cartImageUrl")
    if expression is not None:
        found = mapped(expression, "variants.cartImageUrl", item.views, _url, "http(s) URL")
    else:
        found = next((Found(url, view.external_id) for view in item.views for url in _images(view)), None)
    if found is None:
        return None
    check(found.external_id, too_long("image URL", found.value))
    return found.value


def _images(view: View) -> Iterator[str]:
    images = view.xp.get("Images")
    image = mapping(images[0]) if isinstance(images, list) and images else {}
    for name in ("Url", "url", "ThumbnailUrl"):
        url = image.get(name)
        if isinstance(url, str) and _is_url(text_or_none(url)):
            yield url.strip()


def _is_url(value: str | None) -> bool:
    return value is not None and value.lower().startswith(("http://", "https://"))


def _url(value: Any) -> str | None:
    url = text(value)
    if url is not None and not _is_url(url):
        raise Misfit(value)
    return url


def _whole(value: Any) -> int | None:
    found = number(value)
    if found is not None and found != found.to_integral_value():
        raise Misfit(value)
    return None if found is None else int(found)


def _options(item: Item, context: Context) -> list[Wire] | None:
    expression = context.rules.expressions.get("variants.options")
    if expression is not None:
        found = mapped(
            expression,
            "variants.options",
            item.views[:1],
            _option_list,
            "list of group and value",
            product=item.product,
        )
        options = found.value if found is not None else {}
    else:
        options = _spec_options(item.own)
    for group, value in options.items():
        check(item.external_id, too_long("option group", group) or too_long("option value", value))
    return [{"group": group, "value": value} for group, value in options.items()] or None


def _spec_options(view: View) -> dict[str, str]:
    options: dict[str, str] = {}
    for spec in objects(view.data.get("Specs")):
        group = text_or_none(spec.get("Name"))
        if group is None or group in options:
            group = text_or_none(spec.get("SpecID"))
        value = text_or_none(spec.get("Value")) or text_or_none(spec.get("OptionID"))
        if group is not None and value is not None and group not in options:
            options[group] = value
    return options


def _option_list(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    pairs: list[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        pairs = [(entry.get("group"), entry.get("value")) for entry in value]
    else:
        raise Misfit(value)
    options: dict[str, str] = {}
    for group, option in ((text(group), text(option)) for group, option in pairs):
        if group is not None and option is not None:
            options.setdefault(group, option)
    return options


def _status(item: Item, context: Context) -> str:
    expression = context.rules.expressions.get("variants.status")
    if expression is not None:
        found = mapped(expression, "variants.status", item.views, _status_word, f"status ({', '.join(STATUSES)})")
        if found is not None:
            return found.value
    return "live" if all(view.data.get("Active") is True for view in item.views) else "suspended"


def _status_word(value: Any) -> str | None:
    word = text(value)
    if word is not None and word not in STATUSES:
        raise Misfit(value)
    return word


_MEMBERS: tuple[tuple[str, Callable[[Item, Context], Any]], ...] = (
    ("weight_in_grams", _weight),
    ("position", _position),
    ("cart_image_url", _image),
    ("rrp", rrp),
    ("options", _options),
    ("status", _status),
    ("settings", settings),
)
