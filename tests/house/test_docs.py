"""The docs are held against the code: every code, rule, command, link and console example."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler import errors
from reconciler.cli.command_table import TABLE
from reconciler.emulator.switches import CHOICES
from reconciler.emulator.testing import RunningEmulator, running_emulator
from reconciler.kind.semantics import fields_of
from reconciler.manifest.environment import Guardrails
from reconciler.ordercloud.kinds import delivery_config
from reconciler.ordercloud.kinds.entity_sync import ENTITY_PATHS
from reconciler.reconcile.guard import REQUEST_RULES, RULES
from reconciler.registry import kinds
from reconciler.report.codes.environment import ENVIRONMENT_FILE
from reconciler.sparklayer import price_book, prices, products, stock, sync_log
from reconciler.sparklayer.kinds import customer_group, price_list, stock_location, store
from reconciler.sparklayer.lists import PRICE_LISTS
from support.forked import Forked

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEBAB = re.compile(r"[a-z]+(-[a-z]+)*")
BLOCK = re.compile(
    r"^(?:```console\n)?(<!-- (?:portal|seed): [^\n]*|(?<=console\n).*?(?=^```))", re.MULTILINE | re.DOTALL
)
PROBLEM_MAKERS = {"Problem", "_problem", "_add"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def error_codes(kind: type[errors.ReconcilerError] = errors.ReconcilerError) -> Iterator[str]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child.code
            yield from error_codes(child)


def problem_codes() -> set[str]:
    found = set()
    rooms = ("kind", "manifest", "ordercloud", "sparklayer")
    for path in [path for room in rooms for path in (ROOT / "reconciler" / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            first: ast.expr | None = None
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0] if name in PROBLEM_MAKERS else None
            elif path.name == "explain.py" and isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                first = node.value.elts[0]
            codes = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            found |= {
                str(code.value) for code in codes if isinstance(code, ast.Constant) and isinstance(code.value, str)
            }
    return {code for code in found if KEBAB.fullmatch(code)}


def test_every_error_code_is_explained() -> None:
    page = text_of("docs/errors.md")
    assert [code for code in error_codes() if f"| `{code}` |" not in page] == []


def test_every_problem_code_is_explained_and_no_other() -> None:
    page = text_of("docs/errors.md").partition("## Of manifests")[2]
    explained = {
        code
        for line in page.splitlines()
        if line.startswith("| `")
        for code in re.findall("`([^`]+)`", line.split("|")[1])
    }
    assert len(problem_codes()) > 30
    assert problem_codes() == explained


def test_every_guardrail_is_explained() -> None:
    headings = set(re.findall(r"^## (.+)$", text_of("docs/guardrails.md"), re.MULTILINE))
    assert set(RULES) | set(REQUEST_RULES) | set(fields_of(Guardrails)) == headings


def test_generated_pages_are_current() -> None:
    ended = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert ended.returncode == 0, ended.stdout


def test_every_command_stands_in_the_docs() -> None:
    page = text_of("docs/commands.md")
    assert [entry.name for entry in TABLE if f"## reconciler {entry.name}\n" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'\bsrc(?:set)?="([^"]+)"', text):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, target


def test_every_picture_of_the_page_is_shown_and_small() -> None:
    text = text_of("docs/page.md")
    for picture in (ROOT / "docs" / "page").iterdir():
        assert f"page/{picture.name}" in text
        assert picture.stat().st_size <= 100_000, picture.name


def anchor_of(heading: str) -> str:
    """Return the anchor that forges give a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def sessions() -> Iterator[tuple[str, list[tuple[str, int, list[str]]]]]:
    """Yield each page with console blocks: its commands in order, their exit status, and what they show.

    In a ```console block, `$ command` runs; `# exit 2` behind it is the status expected; `…` in the output stands for
    anything; other lines have to appear in this order. What somebody does in the portal stands in a comment:
    `<!-- portal: METHOD path body -->`; `<!-- seed: 40 -->` plants a marketplace with so many products.
    """
    for page in PAGES:
        steps: list[tuple[str, int, list[str]]] = []
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if line.startswith(("<!-- portal: ", "<!-- seed: ")):
                    steps.append((line, 0, []))
                elif line.startswith("$ "):
                    command, _, status = line[2:].partition("  # exit ")
                    steps.append((command, int(status or 0), []))
                elif line.strip() not in ("", "…"):
                    steps[-1][2].append(line)
        if steps:
            yield str(page.relative_to(ROOT)), steps


SESSIONS = list(sessions())


def in_the_portal(emulator: RunningEmulator, method: str, path: str, body: str) -> None:
    """Change something live that reconciler knows nothing of."""
    form = urllib.parse.urlencode(
        {"grant_type": "client_credentials", "client_id": emulator.client_id, "client_secret": emulator.client_secret}
    )
    token = send(urllib.request.Request(emulator.ordercloud_auth_url, form.encode()))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = body.removesuffix("-->").strip().encode()
    send(urllib.request.Request(f"{emulator.ordercloud_url}/{path}", data, headers, method=method))


