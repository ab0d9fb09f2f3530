"""Price lists of the customers' own: which there are, what stands on them, and what a change costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.app.apply import Approval, apply_session
from reconciler.app.project import Project
from reconciler.app.unattended import Unattended
from reconciler.clock import utc_now
from reconciler.errors import TargetIncomplete
from reconciler.http.observe import Silent
from reconciler.reconcile.session import PlanRequest
from reconciler.sync.mode import Mode
from reconciler.sync.parties.combination import Combination
from reconciler.sync.party_prices import reckon, source
from reconciler.sync.run.report import RunReport, State
from support.checkout import Checkout
from support.party_market import Json, assigned, product, run_type, schedule, user
from support.syncing import Shop

DEFAULT = "ordercloud-price"
ACME, VIP, BETA = Combination("acme"), Combination("acme", ("vip",)), Combination("beta")


def market() -> Json:
    return {
        "Objects": {
            "Products": [product("hammer"), product("saw"), product("nail")],
            "PriceSchedules": [
                *(schedule(f"default-{name}", 10) for name in ("hammer", "saw", "nail")),
                schedule("acme-hammer", 9),
                schedule("acme-saw", 8),
                schedule("vip-hammer", 7),
                schedule("beta-nail", 6),
            ],
            "Buyers": [{"ID": name, "Name": name.title(), "Active": True} for name in ("acme", "beta", "gamma")],
            "Users": [
                {"BuyerID": "acme", **user("ada")},
                {"BuyerID": "acme", **user("bob")},
                {"BuyerID": "beta", **user("eve")},
                {"BuyerID": "gamma", **user("tim")},
            ],
            "UserGroups": [
                {"BuyerID": "acme", "ID": "vip", "Name": "VIP"},
                {"BuyerID": "acme", "ID": "new", "Name": "New"},
            ],
        },
        "Assignments": {
            "UserGroupAssignments": [
                {"BuyerID": "acme", "UserID": "ada", "UserGroupID": "vip"},
                {"BuyerID": "acme", "UserID": "bob", "UserGroupID": "new"},
            ],
            "ProductAssignments": [
                assigned("hammer", "acme", "acme-hammer"),
                assigned("saw", "acme", "acme-saw"),
                assigned("hammer", "acme", "vip-hammer", "vip"),
                assigned("nail", "beta", "beta-nail"),
                assigned("nail", "gamma", None),
            ],
        },
    }


class Lists:
    """A shop of which only party prices run."""

    def __init__(self, checkout: Checkout) -> None:
        self.shop = Shop(checkout)

    def run(self, mode: Mode | None = None, **overrides: str) -> RunReport:
        return run_type(self.shop.checkout, "party-prices", mode, **overrides)

    def synced(self, mode: Mode | None = None) -> RunReport:
        self.shop.emulator.clear_requests()
        report = self.run(mode)
        assert report.state is State.FINISHED, report
        return report

    def prices(self) -> Mapping[str, Mapping[str, Any]]:
        """First tiers by slug and SKU, of all lists but the default one."""
        found = self.shop.emulator.site()
        return {
            slug: {sku: each["pricing"][0]["price"] for sku, each in found["prices"].get(slug, {}).items()}
            for slug in found["price_lists"]
            if slug != DEFAULT
        }

    def writes(self) -> list[str]:
        return [line for line in self.shop.writes() if "sync-log" not in line]


@pytest.fixture
def lists(checkout: Checkout) -> Lists:
    return prepared(checkout)


def prepared(checkout: Checkout, **pricing: Any) -> Lists:
    found = Lists(checkout)
    found.shop.emulator.seed_with(market())
    found.shop.prepare(pricing={"partyPriceLists": True, **pricing}, maxDeletePercent=50)
    return found


def test_each_combination_that_users_have_gets_a_list_with_rows_for_what_differs(lists: Lists) -> None:
    lists.synced()
    assert lists.prices() == {
        ACME.slug: {"SKU-hammer": 9, "SKU-saw": 8},
        VIP.slug: {"SKU-hammer": 7, "SKU-saw": 8},
        BETA.slug: {"SKU-nail": 6},
    }
    made = lists.shop.emulator.site()["price_lists"][VIP.slug]
    assert (made["name"], made["currency_code"], made["source"]) == ("Acme: vip", "GBP", "integration")
    assert [rule["source_price_list_slug"] for rule in made["rules"]] == [DEFAULT]
    assert sum("POST price-lists" in line for line in lists.writes()) == 3


@pytest.mark.parametrize("user_list", ["buyerusers", "per_buyer"])
def test_only_users_that_flow_have_lists(checkout: Checkout, user_list: Any) -> None:
    lists = Lists(checkout)
    goods = market()
    goods["Objects"]["Users"] = [
        {"BuyerID": "acme", **user("ada", Email="")},
        {"BuyerID": "acme", **user("bob")},
        {"BuyerID": "beta", **user("eve", xp={"gone": True})},
        {"BuyerID": "beta", **user("kiosk")},
    ]
    goods["Objects"]["ApiClients"] = [{"ID": "storefront", "AppName": "Storefront", "DefaultContextUserName": "kiosk"}]
    lists.shop.emulator.seed_with(goods)
    lists.shop.emulator.switch(user_list=user_list)
    customers = {"where": "!(xp.gone || `false`) && Buyer.ID != 'gamma'"}
    lists.shop.prepare(pricing={"partyPriceLists": True}, customers=customers, maxDeletePercent=100)
    lists.synced()
    assert lists.prices().keys() == {ACME.slug}
    lists.shop.portal("PATCH", "buyers/beta/users/eve", {"xp": {"gone": False}})
    lists.synced(Mode.LIGHT)
    assert lists.prices().keys() == {ACME.slug, BETA.slug}
    lists.shop.portal("PATCH", "buyers/acme/users/bob", {"Email": ""})
    lists.synced(Mode.WALK)
    assert lists.prices().keys() == {BETA.slug}


def test_by_rows_every_product_is_on_every_list(checkout: Checkout) -> None:
    lists = prepared(checkout, partyPrices="rows")
    lists.synced()
    assert lists.prices() == {
        ACME.slug: {"SKU-hammer": 9, "SKU-saw": 8, "SKU-nail": 10},
        VIP.slug: {"SKU-hammer": 7, "SKU-saw": 8, "SKU-nail": 10},
        BETA.slug: {"SKU-hammer": 10, "SKU-saw": 10, "SKU-nail": 6},
    }
    assert all(not each["rules"] for slug, each in lists.shop.emulator.site()["price_lists"].items() if slug != DEFAULT)


@pytest.mark.parametrize("mode", [None, Mode.LIGHT, Mode.WALK, Mode.VERIFY])
def test_a_second_run_writes_nothing(lists: Lists, mode: Mode | None) -> None:
    lists.synced()
    lists.synced(mode)
    assert lists.writes() == []


@pytest.mark.usefixtures("on_both")
def test_a_price_that_changes_costs_one_write_of_its_rows(lists: Lists) -> None:
    lists.synced()
    lists.shop.portal("PATCH", "priceschedules/acme-saw", {"PriceBreaks": [{"Quantity": 1, "Price": 5.5}]})
    lists.synced(Mode.LIGHT)
    assert lists.writes() == ["PATCH batch-update-pricing"]
    [sent] = [each for each in lists.shop.emulator.requests() if each["path"].endswith("batch-update-pricing")]
    assert sent["status"] == 204
    assert lists.prices()[ACME.slug] == {"SKU-hammer": 9, "SKU-saw": 5.5}
    assert lists.prices()[VIP.slug] == {"SKU-hammer": 7, "SKU-saw": 5.5}


def test_what_is_assigned_no_more_loses_its_row(lists: Lists) -> None:
    lists.synced()
    lists.shop.portal("DELETE", "products/saw/assignments/acme")
    lists.synced(Mode.LIGHT)
    assert lists.prices()[ACME.slug] == {"SKU-hammer": 9}
    assert lists.prices()[VIP.slug] == {"SKU-hammer": 7}


def test_a_rename_of_the_buyer_keeps_the_list_and_its_prices(lists: Lists) -> None:
    lists.synced()
    lists.shop.portal("PATCH", "buyers/beta", {"Name": "Beta Ltd"})
    lists.synced(Mode.LIGHT)
    assert lists.shop.emulator.site()["price_lists"][BETA.slug]["name"] == "Beta Ltd"
    assert lists.writes() == [f"PATCH price-lists/{BETA.slug}"]


def test_a_list_that_nobody_needs_is_deleted_within_the_limit(lists: Lists) -> None:
    lists.synced()
    lists.shop.portal("DELETE", "buyers/acme/usergroups/vip/assignments/ada")
    lists.synced(Mode.WALK)
    assert lists.prices().keys() == {ACME.slug, BETA.slug}
    lists.shop.portal("DELETE", "products/nail/assignments/beta")
    lists.shop.portal("DELETE", "products/hammer/assignments/acme")
    lists.shop.portal("DELETE", "products/saw/assignments/acme")
    assert lists.run(Mode.WALK).state is State.STOPPED
    assert lists.prices().keys() == {ACME.slug, BETA.slug}
    assert lists.run(Mode.WALK, maxDeletePercent="season").state is State.FINISHED
    assert not lists.prices()


def test_a_verify_mends_rows_and_lists_that_somebody_else_changed(lists: Lists) -> None:
    lists.synced()
    before = lists.prices()
    site = lists.shop.emulator.site()
    site["prices"][ACME.slug]["SKU-hammer"]["pricing"][0]["price"] = 1
    site["prices"][ACME.slug]["FOREIGN"] = site["prices"][ACME.slug]["SKU-saw"]
    site["price_lists"][BETA.slug]["rules"] = []
    del site["price_lists"][VIP.slug], site["prices"][VIP.slug]
    lists.shop.emulator.load_site(site)
    lists.synced(Mode.VERIFY)
    assert lists.prices() == before
    assert lists.shop.emulator.site()["price_lists"][BETA.slug]["rules"]
    lists.synced(Mode.VERIFY)
    assert lists.writes() == []


def test_a_list_that_was_there_is_taken_over_and_never_deleted(lists: Lists) -> None:
    site = lists.shop.emulator.site()
    site["price_lists"][BETA.slug] = {**site["price_lists"][DEFAULT], "slug": BETA.slug, "source": "integration"}
    lists.shop.emulator.load_site(site)
    lists.synced()
    assert lists.prices()[BETA.slug] == {"SKU-nail": 6}
    lists.shop.portal("DELETE", "products/nail/assignments/beta")
    # Half of three may go within a day, and this one does not go.
    lists.shop.portal("DELETE", "buyers/acme/usergroups/vip/assignments/ada")
    lists.synced(Mode.WALK)
    assert lists.prices().keys() == {ACME.slug, BETA.slug}


def test_a_list_whose_creation_got_no_answer_is_ours_all_the_same(lists: Lists) -> None:
    lists.shop.emulator.fault("reset", when="after", method="POST", path="*/v1/price-lists", count=1)
    lists.synced()
    for name in ("hammer", "saw"):
        lists.shop.portal("DELETE", f"products/{name}/assignments/acme")
    lists.shop.portal("DELETE", "products/nail/assignments/beta")
    assert lists.run(Mode.WALK, maxDeletePercent="a test").state is State.FINISHED
    assert lists.prices().keys() == {VIP.slug}


def test_the_limit_counts_the_lists_of_others_and_is_known_before_the_first_write(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of ours, and the default list."""
    monkeypatch.setattr(source, "MOST_LISTS", 3)
    with pytest.raises(TargetIncomplete, match="3 price lists of their own beside the 1 that the site has"):
        lists.run()
    assert lists.prices() == {}
    monkeypatch.setattr(source, "MOST_LISTS", 4)
    for mode in (None, Mode.LIGHT, Mode.WALK):
        lists.synced(mode)
    assert lists.prices().keys() == {ACME.slug, VIP.slug, BETA.slug}


