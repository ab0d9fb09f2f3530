"""Whatever users and merchants do, no customer loses what nobody took away, and each address is somebody's alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import AnswerLost, Rejected
from reconciler.sync.customers import walk
from reconciler.sync.mode import Mode
from support.engine import quick
from support.people import People, open_people

# Each is some ten runs; more of them where somebody asks for it.
EXAMPLES = int(os.environ.get("RECONCILER_TEST_PEOPLE", "4"))
_OWN = ("anna", "ben", "carl")
_EMAILS = ("a@x.y", "A@x.y", "b@x.y", "B@X.y", "c@x.y", "d@x.y")
_USERS = st.fixed_dictionaries({"own": st.sampled_from(_OWN), "email": st.sampled_from(_EMAILS)})
_EXTRA = st.fixed_dictionaries(
    {},
    optional={
        "discount_percentage": st.sampled_from([5, 10]),
        "role": st.sampled_from(["sales-agent", "main"]),
        "price_lists": st.just(["theirs"]),
        "tax_exempt": st.booleans(),
        "payment_on_account": st.fixed_dictionaries({"credit_limit": st.just(9), "balance": st.integers(-3, 3)}),
        "title": st.just("Dr"),
    },
)
_STEPS = st.one_of(
    st.tuples(st.just("email"), _USERS),
    st.tuples(st.just("name"), _USERS),
    st.tuples(st.just("gone"), _USERS),
    st.tuples(st.just("renamed"), _USERS),
    st.tuples(st.just("edit"), st.tuples(st.integers(1, 4), _EXTRA)),
    st.tuples(st.just("address"), st.integers(1, 4)),
    st.tuples(st.just("run"), st.sampled_from([None, Mode.FULL, Mode.VERIFY, Mode.REWRITE])),
)
_WORLDS = st.fixed_dictionaries({"clears": st.booleans()})


def user(own: str, email: str) -> dict[str, Any]:
    made = f"2025-0{_OWN.index(own) + 1}-01T00:00:00+00:00" if own in _OWN else None
    name = {"Username": own, "FirstName": own.title(), "LastName": "Berg", "DateCreated": made}
    return {**name, "Email": email, "Active": True}


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


class Told:
    """What merchants added to customers, by SparkLayer's own ID: it has to be there whatever is synced."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.members: dict[str, dict[str, Any]] = {}
        self.addresses: dict[str, set[str]] = {}

    def edit(self, own_id: str, members: Mapping[str, Any]) -> None:
        if own_id in self.people.site.customers:
            self.people.site.customers[own_id].update(members)
            self.members.setdefault(own_id, {}).update(members)

    def address(self, own_id: str) -> None:
        if (found := self.people.site.customers.get(own_id)) is not None:
            external = f"erp-{own_id}-{len(self.addresses.get(own_id, ()))}"
            found.setdefault("addresses", []).append({"external_id": external, "address_line1": "1", "city": "Hull"})
            self.addresses.setdefault(own_id, set()).add(external)

    def lost(self) -> Iterator[str]:
        """Yield what is not there any more."""
        for own_id, members in self.members.items():
            customer = self.people.site.customers.get(own_id, {})
            for name, value in members.items():
                if customer.get(name) != value:
                    yield f"{own_id}: {name} was {value}, and is {customer.get(name)}"
        for own_id, external_ids in self.addresses.items():
            there = {
                each.get("external_id") for each in self.people.site.customers.get(own_id, {}).get("addresses", ())
            }
            yield from (f"{own_id}: {external_id}" for external_id in external_ids - there)


def step(people: People, told: Told, what: str, how: Any) -> None:
    users = people.market.users
    if what == "email":
        users.setdefault(how["own"], user(how["own"], how["email"]))["Email"] = how["email"]
    elif what == "name" and how["own"] in users:
        users[how["own"]]["FirstName"] += "x"
    elif what == "gone":
        users.pop(how["own"], None)
    elif what == "renamed" and how["own"] in users:
        users[f"{how['own']}-new"] = users.pop(how["own"])
    elif what == "edit":
        told.edit(f"cu_{how[0]}", how[1])
    elif what == "address":
        told.address(f"cu_{how}")
    elif what == "run":
        people.run(how)
        assert list(told.lost()) == []


