"""The start of the service: all that spec.service names is right, or it says in one error what is not, and where."""

from __future__ import annotations

import re
import threading

import pytest

from reconciler.errors import LedgerError, ManifestErrors, UsageError
from reconciler.serve import run
from reconciler.serve.front import Asked
from reconciler.serve.routes import health
from reconciler.serve.run import tell_broken
from reconciler.serve.service import Served
from support.checkout import wait_until
from support.service import serving


def test_a_service_answers_that_it_lives_and_is_ready(shop):
    shop.write_manifests(environment={"service": {}})
    with serving(shop.checkout) as running:
        alive, ready = running.get("/healthz"), running.get("/readyz")
    assert (alive.status, alive.json) == (200, {"status": "alive"})
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert ready.headers["cache-control"] == "no-store"


def test_an_environment_without_a_service_is_refused(shop):
    shop.write_manifests()
    with (
        pytest.raises(UsageError, match=r"nothing is to be served: test without spec\.service"),
        serving(shop.checkout),
    ):
        pass


def test_everything_that_is_wrong_is_said_at_once_with_its_place(shop):
    service = {
        "deliveries": [{"dataSync": "shpo", "secrets": ["${secret:DELIVERY_SECRET}", "literal"]}],
        "ignite": {"dataSync": "shop", "tokens": ["${secret:IGNITE_TOKEN}"]},
    }
    shop.write_manifests(environment={"service": service})
    with pytest.raises(ManifestErrors) as refused, serving(shop.checkout):
        pass
    told = {(problem.message, problem.place.file, problem.place.line) for problem in refused.value.problems}
    text = (shop.checkout.manifests / "environment.yaml").read_text().splitlines()
    file = str(shop.checkout.manifests / "environment.yaml")

    def line(part: str) -> int:
        return next(number for number, each in enumerate(text, 1) if part in each)

    assert told == {
        (
            "The service has to send ${secret:DELIVERY_SECRET}, which is not set",
            file,
            line("DELIVERY_SECRET"),
        ),
        ("The service has to send ${secret:IGNITE_TOKEN}, which is not set", file, line("IGNITE_TOKEN")),
        ("Environment test: spec.service names the DataSync shpo, which is not there", file, line("shpo")),
    }


def test_a_broken_environment_takes_out_itself(shop):
    checkout = shop.checkout
    shop.write_manifests(environment={"service": {"listen": "127.0.0.1:1", "publicUrl": "https://there.example"}})
    other = {**shop.environment(service={"api": {"readTokens": ["${secret:NOT_SET}"]}})}
    other["metadata"] = {"name": "other"}
    checkout.write("other.yaml", other)
    with serving(checkout, "all") as running:
        assert set(running.service.environments) == {"test"}
        assert "NOT_SET" in str(running.service.broken["other"].problems[0])
        assert running.get("/readyz").json == {"status": "ready", "waitsFor": [], "broken": ["other"]}
        tell_broken(running.service)
        (told,) = running.logged("environment-broken")
        (aside,) = running.logged("front-left-aside")
    assert (aside["environment"], aside["message"].partition(":")[0]) == (
        "test",
        "listen and publicUrl of spec.service left aside",
    )
    assert (told["environment"], told["code"]) == ("other", "invalid-manifests")
    assert re.fullmatch(
        r"1 problem in the manifests: The service has to send \$\{secret:NOT_SET\}, which is not set "
        r"\(\S+other\.yaml:\d+:\d+\)",
        told["message"],
    )


@pytest.mark.parametrize(
    ("ignite", "shadowed"),
    [
        ({"tokens": ["${secret:IGNITE_ONE}"]}, [("test", "other")]),
        ({"tokens": ["${secret:IGNITE_ONE}"], "allow": ["10.0.0.0/8"]}, []),
        ({"tokens": ["${secret:IGNITE_ONE}", "${secret:IGNITE_TWO}"]}, [("test", "other")]),
        ({"tokens": ["${secret:IGNITE_TWO}"]}, []),
        ({"allow": ["127.0.0.0/8"]}, []),
        ({"tokens": ["${secret:IGNITE_ONE}"], "siteEnv": "second"}, []),
    ],
    ids=["same", "from-few-networks", "more-tokens", "another-token", "networks-alone", "another-stage"],
)
def test_of_two_environments_with_one_site_the_one_that_is_never_asked_is_named(shop, ignite, shadowed):
    checkout = shop.checkout
    checkout.variables |= {"IGNITE_ONE": "one" * 12, "IGNITE_TWO": "two" * 12}
    shop.prepare(environment={"service": {"ignite": {"dataSync": "shop", "tokens": ["${secret:IGNITE_ONE}"]}}})
    other = {**shop.environment(service={"ignite": {"dataSync": "shop", **ignite}})}
    other["metadata"] = {"name": "other"}
    checkout.write("other.yaml", other)
    with serving(checkout, "all") as running:
        assert set(running.service.environments) == {"test", "other"}
        tell_broken(running.service)
        told = running.logged("ignite-site-twice")
    assert [(each["environment"], each["message"].split()[6]) for each in told] == shadowed


