"""Show the service at work: emulator, applied example, `reconciler serve` on SQLite; a change, delivered and written.

Run it in a checkout: `make serve-demo`. It ends by itself; with --keep the page stays until Ctrl-C.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from reconciler.cli.demo import find_example
from reconciler.emulator.testing import RunningEmulator, running_emulator

SECRET = "signing-key-of-the-demo"
SYNC = "ordercloud-to-sparklayer"
SERVICE = f"""  service:
    loops: [syncs, drift]
    deliveries: [{{dataSync: {SYNC}, secrets: ["${{secret:DELIVERY_SECRET}}"]}}]
"""


def main(keep: bool) -> int:
    """Play the demo, and return the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-serve-demo-"))
    shutil.copytree(find_example(), folder / "manifests")
    with running_emulator() as emulator:
        emulator.seed(20, 1)
        environ = {**os.environ, "EMULATOR": emulator.url, "DELIVERY_SECRET": SECRET}
        _name_the_service(folder / "manifests")

        def start(*words: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "reconciler", *words]
            return subprocess.Popen(command, cwd=folder, env=environ, text=True, stderr=subprocess.PIPE)

        print("$ reconciler apply -e emulator --yes", flush=True)
        applied = start("apply", "-e", "emulator", "--yes")
        _, said = applied.communicate()
        if applied.returncode:
            print(said)
            return 1
        print("$ reconciler serve -e emulator", flush=True)
        serving = start("serve", "-e", "emulator", "--listen", "127.0.0.1:0", "--log-format", "json")
        try:
            return _play(serving, emulator, keep=keep)
        finally:
            serving.terminate()
            serving.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _play(serving: subprocess.Popen[str], emulator: RunningEmulator, *, keep: bool) -> int:
    url = _wait_for(serving, "serving")["url"]
    print(f"\nThe page: {url}/\n", flush=True)
    _wait_for(serving, "run-ended")
    form = b"grant_type=client_credentials&client_id=emulator&client_secret=emulator"
    token = _post(emulator.ordercloud_auth_url, form)
    portal = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/json"}
    product = _ask(f"{emulator.ordercloud_url}/products?pageSize=1", portal)["Items"][0]["ID"]
    print(f"OrderCloud: the product {product} is renamed, and a message of it is delivered", flush=True)
    _ask(f"{emulator.ordercloud_url}/products/{product}", portal, b'{"Name": "Renamed in the demo"}', "PATCH")
    message = {"Headers": {"type": "sitecore.ordercloud.messages.product.updated"}, "Payload": {"ProductID": product}}
    raw = json.dumps(message).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    emulator.clear_requests()
    began = time.monotonic()
    _post(f"{url}/deliveries/{SYNC}", raw, {"X-oc-hash": signature})
    while not _written(emulator):
        if time.monotonic() - began > 60:
            print("SparkLayer was not written within a minute")
            return 1
        time.sleep(0.05)
    print(f"SparkLayer: written {time.monotonic() - began:.1f} s after the delivery", flush=True)
    if keep:
        print("Ctrl-C ends it.")
        try:
            serving.wait()
        except KeyboardInterrupt:
            print()
    return 0


def _written(emulator: RunningEmulator) -> bool:
    """Whether SparkLayer was sent a product."""
    sent = (each["path"] for each in emulator.requests() if each["method"] != "GET")
    return any("sparklayer" in path and "/products" in path for path in sent)


def _name_the_service(manifests: Path) -> None:
    """Add spec.service to the Environment of the emulator."""
    for path in manifests.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if "kind: Environment" in text and "name: emulator" in text:
            path.write_text(text.rstrip("\n") + "\n" + SERVICE, encoding="utf-8")


def _wait_for(serving: subprocess.Popen[str], event: str) -> dict[str, str]:
    for line in serving.stderr or ():
        if line.startswith("{"):
            found: dict[str, str] = json.loads(line)
            print(f"  {found['message']}", flush=True)
            if found["event"] == event:
                return found
        else:
            print(f"  {line.rstrip()}", flush=True)
    raise SystemExit("the service ended")


def _ask(url: str, headers: dict[str, str], body: bytes | None = None, method: str = "GET") -> dict[str, object]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body, headers, method=method)) as answer:  # noqa: S310 - of the demo
        content = answer.read()
    return json.loads(content) if content else {}


def _post(url: str, body: bytes, headers: dict[str, str] | None = None) -> dict[str, object]:
    return _ask(url, headers or {}, body, "POST")


if __name__ == "__main__":
    sys.exit(main("--keep" in sys.argv[1:]))
