"""DataSync: the flow of records to a site. It has no live object but its sync log; the ledger remembers it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.errors import Conflict, Problem, Rejected
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, ManifestView, Observed, Refusal, Volume
from reconciler.kind.semantics import Risk, State
from reconciler.sparklayer.kinds.data_sync.amounts import (
    OF_PRODUCTS,
    PRODUCTS,
    SECTIONS,
    amounts,
    costs,
    flowing,
    words_of,
)
from reconciler.sparklayer.kinds.data_sync.cost import PARTY_PRICES, touched
from reconciler.sparklayer.kinds.data_sync.spec import DataSyncSpec
from reconciler.sparklayer.kinds.price_list import PriceListKind
from reconciler.sparklayer.sync_log import clear_every_log

_PRICE_LIST_NAME = "OrderCloud Price"
_OVERWRITES = (
    "a customer that the site does not show would be replaced by what is mapped, and lose its other addresses, lists, "
    "discount and terms (customers.overwriteUnread); `reconciler sync errors` counts them, as `unread` and "
    "`balance-unread`; override when that is meant"
)


class DataSyncKind(Kind[DataSyncSpec]):
    """A data sync, by the name of its integration. What it needs at the site is the price list."""

    name = "DataSync"
    api = "sparklayer"
    spec = DataSyncSpec
    summary = "What flows from OrderCloud to SparkLayer, how often, and how it is mapped. `sync` commands carry it out."
    create_risk = Risk.RE_SYNCS
    delete_risk = Risk.STOPS_SYNC
    delete_limits = "what it wrote stays as it is, and so does its sync log; `reconciler sync-log clear` wipes that"
    readable = False
    unverified = "recorded in the ledger; runs go by it from now on"

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return str(state.get("integration") or DataSyncSpec.model_fields["integration"].default)

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return None

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        await _ensure_price_list(writer, body)
        return None

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        await _ensure_price_list(writer, body)
        return None

    async def delete(self, writer: Writer, live_id: str) -> None:
        """Do nothing: there is no such object at the API."""

    async def remove(self, writer: Writer, live_id: str, desired: State) -> None:
        """Clear the sync logs of the site where the manifest says so; more there is not to delete."""
        if _logs_on_remove(desired) == "clear":
            await clear_every_log(writer)

    def delete_remarks(self, desired: State, volume: Volume | None) -> Iterable[str]:
        if discontinues_on_remove(desired):
            yield _discontinued(desired["maxDeletePercent"], volume)
        stays = [name for name in flowing(desired) if not (discontinues_on_remove(desired) and name in OF_PRODUCTS)]
        if stays or not discontinues_on_remove(desired):
            yield f"the {words_of(stays or OF_PRODUCTS)} that it wrote stay as they are"
        if _logs_on_remove(desired) == "clear":
            yield (
                "the sync logs of every integration and data type of the site are cleared, as the API clears all of "
                "them or none"
            )
        else:
            yield "its sync log stays as it is; `reconciler sync-log clear` wipes the logs of the whole site"

    def leaves(self, desired: State, observed: State) -> State | None:
        return {**observed, **{name: desired[name] for name in ("onRemove", "maxDeletePercent") if name in desired}}

    def delete_refusals(self, desired: State) -> Iterable[str]:
        if _logs_on_remove(desired) is None:
            yield (
                "its sync log would stand before merchants for ever, and the API clears the logs of every integration "
                "of the site or none; write onRemove: {logs: clear} or {logs: keep}"
            )

    def create_refusals(self, desired: State) -> Iterable[Refusal]:
        if (desired.get("customers") or {}).get("overwriteUnread"):
            yield Refusal("loses-data", _OVERWRITES)

    def refusals(
        self, desired: State, observed: Observed, changed: frozenset[str], ignored: frozenset[str]
    ) -> Iterable[Refusal]:
        """Refuse to begin replacing customers that nobody can read."""
        if not (observed.state.get("customers") or {}).get("overwriteUnread"):
            yield from self.create_refusals(desired)

    def create_body(self, state: State) -> Wire:
        return {name: state[name] for name in ("pricing", "currency") if name in state}

    def update_body(self, desired: State, observed: Observed, changed: frozenset[str]) -> Wire:
        return self.create_body(desired)

    def remarks(self, desired: State, observed: Observed | None, changed: frozenset[str]) -> Iterable[str]:
        yield from costs(desired)
        if observed is None or touched(changed):
            yield "a full sync is due once it is applied: `reconciler sync run` does it"
        if observed is not None and (left := _narrowed(observed.state, desired)):
            yield left
        if left := _replaced_group_lists(desired):
            yield left
        before, after = (_price_list(state) for state in (observed.state if observed else {}, desired))
        if before is not None and after != before:
            yield (
                f"the prices on the price list {before[:60]} stay as they are; "
                f"`reconciler sync run --clear-list {before[:60]}` removes them"
            )

    def resends(self, desired: State, observed: Observed, changed: frozenset[str], volume: Volume | None) -> str | None:
        now, again = flowing(desired), touched(changed)
        gone = [name for name in flowing(observed.state) if name not in now]
        said = [f"sends no more {words_of(gone)}: what was written stays, and grows old"] if gone else []
        if sections := [name for name in now if name in again]:
            said.append(f"sends again what differs of {amounts(sections, volume)}")
        return "; ".join(said) or None

    def sends(self, desired: State, volume: Volume | None) -> str | None:
        sections = flowing(desired)
        return f"sends all records that are in scope, as {amounts(sections, volume)}" if sections else None

    def check(self, manifests: Sequence[ManifestView]) -> Iterable[Problem]:
        present = [manifest for manifest in manifests if not manifest.absent]
        lists = {name for each in present if each.kind == "PriceList" for name in (each.name, each.spec.slug)}
        for manifest in present:
            if manifest.kind == self.name:
                yield from _check(manifest, lists)


def _check(manifest: ManifestView, lists: Collection[str | None]) -> Iterator[Problem]:
    spec: DataSyncSpec = manifest.spec
    if all(getattr(spec, section) is None for section in SECTIONS):
        message = f"DataSync {manifest.name}: nothing flows, as it has none of {', '.join(SECTIONS)}"
        yield Problem("missing-field", message, manifest.place(), hint="Add at least one of them; {} will do.")
    if spec.stock is not None and not spec.stock.locations and spec.stock.default is None:
        message = f"DataSync {manifest.name}: spec.stock has neither locations nor default, so stock has nowhere to go"
        yield Problem("missing-field", message, manifest.place("stock"), hint="Add one of them, or both.")
    if spec.pricing is not None and spec.currency is None and spec.pricing.price_list not in lists:
        name = spec.pricing.price_list[:60]
        yield Problem(
            "no-list-currency",
            f"DataSync {manifest.name}: no manifest names the price list {name}, and without currency it cannot be "
            "created",
            manifest.place("pricing"),
            name,
            "Add currency, or a PriceList manifest of that name.",
        )


def discontinues_on_remove(state: Mapping[str, Any]) -> bool:
    """Whether products are discontinued once a DataSync of this state was applied as absent."""
    return (state.get("onRemove") or {}).get("products") == "discontinue"


def _discontinued(percent: float, volume: Volume | None) -> str:
    """Say what is discontinued by a removal, and whether the limit of a day lets it."""
    records = None if volume is None else volume.records.get(PRODUCTS)
    if records is None:
        return "there is nothing to discontinue: no run has written anything yet"
    allowed = max(1, int(records * percent / 100)) if percent else 0
    what = f"{records:,} {'product is' if records == 1 else 'products are'} discontinued"
    words = f"{what}, and their stock and prices removed, by the next `reconciler sync run` of it: keep the manifest"
    if records <= allowed:
        return words
    return (
        f"{words}; maxDeletePercent ({percent:g} %) allows {allowed:,} in 24 h, so that it takes --override "
        "maxDeletePercent --reason TEXT, or maxDeletePercent: 100 in the manifest"
    )


def _logs_on_remove(state: Mapping[str, Any]) -> str | None:
    found: str | None = (state.get("onRemove") or {}).get("logs")
    return found


def _narrowed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Say what becomes of the products that a change takes out of the scope; None where it takes out none."""
    if not ("products" in before and "products" in after):
        return None
    old, new = (state["products"].get("catalogs") for state in (before, after))
    if not new or (old and not set(old) - set(new)):
        return None
    return (
        f"what is in none of the catalogs {', '.join(new)[:200]} is discontinued by the full sync; where that is more "
        f"than maxDeletePercent allows ({after['maxDeletePercent']:g} %), it stops, and nothing is"
    )