def test_groups_that_disagree_leave_the_price_and_are_told(lists: Lists) -> None:
    lists.synced()
    lists.shop.portal("POST", "products/assignments", assigned("hammer", "acme", "beta-nail", "new"))
    lists.shop.portal("POST", "buyers/acme/usergroups/assignments", {"UserID": "ada", "UserGroupID": "new"})
    report = lists.synced(Mode.WALK)
    both = Combination("acme", ("new", "vip"))
    assert lists.prices()[both.slug] == {"SKU-saw": 8}
    assert report.counts["problems"] == 1


def test_an_explanation_says_that_rows_of_what_has_a_problem_stay_and_sends_only_others(lists: Lists) -> None:
    lists.synced()
    portal = lists.shop.portal
    portal("PATCH", "priceschedules/vip-hammer", {"Currency": "EUR"})
    portal("PATCH", "priceschedules/acme-saw", {"PriceBreaks": [{"Quantity": 1, "Price": 5}]})
    told = lists.shop.run("--type", "party-prices", "--explain", "prices:acme+vip").json
    assert [each["code"] for each in told["problems"]] == ["other-currency"]
    whole, rows = told["parts"]
    assert rows["mapped"] == {"SKU-hammer from 1": 7, "SKU-saw from 1": 5}
    assert [each["where"] for each in rows["differences"]] == ["SKU-saw from 1"]
    assert rows["sends"] == {"SKU-saw from 1": 5}
    assert whole["sends"] is None


