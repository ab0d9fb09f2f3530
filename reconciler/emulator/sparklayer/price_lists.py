"""SparkLayer's price lists and their rules, and the two ways to list them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from reconciler.emulator.sparklayer import models
from reconciler.emulator.sparklayer.problems import INVALID, TAKEN, UNKNOWN_ID
from reconciler.emulator.sparklayer.resource import Resource, Routes
from reconciler.emulator.sparklayer.site import JsonObject, Site
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

LISTS = "/api/v1/price-lists"
ONE = f"{LISTS}/{{slug}}"
_LIST = TypeAdapter(models.PriceList)
_LIST_PATCH = TypeAdapter(models.PriceListPatch)
_LARGEST_PAGE = 250
_MOST_LISTED = 25_000
_NUMBERS = ("adjustment_percentage", "currency_exchange_rate")
_STAMPS = ("created_at", "updated_at")


class PriceLists(Resource):
    """Price lists without their prices."""

    def routes(self) -> Routes:
        """See `Resource`."""
        return (
            ("GET", "/api/v2/price-lists", self._page),
            ("GET", LISTS, self._list),
            ("POST", LISTS, self._create),
            ("GET", ONE, self._get),
            ("PATCH", ONE, self._patch),
            ("DELETE", ONE, self._delete),
        )

    def _page(self, site: Site, request: Request) -> Answer:
        params = dict(request.params)
        page = self._number(params, "page", 1, None)
        size = self._number(params, "page_size", 100, _LARGEST_PAGE)
        found = self._ordered(list(site.price_lists.values()), params.get("order_by", "name:asc"))
        if "source" in params:
            sources = params["source"].split(",")
            found = [each for each in found if each["source"] in sources]
        about = {
            "total": len(found),
            "per_page": size,
            "current_page": page,
            "total_pages": max(1, -(-len(found) // size)),
        }
        data = [self._listed(each) for each in found[(page - 1) * size : page * size]]
        return json_answer({"data": data, "pagination": about})

    def _number(self, params: dict[str, str], name: str, default: int, largest: int | None) -> int:
        text = params.get(name, str(default))
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if number < 1 or (largest is not None and number > largest):
            raise self._problems.refuse(400, f"{name} is out of range.", INVALID, name)
        return number

    def _ordered(self, lists: list[JsonObject], order: str) -> list[JsonObject]:
        member, _, direction = order.partition(":")
        if member not in ("slug", "name", "currency_code", "source", *_STAMPS) or direction not in ("", "asc", "desc"):
            raise self._problems.refuse(400, f"Cannot order by {order}.", INVALID, "order_by")
        return sorted(lists, key=lambda each: (each[member], each["slug"]), reverse=direction == "desc")

    def _list(self, site: Site, _request: Request) -> Answer:
        found = self._ordered(list(site.price_lists.values()), "name:asc")[:_MOST_LISTED]
        return json_answer([self._listed(each) for each in found])

    def _create(self, site: Site, request: Request) -> Answer:
        sent: models.PriceList = self._problems.body(request, _LIST)
        if sent.slug in site.price_lists:
            raise self._problems.refuse(400, f"The slug {sent.slug} is taken.", TAKEN, "slug")
        self._check_rules(site, sent, sent.slug)
        stamps = dict.fromkeys(_STAMPS, site.now)
        # inferred: what is left out is false and without rules.
        defaults: dict[str, Any] = {"source": "custom", "tax_inclusive_display": False, "rules": []}
        site.price_lists[sent.slug] = {**defaults, **sent.model_dump(exclude_none=True), **stamps}
        return json_answer(self._shown(site.price_lists[sent.slug]), int(self._state.switches.spark_created_status))

    def _get(self, site: Site, request: Request) -> Answer:
        return json_answer(self._shown(self.found(site, request.ids["slug"])))

    def _patch(self, site: Site, request: Request) -> Answer:
        stored = self.found(site, request.ids["slug"])
        # documented: slug and source are fixed; that they are ignored when sent is inferred.
        sent: models.PriceListPatch = self._problems.body(request, _LIST_PATCH)
        self._check_rules(site, sent, stored["slug"])
        stored.update(sent.model_dump(exclude_none=True), updated_at=site.now)
        # inferred: the status; see the switch.
        return NO_CONTENT if self._state.switches.spark_price_list_patch == "204" else json_answer(self._shown(stored))

    def _delete(self, site: Site, request: Request) -> Answer:
        slug = self.found(site, request.ids["slug"])["slug"]
        users = [name for name, each in site.price_lists.items() if name != slug and slug in _sources(each)]
        if users:
            # inferred: that a list which rules derive from cannot go, and the status.
            raise self._problems.refuse(409, f"It is used by {', '.join(users[:5])}.")
        del site.price_lists[slug]
        site.prices.pop(slug, None)
        return NO_CONTENT

    def found(self, site: Site, slug: str) -> JsonObject:
        """Return a price list.

        Raises:
            Refusal: 404.
        """
        if slug not in site.price_lists:
            raise self._problems.not_found("Price list", slug)
        return site.price_lists[slug]

    def _check_rules(self, site: Site, sent: models.PriceListPatch, slug: str) -> None:
        for index, rule in enumerate(sent.rules or ()):
            source = rule.source_price_list_slug
            if source == slug or source not in site.price_lists:
                where = f"rules.{index}.source_price_list_slug"
                raise self._problems.refuse(400, f"There is no price list {source}.", UNKNOWN_ID, where)

    def _listed(self, price_list: JsonObject) -> JsonObject:
        shown = self._shown(price_list)
        # inferred: that a listed one has its rules; see the switch.
        if self._state.switches.spark_listed_rules == "absent":
            del shown["rules"]
        return shown

    def _shown(self, price_list: JsonObject) -> JsonObject:
        shown = {name: value for name, value in price_list.items() if name not in _STAMPS}
        # inferred: that numbers in rules are numbers; see the switch.
        if self._state.switches.spark_rule_numbers == "text":
            shown["rules"] = [
                {name: str(value) if name in _NUMBERS else value for name, value in rule.items()}
                for rule in shown["rules"]
            ]
        if self._state.switches.spark_unset_members == "null":
            shown["rules"] = [dict.fromkeys(_NUMBERS) | rule for rule in shown["rules"]]
        return shown


def _sources(price_list: JsonObject) -> set[str]:
    return {rule["source_price_list_slug"] for rule in price_list["rules"]}