def send(request: urllib.request.Request) -> dict[str, str]:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        found: dict[str, str] = json.load(answer)
    return found


@pytest.mark.parametrize(("page", "steps"), SESSIONS, ids=[page for page, _ in SESSIONS])
def test_what_a_page_shows_is_what_happens(page: str, steps: list[tuple[str, int, list[str]]], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    with running_emulator() as emulator:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "CI"))}
        env = {
            **kept,
            "EMULATOR": emulator.url,
            "RECONCILER_CACHE_DIR": str(tmp_path / "cache"),
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        }
        for command, status, shown in steps:
            if command.startswith("<!-- seed: "):
                emulator.seed(int(command.split()[2]))
                continue
            if command.startswith("<!-- "):
                in_the_portal(emulator, *command.split(maxsplit=4)[2:])
                continue
            # What the README shows is run as users run it, and so is what needs a shell; the rest has no need to.
            needs_shell = page == "README.md" or not re.fullmatch(r"reconciler [^|&;<>$`*?~\\]+", command)
            ended, output = (in_a_shell if needs_shell else forked)(command, tmp_path, env)
            assert ended == status, f"{page}: {command}\n{output}"
            rest = output
            for line in shown:
                pieces = [re.escape(piece) for piece in line.strip().split("…")]
                found = re.search(".*".join(pieces), rest)
                assert found, f"{page}: {command} does not show {line!r}\n{output}"
                rest = rest[found.end() :]


def in_a_shell(command: str, folder: Path, env: dict[str, str]) -> tuple[int | None, str]:
    """Run a line and return its exit status and all that it shows."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    ended = subprocess.run(["bash", "-c", command], cwd=folder, env=env, timeout=60, **pipes)
    return ended.returncode, ended.stdout


def forked(command: str, folder: Path, env: dict[str, str]) -> tuple[int | None, str]:
    """Run a line that is nothing but a command of reconciler, and return its exit status and all that it shows."""
    process = Forked(tuple(shlex.split(command)[1:]), folder, env, merged=True)
    output, _ = process.communicate()
    return process.returncode, output


def test_the_environment_to_copy_is_the_one_that_the_command_shows() -> None:
    assert f"```yaml\n{ENVIRONMENT_FILE}```" in text_of("docs/guides/first-plan.md")


def test_there_are_examples_that_run() -> None:
    assert sum(len(steps) for _, steps in SESSIONS) >= 10


def test_every_endpoint_stands_in_the_coverage() -> None:
    page = text_of("docs/api-coverage.md")
    paths = {delivery_config.PATH, *(f"integrations/entitysync/{path}" for path in ENTITY_PATHS.values())}
    paths |= {path for kind in kinds().values() if (path := getattr(kind, "api_path", None))}
    assert len(paths) == 13
    paths |= {store.CURRENCY_PATH, store.SETTINGS_PATH, customer_group.PATH, price_list.PATH, PRICE_LISTS}
    paths |= {stock_location.PATH, sync_log.PATH}
    paths |= {products.PATH, price_book.LISTS, prices.UPDATE, stock.LOCATIONS, stock.UPDATE, stock.DELETE, stock.FETCH}
    assert sorted(path for path in paths if f"| `{path}` |" not in page) == []


def test_the_coverage_names_code_and_switches_that_exist() -> None:
    rows = text_of("docs/api-coverage.md").partition("## Inferred")[2].splitlines()
    cells = [row.split("|")[3:5] for row in rows if row.startswith("| ") and "---" not in row][1:]
    assert len(cells) > 15
    for places, switch in cells:
        for place in places.split(","):
            name = place.strip()
            assert name.startswith("`") or (ROOT / "reconciler" / name).exists(), name
        assert not switch.strip() or switch.strip("` ") in CHOICES, switch


def test_every_room_stands_in_the_architecture() -> None:
    page = text_of("docs/architecture.md")
    rooms = [path.name for path in (ROOT / "reconciler").iterdir() if (path / "__init__.py").is_file()]
    assert [room for room in rooms if f"  {room}/" not in page] == []


@pytest.mark.parametrize("page", ["docs/life-of-a-manifest.md", "docs/life-of-a-record.md", "docs/architecture.md"])
def test_every_module_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)*/(?:[a-z_]+\.py)?|[a-z_]+\.py)`", text_of(page))
    rooms = {path.name for path in (ROOT / "reconciler").iterdir()}
    modules = [name for name in named if name.partition("/")[0] in rooms]
    assert len(modules) > 10
    assert [name for name in modules if not (ROOT / "reconciler" / name).exists()] == []
