"""Store: base currency and settings of a site (`/api/v1/settings`, `/api/v1/store-currency`).

Settings can be read where the credentials may, but for those that hold authentication details; whether the base
currency is among them is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field

from reconciler.errors import ApiError, Conflict
from reconciler.kind.connection import Json, Reader, Wire, Writer
from reconciler.kind.kind import Kind, Observed, Seen, Survey
from reconciler.kind.semantics import FieldSemantics, State
from reconciler.sparklayer.kinds.spec import SparkLayerSpec, as_wire, impossible
from reconciler.sparklayer.reasons import NO_SETTINGS
from reconciler.words import listed

CURRENCY_PATH = "api/v1/store-currency"
SETTINGS_PATH = "api/v1/settings"
_CURRENCY_STEP = (
    "The site has another base currency, and that is for good: write that one, or leave baseCurrency out of the Store."
)
_SETTINGS_STEP = (
    "An API key made in the Dashboard may not write settings: take `settings` out of the Store, or ask SparkLayer's "
    "support."
)
# legacy: the key of the base currency among the settings.
BASE_CURRENCY = "baseCurrency"
_STORE = "store"
_SAMPLE = 100
_CODE = re.compile("[A-Z]{3}")
_NOT_THIS_WAY = (400, 403, 404, 405, 422)
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class StoreSpec(SparkLayerSpec):
    """A site's base currency and settings."""

    base_currency: Annotated[CurrencyCode, FieldSemantics(immutable=True, wire="currency_code")] | None = Field(
        default=None, description="ISO 4217. Once a site has one, the API changes it no more. Left out: not touched."
    )
    settings: dict[str, Any] = Field(
        default={}, description="Setting keys and their values, from SparkLayer's list. Those left out are not touched."
    )


class StoreKind(Kind[StoreSpec]):
    """What is set for a whole site. Of what the API does not show, the ledger says what was set last."""

    name = "Store"
    api = "sparklayer"
    spec = StoreSpec
    summary = "Base currency and settings of the site. What the API does not show is compared with what was applied."
    deletable = False
    readable = False
    shown_in_part = True
    unverified = "the API accepted it; the next plan compares what it shows"

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return _STORE

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        """Read the settings; nothing where the credentials may not. documented: by key and value."""
        try:
            answer = await reader.get(SETTINGS_PATH)
        except ApiError as error:
            if _is_closed(error):
                return {}
            raise
        return {_STORE: {"settings": _by_key(answer)}}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return (await self.read(reader)).get(live_id)

    def seen(self, desired: State, remembered: State | None, shown: Observed | None, *, lasting: bool) -> Seen | None:
        """See `Kind`. Of what is shown, the keys that the manifest names; of the others no value is kept.

        Where it shows none of them, it is as if it showed nothing.
        """
        live = {} if shown is None else shown.state["settings"]
        if live.keys().isdisjoint({*desired["settings"], BASE_CURRENCY}):
            return None
        before = remembered or {}
        settings = {**before.get("settings", {}), **{key: live[key] for key in desired["settings"] if key in live}}
        state = {name: value for name, value in before.items() if name == "baseCurrency"}
        hidden = [f"settings.{key}" for key in desired["settings"] if key not in live]
        if isinstance(live.get(BASE_CURRENCY), str):
            state["baseCurrency"] = live[BASE_CURRENCY]
        elif "baseCurrency" in desired:
            hidden.append("baseCurrency")
        if not lasting:
            # Nothing will be remembered: what cannot be compared would be sent by every apply.
            unknown = {key: value for key, value in desired["settings"].items() if key not in settings}
            settings |= unknown
            if "baseCurrency" in desired:
                state.setdefault("baseCurrency", desired["baseCurrency"])
        return Seen({**state, "settings": settings}, _words(hidden, remembered is not None, lasting))

    def survey(self, desired: State) -> Survey | None:
        """See `Kind`: whether most prices of the marketplace are in another currency than the site."""
        return Survey("ordercloud", ("PriceScheduleReader",), _currencies) if desired.get("baseCurrency") else None

    def access_words(self, wires: Mapping[str, Wire]) -> str:
        if not wires:
            return "settings cannot be read with this key: Store is compared with what was applied"
        settings = wires[_STORE]["settings"]
        currency = settings.get(BASE_CURRENCY)
        among = f"the base currency {currency} among them" if isinstance(currency, str) else "without the base currency"
        return f"{len(settings)} settings can be read, {among}"

    async def create(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return await _set(writer, body)

    async def update(self, writer: Writer, live_id: str, body: Wire) -> Wire | None:
        return await _set(writer, body)

    async def delete(self, writer: Writer, live_id: str) -> None:
        raise impossible("delete a store")

    def update_body(self, desired: State, observed: Observed, changed: frozenset[str]) -> Wire:
        """Return what is set to another value; what is no longer named cannot be taken back."""
        before = observed.state.get("settings", {})
        settings = {key: value for key, value in desired["settings"].items() if before.get(key) != value}
        body: Wire = {"settings": settings} if settings else {}
        if "baseCurrency" in changed and "baseCurrency" in desired:
            body["currency_code"] = desired["baseCurrency"]
        return body

    def remarks(self, desired: State, observed: Observed | None, changed: frozenset[str]) -> Iterable[str]:
        if "baseCurrency" in desired and (observed is None or "baseCurrency" not in observed.state):
            yield "baseCurrency: if the site already has another one, the API will refuse this one"
        if "baseCurrency" in changed and "baseCurrency" not in desired:
            yield "baseCurrency: the API cannot take it back; the site keeps it"
        before = observed.state.get("settings", {}) if observed is not None else {}
        for key in sorted(before.keys() - desired["settings"].keys()):
            yield f"settings.{key}: the API cannot take a setting back; it keeps the value that was set last"


def _words(hidden: Sequence[str], remembered: bool, lasting: bool) -> str:
    """Return what a store is compared with."""
    if not hidden:
        return "it is compared with what the API shows"
    shown = f"the site does not show {listed(hidden)}, which cannot be compared"
    if remembered:
        return f"{shown}: what was applied stands for that"
    return f"{shown}: that is sent" if lasting else f"{shown}, and without a lasting ledger is not sent"


def _is_closed(error: ApiError) -> bool:
    """Whether settings are nothing for these credentials. inferred: a 403, a 404, or the documented sentence."""
    return error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) or NO_SETTINGS in error.message


