"""The pytest plugin, as somebody else's test suite uses it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["reconciler.emulator.pytest_plugin"]\n'
STRICT = "-p no:cacheprovider --strict-markers --strict-config"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # Whatever else is installed here would be imported each time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    return pytester


def passes(suite: pytest.Pytester, count: int, *words: str) -> pytest.RunResult:
    ended = suite.runpytest_subprocess(*STRICT.split(), *words, timeout=60)
    ended.assert_outcomes(passed=count)
    return ended


def test_each_test_gets_a_fresh_marketplace_from_one_process_with_what_its_marker_says(suite: pytest.Pytester) -> None:
    suite.makepyfile("""
        import pytest

        seen = []

        def test_one(ordercloud_emulator):
            seen.append(ordercloud_emulator.url)
            assert ordercloud_emulator.mutate(create=2)["created"]
            ordercloud_emulator.fault("status")

        def test_two(ordercloud_emulator):
            assert seen == [ordercloud_emulator.url]
            assert ordercloud_emulator.faults() == []
            assert "Product" not in ordercloud_emulator.state()["ordercloud"]["commerce"]["objects"]

        def ids(emulator):
            objects = emulator.state()["ordercloud"]["commerce"]["objects"]
            return [row["ID"] for row in objects.get("Product", {"": []})[""]]

        @pytest.mark.ordercloud_seed(products=12, seed_number=3)
        def test_generated(ordercloud_emulator):
            assert len(ids(ordercloud_emulator)) == 12

        @pytest.mark.ordercloud_seed({"Objects": {"Products": [{"ID": "hat", "Name": "Hat"}]}})
        def test_written_down(ordercloud_emulator):
            assert ids(ordercloud_emulator) == ["hat"]

        def test_without(ordercloud_emulator):
            assert ids(ordercloud_emulator) == []
    """)
    passes(suite, 5)


SHOP = """
    def test_shop(ordercloud_emulator):
        objects = ordercloud_emulator.state()["ordercloud"]["commerce"]["objects"]
        assert sorted(row["ID"] for row in objects["Product"][""])[:2] == {expected!r}
        ordercloud_emulator.mutate(delete=1)

    test_again = test_shop
"""


def test_the_command_line_says_what_every_test_starts_with(suite: pytest.Pytester) -> None:
    suite.makepyfile(SHOP.replace("{expected!r}", "['milk', 'tea']"))
    passes(suite, 2, "--ordercloud-seed", "corner-shop")


def test_a_number_of_products_is_a_seed_too(suite: pytest.Pytester) -> None:
    suite.makepyfile(SHOP.replace("{expected!r}", "['BOT-0000004', 'DRL-0000007']"))
    passes(suite, 2, "--ordercloud-seed", "8")


def test_the_ini_file_names_a_seed_from_its_own_folder(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nordercloud_seed = seeds/hats.yaml\n")
    suite.mkdir("seeds").joinpath("hats.yaml").write_text(
        "Objects: {Products: [{ID: cap, Name: Cap}, {ID: hat, Name: Hat}]}"
    )
    suite.makepyfile(SHOP.replace("{expected!r}", "['cap', 'hat']"))
    passes(suite, 2)


def test_who_does_not_ask_for_the_plugin_does_not_get_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it(request):
            assert not [name for name in sys.modules if name.startswith("reconciler")]
            assert not request.config.pluginmanager.has_plugin("reconciler.emulator.pytest_plugin")
    """)
    pytester.runpytest_subprocess(timeout=60).assert_outcomes(passed=1)


def test_the_plugin_alone_imports_nothing_heavy() -> None:
    program = "import sys, reconciler.emulator.pytest_plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"uvicorn", "pydantic", "yaml", "orjson", "httpx"} & set(loaded)


def test_without_the_extra_the_fixture_names_it(suite: pytest.Pytester) -> None:
    suite.makeconftest(CONFTEST + "import sys\nsys.modules['uvicorn'] = None\n")
    suite.makepyfile("def test_it(ordercloud_emulator): pass")
    ended = suite.runpytest_subprocess(*STRICT.split(), timeout=60)
    ended.stdout.fnmatch_lines(["*pip install '*uvicorn<*,>=*'*"])


def test_a_marker_that_is_wrong_says_so_in_one_line(suite: pytest.Pytester) -> None:
    wrong = {
        "": "ordercloud_seed takes a marketplace or products=N",
        '"corner-shop"': "as a mapping",
        "products=-5": "products: Input should be greater",
        '{"Objects": {"Products": [{}]}}': "ordercloud_seed: ",
    }
    tests = [
        f"@pytest.mark.ordercloud_seed({words})\ndef test_{number}(ordercloud_emulator): pass\n"
        for number, words in enumerate(wrong)
    ]
    suite.makepyfile("\n".join(["import pytest", *tests]))
    ended = suite.runpytest_subprocess(*STRICT.split(), timeout=60)
    ended.assert_outcomes(errors=len(wrong))
    ended.stdout.fnmatch_lines([f"*UsageError: *{message}*" for message in wrong.values()])
    assert "TypeError" not in ended.stdout.str()
