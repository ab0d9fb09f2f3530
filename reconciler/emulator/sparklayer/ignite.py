"""SparkLayer towards an Ignite service: connects, pulls, fetches, triggers, verifies and disconnects, as it is told to.

SparkLayer's side of fact sheet §7. What it gets it stores in its site through its own API, as `pulled.py` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulator.outgoing import CallFailed, Reply, call
from reconciler.emulator.sparklayer.pulled import Pulled
from reconciler.emulator.sparklayer.site import JsonObject
from reconciler.emulator.wire import Refusal, json_answer

Pulling = Literal["customers", "products", "purchases", "stock"]
Triggered = Literal["customers", "products", "purchases", "merchant", "customer_groups"]
# In this order what refers to something comes after it.
IN_ORDER: tuple[Pulling, ...] = ("products", "stock", "customers", "purchases")
_SHOWN_PROBLEMS = 100


class IgniteSetting(BaseModel):
    """Body of `PUT /_emulator/sites/{site}/ignite`: where the Ignite service of a site is, and how it is called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(default="", description="Of the service; `/v1/{siteEnv}/{siteId}` is added to it.")
    token: str | None = Field(default=None, repr=False, description="Bearer token. inferred: that there is one.")
    env: str = Field(default="live", min_length=1, description="siteEnv in the path.")
    site_id: str | None = Field(default=None, description="siteId in the path; else the site's own.")
    items: str = Field(default="items", description="inferred: name of the list in a page.")
    timeout: float = Field(default=30, gt=0, description="Seconds for one answer.")
    attempts: int = Field(default=1, ge=1, le=20, description="inferred: how often what is answered 5xx is asked for.")
    most_pages: int = Field(default=100_000, ge=1, description="Pages of a type after which it is given up.")


class ConnectSetting(IgniteSetting):
    """Body of `connect`. Left out, the credentials are the site's own."""

    store_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False)


class FullSetting(IgniteSetting):
    """Body of `full`: the types to pull, all in the order of their references where none are named."""

    types: list[Pulling] = list(IN_ORDER)


class EntitySetting(IgniteSetting):
    """Body of `entity`."""

    type: Pulling
    id: str
    payload: str | None = None


class TriggerSetting(IgniteSetting):
    """Body of `trigger`."""

    type: Triggered


class VerifySetting(IgniteSetting):
    """Body of `verify`: the token that a storefront handed over."""

    data: str = Field(repr=False)


