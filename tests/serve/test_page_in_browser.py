"""The page in a browser: nothing that axe finds, nothing inline, no word on the console, no wider than the screen.

`npm install --no-package-lock --ignore-scripts` in tests/serve/node puts what it takes there: axe-core, puppeteer-core,
and a chromium for Linux on x86-64. A chromium that the machine has is used instead.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.serve.page.render import POLICY
from reconciler.sync.monitor.overview import Overview, overview
from support.chromium import browsed, missing
from support.page_samples import broken, drifted, good, hostile, overviews
from support.sample_service import TOKEN, sample_service
from support.sync_samples import NOW

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;</details><x/>`code` javascript:alert(1) "
    "\x1b[31mred\x07\x00\u202eevil\u2066\u200b\u2028\ufeff\ud800 "
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 " + 600 * "W"
)


def many() -> list[Overview]:
    """Return more environments than fit on a screen, one of them with a hostile name."""
    name = HOSTILE.replace("\ud800", "")  # which no name in a URL can hold
    facts = [good(f"shop-{number:02}") for number in range(26)] + [drifted("shop-late"), drifted("market")]
    return [overview(each, NOW) for each in (*facts, broken("old"), broken(name))]


@pytest.mark.skipif(missing() is not None, reason=f"no browser: {missing()}")
def test_every_page_is_for_everybody_in_both_schemes_and_widths() -> None:
    lines: list[str] = []
    samples = [*overviews(), overview(replace(hostile(HOSTILE), environment="hostile"), NOW)]
    with (
        sample_service(samples, lines=lines) as url,
        sample_service(many(), lines=lines) as all_of_many,
        sample_service(login=True) as closed,
    ):
        names = [each.environment for each in samples]
        pages = [{"name": name, "url": f"{url}/environments/{name}"} for name in names]
        pages += [{"name": "all", "url": f"{url}/"}, {"name": "many", "url": f"{all_of_many}/"}]
        pages += [{"name": "login", "url": f"{closed}/login"}, {"name": "missing", "url": f"{url}/environments/none"}]
        found = browsed(
            pages=pages,
            live=f"{url}/environments/production",
            search={"url": f"{all_of_many}/", "words": "SHOP-1"},
            token=TOKEN,
            login=f"{closed}/login?next=/environments/sandbox",
        )
    assert [line for line in lines if "failed" in line] == []
    assert len(found["pages"]) == 4 * len(pages)
    for page in found["pages"]:
        where = (page["name"], page["scheme"], page["size"])
        assert page["violations"] == [], where
        assert page["wider"] <= 0, where
        assert page["foreign"] == [], where
        assert page["policy"] == POLICY, where
        if page["name"] == "missing":
            assert page["status"] == 404
        else:
            assert page["said"] == [], where
    for walk in found["walks"]:
        if walk["name"] != "login":  # the login takes the focus into its first field
            assert walk["first"] == "Skip to the content", walk
        assert (walk["missed"], walk["unseen"], walk["held"]) == (0, [], False), walk
    assert found["live"] == {"said": "Updated as it changes.", "anew": True, "open": True}
    shown = [f"shop-{number}" for number in range(10, 20)]
    assert found["search"] == {"listed": shown, "said": "Reload the page to see it anew."}
    assert found["login"] == {"path": "/", "inside": "Jane Log out", "without": "Environments", "said": []}
