"""Control API of what SparkLayer does towards an Ignite service, below `/_emulator/sites/{site}/ignite`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

from reconciler.emulator.bodies import json_object, validated
from reconciler.emulator.outgoing import hosts_of, is_let_through
from reconciler.emulator.routing import ControlHandler
from reconciler.emulator.sparklayer.ignite import (
    ConnectSetting,
    EntitySetting,
    FullSetting,
    Ignite,
    IgniteSetting,
    TriggerSetting,
    VerifySetting,
    with_defaults,
)
from reconciler.emulator.sparklayer.login import Login
from reconciler.emulator.sparklayer.pulled import Pulled
from reconciler.emulator.sparklayer.site import Site
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer

_PATH = "/_emulator/sites/{site}/ignite"
_AGENT = b"SparkLayer"
SettingT = TypeVar("SettingT", bound=IgniteSetting)


class IgniteControl:
    """Control API of Ignite.

    Args:
        login: has the credentials of sites.
        site_of: returns the site that a request names.
        answer: carries out a request to SparkLayer's API.
        hosts: globs of hosts that may be called, beside the loopback.
    """

    def __init__(
        self,
        login: Login,
        site_of: Callable[[Request], Site],
        answer: Callable[[Request], Answer],
        hosts: Sequence[str],
    ) -> None:
        self._login = login
        self._site_of = site_of
        self._answer = answer
        self._hosts = hosts
        self._set_once: dict[str, IgniteSetting] = {}

    def reset(self) -> None:
        """Forget where the services are."""
        self._set_once.clear()

    def routes(self) -> Iterable[tuple[str, str, ControlHandler]]:
        """Return method, path and handler of every endpoint."""
        return (
            ("PUT", _PATH, self._set),
            ("POST", f"{_PATH}/connect", self._connect),
            ("POST", f"{_PATH}/disconnect", self._disconnect),
            ("POST", f"{_PATH}/trigger", self._trigger),
            ("POST", f"{_PATH}/full", self._full),
            ("POST", f"{_PATH}/entity", self._entity),
            ("POST", f"{_PATH}/verify", self._verify),
            ("POST", f"{_PATH}/metafields", self._metafields),
        )

    def _set(self, request: Request) -> Answer:
        """Set once where the Ignite service of a site is: url, token, env."""
        self._set_once[self._site_of(request).id] = validated(IgniteSetting, json_object(request))
        return NO_CONTENT

    async def _connect(self, request: Request) -> Answer:
        """Let SparkLayer connect to the Ignite service, with the site's credentials unless others are sent."""
        setting, ignite = self._prepared(request, ConnectSetting)
        site_id = self._site_of(request).id
        own = self._login.settings[site_id]
        return json_answer(
            await ignite.connect(
                site_id if setting.store_id is None else setting.store_id,
                own.client_id if setting.client_id is None else setting.client_id,
                own.client_secret if setting.client_secret is None else setting.client_secret,
            )
        )

    async def _disconnect(self, request: Request) -> Answer:
        """Let SparkLayer disconnect from the Ignite service."""
        return json_answer(await self._prepared(request, IgniteSetting)[1].disconnect())

    async def _trigger(self, request: Request) -> Answer:
        """Let SparkLayer trigger a sync at the Ignite service: {"type"}."""
        setting, ignite = self._prepared(request, TriggerSetting)
        return json_answer(await ignite.trigger(setting.type))

    async def _full(self, request: Request) -> Answer:
        """Let SparkLayer pull everything from the Ignite service and store it in the site: {"types"}, else all."""
        setting, ignite = self._prepared(request, FullSetting)
        return json_answer(await ignite.full(setting.types))

    async def _entity(self, request: Request) -> Answer:
        """Let SparkLayer fetch one entity from the Ignite service and store it: {"type", "id", "payload"}."""
        setting, ignite = self._prepared(request, EntitySetting)
        return json_answer(await ignite.entity(setting.type, setting.id, setting.payload))

    async def _verify(self, request: Request) -> Answer:
        """Let SparkLayer ask the Ignite service whose a shopper's token is: {"data"}."""
        setting, ignite = self._prepared(request, VerifySetting)
        return json_answer(await ignite.verify(setting.data))

    async def _metafields(self, request: Request) -> Answer:
        """Let SparkLayer ask the Ignite service for its metafields."""
        return json_answer(await self._prepared(request, IgniteSetting)[1].metafields())

    def _prepared(self, request: Request, model: type[SettingT]) -> tuple[SettingT, Ignite]:
        """Return the setting of a request, and SparkLayer towards the service that it names."""
        site = self._site_of(request)
        sent = json_object(request) if request.body else {}
        setting = validated(model, with_defaults(model, self._set_once.get(site.id), sent))
        if not is_let_through(hosts_of(setting.url), self._hosts):
            message = "the service is on another machine; name its host with --deliver-to"
            raise Refusal(json_answer({"error": message}, 400))
        return setting, Ignite(setting, site.id, Pulled(lambda: self._site_of(request), self._sender(site.id)))

    def _sender(self, site_id: str) -> Callable[[str, str, Any], Answer]:
        headers = [
            (b"site-id", site_id.encode()),
            (b"authorization", f"Bearer {self._login.token_for(site_id)}".encode()),
            (b"content-type", b"application/json"),
            (b"user-agent", _AGENT),
        ]

        def send(method: str, path: str, body: Any) -> Answer:
            segments = ["sparklayer", *map(unquote, path.strip("/").split("/"))]
            return self._answer(Request(method, segments, "", headers, orjson.dumps(body)))

        return send