class Ignite:
    """SparkLayer as it calls the Ignite service of one site.

    Args:
        setting: where it is.
        site_id: of the site, for the path.
        pulled: stores what it gives.
    """

    def __init__(self, setting: IgniteSetting, site_id: str, pulled: Pulled) -> None:
        self._setting = setting
        self._base = f"{setting.url.rstrip('/')}/v1/{_quoted(setting.env)}/{_quoted(setting.site_id or site_id)}"
        self._pulled = pulled

    async def connect(self, store_id: str, client_id: str, client_secret: str) -> JsonObject:
        """Connect: hand the store's ID and credentials to the service."""
        body = {
            "store_id": store_id,
            "spark_api_client_id": client_id,
            "spark_api_client_secret": client_secret,
        }
        return _told(await self._call("POST", "", body))

    async def disconnect(self) -> JsonObject:
        """Disconnect."""
        return _told(await self._call("DELETE", ""))

    async def trigger(self, data_type: str) -> JsonObject:
        """Ask for a sync of a type; there is no body."""
        return _told(await self._call("POST", f"/status/{_quoted(data_type)}"))

    async def verify(self, data: str) -> JsonObject:
        """Ask whose a token of the platform is. `known`: the site has the customer, and SparkLayer would let it in."""
        told = _told(await self._call("POST", "/authentication/verify", {"data": data}))
        named = told["body"].get("customer_external_id") if isinstance(told["body"], dict) else None
        return {**told, "customer": named, "known": told["status"] == 200 and self._pulled.has_customer(named)}

    async def metafields(self) -> JsonObject:
        """Ask for the metafields and their states."""
        return _told(await self._call("GET", "/metafield-configuration"))

    async def entity(self, data_type: Pulling, entity_id: str, payload: str | None) -> JsonObject:
        """Fetch one entity, and store it."""
        body = None if payload is None else {"payload": payload}
        told = _told(await self._call("POST", f"/sync/{data_type}/{_quoted(entity_id)}", body))
        problems = []
        if told["status"] == 200 and isinstance(told["body"], dict):
            problems = self._pulled.store(data_type, told["body"])
        return {**told, "problems": problems}

    async def full(self, types: list[Pulling]) -> JsonObject:
        """Pull all entities of these types, page by page, and store them."""
        return {"types": {data_type: await self._pull(data_type) for data_type in types}}

    async def _pull(self, data_type: Pulling) -> JsonObject:
        """Page through one type until `next_page` is empty."""
        report: JsonObject = {"pages": 0, "entities": 0, "refused": 0, "problems": [], "statuses": {}, "stopped": None}
        ids: dict[str, None] = {}
        page = ""
        seen: set[str] = set()
        while report["stopped"] is None:
            told = _told(await self._call("GET", f"/sync/{data_type}{f'?page={_quoted(page)}' if page else ''}"))
            statuses = report["statuses"]
            statuses[str(told["status"])] = statuses.get(str(told["status"]), 0) + 1
            items = told["body"].get(self._setting.items) if isinstance(told["body"], dict) else None
            if told["status"] != 200 or not isinstance(items, list):
                report["stopped"] = told["error"] or f"page {report['pages'] + 1} was answered {told['status']}"
                if told["status"] == 200:
                    report["stopped"] = f"page {report['pages'] + 1} has no list {self._setting.items}"
                break
            report["pages"] += 1
            self._store_page(data_type, items, report, ids)
            page = told["body"].get("next_page") or ""
            if not page:
                break
            if page in seen:
                report["stopped"] = f"next_page {page[:80]} came twice"
            elif report["pages"] >= self._setting.most_pages:
                report["stopped"] = f"there are more than {self._setting.most_pages} pages"
            seen.add(page)
        return {**report, "ids": list(ids), "complete": report["stopped"] is None}

    def _store_page(self, data_type: Pulling, items: list[Any], report: JsonObject, ids: dict[str, None]) -> None:
        for item in items:
            report["entities"] += 1
            ids[self._pulled.id_of(data_type, item)] = None
            problems = self._pulled.store(data_type, item)
            report["refused"] += bool(problems)
            report["problems"].extend(problems[: _SHOWN_PROBLEMS - len(report["problems"])])

    async def _call(self, method: str, path: str, body: Any = None) -> Reply | CallFailed:
        headers = [("User-Agent", "SparkLayer"), ("Accept", "application/json")]
        if self._setting.token is not None:
            headers.append(("Authorization", f"Bearer {self._setting.token}"))
        content = b""
        if body is not None:
            content = orjson.dumps(body)
            headers.append(("Content-Type", "application/json"))
        found: Reply | CallFailed = CallFailed("it was not called")
        for _ in range(self._setting.attempts):
            try:
                found = await call(method, self._base + path, headers, content, self._setting.timeout)
            except CallFailed as failure:
                found = failure
                continue
            if found.status < 500:
                break
        return found


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _told(reply: Reply | CallFailed) -> JsonObject:
    """Return what a call was answered, as JSON."""
    if isinstance(reply, CallFailed):
        return {"status": 0, "body": None, "error": str(reply)}
    try:
        body = orjson.loads(reply.body) if reply.body else None
    except orjson.JSONDecodeError:
        body = reply.body.decode("utf-8", "replace")
    return {"status": reply.status, "body": body, "error": None}


def with_defaults(model: type[IgniteSetting], base: IgniteSetting | None, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a request: those that were sent over those that were set once.

    Raises:
        Refusal: nobody said where the service is.
    """
    held = {} if base is None else base.model_dump(exclude_unset=True)
    found = {**{name: value for name, value in held.items() if name in model.model_fields}, **sent}
    if not found.get("url"):
        message = "where is the Ignite service? Send its `url`, or PUT /_emulator/sites/{site}/ignite once"
        raise Refusal(json_answer({"error": message}, 400))
    return found
