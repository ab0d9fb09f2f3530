"""OrderCloud and SparkLayer in one environment, and how an Environment names a SparkLayer site."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from reconciler.errors import ManifestErrors, Rejected
from reconciler.manifest.connection import Connection, resolve_connection
from reconciler.manifest.load import load
from reconciler.manifest.scope import Scope
from reconciler.registry import kinds
from reconciler.secret import Secret
from support.sparklayer_workbench import Workbench, manifest, outcomes

BOTH = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: {site}}}
spec:
  ordercloud:
    apiUrl: {url}/ordercloud/v1
    authUrl: {url}/ordercloud/oauth/token
    clientID: emulator
    clientSecret: emulator
  sparklayer: {{url: {url}/sparklayer, siteID: {site}, clientID: emulator, clientSecret: "{secret}"}}
  ledger: sqlite:///{folder}/ledger.db
  guardrails: {{literalSecrets: allow}}
"""
DELIVERY = manifest(
    "DeliveryConfig", "c", '{name: C, deliveryTargets: {http: {endpoint: "https://a.example", secret: s}}}'
)
ORDERS = manifest("OrderSync", "o", "{deliveryConfig: c}")
GROUP = manifest("CustomerGroup", "g", "{name: G}")


def both(folder: Path, emulator: RunningEmulator, site: str = "demo", secret: str = "emulator") -> Workbench:
    text = BOTH.format(url=emulator.url, folder=folder, site=site, secret=secret)
    return Workbench(folder, emulator, environment=text)


def test_one_plan_and_one_apply_for_both(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = both(tmp_path, emulator)
    bench.write(ORDERS, GROUP, DELIVERY)
    plan = bench.plan()
    assert dict(plan.connections) == {
        "ordercloud": f"{emulator.url}/ordercloud/v1",
        "sparklayer": f"{emulator.url}/sparklayer#demo",
    }
    assert outcomes(bench.apply()) == dict.fromkeys(["CustomerGroup/g", "DeliveryConfig/c", "OrderSync/o"], "applied")
    assert bench.plan().changes == ()


def test_one_that_fails_leaves_the_other_alone(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = both(tmp_path, emulator)
    bench.write(ORDERS, GROUP, DELIVERY)
    emulator.fault("status", status=400, method="POST", path="*/customer-groups")
    report = outcomes(bench.apply())
    assert report == {"CustomerGroup/g": "failed", "DeliveryConfig/c": "applied", "OrderSync/o": "applied"}


def test_a_failed_read_of_one_stops_the_run(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = both(tmp_path, emulator)
    bench.write(DELIVERY)
    emulator.fault("status", status=403, method="GET", path="*/stock-locations", count=None)
    with pytest.raises(Rejected):
        bench.apply()
    assert emulator.state()["ordercloud"]["deliveryConfigs"] == {}


def test_a_target_asks_only_the_api_that_it_is_of(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = both(tmp_path, emulator, secret="${secret:NOT_SET}")
    bench.write(DELIVERY, GROUP)
    bench.apply(targets=frozenset({"DeliveryConfig"}))
    assert all("/sparklayer/" not in entry["path"] for entry in emulator.requests())
    assert list(emulator.state()["ordercloud"]["deliveryConfigs"]) == ["c"]


def test_a_ledger_keeps_the_environments_of_two_sites_of_one_url_apart(
    tmp_path: Path, emulator: RunningEmulator
) -> None:
    emulator.add_site("other")
    store = manifest("Store", "store", "{baseCurrency: GBP}")
    for site, currency in (("demo", "GBP"), ("other", "EUR")):
        bench = both(tmp_path, emulator, site)
        bench.write(store.replace("GBP", currency))
        assert outcomes(bench.apply()) == {"Store/store": "applied"}
        assert emulator.site(site)["currency"] == currency
        assert bench.plan().changes == ()


def connection(tmp_path: Path, spec: str, **environ: str) -> Connection:
    text = f"apiVersion: reconciler/v1\nkind: Environment\nmetadata: {{name: e}}\nspec: {{sparklayer: {spec}}}\n"
    (tmp_path / "e.yaml").write_text(text)
    [environment] = load(tmp_path, kinds()).environments
    return resolve_connection(environment, Scope.of(environment, environ), "sparklayer")


@pytest.mark.parametrize(("stage", "host"), [("live", "app.sparklayer.io"), ("test", "test.app.sparklayer.io")])
def test_a_stage_is_a_host(tmp_path: Path, stage: str, host: str) -> None:
    spec = f"{{stage: {stage}, siteID: bobs, clientID: '${{env:SPARK_CLIENT_ID}}', clientSecret: '${{secret:S}}'}}"
    found = connection(tmp_path, spec, SPARK_CLIENT_ID="me", S="kr3mbel")
    assert (found.api_url, found.auth_url) == (f"https://{host}", f"https://{host}/api/auth/token")
    assert (found.live_side, found.client_id) == (f"https://{host}#bobs", "me")
    assert isinstance(found.client_secret, Secret)
    assert "kr3mbel" not in repr(found)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("url: 'https://evil.example'", "bad-api-url"),
        ("url: 'http://app.sparklayer.io'", "bad-api-url"),
    ],
)
def test_credentials_go_to_sparklayer_only(tmp_path: Path, where: str, code: str) -> None:
    with pytest.raises(ManifestErrors) as caught:
        connection(tmp_path, f"{{{where}, siteID: s, clientID: c, clientSecret: s}}")
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("where", ["", "stage: live, url: 'https://app.sparklayer.io', "])
def test_stage_or_url_one_of_the_two(tmp_path: Path, emulator: RunningEmulator, where: str) -> None:
    text = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: e}\n"
    bench = Workbench(tmp_path, emulator)
    bench.environment = (
        f"{text}spec: {{sparklayer: {{{where}siteID: s, clientID: c, clientSecret: '${{secret:S}}'}}}}\n"
    )
    bench.write(GROUP)
    [(_, message)] = bench.problems()
    assert "stage or url" in message


def test_a_limited_api_does_not_hold_up_the_plan_for_good(tmp_path: Path, emulator: RunningEmulator) -> None:
    bench = both(tmp_path, emulator)
    bench.write(GROUP)
    emulator.fault("too_many", path="*/customer-groups", seconds=0, count=1)
    assert [change.key for change in bench.plan().changes] == ["CustomerGroup/g"]
