"""The demo's script: what is said, which command runs, and which exit status shows that it told the truth."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.cli.demo_pages import forge_page
from reconciler.cli.exit_status import Status
from reconciler.errors import LoadError

if TYPE_CHECKING:
    from reconciler.emulator.testing import RunningEmulator

_BOLD, _DIM, _OFF = "\x1b[1m", "\x1b[2m", "\x1b[0m"
PRODUCTS = 60
ORDERS = 30
SEED_NUMBER = 1
# In this marketplace, the one product that goes nowhere: it has no SKU.
WITHOUT_SKU = "HAM-0000024"
_DATA_SYNC = "ordercloud-to-sparklayer"
_STOCK = "/integrations/entitysync/products/inventoryrecords"
_LIST = "ordercloud-price"
# In this marketplace, an order that was placed through SparkLayer, and the draw by which it ships.
SHIPS, _DRAW = "order-000008", 1
_LOOK_SECONDS = 0.1


def find_example() -> Path:
    """Return the example manifests: those of the package, or of the checkout that it runs from.

    Raises:
        LoadError: there are none.
    """
    package = Path(str(files("reconciler")))
    for folder in (package / "example_manifests", package.parent / "manifests"):
        if folder.is_dir():
            return folder
    raise LoadError("the example manifests are not installed", next_step="Install reconciler again.")


class Stage(Struct):
    """Where the demo plays, and how it looks."""

    folder: Path
    emulator: RunningEmulator
    color: bool
    waits: bool
    number: int = 0
    surprises: list[str] = []
    pages: list[Path] = []

    def say(self, title: str, *lines: str) -> None:
        """Begin a step: its title, and what it is about."""
        self.number += 1
        head = f"{self.number}. {title}"
        self._print(f"\n{self._paint(head, _BOLD)}")
        for line in lines:
            self._print(f"   {line}")

    def run(self, words: str, expected: int = 0) -> None:
        """Run a command of ours as a user would, and remember it where its exit status is not the expected one."""
        self._print(self._paint(f"\n$ reconciler {words}", _BOLD))
        process = subprocess.run(  # noqa: S603 - the words are this module's own
            [sys.executable, "-m", "reconciler", *shlex.split(words)],
            cwd=self.folder,
            env=self._environ(),
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if process.returncode != expected:
            self.surprises.append(f"`reconciler {words}` ended with {process.returncode}, not {expected}")
        elif expected:
            self._print(self._paint(f"(exit status {expected})", _DIM))
        if self.waits:
            input(self._paint("Enter for the next step ", _DIM))

    def run_and_kill(self, words: str, when: Callable[[], bool]) -> None:
        """Run a command of ours and kill it, as a machine that dies would, once something holds."""
        self._print(self._paint(f"\n$ reconciler {words}", _BOLD))
        process = subprocess.Popen(  # noqa: S603 - the words are this module's own
            [sys.executable, "-m", "reconciler", *shlex.split(words)],
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
        )
        while process.poll() is None and not when():
            time.sleep(_LOOK_SECONDS)
        if process.poll() is not None:
            self.surprises.append(f"`reconciler {words}` ended by itself with {process.returncode}")
        process.kill()
        process.wait()
        self._print(self._paint("(killed with SIGKILL while its command ran)", _DIM))
        if self.waits:
            input(self._paint("Enter for the next step ", _DIM))

    def show(self, name: str) -> None:
        """Show a file of the demo's folder."""
        self._print(self._paint(f"\n$ cat {name}", _BOLD))
        self._print((self.folder / name).read_text(encoding="utf-8").rstrip())

    def tell(self, found: Mapping[str, Any]) -> None:
        """Show a few values, one a line."""
        for name, value in found.items():
            self._print(f"   {name}: {value if isinstance(value, str) else json.dumps(value)}")

    def page(self, name: str, title: str) -> None:
        """Show a text for a forge as the forge would, as a page."""
        if (self.folder / name).is_file():
            made = forge_page(self.folder / name, title)
            self.pages.append(made)
            self._print(f"   As a page: {made.as_uri()}")

    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
        color = {} if self.color else {"NO_COLOR": "1"}
        cache = {"RECONCILER_CACHE_DIR": str(self.folder / ".reconciler" / "cache")}
        return {**kept, **color, **cache, "EMULATOR": self.emulator.url, "PYTHONUNBUFFERED": "1"}

    def _paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if self.color else text

    def _print(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def play(stage: Stage) -> Status:
    """Play the demo and return DONE where every command ended as the script says."""
    stage.say("Manifests", "Delivery targets and syncs as code. Secrets are references, never values.")
    stage.show("manifests/delivery/search.yaml")
    stage.run("validate")
    stage.say("Plan", "What would change in the marketplace, reviewed in the pull request. Nothing is written.")
    stage.run("plan -e emulator --save plan.json")
    stage.say("Apply", "What was reviewed is what is applied: live is read again, and only that is sent.")
    stage.run("apply plan.json")
    stage.say("Nothing left to do", "Apply, then plan is empty. A pipeline can rely on the exit status.")
    stage.run("plan -e emulator --exit-code")
    stage.say("Somebody pauses a sync in the portal", "No reason, no end, and nobody is told.")
    pause_in_portal(stage.emulator)
    stage.say("Drift", "The scheduled check finds it, knows that live moved, and says what to do.")
    stage.run("drift -e emulator --save drift.json", expected=Status.PENDING)
    stage.say("The rolling issue", "What the scheduled job writes of it at the forge: one issue, closed by itself.")
    stage.run("gitops issue drift.json --print --output issue.md")
    stage.page("issue.md", "Drift, as a rolling issue")
    stage.say("Put right")
    stage.run("apply -e emulator --target EntitySync/stock --yes")
    stage.run("drift -e emulator")
    stage.say(
        "Somebody switches something off, and it heals",
        "The environment lets drift of this cause be put right without asking. What was done is reported.",
    )
    switch_off_in_portal(stage.emulator)
    stage.run("drift -e emulator --heal")
    play_pause(stage)
    play_data_sync(stage)
    play_customers(stage)
    stage.say("Import", "An existing marketplace becomes manifests: here into an empty folder, only to look at.")
    copy = stage.folder / "elsewhere"
    copy.mkdir()
    example = stage.folder / "manifests" / "environments" / "emulator.yaml"
    text = example.read_text(encoding="utf-8")
    (copy / "environment.yaml").write_text(text[: text.index("  patches:")], encoding="utf-8")
    stage.run("import -m elsewhere")
    stage.run("plan -m elsewhere --exit-code")
    stage.say(
        "A plan to look at",
        "Another endpoint, a pause with an end, and a sync that goes: a guardrail refuses to delete just like that.",
    )
    shutil.copytree(stage.folder / "manifests", stage.folder / "before")
    change_manifests(stage.folder / "manifests")
    plan = "plan -e emulator --base before --save change.json --format html --output plan.html"
    stage.run(plan, expected=Status.REFUSED)
    stage.say(
        "The pull request's comment", "The same change, as reviewers see it: changed rules first, then the risks."
    )
    stage.run("gitops comment change.json --print --output comment.md")
    stage.page("comment.md", "A pull request's comment")
    return curtain(stage)


def play_pause(stage: Stage) -> None:
    """Pause a sync around a command, kill that, and let the next writer resume it."""
    stage.say(
        "A pause around a command, and the machine dies",
        "Who paused it, why and what live was stand in the ledger before anything is sent.",
    )
    stage.run_and_kill(
        'pause EntitySync/stock -e emulator --for 1h --reason "Stock count" -- sleep 10',
        lambda: is_paused(stage.emulator),
    )
    stage.run("pauses -e emulator")
    stage.say("The next writer resumes it", "Nothing stays paused that nobody remembers.")
    stage.run("drift -e emulator --resume-expired")
    stage.run("pauses -e emulator")


def play_data_sync(stage: Stage) -> None:
    """Let products, stock and prices flow: all of them, none, two changes, and one that was stuck."""
    stage.say(
        "The first full sync",
        f"The manifest {_DATA_SYNC} lets {PRODUCTS} products with stock and prices flow to SparkLayer.",
    )
    stage.show("manifests/sparklayer/data-sync.yaml")
    stage.run("sync run -e emulator")
    stage.say("The same again", "Nothing changed, so nothing is written; only the sync log says that all is well.")
    stage.run("sync run -e emulator --full")
    stage.say("A price and a stock level change", "As somebody in the shop would do it. They cost one write each.")
    stage.run(f"emulate mutate --url {stage.emulator.url} --prices 1 --stocks 1 --seed-number 2")
    stage.run("sync run -e emulator --full")
    stage.say("One product goes nowhere", "The merchant reads why in SparkLayer's sync log; you read it here.")
    stage.run("sync errors -e emulator")
    stage.run("sync-log show -e emulator --type products --errors")
    stage.say("It is mended at the source", f"{WITHOUT_SKU} gets its SKU, and is tried again without waiting.")
    mend_in_portal(stage.emulator)
    stage.run(f"sync retry {WITHOUT_SKU} -e emulator")
    stage.run("sync run -e emulator")
    stage.run("sync status -e emulator")


def play_customers(stage: Stage) -> None:
    """Let customers, their own prices and orders flow too, and an order ship."""
    stage.say(
        "Customers, their own prices, and orders",
        "Three more lines in the manifest; apply records that each of them wants its first full sync.",
    )
    let_more_flow(stage.folder / "manifests")
    stage.run("apply -e emulator --yes")
    stage.run("sync run -e emulator")
    stage.say("A customer with prices of its own", "What SparkLayer has now, as its buyer will see it.")
    stage.tell(customer_with_own_prices(stage.emulator))
    stage.say("An order ships", "The buyer placed it in SparkLayer, and finds it there again.")
    stage.run(f"emulate mutate --url {stage.emulator.url} --ship-orders 1 --seed-number {_DRAW}")
    stage.run("sync run -e emulator --type orders")
    stage.tell(shipped_order(stage.emulator))


def let_more_flow(folder: Path) -> None:
    """Let customers, their prices and orders flow by the data sync."""
    path = folder / "sparklayer" / "data-sync.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(f"priceList: {_LIST}", f"priceList: {_LIST}\n    partyPriceLists: true")
    path.write_text(f'{text}  customers: {{}}\n  orders: {{since: "2020-01-01"}}\n', encoding="utf-8")


def customer_with_own_prices(emulator: RunningEmulator) -> dict[str, Any]:
    """Return what the site has of a customer with a price list of its own, and the first price on that."""
    site = emulator.site()
    prices = site["prices"]
    customer = next(
        each for each in site["customers"]["records"] if any(prices.get(slug) for slug in each.get("price_lists") or ())
    )
    slug = next(slug for slug in customer["price_lists"] if prices.get(slug))
    sku, own = next(iter(prices[slug].items()))
    named = {name: customer[name] for name in ("external_id", "email", "company_name", "price_lists")}
    first, usual = own["pricing"][0], prices[_LIST][sku]["pricing"][0]
    return {**named, "own price": f"{sku} at {first['price']}, which is {usual['price']} for others"}


def shipped_order(emulator: RunningEmulator) -> dict[str, Any]:
    """Return what the site has of the order that shipped."""
    purchases = emulator.site()["purchases"].values()
    order = next(each for each in purchases if each["purchase_identifiers"].get("platform") == SHIPS)
    packages = [f"{each['type']}: {len(each['line_items'])} lines" for each in order["packages"]]
    carriers = [one.get("carrier") for each in order["packages"] for one in each.get("shipments") or ()]
    return {"order": SHIPS, "packages": ", ".join(packages), "by": ", ".join(dict.fromkeys(filter(None, carriers)))}


def mend_in_portal(emulator: RunningEmulator) -> None:
    """Give the product without a SKU one, as somebody in the portal would."""
    state = emulator.state(secrets=True)
    products = state["ordercloud"]["commerce"]["objects"]["Product"][""]
    (product,) = (each for each in products if each["ID"] == WITHOUT_SKU)
    product["xp"]["SKU"] = WITHOUT_SKU
    emulator.load(state)


def is_paused(emulator: RunningEmulator) -> bool:
    """Whether the stock sync is paused, and the request that paused it has its answer."""
    sync = emulator.state()["ordercloud"]["syncs"][_STOCK]
    return bool(sync["Paused"]) and all(request["status"] is not None for request in emulator.requests()[-3:])


def pause_in_portal(emulator: RunningEmulator) -> None:
    """Pause the stock sync behind the reconciler's back, as somebody in the portal would."""
    state = emulator.state(secrets=True)
    state["ordercloud"]["syncs"][_STOCK]["Paused"] = True
    emulator.load(state)


def switch_off_in_portal(emulator: RunningEmulator) -> None:
    """Let deleted buyers go unsent, behind the reconciler's back."""
    state = emulator.state(secrets=True)
    state["ordercloud"]["syncs"]["/integrations/entitysync/buyers"]["SyncEntityDeleted"] = False
    emulator.load(state)


def change_manifests(folder: Path) -> None:
    """Change a few things at once: another endpoint, a pause with an end, a sync that goes."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    pause = f"pause: {{until: {until.isoformat()}, reason: Season price load, owner: pricing}}"
    edits = {
        "delivery/order-hook.yaml": ("/ordercloud/orders", "/v2/orders"),
        "syncs/products.yaml": ("deliveryConfig: search-products", f"deliveryConfig: search-products\n  {pause}"),
        "syncs/orders.yaml": ("metadata: {name: errors}", "metadata: {name: errors}\nstate: absent"),
        "environments/emulator.yaml": ("literalSecrets: allow", "literalSecrets: allow, maxChanges: 20"),
    }
    for name, (old, new) in edits.items():
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def curtain(stage: Stage) -> Status:
    """Say what is left behind and, where something did not go as it should, what."""
    pages = [f"Look at {page.as_uri()}" for page in (stage.folder / "plan.html", *stage.pages)]
    stage.say("That was all of it", *pages, f"Everything is in {stage.folder}; remove it any time.")
    for surprise in stage.surprises:
        sys.stderr.write(f"demo: {surprise}\n")
    return Status.ERROR if stage.surprises else Status.DONE
