"""Records tests/cassettes from a running emulator: `PYTHONPATH=tests python -m support.record`.

Never written by hand. Secrets and tokens are taken out before anything is written.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import vcr

from reconciler.emulator.testing import running_emulator
from reconciler.http.network import ENGINE_VARIABLE
from support.checkout import Checkout, Document, document, entity_sync

FOLDER = Path(__file__).parents[1] / "cassettes"
# Stands for host and port of the emulator, which are others in every recording.
ORIGIN = "http://127.0.0.1:8800"
SCRUBBED = "scrubbed"
CLIENT_SECRET, HTTP_SECRET, API_KEY = "kr3mbel-client", "kr3mbel-http", "kr3mbel-search"
SECRETS = (CLIENT_SECRET, HTTP_SECRET, API_KEY)
_WRITE_ONLY = {"Secret", "ApiKey", "CustomAuthHeaderValue", "SaslPassword", "ConnectionString"}


def manifests() -> list[Document]:
    """Return what the recorded plan and apply are about."""
    http = {"endpoint": "https://hooks.example.com", "secret": "${secret:E2E_HTTP}"}
    search = {
        "domain": "1",
        "source": "2",
        "endpoint": "https://discover.sitecorecloud.io",
        "entity": "product",
        "apiKey": "${secret:E2E_SEARCH}",
    }
    return [
        document("DeliveryConfig", "hook", {"name": "Hook", "deliveryTargets": {"http": http}}),
        document("DeliveryConfig", "search", {"name": "Search", "deliveryTargets": {"searchIngestion": search}}),
        document("ProductSync", "products", {"deliveryConfig": "search"}),
        entity_sync("buyers", "hook"),
    ]


def lay_out(checkout: Checkout, origin: str) -> None:
    """Write manifests and variables of the recording; `origin` is where the API is."""
    urls = {"apiUrl": f"{origin}/ordercloud/v1", "authUrl": f"{origin}/ordercloud/oauth/token"}
    checkout.variables.update(E2E_HTTP=HTTP_SECRET, E2E_SEARCH=API_KEY, E2E_CLIENT=CLIENT_SECRET)
    # The one engine that vcrpy knows.
    checkout.variables[ENGINE_VARIABLE] = "httpx"
    connection = {**urls, "clientID": "recorder", "clientSecret": "${secret:E2E_CLIENT}"}
    checkout.write("shop.yaml", checkout.environment(ordercloud=connection), *manifests())


def scrub_request(request: Any) -> Any:
    """Take credentials, token, secrets and the emulator's address out of a request."""
    request.uri = urlunsplit(urlsplit(ORIGIN)[:2] + urlsplit(request.uri)[2:])
    request.headers = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
    if request.path.endswith("/oauth/token"):
        request.body = SCRUBBED
    elif request.body:
        request.body = json.dumps(_scrubbed(json.loads(request.body)), sort_keys=True)
    return request


def scrub_response(response: Any) -> Any:
    """Take the token out of an answer, and headers that are others every time."""
    keep = {"content-type", "content-length"}
    response["headers"] = {name: value for name, value in response["headers"].items() if name.lower() in keep}
    body = response["body"]["string"]
    if body and b"access_token" in body:
        response["body"]["string"] = json.dumps(json.loads(body) | {"access_token": SCRUBBED}).encode()
        response["headers"].pop("content-length", None)
    return response


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: SCRUBBED if name in _WRITE_ONLY and item else _scrubbed(item) for name, item in value.items()}
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value


@contextlib.contextmanager
def cassette(name: str, mode: str) -> Iterator[Any]:
    """Record (`all`) or replay (`none`: what is not on it fails) the requests of the block."""
    recorder = vcr.VCR(
        cassette_library_dir=str(FOLDER),
        record_mode=mode,
        match_on=("method", "scheme", "host", "port", "path", "query", "body"),
        before_record_request=scrub_request,
        before_record_response=scrub_response,
    )
    with recorder.use_cassette(f"{name}.yaml") as opened:
        yield opened


def main() -> None:
    """Record a plan and the apply of it."""
    with running_emulator() as emulator, tempfile.TemporaryDirectory() as folder:
        emulator.add_client("recorder", CLIENT_SECRET)
        checkout = Checkout(Path(folder), emulator)
        lay_out(checkout, emulator.url)
        for name, words in (("plan", ("plan", "--exit-code")), ("apply", ("apply", "--yes"))):
            (FOLDER / f"{name}.yaml").unlink(missing_ok=True)
            with cassette(name, "all") as opened:
                ended = checkout.call(*words, "--no-token-cache")
            sys.stdout.write(f"{name}: exit {ended.status}, {len(opened)} requests\n{ended.stderr}")


if __name__ == "__main__":
    main()
