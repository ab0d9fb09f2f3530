"""Store: base currency and settings of a site (`/api/v1/store-currency`, `/api/v1/settings`). Neither can be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field

from reconciler.errors import ApiError, Conflict
from reconciler.kind.connection import Reader, Wire, Writer
from reconciler.kind.kind import Kind, Observed
from reconciler.kind.semantics import FieldSemantics, State
from reconciler.sparklayer.kinds.spec import SparkLayerSpec, as_wire, impossible

CURRENCY_PATH = "api/v1/store-currency"
SETTINGS_PATH = "api/v1/settings"
_CURRENCY_STEP = (
    "The site has another base currency, and that is for good: write that one, or leave baseCurrency out of the Store."
)
_SETTINGS_STEP = (
    "An API key made in the Dashboard may not write settings: take `settings` out of the Store, or ask SparkLayer's "
    "support."
)
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
    """What is set for a whole site. The API sets it and never shows it, so the ledger says what was set last."""

    name = "Store"
    api = "sparklayer"
    spec = StoreSpec
    summary = "Base currency and settings of the site. The API cannot show them."
    deletable = False
    readable = False

    def live_id(self, name: str, state: Mapping[str, Any]) -> str:
        return "store"

    async def read(self, reader: Reader) -> Mapping[str, Wire]:
        return {}

    async def read_one(self, reader: Reader, live_id: str) -> Wire | None:
        return None

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


async def _set(writer: Writer, body: Wire) -> Wire | None:
    """Send the currency, then the settings; each sets a value, so that sending it twice does no harm."""
    answer: Wire | None = None
    if "currency_code" in body:
        try:
            answer = as_wire(await writer.put(CURRENCY_PATH, {"currency_code": body["currency_code"]}))
        except Conflict as error:
            error.next_step = _CURRENCY_STEP  # planning again shows no more: the currency cannot be read
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
