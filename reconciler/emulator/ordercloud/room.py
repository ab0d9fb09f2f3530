"""OrderCloud's room: login, delivery configs, syncs and the marketplace, put together; and marketplaces beside it."""

from __future__ import annotations

import copy
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson

from reconciler.emulator.bodies import decode, validated
from reconciler.emulator.ordercloud import delivery_configs
from reconciler.emulator.ordercloud.auth import Login
from reconciler.emulator.ordercloud.commerce.room import Commerce
from reconciler.emulator.ordercloud.deliveries.control import DeliveryControl
from reconciler.emulator.ordercloud.deliveries.feed import Feed, wanted
from reconciler.emulator.ordercloud.delivery_configs import DeliveryConfigs
from reconciler.emulator.ordercloud.errors import failure
from reconciler.emulator.ordercloud.hooks_control import HooksControl
from reconciler.emulator.ordercloud.mutate import MutateSetting, Mutation
from reconciler.emulator.ordercloud.neighbours import Neighbours, taken
from reconciler.emulator.ordercloud.people import People
from reconciler.emulator.ordercloud.restore import restored_webhooks, with_other_secrets
from reconciler.emulator.ordercloud.syncs import Syncs
from reconciler.emulator.ordercloud.targets import WITH_MAILCHIMP
from reconciler.emulator.ordercloud.tokens import ClientSetting, TokenSetting
from reconciler.emulator.ordercloud.webhooks import Webhooks
from reconciler.emulator.room import Room
from reconciler.emulator.routing import ControlHandler
from reconciler.emulator.seeds.planting import Seeding
from reconciler.emulator.seeds.seed import EMPTY, Seed
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Request, json_answer

IMPERSONATION = "/v1/buyers/{buyerID}/users/{userID}/accesstoken"


