"""SparkLayer's room: its sites and their resources, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from reconciler.emulator.bodies import decode, json_object, validated
from reconciler.emulator.room import Room
from reconciler.emulator.routing import ControlHandler
from reconciler.emulator.sparklayer.core import Core
from reconciler.emulator.sparklayer.customers import Customers
from reconciler.emulator.sparklayer.ignite_control import IgniteControl
from reconciler.emulator.sparklayer.later import Later
from reconciler.emulator.sparklayer.legacy_customers import LegacyCustomers
from reconciler.emulator.sparklayer.login import DEMO, Login, SiteSetting
from reconciler.emulator.sparklayer.models import Uuid
from reconciler.emulator.sparklayer.price_lists import PriceLists
from reconciler.emulator.sparklayer.pricing import Pricing
from reconciler.emulator.sparklayer.problems import Problems
from reconciler.emulator.sparklayer.products import Products
from reconciler.emulator.sparklayer.purchasing import Purchasing, placed_cart
from reconciler.emulator.sparklayer.site import Site
from reconciler.emulator.sparklayer.stock import Stock
from reconciler.emulator.sparklayer.synclog import SyncLog
from reconciler.emulator.state import State
from reconciler.emulator.wire import NO_CONTENT, Answer, Refusal, Request, json_answer


class CartsSetting(BaseModel):
    """Body of `POST /_emulator/sites/{site}/carts`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: list[Uuid] | None = None


class SparkLayer(Room):
    """SparkLayer's sites under `/sparklayer/`.

    Args:
        state: what it is part of.
        deliver_to: globs of hosts that it may call, beside the loopback.
    """

    name: ClassVar[str] = "sparklayer"

    def __init__(self, state: State, deliver_to: Sequence[str] = ()) -> None:
        super().__init__()
        self.carts: Callable[[], Sequence[str]] = list
        self._problems = Problems(state)
        self.login = Login(state, self._problems)
        lists = PriceLists(state, self._problems)
        self.router.add("POST", "/api/auth/token", self.login.issue)
        for routes in (
            Core(state, self._problems, self.login).routes(),
            Products(state, self._problems).routes(),
            Customers(state, self._problems).routes(),
            LegacyCustomers(state, self._problems).routes(),
            Stock(state, self._problems).routes(),
            lists.routes(),
            Pricing(state, self._problems, lists).routes(),
            Purchasing(state, self._problems).routes(),
            SyncLog(state, self._problems).routes(),
            Later(state, self._problems).routes(),
        ):
            for method, path, handler in routes:
                self.router.add(method, path, self.login.secured(handler))
        self.ignite = IgniteControl(self.login, self._site, self.answer, deliver_to)

    def place_carts(self) -> None:
        """Place at the site `demo` the carts that orders of the marketplace came from, where they are not there yet."""
        site = self.login.sites.get(DEMO.id)
        for cart_id in self.carts():
            _place(site, cart_id)

    def failure(self, status: int, code: str | None = None, message: str | None = None) -> Answer:
        """Return a problem; the code, where there is one, in its `errors`."""
        errors = [{"code": code, "message": message or "", "property": ""}] if code is not None else []
        return self._problems.answer(status, message, errors)

    def control_routes(self) -> Iterable[tuple[str, str, ControlHandler]]:
        """Return the endpoints of the control API for SparkLayer."""
        return (
            ("POST", "/_emulator/sites", self._add_site),
            ("GET", "/_emulator/sites/{site}", self._show_site),
            ("PUT", "/_emulator/sites/{site}", self._replace_site),
            ("DELETE", "/_emulator/sites/{site}", self._empty_site),
            ("POST", "/_emulator/sites/{site}/carts", self._add_carts),
            ("DELETE", "/_emulator/site-tokens", self._revoke_tokens),
            *self.ignite.routes(),
        )

    def _add_site(self, request: Request) -> Answer:
        """Add a SparkLayer site, or give one that is there another API key."""
        self.login.add(validated(SiteSetting, decode(request)))
        return NO_CONTENT

    def _show_site(self, request: Request) -> Answer:
        """Show what a SparkLayer site holds."""
        return json_answer(self._site(request).dump())

    def _replace_site(self, request: Request) -> Answer:
        """Load into a SparkLayer site what GET returned, at another time or with changes; keys and tokens stay."""
        self.login.restore(self._site(request).id, json_object(request))
        return NO_CONTENT

    def _empty_site(self, request: Request) -> Answer:
        """Empty a SparkLayer site; keys and tokens stay."""
        self.login.restore(self._site(request).id, {})
        return NO_CONTENT

    def _add_carts(self, request: Request) -> Answer:
        """Add to a SparkLayer site carts whose orders were placed, by their UUIDs: {"ids"}, else those of the seed."""
        site = self._site(request)
        asked = validated(CartsSetting, decode(request))
        for cart_id in self.carts() if asked.ids is None else asked.ids:
            _place(site, cart_id)
        return NO_CONTENT

    def _site(self, request: Request) -> Site:
        """Return the site of the path.

        Raises:
            Refusal: there is none.
        """
        found = self.login.sites.get(request.ids["site"])
        if found is None:
            known = ", ".join(self.login.sites)
            raise Refusal(json_answer({"error": f"there is no site {request.ids['site']}; there are: {known}"}, 404))
        return found

    def _revoke_tokens(self, _request: Request) -> Answer:
        """Revoke every SparkLayer token."""
        self.login.revoke_all()
        return NO_CONTENT

    def dump(self, *, secrets: bool) -> dict[str, Any]:
        """Return sites, keys and tokens as JSON."""
        return self.login.dump(secrets=secrets)

    def load(self, dumped: dict[str, Any]) -> None:
        """Load what `dump(secrets=True)` returned."""
        self.login.load(dumped)

    def reset(self) -> None:
        """Reset to the empty site `demo`."""
        self.login.reset()
        self.ignite.reset()
        self.place_carts()


def _place(site: Site | None, cart_id: str) -> None:
    if site is not None and cart_id not in site.purchases:
        site.purchases[cart_id] = placed_cart(cart_id, site.now)
