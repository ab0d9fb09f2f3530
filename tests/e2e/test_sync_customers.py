"""Customers from OrderCloud's users: what a site holds of them, and what it never loses."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.sync.customers import reckon, source
from support.checkout import Checkout
from support.syncing import Shop

Json = dict[str, Any]


def user(own: str, buyer: str = "acme", **members: Any) -> Json:
    base = {"ID": own, "BuyerID": buyer, "Username": f"{buyer}-{own}", "FirstName": own.title(), "LastName": "Berg"}
    return {**base, "Email": f"{own}@{buyer}.example", "Active": True, **members}


def market(*users: Json, **sections: list[Json]) -> Json:
    buyers = sorted({one["BuyerID"] for one in users})
    home = {"ID": "home", "Street1": "1 High Street", "City": "Leeds", "Country": "GB"}
    return {
        "Objects": {
            "Buyers": [{"ID": buyer, "Name": buyer.title(), "Active": True} for buyer in buyers],
            "Users": list(users),
            "Addresses": [{"BuyerID": buyer, **home} for buyer in buyers],
            "AddressAssignments": [
                {"BuyerID": buyer, "AddressID": "home", "IsShipping": True, "IsBilling": True} for buyer in buyers
            ],
            **sections,
        }
    }


class People(Shop):
    """A shop of which customers alone flow."""

    def begin(self, *users: Json, sections: Json | None = None, **customers: Any) -> None:
        self.emulator.seed_with(market(*users, **(sections or {})))
        self.prepare(**self.flows(**customers))

    def flows(self, **customers: Any) -> Json:
        return {"products": None, "stock": None, "pricing": None, "customers": customers}

    def customers(self) -> dict[str, Json]:
        """Return customers by external ID, else by email, with their addresses."""
        site = self.emulator.site()
        found = {}
        for record in site["customers"]["records"]:
            addresses = [each for each in site["addresses"]["records"] if each["customer_id"] == record["id"]]
            found[record.get("external_id") or record.get("email") or record["id"]] = {**record, "addresses": addresses}
        return found

    def edit(self, external_id: str, **members: Any) -> None:
        """Change a customer at the site, as a merchant does."""
        site = self.emulator.site()
        for record in site["customers"]["records"]:
            if record.get("external_id") == external_id:
                record.update(members)
        self.emulator.load_site(site)

    def plant(self, **members: Any) -> None:
        """Put a customer of others into the site."""
        site = self.emulator.site()
        site["customers"]["number"] += 1
        own = f"cu_{site['customers']['number']}"
        addresses = members.pop("addresses", [])
        now = "2026-01-01T00:00:00.000Z"
        site["customers"]["records"].append({"id": own, "created_at": now, "updated_at": now, **members})
        for address in addresses:
            site["addresses"]["number"] += 1
            place = {"id": f"ca_{site['addresses']['number']}", "customer_id": own}
            site["addresses"]["records"].append({**place, **address})
        self.emulator.load_site(site)

    def problems(self) -> dict[str, str]:
        errors = self.emulator.site()["logs"].get("ordercloud/customers", {"errors": {}})["errors"]
        return {external_id: error["message"] for external_id, error in errors.items()}

    def puts(self) -> int:
        return sum("/v2/customers/" in each["path"] and each["method"] == "PUT" for each in self.emulator.requests())


@pytest.fixture
def shop(checkout: Checkout) -> People:
    return People(checkout)


@pytest.mark.usefixtures("on_both")
def test_users_become_customers_and_a_second_run_writes_nothing(shop: People) -> None:
    shop.begin(user("anna"), user("ben", Active=False), user("anna", "bolt"), user("nobody", Email=""))
    assert shop.run("--dry-run").status == 0
    assert shop.customers() == {}
    shop.synced("--full")

    customers = shop.customers()
    assert sorted(customers) == ["acme.anna", "acme.ben", "bolt.anna"]
    anna = customers["acme.anna"]
    assert (anna["email"], anna["first_name"], anna["company_name"]) == ("anna@acme.example", "Anna", "Acme")
    assert (anna["status"], customers["acme.ben"]["status"]) == ("active", "inactive")
    assert [address["external_id"] for address in anna["addresses"]] == ["acme.anna.home"]
    assert anna["default_billing_address_id"] == "acme.anna.home"

    shop.emulator.clear_requests()
    report = shop.synced("--full")
    assert (shop.puts(), report["records"]["unchanged"]) == (0, 3)


def test_a_change_costs_one_write_and_keeps_what_a_merchant_added(shop: People) -> None:
    shop.begin(user("anna"), user("ben"))
    shop.synced("--full")
    shop.edit("acme.anna", discount_percentage=10, role="sales-agent", price_lists=["vip"], group="base")
    shop.edit("acme.anna", payment_on_account={"credit_limit": 100, "balance": 7})
    shop.portal("PATCH", "buyers/acme/users/anna", {"FirstName": "Anne"})
    shop.emulator.clear_requests()

    shop.synced("--full")

    anna = shop.customers()["acme.anna"]
    assert shop.puts() == 1
    assert anna["first_name"] == "Anne"
    assert (anna["discount_percentage"], anna["role"], anna["price_lists"]) == (10, "sales-agent", ["vip"])
    assert anna["payment_on_account"] == {"credit_limit": 100, "balance": 7}


def test_a_customer_that_was_there_before_is_taken_over_with_all_it_has(shop: People) -> None:
    shop.begin(user("anna"))
    address = {"address_line1": "Dock 4", "city": "Hull", "country_code": "GB"}
    shop.plant(
        email="anna@acme.example", discount_percentage=15, addresses=[address, {**address, "external_id": "e-1"}]
    )

    shop.synced("--full")

    (anna,) = shop.customers().values()
    assert (anna["external_id"], anna["discount_percentage"]) == ("acme.anna", 15)
    assert sorted(str(each.get("external_id")) for each in anna["addresses"]) == ["None", "acme.anna.home", "e-1"]


def test_a_user_that_is_gone_is_deactivated_and_one_that_left_the_scope_stays(shop: People) -> None:
    shop.begin(*(user(own) for own in ("anna", "ben", "carl", "dora")))
    shop.synced("--full")
    shop.edit("acme.anna", discount_percentage=10)
    shop.portal("DELETE", "buyers/acme/users/anna")
    shop.portal("PATCH", "buyers/acme/users/ben", {"Email": "", "FirstName": "Benedict"})

    shop.synced("--full")

    customers = shop.customers()
    assert (customers["acme.anna"]["status"], customers["acme.anna"]["discount_percentage"]) == ("inactive", 10)
    assert len(customers["acme.anna"]["addresses"]) == 1
    assert (customers["acme.ben"]["status"], customers["acme.ben"]["first_name"]) == ("active", "Ben")
    assert "stays as it is" in shop.problems()["acme.ben"]


@pytest.mark.usefixtures("on_both")
def test_two_users_may_exchange_their_addresses(shop: People) -> None:
    shop.begin(user("anna"), user("ben"))
    shop.synced("--full")
    shop.portal("PATCH", "buyers/acme/users/anna", {"Email": "BEN@acme.example"})
    shop.portal("PATCH", "buyers/acme/users/ben", {"Email": "anna@acme.example"})

    shop.synced("--full")

    customers = shop.customers()
    assert customers["acme.anna"]["email"] == "BEN@acme.example"
    assert customers["acme.ben"]["email"] == "anna@acme.example"
    assert shop.problems() == {}


def test_of_users_that_share_an_address_the_one_made_first_has_it_and_the_next_is_due_when_it_is_free(
    shop: People,
) -> None:
    late, early = "2026-02-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"
    shop.begin(
        user("anna", Email="Shop@acme.example", DateCreated=late),
        user("zoe", Email="shop@ACME.example", DateCreated=early),
    )
    shop.synced("--full")
    assert list(shop.customers()) == ["acme.zoe"]
    assert "already used by customer acme.zoe" in shop.problems()["acme.anna"]

    shop.portal("PATCH", "buyers/acme/users/zoe", {"Email": "zoe@acme.example"})
    shop.synced("--full")
    assert sorted(shop.customers()) == ["acme.anna", "acme.zoe"]
    assert shop.problems() == {}


@pytest.mark.parametrize("gone", [True, False], ids=["of a user that is gone", "of a user that is there"])
def test_an_address_is_free_once_a_verify_saw_that_its_customer_was_deleted_at_the_site(
    shop: People, gone: bool
) -> None:
    shop.begin(user("anna", DateCreated="2025-01-01T00:00:00+00:00"), user("ben"))
    shop.synced("--full")
    if gone:
        shop.portal("DELETE", "buyers/acme/users/anna")
        shop.synced("--full")
    shop.portal("PATCH", "buyers/acme/users/ben", {"Email": "anna@acme.example"})
    shop.synced("--full")
    assert shop.problems().keys() == {"acme.ben"}
    if not gone:
        shop.portal("PATCH", "buyers/acme/users/anna", {"Email": "ann@acme.example"})
    site = shop.emulator.site()
    (own,) = (each["id"] for each in site["customers"]["records"] if each.get("external_id") == "acme.anna")
    for name, member in (("customers", "id"), ("addresses", "customer_id")):
        site[name]["records"] = [each for each in site[name]["records"] if each[member] != own]
    shop.emulator.load_site(site)
    shop.synced("--verify")
    found = {key: each["email"] for key, each in shop.customers().items()}
    others = {} if gone else {"acme.anna": "ann@acme.example"}
    assert found == {"acme.ben": "anna@acme.example", **others}
    shop.emulator.clear_requests()
    shop.synced("--verify")
    assert (shop.puts(), shop.problems()) == (0, {})


def test_a_site_that_shows_no_customers_loses_none(shop: People) -> None:
    # Nobody has an account: the mapping gives null.
    shop.begin(user("anna"), user("ben"), mapping={"paymentOnAccount": "xp.account"})
    shop.emulator.switch(spark_customer_read="absent", spark_customer_answer="empty")
    shop.plant(email="anna@acme.example", discount_percentage=15)

    shop.synced("--full")

    assert shop.customers()["anna@acme.example"]["discount_percentage"] == 15
    assert "does not show what it holds" in shop.problems()["acme.anna"]
    shop.portal("PATCH", "buyers/acme/users/ben", {"FirstName": "Benedict"})
    assert "1 customer is replaced by what we wrote" in shop.run("--full", "--dry-run").stdout
    report = shop.synced("--full")
    assert any("1 customer is replaced by what we wrote" in remark for remark in report["remarks"])
    assert shop.customers()["acme.ben"]["first_name"] == "Benedict"
    assert len(shop.customers()["acme.ben"]["addresses"]) == 1


@pytest.mark.parametrize(
    ("read", "answer", "shown"), [("absent", "empty", False), ("v1", "customer", True), ("absent", "customer", False)]
)
def test_a_plan_says_how_many_customers_may_lose_data(shop: People, read: Any, answer: Any, shown: bool) -> None:
    shop.emulator.switch(spark_customer_read=read, spark_customer_answer=answer)
    shop.begin(user("anna"), user("ben"), user("carl", "bolt"), buyers=["acme"])
    shop.synced("--full")
    # Two of three are ours; the third comes with another buyer.
    shop.write_manifests(**shop.flows(buyers=["acme", "bolt"], overwriteUnread=True))
    plan = shop.checkout.call("plan", "--format", "json").json
    [stopped] = [breach["message"] for breach in plan["breaches"] if breach["rule"] == "loses-data"]
    notes = [note["message"] for note in plan["notes"] if "showed none of" in note["message"]]
    if shown:
        assert "the site shows customers at the moment" in stopped
        assert notes == []
        return
    assert stopped.endswith("up to 1 customer would lose data")
    # One that was found to be unread is no customer of ours.
    shop.plant(email="dora@acme.example", discount_percentage=15)
    shop.portal("POST", "buyers/acme/users", user("dora", Buyer=None))
    shop.change(**shop.flows(buyers=["acme"]))
    shop.synced("--full")
    assert "does not show what it holds" in shop.problems()["acme.dora"]
    shop.write_manifests(**shop.flows(buyers=["acme", "bolt"], overwriteUnread=True))
    plan = shop.checkout.call("plan", "--format", "json").json
    assert [each for each in plan["breaches"] if each["message"].endswith("up to 2 customers would lose data")]
    assert [words for words in notes if "of 2 that this data sync wrote" in words]
    shop.write_manifests(**shop.flows(buyers=["acme", "bolt"]))
    plan = shop.checkout.call("plan", "--format", "json").json
    assert plan["breaches"] == []
    [said] = [note["message"] for note in plan["notes"] if "showed none of" in note["message"]]
    assert "up to 2 customers that it may have and this data sync has not written would be left alone" in said


def test_more_customers_than_are_recommended_are_told_by_plan_and_run(
    shop: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (reckon, source):
        monkeypatch.setattr(module, "CUSTOMERS", 1)
    shop.emulator.seed_with(market(user("anna"), user("ben"), user("carl", "bolt")))
    shop.write_manifests(**shop.flows(buyers=["acme"]))
    notes = [note["message"] for note in shop.checkout.call("plan", "--format", "json").json["notes"]]
    words = "2 users, and SparkLayer recommends 100,000 customers at most"
    assert words in notes
    shop.checkout.applied()
    assert words in shop.synced("--full")["remarks"]


def test_a_balance_is_never_lost_where_the_site_clears_what_is_left_out(shop: People) -> None:
    shop.begin(user("anna"), user("ben"))
    shop.emulator.switch(spark_balance_left_out="cleared", spark_customer_status_inactive="disabled")
    shop.synced("--full")
    for own, balance in (("anna", 7), ("ben", 9)):
        shop.edit(f"acme.{own}", payment_on_account={"credit_limit": 100, "balance": balance})
        shop.portal("PATCH", f"buyers/acme/users/{own}", {"LastName": "Berger", "Active": False})

    shop.synced("--full")

    customers = shop.customers()
    assert customers["acme.anna"]["payment_on_account"] == {"credit_limit": 100, "balance": 7}
    assert customers["acme.ben"]["payment_on_account"] == {"credit_limit": 100, "balance": 9}
    assert {each["status"] for each in customers.values()} == {"disabled"}


@pytest.mark.usefixtures("on_both")
def test_a_user_that_is_renamed_or_moves_to_another_buyer_keeps_the_customer(shop: People) -> None:
    places = [
        {"BuyerID": buyer, "ID": own, "Street1": "1", "City": "Leeds", "Country": "GB"}
        for buyer in ("acme", "bolt")
        for own in ("home", "two")
    ]
    given = [
        {"BuyerID": each["BuyerID"], "AddressID": each["ID"], "IsBilling": each["ID"] == "home", "IsShipping": True}
        for each in places
    ]
    people = (user("anna"), user("ben"), user("carl"), user("dora", "bolt"))
    shop.begin(*people, sections={"Addresses": places, "AddressAssignments": given})
    shop.synced("--full")
    before = shop.customers()
    for own in ("anna", "ben"):
        shop.edit(f"acme.{own}", discount_percentage=10, default_billing_address_id=f"acme.{own}.two")
    shop.portal("PATCH", "buyers/acme/users/anna", {"ID": "anne"})
    moved = {name: value for name, value in user("ben", "bolt", Username="acme-ben").items() if name != "BuyerID"}
    shop.portal("DELETE", "buyers/acme/users/ben")
    shop.portal("POST", "buyers/bolt/users", {**moved, "Email": "ben@bolt.example"})

    shop.synced("--full")

    after = shop.customers()
    assert sorted(after) == ["acme.anne", "acme.carl", "bolt.ben", "bolt.dora"]
    for old, new in (("acme.anna", "acme.anne"), ("acme.ben", "bolt.ben")):
        assert after[new]["id"] == before[old]["id"]
        assert (after[new]["discount_percentage"], after[new]["status"]) == (10, "active")
        assert [each["external_id"] for each in after[new]["addresses"]] == [f"{new}.home", f"{new}.two"]
        assert after[new]["default_billing_address_id"] == f"{new}.two"
    assert shop.problems() == {}
    shop.emulator.clear_requests()
    shop.synced("--full")
    assert shop.puts() == 0


def test_parents_come_before_their_children_and_a_primary_customer_is_archived(shop: People) -> None:
    bosses = {"anna": "zoe", "ben": "anna", "carl": "nobody", "dora": "emil", "emil": "dora"}
    people = [user(own, xp={"boss": bosses.get(own)}) for own in ("anna", "ben", "carl", "dora", "emil", "zoe")]
    shop.begin(*people, onDelete="delete", mapping={"parentCustomerID": "xp.boss"})
    shop.synced("--full")

    customers = shop.customers()
    assert sorted(customers) == ["acme.anna", "acme.ben", "acme.zoe"]
    own_ids = {customers[key]["id"]: key for key in customers}
    assert own_ids[customers["acme.anna"]["parent_customer_id"]] == "acme.zoe"
    assert own_ids[customers["acme.ben"]["parent_customer_id"]] == "acme.anna"
    assert sorted(shop.problems()) == ["acme.carl", "acme.dora", "acme.emil"]
    shop.emulator.clear_requests()
    shop.synced("--full")
    shop.synced("--verify")
    assert shop.puts() == 0

    shop.portal("DELETE", "buyers/acme/users/zoe")
    shop.synced("--full")
    assert "acme.zoe" not in shop.customers()
    assert "archived it instead of deleting it" in shop.problems()["acme.zoe"]
    assert "no customer acme.zoe" in shop.problems()["acme.anna"]
    shop.portal("PATCH", "buyers/acme/users/anna", {"xp": {"boss": None}})
    shop.synced("--full")
    assert shop.customers()["acme.anna"].get("parent_customer_id") is None


def test_a_new_ledger_finds_every_customer_again(shop: People) -> None:
    shop.begin(user("anna", Email="shop@acme.example", DateCreated="2026-02-01T00:00:00+00:00"), user("ben"))
    shop.synced("--full")
    shop.edit("acme.ben", discount_percentage=10)
    earlier = user("zoe", Email="shop@acme.example", DateCreated="2025-02-01T00:00:00+00:00")
    shop.emulator.seed_with(market(user("anna", Email="shop@acme.example"), user("ben"), earlier))
    shop.checkout.lose_ledger()
    shop.checkout.applied()

    shop.synced("--full")

    assert sorted(shop.customers()) == ["acme.anna", "acme.ben"]
    assert shop.customers()["acme.ben"]["discount_percentage"] == 10
    assert list(shop.problems()) == ["acme.zoe"]


def test_an_older_marketplace_is_read_buyer_by_buyer_and_default_users_do_not_flow(shop: People) -> None:
    client = {"ID": "web", "AppName": "Web", "Active": True, "DefaultContextUserName": "ACME-ben"}
    shop.begin(user("anna"), user("ben"), user("anna", "bolt"), sections={"ApiClients": [client]})
    shop.emulator.switch(user_list="per_buyer")
    report = shop.synced("--full")
    assert sorted(shop.customers()) == ["acme.anna", "bolt.anna"]
    assert any("default users" in remark for remark in report["remarks"])

    shop.emulator.switch(default_users="forbidden")
    report = shop.synced("--full")
    assert "acme.ben" in shop.customers()
    assert any("API clients may not be read" in remark for remark in report["remarks"])


def test_errors_without_a_word_keep_no_customer_from_being_taken_over(shop: People) -> None:
    shop.begin(user("anna"), user("ben"))
    shop.plant(email="Anna@ACME.example", discount_percentage=15)
    shop.emulator.switch(spark_error_bodies="empty")
    shop.synced("--full")
    shop.portal("PATCH", "buyers/acme/users/anna", {"FirstName": "Anne", "Email": "anna@acme.example"})
    shop.synced("--full")

    customers = shop.customers()
    assert sorted(customers) == ["acme.anna", "acme.ben"]
    assert (customers["acme.anna"]["discount_percentage"], customers["acme.anna"]["first_name"]) == (15, "Anne")
    assert shop.problems() == {}


def test_one_customer_is_explained(shop: People) -> None:
    shop.begin(user("anna"))
    shop.synced("--full")
    shop.portal("PATCH", "buyers/acme/users/anna", {"FirstName": "Anne"})
    shop.edit("acme.anna", discount_percentage=10)

    explained = ("sync", "run", "shop", "--type", "customers", "--explain")
    ended = shop.checkout.call(*explained, "acme.anna", "--format", "json")

    assert ended.status == 0, str(ended)
    (part,) = ended.json["parts"]
    assert [each["where"] for each in part["differences"]] == ["first_name"]
    assert (part["sends"]["first_name"], part["sends"]["discount_percentage"]) == ("Anne", 10)
    absent = shop.checkout.call(*explained, "acme.nobody")
    assert "OrderCloud has no user acme.nobody" in absent.stderr


def test_a_customer_with_prices_of_its_own_gets_its_list_and_keeps_those_of_others(shop: People) -> None:
    price = {"Currency": "GBP", "PriceBreaks": [{"Quantity": 1, "Price": 10}]}
    hammer = {"ID": "hammer", "Name": "Hammer", "Active": True, "xp": {"SKU": "H-1"}, "DefaultPriceScheduleID": "all"}
    sections = {
        "Products": [hammer],
        "PriceSchedules": [{"ID": own, "Name": own, **price} for own in ("all", "acme")],
        "ProductAssignments": [{"ProductID": "hammer", "BuyerID": "acme", "PriceScheduleID": "acme"}],
    }
    shop.emulator.seed_with(market(user("anna"), user("ben", "bolt"), **sections))
    shop.prepare(stock=None, pricing={"partyPriceLists": True}, customers={})
    assert shop.run("--full").status == 0
    shop.edit("acme.anna", price_lists=[*shop.customers()["acme.anna"]["price_lists"], "theirs"])

    (own, theirs) = shop.customers()["acme.anna"]["price_lists"]
    assert own in {each["slug"] for each in shop.emulator.site()["price_lists"].values()}
    assert "price_lists" not in shop.customers()["bolt.ben"]

    shop.portal("POST", "products/assignments", {"ProductID": "hammer", "BuyerID": "acme"})
    assert shop.run("--full").status == 0
    assert shop.customers()["acme.anna"]["price_lists"] == [theirs]