class OrderCloud(Room):
    """OrderCloud marketplace under `/ordercloud/`. `neighbours` are others of the same host.

    Args:
        state: what it is part of.
        seed: the objects that it starts with.
        deliver_to: globs of hosts that messages may go to, beside the loopback.
    """

    name: ClassVar[str] = "ordercloud"

    def __init__(self, state: State, seed: Seed = EMPTY, deliver_to: Sequence[str] = ()) -> None:
        super().__init__()
        self._state = state
        stored: dict[str, dict[str, Any]] = {}
        self.commerce = Commerce(state)
        self.login = Login(state, People(self.commerce.market))
        self.neighbours: Neighbours[OrderCloud] = Neighbours(lambda seed: OrderCloud(state, seed, deliver_to))
        self.seeding = Seeding(self.commerce.market, seed)
        self.syncs = Syncs(state, stored, self.commerce.check_record, self._resync)
        self.feed = Feed(state, self.commerce.market, self.syncs.stored, stored, deliver_to)
        self.delivery_configs = DeliveryConfigs(state, stored, self.syncs.holders, self.syncs.renamed)
        self.router.add("POST", "/oauth/token", self.login.issue)
        self.router.add("GET", "/v1/me", self.login.me)
        self.router.add("POST", IMPERSONATION, self.login.secured(self.login.impersonate, "BuyerImpersonation"))
        self.webhooks = Webhooks(state, self.login, stored, deliver_to)
        self._hooks_control = HooksControl(state, self.webhooks, self._restore, deliver_to)
        for method, path, handler in self.delivery_configs.routes():
            self.router.add(method, path, self.login.secured(handler, delivery_configs.ROLE))
            self.webhooks.watch(method, path)
        for role, method, path, handler in self.syncs.routes():
            self.router.add(method, path, self.login.secured(handler, role))
            self.webhooks.watch(method, path)
        for roles, method, path, handler in (*self.webhooks.routes(), *self.commerce.routes()):
            self.router.add(method, path, self.login.secured(handler, *roles))

    def answer(self, request: Request) -> Answer:
        """Answer a request; what it changed is delivered in the background.

        Of which marketplace it is, its token says, or the client that asks for one: so it is with the real hosts.
        """
        neighbour = self.neighbours.of(request)
        if neighbour is not None:
            return neighbour.answer(request)
        answer = super().answer(request)
        self.feed.flush()
        self.webhooks.after(request, answer)
        return answer

    def before(self, request: Request) -> Awaitable[Answer | None] | None:
        """Ask the pre-hooks of a request."""
        return (self.neighbours.of(request) or self).webhooks.before(request)

    def _restore(self, production: str | None) -> None:
        """Overwrite everything from production; tokens and API clients stay. documented: what it does to webhooks.

        Without another marketplace, production is as staging was, but for its secrets.
        """
        source = self if production is None else self.neighbours.named(production)
        configs, syncs = source.delivery_configs.dump(secrets=True), source.syncs.dump()
        if production is not None:
            self.commerce.market.restore(orjson.loads(orjson.dumps(source.commerce.market.dump())))
            self.commerce.market.passwords.update(source.commerce.market.passwords)
            self.seeding.replaced()
        self.webhooks.stored = restored_webhooks(source.webhooks.stored)
        # inferred: what becomes of delivery configs and syncs; see the switch.
        if self._state.switches.restore_configs == "copied":
            other = {key: with_other_secrets(WITH_MAILCHIMP, row, "production") for key, row in configs.items()}
            self.delivery_configs.load(configs if production is not None else other)
            self.syncs.load(copy.deepcopy(syncs))

    def _resync(self, path: str, ids: Mapping[str, str]) -> None:
        for record in wanted(path, ids, self.commerce.market):
            self.feed.request(record)

    def failure(self, status: int, code: str | None = None, message: str | None = None) -> Answer:
        """Return an `Errors[]` body."""
        return failure(status, code, message)

    def control_routes(self) -> Iterable[tuple[str, str, ControlHandler]]:
        """Return the endpoints of the control API for OrderCloud."""
        return (
            ("POST", "/_emulator/clients", self._add_client),
            ("POST", "/_emulator/tokens", self._mint_token),
            ("DELETE", "/_emulator/tokens", self._revoke_tokens),
            ("GET", "/_emulator/marketplaces", self._list_marketplaces),
            ("PUT", "/_emulator/marketplaces/{marketplace}", self._put_marketplace),
            ("POST", "/_emulator/marketplaces/{marketplace}/clients", self._add_neighbours_client),
            ("POST", "/_emulator/marketplaces/{marketplace}/tokens", self._mint_neighbours_token),
            *self.commerce.control_routes(),
            *self.seeding.routes(),
            *DeliveryControl(self.feed).routes(),
            *self._hooks_control.routes(),
            ("POST", "/_emulator/mutate", self._mutate),
        )

    def _add_client(self, request: Request) -> Answer:
        """Add or replace an OrderCloud API client with chosen roles, secret, token lifetime, and buyers."""
        client = validated(ClientSetting, decode(request))
        self.neighbours.check_free(client.id)
        self.login.add(client)
        return NO_CONTENT

    def _mint_token(self, request: Request) -> Answer:
        """Make a token without a login: {"client", "buyer", "user"}, also one of a shopper unknown or impersonated."""
        return json_answer({"access_token": self.login.mint(validated(TokenSetting, decode(request)))})

    def _list_marketplaces(self, _request: Request) -> Answer:
        """List the OrderCloud marketplaces beside the first."""
        return json_answer(self.neighbours.names())

    def _put_marketplace(self, request: Request) -> Answer:
        """Add an OrderCloud marketplace of the same host, or replace its data: a marketplace with Objects, or {}."""
        return json_answer(self.neighbours.put(request.ids["marketplace"], request).seeding.report)

    def _add_neighbours_client(self, request: Request) -> Answer:
        """Add an API client to a marketplace beside the first."""
        client = validated(ClientSetting, decode(request))
        neighbour = self.neighbours.named(request.ids["marketplace"])
        if self.login.has_client(client.id) or self.neighbours.with_client(client.id) not in (None, neighbour):
            raise taken(client.id)
        neighbour.login.add(client)
        return NO_CONTENT

    def _mint_neighbours_token(self, request: Request) -> Answer:
        """Make a token of a marketplace beside the first."""
        neighbour = self.neighbours.named(request.ids["marketplace"])
        return json_answer({"access_token": neighbour.login.mint(validated(TokenSetting, decode(request)))})

    def _mutate(self, request: Request) -> Answer:
        """Change some products, prices and stocks as people do, chosen by seedNumber; says which."""
        setting = validated(MutateSetting, decode(request))
        try:
            return json_answer(Mutation(self.commerce.market, self.syncs, setting).carry_out())
        finally:
            self.feed.flush()

    def _revoke_tokens(self, _request: Request) -> Answer:
        """Revoke every OrderCloud token."""
        self.login.revoke_all()
        self.neighbours.revoke_all()
        return NO_CONTENT

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return all of it as JSON, with marketplaces beside it; secrets, tokens and password hashes if asked."""
        passwords = {"passwords": self.commerce.market.passwords} if secrets else {}
        return {
            **passwords,
            "neighbours": self.neighbours.dump(secrets=secrets),
            "webhooks": self.webhooks.dump(secrets=secrets),
            "login": self.login.dump(secrets=secrets),
            "deliveryConfigs": self.delivery_configs.dump(secrets=secrets),
            **self.syncs.dump(),
            "commerce": self.commerce.market.dump(),
            "heldByPauses": self.feed.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self.login.load(dumped["login"])
        self.delivery_configs.load(dumped["deliveryConfigs"])
        self.syncs.load(dumped)
        # A dump from before there was commerce has none.
        if "commerce" in dumped:
            self.commerce.market.restore(dumped["commerce"])
            self.seeding.replaced()
        self.commerce.market.passwords.update(dumped.get("passwords", {}))
        self.neighbours.load(dumped.get("neighbours", {}))
        self.webhooks.load(dumped.get("webhooks", {}))
        self.feed.load(dumped.get("heldByPauses", []))

    def start(self, loop: AbstractEventLoop) -> None:
        """Deliver from now on."""
        self.feed.start(loop)
        self.webhooks.start(loop)
        self.neighbours.start(loop)

    def stop(self) -> None:
        """Deliver nothing more."""
        self.feed.stop()
        self.webhooks.stop()
        self.neighbours.stop()

    def reset(self) -> None:
        """Reset to an unconfigured marketplace with the client `emulator`, and what it was seeded with."""
        self.login.reset()
        self.delivery_configs.reset()
        self.syncs.reset()
        self.seeding.reset()
        self.feed.reset()
        self.webhooks.reset()
        self._hooks_control.reset()
        self.neighbours.reset()