@pytest.mark.usefixtures("on_both")
def test_a_list_that_a_customer_still_has_stays_until_the_customer_has_another(checkout: Checkout) -> None:
    lists = Lists(checkout)
    lists.shop.emulator.seed_with(market())
    lists.shop.portal("PATCH", "priceschedules/vip-hammer", {"Currency": "EUR"})
    lists.shop.prepare(pricing={"partyPriceLists": True}, customers={}, maxDeletePercent=50)
    assert lists.synced().counts["problems"] == 1
    report = run_type(checkout, "customers")
    assert report.state is State.FINISHED, (report.message, report.next_step)
    lists.shop.portal("DELETE", "buyers/acme/usergroups/vip/assignments/ada")
    report = lists.synced(Mode.WALK)
    assert VIP.slug in lists.prices()
    assert any("until nothing names it" in remark for remark in report.remarks)
    # Nobody's prices are wrong any more, and nobody could mend that list.
    assert report.counts["problems"] == 0
    assert run_type(checkout, "customers", Mode.WALK).state is State.FINISHED
    customers = lists.shop.emulator.site()["customers"]["records"]
    named = {slug for each in customers for slug in each.get("price_lists") or ()}
    assert named == {ACME.slug, BETA.slug}
    lists.synced(Mode.WALK)
    assert lists.prices().keys() == {ACME.slug, BETA.slug}


