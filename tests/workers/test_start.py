"""The start of a worker: which environments' jobs it takes, and which of their DataSyncs may run now."""

from __future__ import annotations

import os

import pytest

from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import SecretsUnset, SecretUnset
from reconciler.ledger.data.turns import TurnStore
from reconciler.ledger.writer import Ledger
from reconciler.workers.start import Manned, open_environments
from support.checkout import Checkout
from support.syncing import Shop

SECRET = {"clientSecret": "${secret:NOT_SET}"}
AWAY = "postgresql://127.0.0.1:1/nowhere"


@pytest.fixture
def shop(tmp_path, emulator):
    return Shop(Checkout(tmp_path, emulator))


def project(shop):
    return Project(shop.checkout.manifests, ("all",), {**os.environ, **shop.checkout.variables})


def known(shop, manned):
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        _, waits = TurnStore(ledger.database).waits([manned.name])
    return [sync.type for sync in manned.known(waits)]


def test_what_is_applied_or_connected_after_the_start_runs_without_another_start(shop):
    shop.write_manifests()
    reopened = project(shop).openers()["test"]
    manned = Manned(reopened(utc_now()), reopened, None)
    assert known(shop, manned) == []
    assert manned.chosen("shop") == ()
    shop.checkout.applied()
    assert known(shop, manned) == ["products"]

    site = manned.session.connections["sparklayer"].live_side
    with Ledger.open(shop.checkout.ledger_url) as ledger:
        ledger.ignite.disconnect("test", site)
        # Whoever takes the job finds out, and offers no more.
        assert manned.chosen("shop") == ()
        assert known(shop, manned) == []
        ledger.ignite.connect("test", site, "shop", None, may_replace=False)
    assert known(shop, manned) == ["products"]


def test_an_environment_whose_secret_is_not_set_is_left_out_and_the_only_one_is_refused(shop):
    shop.write_manifests(environment={"ledger": AWAY})
    other = shop.environment(ledger=AWAY, ordercloud=SECRET)
    other["metadata"] = {"name": "other"}
    file = shop.checkout.write("other.yaml", other)
    opened = open_environments(project(shop))
    assert set(opened.manned) == {"test"}
    assert opened.broken["other"].message == "${secret:NOT_SET} has to be sent and is not set"
    assert opened.broken["other"].place.file == str(file)

    shop.write_manifests(environment={"ledger": AWAY, "sparklayer": SECRET})
    with pytest.raises(SecretUnset, match="NOT_SET"):
        open_environments(project(shop))
    shop.write_manifests(environment={"ledger": AWAY, "sparklayer": SECRET, "ordercloud": SECRET})
    with pytest.raises(SecretsUnset) as refused:
        open_environments(Project(shop.checkout.manifests, ("test",), {}))
    assert len(refused.value.problems) == 2
