"""The page over HTTP: who sees it, what its buttons do, and what it refuses."""

from __future__ import annotations

import itertools
import json
import re
import socket

import pytest

from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.ledger.reader import Ledgers
from reconciler.secret import Secret
from reconciler.serve.front import Asked
from reconciler.serve.page.render import POLICY
from support.browser import Browser
from support.checkout import entity_sync, http_config, wait_until
from support.service import serving

TOKEN = "a-token-for-the-page"
LOGIN = Asked(login_tokens=(Secret("${secret:TOKEN}", lambda: TOKEN),))


@pytest.fixture
def bare(shop):
    """A shop of which nothing was applied, that is served."""
    shop.write_manifests(environment={"service": {}})
    return shop.checkout


def test_on_this_machine_the_page_is_shown_without_a_login_and_with_a_strict_policy(bare):
    with serving(bare) as running:
        browser = Browser(running)
        page = browser.get("/")
        assert page.status == 200
        assert "not applied" in page.text
        assert page.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert re.search("reconciler-form=[^;]{40,}; HttpOnly; Path=/; SameSite=lax", page.cookies["reconciler-form"])
        (sheet,) = re.findall(r"/static/page-[0-9a-f]+\.css", page.text)
        assert browser.get(sheet).headers["cache-control"] == "public, max-age=31536000, immutable"
        assert browser.get("/static/../../etc/passwd").status == 404
        missing = browser.get("/environments/<script>")
        assert (missing.status, "<script>" in missing.text) == (404, False)


def test_the_login_of_the_process_opens_all_environments_and_that_of_one_opens_its_page_alone(shop):
    checkout = shop.checkout
    for name in ("one", "other", "third"):
        made = shop.environment(service={"login": {"tokens": [f"token-of-{name}"]}})
        made["metadata"] = {"name": name}
        checkout.write(f"{name}.yaml", made)
    with serving(checkout, "all", asked=LOGIN) as running:
        operator, guest = Browser(running), Browser(running)
        assert operator.get("/").headers["location"] == "/login?next=%2F"
        for browser, token in ((operator, TOKEN), (guest, "token-of-other")):
            shown = browser.get("/login")
            assert "the one that the service was started with, which opens all" in shown.text
            assert browser.post("/login", {"token": token, "next": "/"}).status == 303
        page = operator.get("/").text
        assert [name in page for name in ("/environments/one", "/environments/other", "/environments/third")] == [
            True
        ] * 3
        # The only one that they see is what they are shown.
        own = guest.get("/").text
        assert "<h1>other</h1>" in own
        assert "All environments" not in own
        assert "one" not in re.findall(r"/environments/([a-z]+)", own)
        assert [guest.get(f"/environments/{name}").status for name in ("one", "other", "third")] == [404, 200, 404]
        assert guest.get("/environments/one/events").status == 404
        assert guest.post("/environments/one/requests", {"action": "run", "mode": "full"}).status == 404
        assert guest.post("/environments/other/requests", {"action": "run", "mode": "full"}).status == 409


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example:8080"}, {"X_Forwarded_For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}],
)
def test_without_a_login_nobody_comes_in_by_another_name_or_through_a_proxy(bare, headers):
    with serving(bare) as running:
        refused = Browser(running).get("/", **headers)
    assert refused.status == 403
    assert "not applied" not in refused.text


