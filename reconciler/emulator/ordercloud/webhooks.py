"""Webhooks: the resource, and the calls that they make on writes to configuration endpoints.

documented: the payload, both kinds of hooks, the hash, that API clients have to be named. Only the configuration
endpoints call them here; the real ones do on every endpoint that writes.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from reconciler.emulator.ordercloud.auth import Login
from reconciler.emulator.ordercloud.errors import failure, id_exists, invalid, not_found
from reconciler.emulator.ordercloud.lists import Listing, list_answer
from reconciler.emulator.ordercloud.models import JsonObject, Member, Model, Problems, check_id, checked_body
from reconciler.emulator.ordercloud.signature import signed_headers
from reconciler.emulator.ordercloud.tokens import bearer
from reconciler.emulator.outgoing import CallFailed, Reply, call, hosts_of, is_let_through
from reconciler.emulator.routing import Handler
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer

PATH = "/v1/webhooks"
ONE = f"{PATH}/{{webhookID}}"
READERS, ADMIN = ("WebhookReader", "WebhookAdmin"), ("WebhookAdmin",)
# inferred: which members are write-only, and the defaults.
_MODEL = Model(
    "Webhook",
    {
        "ID": Member(str),
        "Name": Member(str, required=True),
        "Description": Member(str),
        "Url": Member(str),
        "HashKey": Member(str, write_only=True),
        "ElevatedRoles": Member(list, items=str, default=[]),
        "ConfigData": Member(dict),
        "BeforeProcessRequest": Member(bool, default=False),
        "ApiClientIDs": Member(list, items=str, default=[]),
        "WebhookRoutes": Member(list, items=dict, default=[]),
        "DeliveryConfigID": Member(str),
        "CustomAuthHeaderName": Member(str),
        "CustomAuthHeaderValue": Member(str, write_only=True),
    },
    closed=True,
)
_LISTING = Listing(members=("ID", "Name"))
_TIMEOUT = 10.0
_KEPT = 1_000


class Webhooks:
    """Webhooks of a marketplace.

    Args:
        state: for clock and switches.
        login: says which client a request is of.
        configs: the delivery configs by ID; a webhook may name one instead of a URL.
        hosts: globs of hosts that may be called, beside the loopback.
    """

    def __init__(
        self, state: State, login: Login, configs: Mapping[str, JsonObject], hosts: Sequence[str] = ()
    ) -> None:
        self._state = state
        self._login = login
        self._configs = configs
        self._hosts = hosts
        self._templates: list[tuple[str, list[str]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.stored: dict[str, JsonObject] = {}
        self.log: deque[JsonObject] = deque(maxlen=_KEPT)

    # The resource

    def routes(self) -> Iterable[tuple[tuple[str, ...], str, str, Handler]]:
        """Return roles, method, path and handler of every operation."""
        return (
            (READERS, "GET", PATH, self._list),
            (ADMIN, "POST", PATH, self._create),
            (READERS, "GET", ONE, self._get),
            (ADMIN, "PUT", ONE, self._save),
            (ADMIN, "PATCH", ONE, self._patch),
            (ADMIN, "DELETE", ONE, self._delete),
        )

    def _list(self, request: Request) -> Answer:
        return list_answer((_MODEL.show(row, "absent") for row in self.stored.values()), _LISTING, request)

    def _get(self, request: Request) -> Answer:
        return json_answer(_MODEL.show(self._one(request), "absent"))

    def _create(self, request: Request) -> Answer:
        body = checked_body(_MODEL, request)
        key = body.get("ID") or secrets.token_urlsafe(16)
        if key in self.stored:
            raise id_exists(key)
        return self._store(None, {**body, "ID": key}, 201)

    def _save(self, request: Request) -> Answer:
        key = request.ids["webhookID"]
        return self._store(key, {"ID": key, **checked_body(_MODEL, request)}, 200)

    def _patch(self, request: Request) -> Answer:
        held = self._one(request)
        return self._store(held["ID"], {**held, **checked_body(_MODEL, request)}, 200)

    def _delete(self, request: Request) -> Answer:
        del self.stored[self._one(request)["ID"]]
        return NO_CONTENT

    def _one(self, request: Request) -> JsonObject:
        key = request.ids["webhookID"]
        if key not in self.stored:
            raise not_found("Webhook", key)
        return self.stored[key]

    def _store(self, old: str | None, row: JsonObject, status: int) -> Answer:
        problems: Problems = []
        _MODEL.missing(row, problems, secrets=False)
        check_id(row["ID"], problems)
        # documented: a URL, or a delivery config, which pre-hooks cannot have.
        if not row.get("Url") and (not row.get("DeliveryConfigID") or row.get("BeforeProcessRequest")):
            problems.append(("Url", "Url is required."))
        for route in row.get("WebhookRoutes") or ():
            if not isinstance(route.get("Route"), str) or not isinstance(route.get("Verb"), str):
                problems.append(("WebhookRoutes", "Each has a Route and a Verb."))
        if problems:
            raise invalid(problems)
        if row["ID"] != old and row["ID"] in self.stored:
            raise id_exists(row["ID"])
        if old is not None and old != row["ID"]:
            self.stored.pop(old, None)
        self.stored[row["ID"]] = row
        return json_answer(_MODEL.show(row, "absent"), status)

    # The calls

    def watch(self, method: str, path: str) -> None:
        """Let webhooks know of an endpoint that writes configuration."""
        if method != "GET":
            self._templates.append((method, path.strip("/").split("/")))

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call from now on."""
        self._loop = loop

    def stop(self) -> None:
        """Call nothing more."""
        self._loop = None
        for task in self._tasks:
            task.cancel()

    @property
    def under_way(self) -> int:
        """Return how many post-hooks are being called."""
        return len(self._tasks)

    def before(self, request: Request) -> Awaitable[Answer | None] | None:
        """Call the pre-hooks of a request; None where there is none. What they refuse is answered with the refusal."""
        hooks, payload = self._of(request, before=True)
        return self._ask(hooks, payload) if hooks else None

    def after(self, request: Request, answer: Answer) -> None:
        """Call the post-hooks of a request in the background. inferred: of one that succeeded alone."""
        if answer.status >= 300 or self._loop is None or not self.stored:
            return
        hooks, payload = self._of(request, before=False)
        if hooks:
            payload["Response"] = {"Body": _decoded(answer.body), "Headers": None}
        for hook in hooks:
            task = self._loop.create_task(self._tell(hook, payload))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _of(self, request: Request, *, before: bool) -> tuple[list[JsonObject], JsonObject]:
        """Return the webhooks that a request calls, and what they are told."""
        if not self.stored or request.method == "GET":
            return [], {}
        found = self._template_of(request)
        if found is None:
            return [], {}
        try:
            client = self._login.token_of(request).client
        except Refusal:
            return [], {}
        template, params = found
        named = (template.lower(), request.method)
        hooks = [
            hook
            for hook in self.stored.values()
            if bool(hook.get("BeforeProcessRequest")) is before
            and client in (hook.get("ApiClientIDs") or ())
            and named in _routes_of(hook)
        ]
        payload: JsonObject = {
            "Route": template,
            "RouteParams": params,
            "QueryParams": dict(request.params),
            "Verb": request.method,
            # As the vendor's sample writes it, with seven digits of a second.
            "Date": self._state.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00"),
            "LogID": str(uuid.uuid4()),
            "UserToken": bearer(request),
            "Request": {"Body": _decoded(request.body), "Headers": None},
        }
        return hooks, payload

    def _template_of(self, request: Request) -> tuple[str, dict[str, str]] | None:
        segments = request.segments[1:]
        for method, template in self._templates:
            if method != request.method or len(template) != len(segments):
                continue
            params: dict[str, str] = {}
            for wanted, sent in zip(template, segments, strict=True):
                if wanted.startswith("{"):
                    params[wanted[1:-1]] = sent
                elif wanted.lower() != sent.lower():
                    break
            else:
                return "/".join(template), params
        return None

    async def _ask(self, hooks: list[JsonObject], payload: JsonObject) -> Answer | None:
        """Ask pre-hooks one after the other. inferred: status and code of a refusal."""
        for hook in hooks:
            reply = await self._call(hook, payload)
            said = _decoded(reply.body) if isinstance(reply, Reply) and reply.status < 300 else None
            if not isinstance(said, dict) or "proceed" not in said:
                # inferred: what no proper answer means; see the switch.
                if self._state.switches.webhook_without_answer == "blocks":
                    return failure(400, "Webhook.PreHookFailed", f"The webhook {hook['ID']} did not answer.")
            elif not said["proceed"]:
                return failure(400, "Webhook.PreHookBlocked", f"The webhook {hook['ID']} refused.", said.get("body"))
        return None

    async def _tell(self, hook: JsonObject, payload: JsonObject) -> None:
        await self._call(hook, payload)

    async def _call(self, hook: JsonObject, payload: JsonObject) -> Reply | CallFailed:
        url, key = hook.get("Url"), hook.get("HashKey")
        if not url:
            target = self._configs.get(hook["DeliveryConfigID"], {}).get("DeliveryTargets", {}).get("Http") or {}
            url, key = target.get("Endpoint", ""), target.get("Secret")
        body = orjson.dumps({**payload, "ConfigData": hook.get("ConfigData")})
        reply = await call_allowed(url, signed_headers(body, key, hook), body, self._hosts)
        self.log.append(
            {
                "time": self._state.clock.now().isoformat(),
                "webhook": hook["ID"],
                "route": payload["Route"],
                "verb": payload["Verb"],
                "status": reply.status if isinstance(reply, Reply) else None,
                "error": str(reply) if isinstance(reply, CallFailed) else None,
                "body": body.decode(),
            }
        )
        return reply

    def reset(self) -> None:
        """Remove all webhooks and the list of calls."""
        for task in self._tasks:
            task.cancel()
        self.stored = {}
        self.log.clear()

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Dump the webhooks by ID."""
        return {key: row if secrets else _MODEL.dump(row) for key, row in self.stored.items()}

    def load(self, dumped: Mapping[str, JsonObject]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self.stored = dict(dumped)


def _routes_of(hook: JsonObject) -> list[tuple[str, str]]:
    return [(each["Route"].strip("/").lower(), each["Verb"].upper()) for each in hook.get("WebhookRoutes") or ()]


async def call_allowed(
    url: str, headers: Sequence[tuple[str, str]], body: bytes, hosts: Sequence[str]
) -> Reply | CallFailed:
    """Post to a host that may be called, and return the answer, or why there was none."""
    if not is_let_through(hosts_of(url), hosts):
        return CallFailed("the host is not this machine, and was not allowed by --deliver-to")
    try:
        return await call("POST", url, headers, body, _TIMEOUT)
    except CallFailed as failed:
        return failed


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None