@pytest.mark.usefixtures("fast")
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS, min_size=3, max_size=14), _WORLDS)
def test_no_customer_loses_what_nobody_took_away(steps: list[Any], world: dict[str, bool]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_people(Path(folder)) as people:
        people.site.clears = world["clears"]
        told = Told(people)
        for own, email in zip(_OWN, ("a@x.y", "b@x.y", "c@x.y"), strict=True):
            people.market.users[own] = user(own, email)
        people.run(Mode.FULL)
        for what, how in steps:
            step(people, told, what, how)
        people.run(Mode.FULL)
        assert list(told.lost()) == []
        assert world["clears"] or people.site.balances_sent == 0
        # What can go through has, and nothing is sent again.
        people.run(Mode.FULL)
        assert people.site.puts == []
        emails = [customer["email"].casefold() for customer in people.site.customers.values()]
        assert len(emails) == len(set(emails))
        for own, found in wanted(people).items():
            customer = people.site.find("platform", f"acme.{own}")
            assert customer is not None, own
            assert (customer["email"], customer["first_name"]) == (found["Email"], found["FirstName"])


def wanted(people: People) -> dict[str, Any]:
    """Return the users whose address nobody else has, at the source or at the site."""
    users = people.market.users
    held = {customer["email"].casefold(): customer["external_id"] for customer in people.site.customers.values()}
    found = {}
    for own, one in users.items():
        email = one["Email"].casefold()
        shared = sum(other["Email"].casefold() == email for other in users.values()) > 1
        if not shared and held.get(email, f"acme.{own}") == f"acme.{own}":
            found[own] = one
    return found


@pytest.mark.usefixtures("fast")
@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(_OWN), st.booleans())
def test_addresses_that_are_exchanged_or_passed_on_arrive(order: list[str], capitals: bool) -> None:
    emails = dict(zip(_OWN, ("a@x.y", "b@x.y", "c@x.y"), strict=True))
    with tempfile.TemporaryDirectory() as folder, open_people(Path(folder)) as people:
        people.market.users.update({own: user(own, email) for own, email in emails.items()})
        people.run(Mode.FULL)
        for own, new in zip(_OWN, order, strict=True):
            people.market.users[own]["Email"] = emails[new].upper() if capitals else emails[new]
        people.run(Mode.FULL)
        at_site = {customer["external_id"]: customer["email"] for customer in people.site.customers.values()}
        assert at_site == {f"acme.{own}": one["Email"] for own, one in people.market.users.items()}
        assert people.site.errors == {}