def _by_key(answer: Json) -> dict[str, Any]:
    pairs = answer if isinstance(answer, list) else []
    return {
        pair["key"]: pair.get("value") for pair in pairs if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


async def _set(writer: Writer, body: Wire) -> Wire | None:
    """Send the currency, then the settings; each sets a value, so that sending it twice does no harm."""
    answer: Wire | None = None
    if "currency_code" in body:
        try:
            answer = await _set_currency(writer, body["currency_code"])
        except Conflict as error:
            error.next_step = _CURRENCY_STEP  # planning again may show no more
            raise
    settings = body.get("settings")
    if settings:
        pairs = [{"key": key, "value": value} for key, value in settings.items()]
        try:
            await writer.patch(SETTINGS_PATH, pairs)
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                error.next_step = _SETTINGS_STEP  # the answer may have no body that says so
            if "currency_code" in body:
                error.message = f"the base currency is set, but not the settings: {error.message}"
            raise
    return answer


async def _set_currency(writer: Writer, code: str) -> Wire:
    """Set the base currency as a setting where the credentials may, else as the currency of the store.

    legacy: the key, and that the connection's credentials may. inferred: that a refusal of any kind but that of
    another currency asks for the other way.
    """
    try:
        await writer.patch(SETTINGS_PATH, [{"key": BASE_CURRENCY, "value": code}])
    except ApiError as error:
        if error.status not in _NOT_THIS_WAY:
            raise
        return as_wire(await writer.put(CURRENCY_PATH, {"currency_code": code})) or {}
    return {"currency_code": code}


async def _currencies(desired: State, reader: Reader) -> Sequence[str]:
    """Say where most price schedules are in another currency: their prices do not get to the site.

    Counts are asked for, not the schedules. documented: that lists filter by any member, `!` being not and `!*` none.
    """
    wanted = desired["baseCurrency"]
    count, own, without = [
        (await _schedules(reader, 1, **asked))[0] for asked in ({}, {"Currency": wanted}, {"Currency": "!*"})
    ]
    others = count - own - without
    if others * 2 <= count:
        return ()
    _, found = await _schedules(reader, _SAMPLE, Currency=f"!{wanted}")
    codes = Counter(code for each in found if _CODE.fullmatch(code := str(each.get("Currency"))) and code != wanted)
    most = next((code for code, _ in codes.most_common(1)), "another currency")
    many = f"{others:,} of {count:,} price schedules of the marketplace are in another one, mostly {most}"
    return (f"baseCurrency: it is {wanted}, and {many}: these prices do not get to price lists in {wanted}",)


async def _schedules(reader: Reader, size: int, **asked: str) -> tuple[int, list[Wire]]:
    answer = await reader.get("priceschedules", {"pageSize": str(size), **asked})
    meta = answer.get("Meta") if isinstance(answer, dict) else None
    total = meta.get("TotalCount") if isinstance(meta, dict) else None
    items = answer.get("Items") if isinstance(answer, dict) else None
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return total if isinstance(total, int) else 0, rows
