"""A login to the ledger that may only read is enough for whatever writes nothing, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support import postgres
from support.checkout import Checkout, http_config


@pytest.fixture
def read_only(checkout: Checkout) -> Iterator[Checkout]:
    """Return a checkout that was applied, whose ledger can only be read from now on; git has moved since."""
    url = checkout.server_ledger = postgres.new_ledger()
    checkout.write("environment.yaml", checkout.environment())
    checkout.write("hook.yaml", http_config("hook", "${secret:SIGN}"))
    checkout.variables["SIGN"] = "kr3mbel-sign"
    assert checkout.call("apply", "--yes", "--commit", "1" * 40).status == 0
    user = postgres.new_user(url)
    postgres.execute(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    checkout.variables["RECONCILER_LEDGER"] = postgres.as_user(url, user)
    checkout.write("hook.yaml", http_config("hook", "${secret:SIGN}", enabled=False))
    yield checkout
    postgres.drop(url)


@pytest.mark.postgres
def test_it_plans_and_shows_and_applies_nothing(read_only: Checkout) -> None:
    del read_only.variables["SIGN"]
    planned = read_only.call("plan", "--secrets-at-apply", "--save", "plan.json", "--format", "json")
    assert planned.status == 0, str(planned)
    (change,) = planned.json["changes"]
    assert (change["name"], change["cause"]) == ("hook", "git-moved")  # which only the ledger can tell
    assert read_only.call("drift").status == 2
    shown = read_only.call("ledger", "show", "--format", "json")
    assert [each["commit"] for each in shown.json["commits"]] == ["1" * 40]
    assert "what was approved up to commit 1111111" in " ".join(read_only.call("ledger", "show").stdout.split())
    read_only.variables["SIGN"] = "kr3mbel-sign"
    with read_only.unchanged():
        applied = read_only.call("apply", "plan.json")
    assert applied.status == 1, str(applied)
    assert "does not allow that to this user" in " ".join(applied.stderr.split())
    read_only.variables["RECONCILER_LEDGER"] = read_only.ledger_url
    assert read_only.call("apply", "plan.json").status == 0
    assert json.loads((read_only.folder / "plan.json").read_text())["secrets_at_apply"] is True