@pytest.mark.usefixtures("fast")
@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEPS.filter(lambda each: each[0] != "renamed"), min_size=2, max_size=8))
def test_a_site_that_shows_none_loses_no_customer_of_others(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_people(Path(folder)) as people:
        people.site.shows = False
        theirs = {
            "id": "cu_9",
            "uuid": "u-9",
            "email": "A@x.y",
            "discount_percentage": 10,
            "addresses": [{"city": "Y"}],
        }
        people.site.customers["cu_9"] = dict(theirs)
        people.market.users["anna"] = user("anna", "a@x.y")
        for what, how in steps:
            step(people, Told(people), what, how)
        people.run(Mode.FULL)
        assert people.site.customers["cu_9"] == theirs


@pytest.mark.usefixtures("fast")
def test_an_answer_that_is_lost_makes_no_second_customer() -> None:
    with tempfile.TemporaryDirectory() as folder, open_people(Path(folder)) as people:
        people.market.users["anna"] = user("anna", "a@x.y")
        failures = [AnswerLost("no answer"), AnswerLost("no answer")]
        people.site.fails["customer after"] = lambda: failures.pop() if failures else None
        people.run(Mode.FULL)
        assert [customer["external_id"] for customer in people.site.customers.values()] == ["acme.anna"]
        assert people.site.errors == {}


@pytest.mark.usefixtures("fast")
def test_a_run_says_how_many_customers_it_replaces_that_the_site_does_not_show(tmp_path: Path) -> None:
    blind = "1 customer is replaced by what we wrote: this site does not show what others changed there"
    with open_people(tmp_path) as people:
        people.site.shows = False
        people.market.users.update({own: user(own, f"{own}@x.y") for own in ("anna", "ben")})
        assert people.run(Mode.FULL).remarks == ()
        people.market.users["anna"]["FirstName"] = "Anne"
        assert people.run(Mode.FULL).remarks == (blind,)
        assert people.run(Mode.FULL).remarks == ()

        told = people.run(Mode.VERIFY).remarks
        assert told == (
            blind.replace("1 customer is", "2 customers are"),
            "2 customers are written though nothing may differ: nothing there can be compared",
        )
        people.site.shows = True
        assert people.run(Mode.VERIFY).remarks == ()


@pytest.mark.usefixtures("fast")
def test_a_customer_of_others_with_our_external_id_is_left_alone_however_often_it_is_tried(tmp_path: Path) -> None:
    with open_people(tmp_path) as people:
        people.site.shows = False
        theirs = {"id": "cu_9", "uuid": "u-9", "external_id": "acme.anna", "email": "a@x.y", "tax_exempt": True}
        people.site.customers["cu_9"] = dict(theirs)
        people.market.users["anna"] = user("anna", "a@x.y")
        for mode in (Mode.FULL, Mode.FULL, Mode.VERIFY):
            assert people.run(mode).remarks == ()
            assert people.site.customers["cu_9"] == theirs
        del people.market.users["anna"]
        people.run(Mode.FULL)
        assert people.site.customers["cu_9"] == theirs


@pytest.mark.usefixtures("fast")
def test_more_customers_than_a_site_takes_are_a_problem_and_none_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_CUSTOMERS", 1)
    with open_people(tmp_path) as people:
        people.market.users.update({own: user(own, f"{own}@x.y") for own in ("anna", "ben")})
        for mode in (Mode.FULL, Mode.WALK, Mode.VERIFY):
            report = people.run(mode)
            assert list(people.site.errors) == ["(customers)"]
            assert "2 users flow as customers, and SparkLayer takes 250,000" in people.site.errors["(customers)"]
            assert (report.held_back.records, len(people.site.customers)) == (0, 2)
        assert people.site.puts == []
        monkeypatch.setattr(walk, "MOST_CUSTOMERS", 2)
        people.run(Mode.WALK)
        assert people.site.errors == {}


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("said", ["Bad Request.", "role: no such role."])
def test_a_refusal_names_the_role_that_nobody_can_look_up(tmp_path: Path, said: str) -> None:
    with open_people(tmp_path, mapping={"role": "xp.role"}) as people:
        people.site.fails["customer"] = lambda: Rejected("no", status=400, said=said)
        people.market.users.update({own: user(own, f"{own}@x.y") for own in ("anna", "ben")})
        people.market.users["anna"]["xp"] = {"role": "queen"}
        people.run(Mode.FULL)
        assert people.site.errors["acme.anna"].endswith(", and the customer's is queen")
        assert "role that it" not in people.site.errors["acme.ben"]


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("shows", [True, False])
@pytest.mark.parametrize("email", ["a@x.y", "new@x.y"])
def test_a_renamed_user_keeps_the_customer_where_nobody_knows_its_own_id(
    tmp_path: Path, shows: bool, email: str
) -> None:
    with open_people(tmp_path) as people:
        people.site.shows_ids = False
        theirs = {"external_id": "acme.anna", "email": "a@x.y", "tax_exempt": True}
        people.site.customers["cu_9"] = {"id": "cu_9", "uuid": "u-9", **theirs}
        people.market.users["anna"] = user("anna", "a@x.y")
        people.run(Mode.FULL)
        assert people.site.customers.keys() == {"cu_9"}
        people.site.shows = shows
        people.market.users["anna2"] = people.market.users.pop("anna") | {"Email": email}
        people.run(Mode.FULL)
        [customer] = people.site.customers.values()
        assert (customer["external_id"], customer["email"]) == ("acme.anna2", email)
        assert (customer["id"], customer["tax_exempt"], customer["first_name"]) == ("cu_9", True, "Anna")
        people.run(Mode.FULL)
        assert people.site.puts == []
