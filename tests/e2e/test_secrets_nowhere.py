"""No secret in any byte that a command leaves behind: output, plans, pages, ledger, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.ledger import postgres
from reconciler.ledger.config import secret_fingerprint as fingerprint
from support.checkout import Checkout, Document, Ended, document, entity_sync

CLIENT_SECRET = "kr3mbel-client-secret"
TOKEN_FOLDER = "tokens"  # the one place for a token: mode 0600, see reconciler/http/tokens.py
ENDPOINT = "https://hooks.example.com"


def key(name: str, age: str) -> str:
    """Return a unique value: what it is for, and whether it is the one before or after the rotation."""
    return f"kr3mbel-{age}-{name}"


def connection(name: str, age: str) -> str:
    return f"Endpoint=sb://bus.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey={key(name, age)}"


def targets(how: str, age: str) -> dict[str, Document]:
    """Return every target that there is, by the name of its DeliveryConfig; `how` says where its secrets stand."""

    def secret(name: str, value: str | None = None) -> str:
        return value or key(name, age) if how == "literal" else f"${{secret:{variable(name)}}}"

    def inside(name: str) -> str:
        """A secret that is a part of a value."""
        return key(name, age) if how == "literal" else f"${{secret:{variable(name)}}}"

    custom: Document = {
        "kafka": {
            "bootstrapServers": "kafka.example.com:9092",
            "saslUsername": "shop",
            "saslPassword": secret("kafka"),
            "topic": "products",
        },
        "http": {
            "endpoint": f"https://me:{inside('userinfo')}@hooks.example.com/in?code={inside('query')}&v={age}",
            "secret": secret("http"),
            "customAuthHeaderName": "X-Key",
            "customAuthHeaderValue": secret("header"),
        },
        "eventHub": {"eventHubName": "stock", "connectionString": secret("hub", connection("hub", age))},
        "azureBlob": {"connectionString": secret("blob", connection("blob", age))},
        "azureTable": {"connectionString": secret("table", connection("table", age))},
        "cosmosDb": {"connectionString": secret("cosmos", connection("cosmos", age))},
        "messageSender": {"endpoint": f"{ENDPOINT}/services/{inside('path')}", "secret": secret("sender")},
    }
    search = {
        "domain": "1",
        "source": "2",
        "endpoint": ENDPOINT,
        "entity": "product",
        "apiKey": secret("search"),
        "content": {
            "locales": ["en-GB"],
            "http": {"endpoint": ENDPOINT, "customAuthHeaderName": "X", "customAuthHeaderValue": secret("content")},
        },
    }
    return {
        "custom": custom,
        "search": {"searchIngestion": search},
        "content-hub": {
            "contentHub": {
                "endpoint": ENDPOINT,
                "targetSchemaName": "M",
                "apiKey": secret("content-hub"),
                "configData": {
                    "age": age,
                    "remote": {"clientSecret": inside("free-form"), "tokens": [{"accessToken": inside("list")}]},
                    "callback": f"https://x.example.com/?sig={inside('free-url')}",
                    "storage": f"Endpoint=x;SharedAccessKey={inside('string')}",
                    "anything": inside("marked"),
                },
            }
        },
        "discover": {
            "discoverEvent": {"clientID": "1", "serviceEndpoint": ENDPOINT, "apiKey": secret("discover")},
        },
        "mail": {"mailchimp": {"apiKey": secret("mail")}},
    }


INSIDE = ["userinfo", "query", "path", "free-form", "list", "free-url", "string", "marked"]
SENSITIVE = {
    "custom": ["deliveryTargets.messageSender.endpoint"],
    "content-hub": ["deliveryTargets.contentHub.configData.anything"],
}
NAMES = [
    "kafka",
    "http",
    "header",
    "hub",
    "blob",
    "table",
    "cosmos",
    "sender",
    "search",
    "content",
    "content-hub",
    "discover",
    "mail",
    *INSIDE,
]
CONNECTIONS = {"hub", "blob", "table", "cosmos"}


def variable(name: str) -> str:
    return f"E2E_{name.upper().replace('-', '_')}"


def value(name: str, age: str) -> str:
    return connection(name, age) if name in CONNECTIONS else key(name, age)


class Shop(Checkout):
    """A checkout that holds every byte that its commands leave against the marks of the secrets."""

    how = "reference"

    def become(self, age: str) -> None:
        """Write the manifests with the old or the new secrets."""
        self.variables.update({variable(name): value(name, age) for name in NAMES})
        self.variables["CLIENT_SECRET"] = CLIENT_SECRET
        secret = "${secret:CLIENT_SECRET}" if self.how == "reference" else CLIENT_SECRET
        self.write("environment.yaml", self.environment(ordercloud={"clientID": "shop", "clientSecret": secret}))
        configs = [
            document(
                "DeliveryConfig",
                name,
                {"name": f"{name} {age}", "deliveryTargets": each},
                metadata={"sensitive": SENSITIVE.get(name, [])},
            )
            for name, each in targets(self.how, age).items()
        ]
        self.write("shop.yaml", *configs, entity_sync("buyers", "custom"))

    def marks(self) -> list[bytes]:
        """Return what must not be seen: every secret and every token that was ever given out."""
        login = self.emulator.state(secrets=True)["ordercloud"]["login"]
        ages = [key(name, age) for name in NAMES for age in ("old", "new")]
        return [mark.encode() for mark in (CLIENT_SECRET, *ages, *login["access"], *login["revoked"])]

    def clean(self, ended: Ended) -> Ended:
        """Fail where output or any file shows a secret; the literal ones stand in the manifests, of course."""
        marks = self.marks()
        seen = {"stdout": ended.stdout.encode(), "stderr": ended.stderr.encode()}
        for path in self.folder.rglob("*"):
            if path.is_file() and TOKEN_FOLDER not in path.parts and self.manifests not in path.parents:
                seen[path.name] = path.read_bytes()
        found = [(where, mark) for where, content in seen.items() for mark in marks if mark in content]
        assert found == [], ended
        return ended


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_COST", 2)


@pytest.fixture
def how() -> str:
    return "reference"


@pytest.fixture
def shop(emulator: RunningEmulator, tmp_path: Path, how: str) -> Shop:
    """Return a checkout whose old secrets are live, and whose manifests hold the new ones."""
    emulator.add_client("shop", CLIENT_SECRET)
    checkout = Shop(tmp_path, emulator)
    checkout.how = how
    checkout.become("old")
    assert checkout.clean(checkout.call("apply", "--yes", "-vv")).status == 0
    live = str(checkout.live())
    assert all(key(name, "old") in live for name in NAMES), "the fixture sends every secret"
    checkout.become("new")
    return checkout


READING = (
    *(("plan", "--format", form) for form in ("text", "json", "markdown", "html")),
    *(("drift", "--format", form) for form in ("text", "json", "markdown", "html")),
    *(("validate", "--format", form) for form in ("text", "json", "sarif", "junit", "github")),
    *(("import", "--into", "imported", "--format", form) for form in ("text", "json")),
    *(("doctor", "--format", form) for form in ("text", "json")),
    *(("ledger", "show", "--format", form) for form in ("text", "json")),
    ("plan", "--push-secrets", "--save", "saved.json"),
    ("plan", "--format", "html", "--output", "plan.html"),
)


@pytest.mark.parametrize("how", ["reference", "literal"])
def test_reading_commands_show_none(shop: Shop) -> None:
    for command in READING:
        ended = shop.clean(shop.call(*command, "-vv"))
        assert ended.status in (0, 1, 2), str(ended)
        assert ended.stdout or "--output" in command


@pytest.mark.parametrize(("how", "form"), [("reference", "text"), ("literal", "json")])
def test_a_rotation_shows_none(shop: Shop, form: str) -> None:
    assert shop.clean(shop.call("plan", "--save", "plan.json")).status == 0
    ended = shop.clean(shop.call("apply", "plan.json", "-vv", "--format", form))
    assert ended.status == 0, str(ended)
    live = str(shop.live())
    assert all(key(name, "new") in live for name in NAMES)
    assert shop.clean(shop.call("plan", "--exit-code")).status == 0


def echo(status: int) -> dict[str, Any]:
    """A failure that repeats everything that was sent, as a careless server would."""
    text = " ".join(value(name, "new") for name in NAMES)
    return {"effect": "status", "status": status, "count": None, "message": f"Invalid body: {text}"}


@pytest.mark.parametrize(
    "fault",
    [
        echo(400) | {"method": "PATCH"},
        echo(403) | {"method": "PATCH"},
        echo(409) | {"method": "PATCH"},
        echo(500) | {"method": "PATCH"},
        {"effect": "status", "status": 401, "count": None, "method": "PATCH"},
        {"effect": "reset", "count": None, "method": "PATCH"},
        {"effect": "reset", "count": None, "method": "PATCH", "when": "after"},
        {"effect": "broken_json", "count": None, "method": "PATCH"},
        {"effect": "truncated", "count": None},
        {"effect": "status", "status": 400, "path": "*/token", "count": None, "message": CLIENT_SECRET},
        {"effect": "status", "status": 500, "path": "*/token", "count": None, "message": CLIENT_SECRET},
    ],
    ids=lambda fault: f"{fault['effect']}-{fault.get('status', '')}-{fault.get('method', 'any')}",
)
def test_a_failing_apply_shows_none(shop: Shop, fault: dict[str, Any]) -> None:
    shop.emulator.fault(**fault)
    for form in ("text", "json"):
        ended = shop.clean(shop.call("apply", "--yes", "-vv", "--format", form, "--no-token-cache"))
        assert ended.status == 1, str(ended)
    shop.emulator.clear_faults()
    assert shop.clean(shop.call("apply", "--yes", "-vv")).status == 0
    assert shop.clean(shop.call("plan", "--exit-code", "-vv")).status == 0


def test_wrong_credentials_show_none(shop: Shop) -> None:
    shop.emulator.add_client("shop", "another")
    for command in (("plan",), ("apply", "--yes"), ("drift",), ("import",), ("doctor",)):
        ended = shop.clean(shop.call(*command, "-vv", *(["--no-token-cache"] if command[0] != "doctor" else [])))
        assert ended.status == 1, str(ended)


def test_a_bug_of_ours_shows_none(shop: Shop) -> None:
    program = (
        "import sys; from reconciler.reconcile import session, apply\n"
        "def broken(self, *arguments, **more):\n"
        "    secret = next(s.reveal() for d in self.desired for s in found(d.state) if s.is_set)\n"
        "    raise ValueError(f'wrong: {secret}', secret) from KeyError(secret)\n"
        "def found(value):\n"
        "    from reconciler.reconcile.diff import secrets_in\n"
        "    return [secret for _, secret in secrets_in(value)]\n"
        "session.Session.compare = broken\n"
        "from reconciler.cli.main import main; main()\n"
    )
    for verbosity in ("-v", "-vv"):
        ended = subprocess.run(
            [sys.executable, "-c", program, "apply", "--yes", verbosity],
            cwd=shop.folder,
            env=shop.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told = shop.clean(Ended(ended.returncode, ended.stdout, ended.stderr))
        assert told.status == 1
        assert "Internal error: ValueError in broken" in " ".join(told.stderr.split())
        assert ("ValueError\n" in told.stderr) == (verbosity == "-vv")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:kr3mbel-new-http@127.0.0.1:1/ledger",
        "postgresql://127.0.0.1:1/ledger?password=kr3mbel-new-http",
        "postgresql://me:kr3mbel-new-http@127.0.0.1:port/ledger",
        "host=127.0.0.1 port=1 password='kr3mbel-new-http",
        "sqlite://kr3mbel-new-http@x",
    ],
)
def test_the_password_of_a_ledger_url_is_not_shown(shop: Shop, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody is there, so waiting for a server would only take time; tests/ledger/test_outages.py waits.
    monkeypatch.setattr(postgres, "_CONNECT_PATIENCE_SECONDS", 0.0)
    shop.variables["RECONCILER_LEDGER"] = url
    environment = shop.environment(ordercloud={"clientID": "shop", "clientSecret": CLIENT_SECRET})
    environment["spec"]["ledger"] = "${env:RECONCILER_LEDGER}"
    shop.write("environment.yaml", environment)
    for command in (("plan",), ("apply", "--yes"), ("drift",), ("ledger", "show"), ("ledger", "unlock"), ("doctor",)):
        ended = shop.clean(shop.call(*command, "-vv"))
        assert ended.status == 1, str(ended)


def test_a_token_is_kept_for_its_owner_only(shop: Shop) -> None:
    files = [path for path in (shop.folder / "cache" / TOKEN_FOLDER).iterdir() if path.is_file()]
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600]
    assert CLIENT_SECRET.encode() not in files[0].read_bytes()