def test_where_a_login_is_needed_a_token_opens_the_page_and_nothing_else_does(bare):
    with serving(bare, asked=LOGIN) as running:
        browser = Browser(running)
        first = browser.get("/environments/test")
        assert (first.status, first.headers["location"]) == (303, "/login?next=%2Fenvironments%2Ftest")
        assert browser.get("/events").status == 401
        assert browser.post("/environments/test/requests", {"action": "run", "mode": "full"}).status == 401
        shown = browser.get(first.headers["location"])
        assert 'name="next" value="/environments/test"' in shown.text
        wrong = browser.post("/login", {"token": "no", "next": "/"})
        assert (wrong.status, "That is no token" in wrong.text) == (401, True)
        right = browser.post("/login", {"token": TOKEN, "next": "/environments/test", "name": "Jane <b>"})
        assert (right.status, right.headers["location"]) == (303, "/environments/test")
        assert re.search("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax$", right.cookies["reconciler-session"])
        page = browser.get("/environments/test")
        assert (page.status, "Jane &lt;b&gt;" in page.text) == (200, True)
        forged = Browser(running)
        forged.cookies = {"reconciler-session": f"9999999999.{'0' * 64}"}
        assert forged.get("/").status == 303
        assert browser.post("/logout").headers["location"] == "/login"
        assert browser.get("/").status == 303
        assert TOKEN not in "".join(running.lines)


def test_whom_a_trusted_proxy_names_is_let_in_and_stands_in_the_record(bare):
    asked = Asked(proxies=("127.0.0.1/32",), user_header="X-Forwarded-User", public_url="https://ops.example/sync")
    with serving(bare, asked=asked) as running:
        nobody = Browser(running)
        assert nobody.get("/").status == 401
        assert nobody.get("/login").headers["location"] == "/sync/"
        browser = Browser(running)
        page = browser.get("/", X_Forwarded_User="jane@example.com", X_Forwarded_For="203.0.113.9")
        assert (page.status, "jane@example.com" in page.text) == (200, True)
        assert 'href="/sync/static/' in page.text
        assert "; Path=/sync/; SameSite=lax; Secure" in page.cookies["reconciler-form"]
        path, run = "/environments/test/requests", {"action": "run", "mode": "full"}
        assert browser.post(path, run, Origin="https://ops.example").status == 401
        named = {"X_Forwarded_User": "jane@example.com", "Origin": "https://ops.example"}
        assert "was never applied" in browser.post(path, run, **named).text
        assert browser.post(path, run, **{**named, "Origin": "https://evil.example"}).status == 403
    distrusted = Asked(proxies=("203.0.113.0/24",), user_header="X-Forwarded-User")
    with serving(bare, asked=distrusted) as running:
        assert Browser(running).get("/", X_Forwarded_User="jane@example.com").status == 401


def test_a_ledger_that_is_away_is_said_and_comes_back(shop):
    shop.prepare(environment={"service": {}})
    with serving(shop.checkout) as running:
        assert "Data syncs" in running.get("/").text
        content = shop.checkout.ledger.read_bytes()
        shop.checkout.ledger.write_bytes(b"no ledger")
        wait_until(lambda: "Cannot be read" in running.get("/").text, every=0.3)
        shop.checkout.ledger.write_bytes(content)
        wait_until(lambda: "Data syncs" in running.get("/").text, every=0.3)
        assert not running.logged("request-failed")


def test_a_login_leads_to_no_other_host(bare):
    with serving(bare, asked=LOGIN) as running:
        browser = Browser(running)
        for place in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil"):
            browser.get("/login")
            led = browser.post("/login", {"token": TOKEN, "next": place})
            assert led.headers["location"] == "/", place
        assert 'value="/"' in browser.get("/login?next=//evil.example").text


def test_after_ten_failed_logins_an_address_waits_also_with_the_right_token(bare):
    with serving(bare, asked=LOGIN) as running:
        browser = Browser(running)
        browser.get("/login")
        assert {browser.post("/login", {"token": str(number)}).status for number in range(10)} == {401}
        refused = browser.post("/login", {"token": TOKEN})
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 301
        assert len(running.logged("login-refused")) == 10