def test_plan_import_and_drift_have_the_lists_as_a_count_alone(lists: Lists) -> None:
    lists.synced()
    checkout = lists.shop.checkout
    plan = checkout.call("plan", "--format", "json")
    notes = [note for note in plan.json["notes"] if "oc-" in str(note) or note["subject"] == "PriceList"]
    assert [note["message"] for note in notes] == ["3 are records that data syncs keep, and are no configuration"]
    assert plan.json["changes"] == []
    imported = checkout.call("import", "--output", "more", "--format", "json")
    assert "oc-" not in imported.stdout


def planned(lists: Lists) -> list[str]:
    """What a plan says of the data sync."""
    notes = lists.shop.checkout.call("plan", "--format", "json").json["notes"]
    return [note["message"] for note in notes if note["subject"] == "DataSync/shop"]


def asked_about(checkout: Checkout) -> list[str]:
    """What an apply says that asks, and that nobody agrees to."""
    plans: list[Any] = []

    class Face(Unattended):
        def agrees(self, plan: Any) -> bool:
            plans.append(plan)
            return False

    session = Project(checkout.manifests, environ=checkout.environ).session(utc_now())
    asyncio.run(apply_session(session, PlanRequest(), Approval(), Face(), Silent(), token_cache=False))
    return [note.message for note in plans[0].notes]