def test_environments_of_several_ledgers_are_refused_with_the_list(shop):
    checkout = shop.checkout
    shop.write_manifests(environment={"service": {}})
    other = {**shop.environment(service={}, ledger="sqlite:///other.db")}
    other["metadata"] = {"name": "other"}
    checkout.write("other.yaml", other)
    checkout.environ.pop("RECONCILER_LEDGER", None)
    with (
        pytest.raises(UsageError, match=r"these have 2: other in \S*other\.db; test in \S+"),
        serving(checkout, "all"),
    ):
        pass
    with serving(checkout, "other") as running:
        assert set(running.service.environments) == {"other"}


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({"listen": "0.0.0.0:8080"}, "the page needs a login"),
        ({"listen": "0.0.0.0:8080", "login": {"tokens": ["t"]}}, "TLS is needed"),
        ({"login": {"userHeader": "X-User"}}, "no trusted proxy is named"),
    ],
)
def test_what_others_reach_needs_a_login_and_tls(shop, service, words):
    from reconciler.app.project import Project
    from reconciler.report.log import Log
    from reconciler.serve.start import open_service

    shop.write_manifests(environment={"service": service})
    environ = shop.checkout.environ
    with pytest.raises(UsageError, match=words):
        open_service(Project(shop.checkout.manifests, (), environ), Asked(), Log(), environ)


def test_a_secret_of_a_list_reaches_no_output(checkout):
    spec = {"service": {"webhooks": {"secrets": ["sup3rs3cret-one", "sup3rs3cret-two"]}}}
    checkout.write("environment.yaml", checkout.environment(**spec, guardrails={"literalSecrets": "warn"}))
    for words in (("validate",), ("validate", "--format", "json"), ("plan",)):
        ended = checkout.call(*words)
        assert "sup3rs3cret" not in str(ended)


def test_a_service_whose_ledger_is_away_says_what_it_waits_for_and_comes_back(shop, monkeypatch):
    def away(_served):
        raise LedgerError("The ledger is away")

    shop.write_manifests(environment={"service": {}})
    with serving(shop.checkout) as running:
        with monkeypatch.context() as patched:
            patched.setattr(Served, "ledger", away)
            waiting = running.get("/readyz")
            assert running.get("/healthz").status == 200
        assert (waiting.status, waiting.json["waitsFor"]) == (503, ["the ledger of test"])
        assert running.get("/readyz").status == 200


def test_a_service_whose_ledger_takes_nothing_says_so_though_it_can_be_read(shop, monkeypatch):
    def full(_served, _holder, _waits=None):
        raise LedgerError("The disk is full")

    taken, sign = threading.Event(), Served.sign

    def signed(served, holder, waits):
        sign(served, holder, waits)
        taken.set()

    monkeypatch.setattr(Served, "sign", signed)
    monkeypatch.setattr(run, "SEEN_SECONDS", 0.05)
    monkeypatch.setattr(run, "_UNWRITTEN_SECONDS", 0.05)
    shop.write_manifests(environment={"service": {}})
    with serving(shop.checkout, works=True) as running:
        assert taken.wait(30)
        with monkeypatch.context() as patched:
            patched.setattr(Served, "sign", full)
            wait_until(lambda: running.get("/readyz").status == 503)
            assert running.get("/readyz").json["waitsFor"] == ["the ledger of test, which takes nothing"]
        wait_until(lambda: running.get("/readyz").status == 200)


def test_a_ledger_that_hangs_takes_one_thread_however_often_it_is_asked_for(shop, monkeypatch):
    """Else those of the process run out, and environments whose ledger is there seem to wait for it."""
    asked, there = [], threading.Event()

    def hangs(served):
        asked.append(served.name)
        there.wait(30)
        raise LedgerError("The ledger is away")

    monkeypatch.setattr(health, "_LEDGER_SECONDS", 0.05)
    shop.write_manifests(environment={"service": {}})
    with serving(shop.checkout) as running:
        with monkeypatch.context() as patched:
            patched.setattr(health, "_ask", hangs)
            for _ in range(8):
                waiting = running.get("/readyz").json["waitsFor"]
                assert waiting == ["the ledger of test, which does not answer"]
            assert asked == ["test"]
            there.set()
        monkeypatch.setattr(health, "_LEDGER_SECONDS", 30.0)
        wait_until(lambda: running.get("/readyz").status == 200)