def test_a_form_that_was_not_shown_to_this_visitor_does_nothing(bare):
    run = {"action": "run", "mode": "full"}
    with serving(bare) as running:
        browser = Browser(running)
        browser.get("/")
        path = "/environments/test/requests"
        assert browser.post(path, {**run, "csrf": "0" * 64}).status == 403
        assert browser.post(path, {**run, "csrf": ""}).status == 403
        assert browser.post(path, run, Sec_Fetch_Site="cross-site").status == 403
        assert browser.post(path, run, Origin="https://evil.example").status == 403
        assert browser.post(path, run, Origin="null", Sec_Fetch_Site="same-site").status == 403
        stranger = Browser(running)
        stranger.csrf = browser.csrf
        assert stranger.post(path, run).status == 403
        assert browser.post(path, run, Content_Type="application/json").status == 415
        assert browser.post(path, {"action": "apply"}).status == 400
        assert browser.post(path, {"action": "run", "mode": "rewrite"}).status == 400
        assert browser.post(path, {**run, "sync": "x" * 70_000}).status == 413
        not_applied = browser.post(path, run)
        assert (not_applied.status, "was never applied" in not_applied.text) == (409, True)
    assert not bare.ledger.exists()


def running_now(checkout) -> bool:
    (sync,) = (sync for name, sync in checkout.live()["syncs"].items() if "categories" in name)
    return not sync["Paused"]


def test_buttons_do_what_the_commands_do_and_the_page_says_what_became_of_it(shop):
    checkout = shop.checkout
    shop.write_manifests(environment={"service": {}})
    checkout.write("feed.yaml", http_config("feed"), entity_sync("categories", "feed"))
    checkout.applied()
    shop.portal("PUT", "products/P-1", {"ID": "P-1", "Name": "Hammer"})
    shop.synced()
    paused = checkout.call(
        "pause", "EntitySync/categories", "--for", "30m", "--reason", "bulk <load>", "--owner", "jane"
    )
    assert paused.status == 0, str(paused)
    with serving(checkout) as running:
        browser = Browser(running)
        page = browser.get("/")
        assert "bulk &lt;load&gt;" in page.text
        assert "no-sku" in page.text

        def asks(**form: str) -> str:
            answer = browser.post("/environments/test/requests", form)
            assert (answer.status, answer.headers["location"]) == (303, "/environments/test#asked"), answer.text
            shown = browser.get("/environments/test").text
            return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", shown.partition('<ol class="asked">')[2]))

        assert (
            " done end the pauses of EntitySync/categories that were taken by hand EntitySync/categories runs again "
            in asks(action="resume", key="EntitySync/categories")
        )
        assert running_now(checkout)
        assert " done retry every record" in asks(action="retry", sync="shop", type="products")
        assert " done note that shop, products, is to run in mode verify next" in asks(
            action="run", sync="shop", type="products", mode="verify"
        )
        told = asks(action="resync", record_type="categories", records="retail/tools\r\nretail/tools\n")
        assert "re-sync" in told
    with Ledgers() as ledgers:
        known = {asked.kind: asked for asked in ledgers.asked(checkout.ledger_url, "test", 10)}
    assert set(known) == {"resume", "retry", "run", "resync"}
    assert {asked.holder for asked in known.values()} == {"somebody on this machine, by the page"}
    session = Project(checkout.manifests, (), checkout.environ).session(utc_now())
    assert session.name == "test"
    assert checkout.call("sync", "status").stdout.count("a request asks for it") == 1


def test_a_page_that_is_open_hears_of_what_changes_and_ends_with_the_service(bare):
    with serving(bare) as running, socket.create_connection(("127.0.0.1", running.port), timeout=30) as open_page:
        open_page.sendall(b"GET /environments/test/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        heard = open_page.makefile("rb")
        lines = iter(lambda: heard.readline().decode(), "")
        assert any("content-type: text/event-stream" in line for line in itertools.takewhile(str.strip, lines))
        told = json.loads(next(line for line in lines if line.startswith("data: ")).removeprefix("data: "))
        assert "not applied" in told["sections"]["glance"]
        assert told["title"].startswith("test: ")
        running.service.stopping.set()  # nobody waits for it here: the loop of the service looks within a moment
        assert heard.read().endswith(b"0\r\n\r\n")