def _replaced_group_lists(state: Mapping[str, Any]) -> str | None:
    """Say whose prices a customer's own list replaces; None where no customer gets one, or no group has lists."""
    named: Mapping[str, Sequence[str]] = (state.get("customers") or {}).get("groupPriceLists") or {}
    groups = [f"{group} ({', '.join(lists)})" for group, lists in sorted(named.items()) if lists]
    if not groups or PARTY_PRICES not in flowing(state):
        return None
    return (
        f"a customer with prices of its own does not see the lists of its customer group any more, as its own list "
        f"replaces them: {', '.join(groups)[:300]}; a customer without has the group's"
    )


def _price_list(state: Mapping[str, Any]) -> str | None:
    found: str | None = (state.get("pricing") or {}).get("priceList")
    return found


async def _ensure_price_list(writer: Writer, body: Wire) -> None:
    """Create the price list that prices go to where there is none.

    Raises:
        Rejected: it cannot be created, or the API refuses it.
    """
    if "pricing" not in body:
        return
    slug = str(body["pricing"]["priceList"])
    kind = PriceListKind()
    if await kind.read_one(writer, slug) is not None:
        return
    if "currency" not in body:
        raise Rejected(
            f"there is no price list {slug}, and the DataSync has no currency to create it in",
            next_step="Add currency to the DataSync, or a PriceList manifest.",
        )
    wanted = {"name": _PRICE_LIST_NAME, "currency_code": body["currency"], "source": "integration"}
    try:
        await kind.create(writer, slug, wanted)
    except (Conflict, Rejected):
        # Somebody else may have made it meanwhile.
        if await kind.read_one(writer, slug) is None:
            raise