def test_a_plan_counts_lists_rows_and_requests_and_whether_there_is_room(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(checkout)
    goods = market()
    variants = [{"ProductID": "saw", "ID": own, "Active": True, "xp": {"SKU": f"SKU-saw-{own}"}} for own in "ab"]
    goods["Objects"]["Variants"] = variants
    lists.shop.emulator.seed_with(goods)
    groups = {"groupPriceLists": {"trade": ["trade-20"]}}
    lists.shop.write_manifests(pricing={"partyPriceLists": True}, customers=groups)
    counts = "customers need 3 price lists of their own with about {} rows: about 4 requests to write all of it"
    first = planned(lists)
    # Hammer and both saws for acme and for vip, a nail for beta.
    assert counts.format(7) in first
    assert "customers.groupPriceLists names trade-20, and the site has no such price list" in first
    assert any("does not see the lists of its customer group any more" in words for words in first)
    assert {*first} <= {*asked_about(checkout)}
    checkout.applied()
    assert not [words for words in planned(lists) if "price lists of their own" in words]
    lists.synced()
    assert sum(map(len, lists.prices().values())) == 7
    monkeypatch.setattr(reckon, "RECOMMENDED_LISTS", 4)
    lists.shop.write_manifests(pricing={"partyPriceLists": True, "partyPrices": "rows"}, customers=groups)
    then = planned(lists)
    assert counts.format(12) in then
    beside = "with 1 that the site has from others they are 4 price lists"
    assert f"{beside}: SparkLayer recommends 4 at most" in then
    monkeypatch.setattr(reckon, "MOST_LISTS", 3)
    assert f"{beside}, and a site takes 3: a run stops before it writes any" in planned(lists)


@pytest.mark.parametrize("pricing", [{}, {"partyPrices": "rows"}], ids=["rules", "rows"])
def test_whatever_is_not_published_the_lists_are_right_and_stay_quiet(checkout: Checkout, pricing: Json) -> None:
    lists = Lists(checkout)
    lists.shop.emulator.seed_with(market())
    others: dict[str, Any] = {
        "user_list": "per_buyer",
        "spark_created_status": "201",
        "spark_unset_members": "null",
        "spark_listed_rules": "absent",
        "spark_rule_numbers": "text",
        "spark_price_list_patch": "204",
        "spark_batch_unknown_list": "400",
        "spark_error_bodies": "empty",
    }
    lists.shop.emulator.switch(**others)
    lists.shop.prepare(pricing={"partyPriceLists": True, **pricing}, maxDeletePercent=50)
    lists.synced()
    assert lists.prices()[VIP.slug].items() >= {"SKU-hammer": 7, "SKU-saw": 8}.items()
    site = lists.shop.emulator.site()
    del site["price_lists"][VIP.slug]
    lists.shop.emulator.load_site(site)
    before = lists.prices()[ACME.slug]
    lists.shop.portal("PATCH", "priceschedules/acme-saw", {"PriceBreaks": [{"Quantity": 1, "Price": 5}]})
    lists.synced(Mode.LIGHT)
    assert lists.prices()[ACME.slug] == before | {"SKU-saw": 5}
    assert lists.prices()[VIP.slug].items() >= {"SKU-hammer": 7, "SKU-saw": 5}.items()
    for mode in (Mode.LIGHT, Mode.VERIFY):
        lists.synced(mode)
        assert lists.writes() == []


def test_a_product_that_lists_leave_out_keeps_its_price_and_one_out_of_the_catalogs_has_none(
    checkout: Checkout,
) -> None:
    lists = Lists(checkout)
    goods = market()
    numbers = [product(f"p{number}", xp={"SKU": f"SKU-p{number}", "size": number}) for number in range(3)]
    hammer, *others = goods["Objects"]["Products"]
    goods["Objects"]["Products"] = [{**hammer, "xp": {**hammer["xp"], "size": "large"}}, *others, *numbers]
    goods["Objects"]["Catalogs"] = [{"ID": "retail", "Name": "Retail", "Active": True}]
    goods["Objects"]["PriceSchedules"] += [schedule(f"default-p{number}", 1) for number in range(3)]
    inside = [{"CatalogID": "retail", "ProductID": name} for name in ("hammer", "nail", "p0", "p1", "p2")]
    goods["Assignments"]["ProductCatalogAssignment"] = inside
    lists.shop.emulator.seed_with(goods)
    lists.shop.emulator.switch(clashing_xp="left_out")
    lists.shop.prepare(pricing={"partyPriceLists": True}, products={"catalogs": ["retail"]}, maxDeletePercent=50)
    listed = [item["ID"] for item in lists.shop.portal("GET", "products")["Items"]]
    assert "hammer" not in listed
    lists.synced()
    assert lists.prices() == {
        ACME.slug: {"SKU-hammer": 9},
        VIP.slug: {"SKU-hammer": 7},
        BETA.slug: {"SKU-nail": 6},
    }
    lists.synced(Mode.LIGHT)
    assert lists.writes() == []
