"""Emulator for tests: in a thread of the test's process, or as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.emulator.app import new_state
from reconciler.emulator.seeds.files import seed_from
from reconciler.emulator.server import Addresses, EmulatorServer
from reconciler.emulator.switches import Switches
from reconciler.emulator.traffic import TrafficSetting

START_TIMEOUT = 30.0
# A proxy of the environment is not for the loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RunningEmulator:
    """Client of a running emulator's control API.

    Args:
        url: its root, e.g. `http://127.0.0.1:8800`.
        pid: of its process, where it is one of its own.
    """

    client_id = "emulator"
    client_secret = "emulator"

    def __init__(self, url: str, pid: int | None = None) -> None:
        self._addresses = Addresses(url)
        self.pid = pid
        self.url = url
        self.ordercloud_url = self._addresses.ordercloud_url
        self.ordercloud_auth_url = self._addresses.ordercloud_auth_url
        self.sparklayer_url = self._addresses.sparklayer_url

    def cpu_seconds(self) -> float:
        """Return the processor time that it took until now, where it is a process of its own; Linux alone."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call `/_emulator/{path}` and return the decoded answer, or None where it has no body.

        Raises:
            urllib.error.HTTPError: the emulator refused; its reason is in the error's text.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, method=method)  # noqa: S310 (http only)
        try:
            with _OPENER.open(request) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            error.msg = f"{error.msg}: {error.read().decode()}"
            raise
        return json.loads(content) if content else None

    def reset(self) -> None:
        """Reset to the start: nothing configured, no faults, an empty request log."""
        self.control("POST", "reset")

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that the APIs saw, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", "requests")
        return found

    def keep_bodies(self, path: str | None) -> None:
        """Keep the bodies of requests whose path matches a glob, for `requests`, as `body`; None: of none."""
        self.control("PUT", "requests", {"bodies": path})

    def clear_requests(self) -> None:
        """Empty the list of requests."""
        self.control("DELETE", "requests")

    def state(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return the whole state; values of write-only members only with `secrets`."""
        found: dict[str, Any] = self.control("GET", f"state{'?secrets=true' if secrets else ''}")
        return found

    def load(self, state: Mapping[str, Any]) -> None:
        """Load a state that was dumped with secrets."""
        self.control("PUT", "state", state)

    def switch(self, **values: str | int) -> None:
        """Set switches by name, e.g. `switch(patch_depth="shallow")`."""
        self.control("PUT", "switches", values)

    def fault(self, effect: str, **rule: Any) -> None:
        """Add a fault, e.g. `fault("reset", nth=3, when="after")`; `FaultRule` has the fields."""
        self.control("POST", "faults", {"effect": effect, **rule})

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults with how many requests each has `seen` and `fired` at."""
        found: list[dict[str, Any]] = self.control("GET", "faults")
        return found

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.control("DELETE", "faults")

    def traffic(self, **setting: Any) -> None:
        """Set latency and rate limit; `TrafficSetting` has the fields, those left out go back to their defaults."""
        self.control("PUT", "traffic", setting)

    def search_lag(self, seconds: float) -> None:
        """Delay, in seconds of the emulator's clock, until lists (of products also reads) see a write; 0: at once."""
        self.control("PUT", "search", {"lag": seconds})

    def clock(self, **setting: Any) -> dict[str, Any]:
        """Set the clock (`now`, `advance`, `frozen`) and return what it shows."""
        found: dict[str, Any] = self.control("PUT", "clock", setting)
        return found

    def add_client(
        self,
        client_id: str,
        secret: str,
        roles: list[str] | None = None,
        *,
        marketplace: str | None = None,
        **setting: Any,
    ) -> None:
        """Add or replace an OrderCloud API client, also in another `marketplace`; `ClientSetting` has the fields."""
        chosen = {} if roles is None else {"roles": roles}
        path = "clients" if marketplace is None else f"marketplaces/{marketplace}/clients"
        self.control("POST", path, {"id": client_id, "secret": secret, **chosen, **setting})

    def mint_token(self, client_id: str, marketplace: str | None = None, **setting: Any) -> str:
        """Return a token without a login, of a client or of somebody; `TokenSetting` has the fields.

        Args:
            client_id: of the API client that it is as if asked for with.
            marketplace: beside the first, by name.
            setting: whose token it is.
        """
        path = "tokens" if marketplace is None else f"marketplaces/{marketplace}/tokens"
        found: str = self.control("POST", path, {"client": client_id, **setting})["access_token"]
        return found

    def add_marketplace(self, name: str, marketplace: Mapping[str, Any] | None = None) -> None:
        """Add an OrderCloud marketplace of the same host, or replace its data, in the seeding tool's format."""
        self.control("PUT", f"marketplaces/{name}", marketplace or {})

    def seed(self, products: int, seed_number: int = 0, **sizes: int) -> dict[str, Any]:
        """Replace the marketplace by a generated one until the next reset; return what is in it.

        Args:
            products: how many.
            seed_number: which of the many of this size.
            sizes: how many `buyers`, `users`, `ownPrices`, `orders`, where they are not to follow from the products.
        """
        asked = {"products": products, "seedNumber": seed_number, **sizes}
        found: dict[str, Any] = self.control("PUT", "seed", asked)
        return found

    def seed_with(self, marketplace: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the marketplace by one in the seeding tool's format until the next reset; return what is in it."""
        found: dict[str, Any] = self.control("PUT", "seed", {"Objects": {}, **marketplace})
        return found

    def add_carts(self, ids: Sequence[str] | None = None, site: str = "demo") -> None:
        """Add to a SparkLayer site carts whose orders were placed, by their UUIDs; None: those of the seed's orders."""
        self.control("POST", f"sites/{site}/carts", {"ids": ids})

    def seeded(self) -> dict[str, Any]:
        """Return what the marketplace was seeded with: `objects` by kind, `flaws` with their IDs."""
        found: dict[str, Any] = self.control("GET", "seed")
        return found

    def mutate(self, **setting: Any) -> dict[str, Any]:
        """Change the marketplace like a person, e.g. `mutate(products=3, prices=2)`; return the IDs touched."""
        found: dict[str, Any] = self.control("POST", "mutate", setting)
        return found

    def deliveries(self, *, bodies: bool = False) -> list[dict[str, Any]]:
        """Return the messages to delivery targets, oldest first; with `bodies` those of the last 1,000."""
        found: list[dict[str, Any]] = self.control("GET", f"deliveries{'?bodies=true' if bodies else ''}")
        return found

    def clear_deliveries(self) -> None:
        """Empty the list of deliveries."""
        self.control("DELETE", "deliveries")

    def undelivered(self) -> dict[str, Any]:
        """Count the messages that are `held` (by sync), `queued`, for `later`, `underWay`."""
        found: dict[str, Any] = self.control("GET", "deliveries/pending")
        return found

    def deliver(self, **setting: Any) -> None:
        """Set how messages are sent; `DeliverySetting` has the fields, those left out go back to their defaults."""
        self.control("PUT", "deliveries", setting)

    def full_sync(self, catalog: str, category: str | None = None) -> dict[str, int]:
        """Send all products of a catalog with their stock, as the portal's full sync does; return how many messages."""
        found: dict[str, int] = self.control("POST", "full-sync", {"catalog": catalog, "category": category})
        return found

    def delivery_fault(self, effect: str, **rule: Any) -> None:
        """Add a delivery fault, e.g. `delivery_fault("duplicate", count=None)`; `DeliveryFaultRule` has the fields."""
        self.control("POST", "deliveries/faults", {"effect": effect, **rule})

    def webhook_calls(self) -> list[dict[str, Any]]:
        """Return the last calls of webhooks, oldest first; waits for none that is under way."""
        found: list[dict[str, Any]] = self.control("GET", "webhooks")
        return found

    def tell_of_restores(self, url: str, hash_key: str | None = None) -> None:
        """Set the portal's webhook that is told of a restore of staging."""
        self.control("PUT", "restore-webhook", {"URL": url, "HashKey": hash_key})

    def restore(self, production: str | None = None) -> dict[str, Any]:
        """Overwrite the marketplace from production, and return what its webhook answered.

        Args:
            production: the name of a marketplace beside it; None: it is as it was, but for its secrets.
        """
        found: dict[str, Any] = self.control("POST", "restore", {"production": production})
        return found

    def revoke_tokens(self) -> None:
        """Revoke every OrderCloud token."""
        self.control("DELETE", "tokens")

    def add_site(self, site_id: str, **setting: Any) -> None:
        """Add a SparkLayer site, or give one that is there another key; `SiteSetting` has the fields."""
        self.control("POST", "sites", {"id": site_id, **setting})

    def site(self, site_id: str = "demo") -> dict[str, Any]:
        """Return what a SparkLayer site holds."""
        found: dict[str, Any] = self.control("GET", f"sites/{site_id}")
        return found

    def load_site(self, held: Mapping[str, Any], site_id: str = "demo") -> None:
        """Load into a SparkLayer site what `site` returned, at another time or with changes."""
        self.control("PUT", f"sites/{site_id}", held)

    def empty_site(self, site_id: str = "demo") -> None:
        """Empty a SparkLayer site."""
        self.control("DELETE", f"sites/{site_id}")

    def ignite(self, action: str, site_id: str = "demo", **asked: Any) -> dict[str, Any]:
        """Let SparkLayer do something at the Ignite service of a site, and return what it was told.

        Args:
            action: connect, disconnect, trigger, full, entity, verify or metafields.
            site_id: the site.
            asked: where the service is (`url`, `token`, `env`), if it was not set once, and what the action takes.
        """
        found: dict[str, Any] = self.control("POST", f"sites/{site_id}/ignite/{action}", asked)
        return found

    def ignite_at(self, url: str, token: str | None = None, site_id: str = "demo", **setting: Any) -> None:
        """Set once where the Ignite service of a site is; `IgniteSetting` has the fields."""
        self.control("PUT", f"sites/{site_id}/ignite", {"url": url, "token": token, **setting})

    def revoke_site_tokens(self) -> None:
        """Revoke every SparkLayer token."""
        self.control("DELETE", "site-tokens")


@contextlib.contextmanager
def running_emulator(
    *,
    switches: Mapping[str, Any] | None = None,
    latency: float = 0,
    file: Path | None = None,
    seed: str | int | None = None,
    seed_number: int = 0,
) -> Iterator[RunningEmulator]:
    """Run an emulator in a thread of this process, on a free port of the loopback, until the block ends.

    `seed` is a seed file, the name of a shipped one, or how many products to generate.
    """
    ready = threading.Event()
    planted = seed_from(seed, seed_number)
    state = new_state(Switches().changed(switches or {}), TrafficSetting(latency=latency), planted)
    server = EmulatorServer(state, "127.0.0.1", 0, file, lambda _addresses: ready.set())
    thread = threading.Thread(target=server.run_until_stopped, name="emulator", daemon=True)
    thread.start()
    try:
        if not ready.wait(START_TIMEOUT):
            raise TimeoutError("the emulator did not start")
        yield RunningEmulator(server.addresses.url)
    finally:
        server.stop()
        thread.join()


@contextlib.contextmanager
def emulator_process(
    *,
    switches: Mapping[str, Any] | None = None,
    latency: float = 0,
    file: Path | None = None,
    port: int = 0,
    seed: str | int | None = None,
    seed_number: int = 0,
) -> Iterator[RunningEmulator]:
    """Run an emulator as a process of its own, so that it and the test do not share an interpreter lock."""
    arguments = {
        "port": port,
        "latency": latency,
        "switches": dict(switches or {}),
        "file": None if file is None else str(file),
        "seed": seed,
        "seed_number": seed_number,
    }
    program = "import json, sys; from reconciler.emulator import server; "
    program += "server.serve(**json.loads(sys.argv[1]), announce=lambda addresses: print(addresses.url, flush=True))"
    command = [sys.executable, "-c", program, json.dumps(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 (our own program)
        try:
            assert process.stdout is not None  # noqa: S101 (for the type checker)
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the emulator did not start; its error is above")
            yield RunningEmulator(url, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
