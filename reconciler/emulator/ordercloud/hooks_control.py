"""Control API of webhooks and of the restore of staging, below `/_emulator/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.emulator.bodies import decode, json_object, validated
from reconciler.emulator.ordercloud.restore import RestoreSetting, RestoreWebhookSetting, restore_body
from reconciler.emulator.ordercloud.signature import signed_headers
from reconciler.emulator.ordercloud.webhooks import Webhooks, call_allowed
from reconciler.emulator.outgoing import CallFailed
from reconciler.emulator.routing import ControlHandler
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer


class HooksControl:
    """Control API of webhooks and restores.

    Args:
        state: for the clock.
        webhooks: what they steer.
        restore: overwrites the marketplace from production, by the name of a marketplace beside it or None.
        hosts: globs of hosts that may be called, beside the loopback.
    """

    def __init__(
        self, state: State, webhooks: Webhooks, restore: Callable[[str | None], None], hosts: Sequence[str]
    ) -> None:
        self._state = state
        self._webhooks = webhooks
        self._restore_from = restore
        self._hosts = hosts
        self._told: RestoreWebhookSetting | None = None

    def reset(self) -> None:
        """Forget the portal's webhook."""
        self._told = None

    def routes(self) -> Iterable[tuple[str, str, ControlHandler]]:
        """Return method, path and handler of every endpoint."""
        return (
            ("GET", "/_emulator/webhooks", self._list),
            ("DELETE", "/_emulator/webhooks", self._clear),
            ("GET", "/_emulator/webhooks/pending", self._pending),
            ("PUT", "/_emulator/restore-webhook", self._set),
            ("DELETE", "/_emulator/restore-webhook", self._unset),
            ("POST", "/_emulator/restore", self._restore),
        )

    def _list(self, _request: Request) -> Answer:
        """List the last 1,000 calls of webhooks, oldest first, with their bodies: live tokens are among them."""
        return json_answer(list(self._webhooks.log))

    def _clear(self, _request: Request) -> Answer:
        """Empty the list of calls of webhooks."""
        self._webhooks.log.clear()
        return NO_CONTENT

    def _pending(self, _request: Request) -> Answer:
        """Count the post-hooks that are being called."""
        return json_answer({"underWay": self._webhooks.under_way})

    def _set(self, request: Request) -> Answer:
        """Set the portal's webhook that is told of a restore: URL, HashKey."""
        self._told = validated(RestoreWebhookSetting, decode(request))
        return NO_CONTENT

    def _unset(self, _request: Request) -> Answer:
        """Remove the portal's webhook."""
        self._told = None
        return NO_CONTENT

    async def _restore(self, request: Request) -> Answer:
        """Overwrite the marketplace from production ({"production": name}, else itself), and tell the webhook."""
        setting = validated(RestoreSetting, json_object(request) if request.body else {})
        self._restore_from(setting.production)
        if self._told is None:
            return json_answer({"webhook": None})
        body = restore_body(self._state.clock.now().isoformat())
        headers = signed_headers(body, self._told.HashKey, {})
        reply = await call_allowed(self._told.URL, headers, body, self._hosts)
        if isinstance(reply, CallFailed):
            return json_answer({"webhook": {"status": None, "error": str(reply)}})
        return json_answer({"webhook": {"status": reply.status, "error": None}})
