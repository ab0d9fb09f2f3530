"""A repository is begun, and brought up to date: nothing that somebody wrote is lost, and what is done is said."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.app.project import Project
from reconciler.errors import ManifestErrors, OutputError, UsageError
from reconciler.gitops.init.pipelines import CI
from reconciler.gitops.init.repository import Begun, Wish, begin, default_branch
from reconciler.gitops.init.settle import Outcome, is_ours, sealed
from reconciler.gitops.init.source import Source
from reconciler.gitops.init.told import begun_to_text, unfinished_to_text

WORKFLOW = ".github/workflows/reconciler-pull-request.yml"
ORIGIN = Source("ordercloud-reconciler @ git+https://host.example/o/r@" + "a" * 40)


def run(folder: Path, *names: str, force: bool = False, origin: Source = ORIGIN) -> Begun:
    wish = Wish(folder, "github", names, force=force)
    return asyncio.run(begin(wish, {}, origin, branch="main"))


def told(begun: Begun) -> str:
    """Return what is said, wherever its lines break."""
    return " ".join(begun_to_text(begun).split())


def outcomes(begun: Begun) -> dict[str, Outcome]:
    return {one.path: one.outcome for one in begun.files}


def test_an_empty_folder_becomes_a_repository_that_is_valid(tmp_path: Path) -> None:
    begun = run(tmp_path / "new", "emulator", "sandbox", "production")
    assert set(outcomes(begun).values()) == {Outcome.WRITTEN}
    _, found = Project(tmp_path / "new" / "manifests").check()
    assert (found.problems, found.warnings) == ((), ())
    # What they share stands once; what one has otherwise is a patch.
    sandbox = (tmp_path / "new" / "manifests" / "environments" / "sandbox.yaml").read_text()
    production = (tmp_path / "new" / "manifests" / "environments" / "production.yaml").read_text()
    assert "patches:" in sandbox
    assert "patches:" not in production


def test_a_second_time_nothing_is_written(tmp_path: Path) -> None:
    run(tmp_path, "sandbox")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert set(outcomes(run(tmp_path)).values()) == {Outcome.UNCHANGED}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_somebody_edited_stays_and_that_is_said(tmp_path: Path) -> None:
    run(tmp_path, "sandbox")
    workflow = tmp_path / WORKFLOW
    workflow.write_text(workflow.read_text().replace("timeout-minutes: 20", "timeout-minutes: 21"))
    (tmp_path / ".gitignore").write_text("mine\n")
    begun = run(tmp_path, "production")
    assert "timeout-minutes: 21" in workflow.read_text()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert outcomes(begun)[WORKFLOW] is Outcome.KEPT
    assert f"{WORKFLOW} kept as it is; --force replaces it" in told(begun)
    begun = run(tmp_path, force=True)
    assert outcomes(begun)[WORKFLOW] is Outcome.REPLACED
    assert f"{WORKFLOW} replaced: it had been edited" in told(begun)
    assert "production-plan" in workflow.read_text()


def test_pipelines_that_nobody_edited_follow_the_manifests(tmp_path: Path) -> None:
    run(tmp_path, "sandbox")
    hook = tmp_path / "manifests" / "delivery" / "order-hook.yaml"
    hook.write_text(
        hook.read_text() + "      customAuthHeaderName: X-Key\n      customAuthHeaderValue: ${secret:KEY}\n"
    )
    begun = run(tmp_path)
    apply = ".github/workflows/reconciler-apply.yml"
    assert outcomes(begun)[apply] is Outcome.UPDATED
    assert "KEY: ${{ secrets.KEY }}" in (tmp_path / apply).read_text()
    assert "KEY: ${{ secrets.KEY }}" not in (tmp_path / WORKFLOW).read_text()


def test_a_file_is_ours_until_a_byte_changes() -> None:
    text = sealed("a: 1\n")
    assert is_ours(text)
    assert not is_ours(text.replace("1", "2", 1))
    assert not is_ours("a: 1\n")
    assert not is_ours(f"{text}b: 2\n")


def test_the_list_says_what_to_set_and_where_and_what_can_be_reached(tmp_path: Path) -> None:
    text = told(run(tmp_path, "sandbox", origin=Source(None)))
    assert "requirements-reconciler.txt fill it in: where pipelines install reconciler from" in text
    assert "GitHub: Settings, Environments, sandbox-plan plans pull requests; open to every branch" in text
    assert "secrets: OC_CLIENT_SECRET, HOOK_SIGNING_KEY, RECONCILER_LEDGER" in text
    assert "a login that may SELECT alone" in text
    assert "Whoever may push a branch can run a pipeline of their own in it" in text


def test_secrets_that_no_variable_carries_are_listed(tmp_path: Path) -> None:
    run(tmp_path, "sandbox")
    hook = tmp_path / "manifests" / "delivery" / "order-hook.yaml"
    hook.write_text(hook.read_text().replace("${secret:HOOK_SIGNING_KEY}", "${secret:file:hook.key}"))
    assert "sandbox: ${secret:file:hook.key}" in told(run(tmp_path))


def test_an_import_is_of_the_environments_that_are_there_where_none_is_named(tmp_path: Path) -> None:
    run(tmp_path, "production", "sandbox")
    asked: list[tuple[str, ...]] = []

    async def take(project: Project, _folder: Path) -> Sequence[str]:
        asked.append(project.environments)
        return [f"manifests/delivery-config.{project.environments[0]}.yaml"]

    begun = asyncio.run(begin(Wish(tmp_path, "github"), {}, ORIGIN, take, branch="main"))
    assert asked == [("production",), ("sandbox",)]
    assert "everything is there already" not in told(begun)
    assert "+ manifests/delivery-config.sandbox.yaml imported from live" in told(begun)


def test_what_was_written_before_an_import_failed_is_told(tmp_path: Path) -> None:
    async def take(project: Project, _folder: Path) -> Sequence[str]:
        if project.environments == ("sandbox",):
            raise UsageError("host not found")
        return ["manifests/a.yaml"]

    found: list[Begun] = []
    wish = Wish(tmp_path, None, ("production", "sandbox"))
    with pytest.raises(UsageError, match="host not found"):
        asyncio.run(begin(wish, {}, ORIGIN, take, branch="main", unfinished=found.append))
    text = unfinished_to_text(found[0])
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    listed = {line.split()[1] for line in text.splitlines() if line.startswith("  + ")}
    assert listed == written | {"manifests/a.yaml"}
    assert "written before the import failed" in " ".join(text.split())


@pytest.mark.parametrize("ci", [None, "github", "azure", "gitlab"])
def test_every_secret_of_the_manifests_is_in_the_list(ci: CI | None, tmp_path: Path) -> None:
    run(tmp_path, "emulator")
    config = """\
apiVersion: reconciler/v1
kind: DeliveryConfig
metadata: {name: imported}
spec:
  name: imported
  deliveryTargets: {http: {endpoint: https://hooks.example.com/a, secret: "${secret:IMPORTED_HTTP_SECRET}"}}
"""
    (tmp_path / "manifests" / "imported.yaml").write_text(config)
    begun = asyncio.run(begin(Wish(tmp_path, ci), {}, ORIGIN, branch="main"))
    _, _, listed = told(begun).partition("To be set by hand")
    assert "emulator: IMPORTED_HTTP_SECRET" in listed
    assert ("What somebody who may push" in listed) is (ci is not None)


def test_a_requirement_that_somebody_wrote_stays(tmp_path: Path) -> None:
    run(tmp_path, "sandbox", origin=Source(None))
    path = tmp_path / "requirements-reconciler.txt"
    assert path.read_text().startswith("#")
    path.write_text("./mirror/reconciler.whl\n")
    begun = run(tmp_path)
    assert path.read_text() == "./mirror/reconciler.whl\n"
    assert outcomes(begun)["requirements-reconciler.txt"] is Outcome.KEPT


def test_a_wheel_is_put_beside_it(tmp_path: Path) -> None:
    wheel = tmp_path / "r-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    run(tmp_path / "shop", origin=Source("./wheels/r-1-py3-none-any.whl", wheel))
    assert (tmp_path / "shop" / "wheels" / wheel.name).read_bytes() == b"wheel"


@pytest.mark.parametrize(
    "names",
    [("sandbox-plan",), ("x-drift",), ("a b",), ("-x",), ("Prod", "prod"), ("all",), ("ALL",)],
    ids=lambda names: names[0],
)
def test_names_that_a_forge_would_mix_up_are_refused_before_anything_is_written(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        run(tmp_path / "new", *names)
    assert not (tmp_path / "new").exists()


def test_manifests_with_problems_are_no_place_to_begin(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "x.yaml").write_text("apiVersion: reconciler/v1\nkind: Nobody\n")
    with pytest.raises(ManifestErrors):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["manifests"]


def test_the_default_branch_is_the_one_of_the_origin_or_where_it_began(tmp_path: Path) -> None:
    def git(*words: str, folder: Path) -> None:
        settings = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)

    assert default_branch(tmp_path) == "main"
    origin = tmp_path / "origin"
    origin.mkdir()
    git("init", "-q", "-b", "trunk", folder=origin)
    assert default_branch(origin) == "trunk"
    git("commit", "-q", "--allow-empty", "-m", "x", folder=origin)
    git("clone", "-q", "origin", "clone", folder=tmp_path)
    git("switch", "-q", "-c", "feature", folder=tmp_path / "clone")
    assert default_branch(tmp_path / "clone") == "trunk"


@pytest.mark.parametrize(
    "branch",
    [
        'main" ]\nevil: x',
        "${{ github.token }}",
        'main"]\njobs: {}',
        "",
        "-x",
        "a..b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a.lock",
    ],
)
def test_a_branch_that_would_be_more_than_a_name_in_a_pipeline_is_refused(branch: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        asyncio.run(begin(Wish(tmp_path / "new", "github"), {}, ORIGIN, branch=branch))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("line", ["x==1\n--index-url evil", " ", "", "# x", "x @ git+/srv/r@main", "git+../r"])
def test_a_requirement_that_pip_cannot_read_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--requirement"):
        asyncio.run(begin(Wish(tmp_path / "new", "github", requirement=line), {}, ORIGIN, branch="main"))
    assert not (tmp_path / "new").exists()


def test_a_file_that_pip_cannot_read_is_in_the_list(tmp_path: Path) -> None:
    run(tmp_path, "sandbox")
    (tmp_path / "requirements-reconciler.txt").write_text("ordercloud-reconciler @ git+/srv/origin@abc\n")
    assert "requirements-reconciler.txt fill it in" in told(run(tmp_path))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("requirements-reconciler.txt", "f"),
        (".gitignore", "new"),
        (".github", "."),
        ("schemas", "."),
        ("manifests", "."),
        ("wheels", "."),
    ],
)
def test_nothing_is_written_through_a_link(link: str, to: str, force: bool, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "shop"
    victim.mkdir()
    folder.mkdir()
    (victim / "f").write_text("mine")
    (folder / link).symlink_to(victim / to)
    wheel = tmp_path / "r-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    with pytest.raises(OutputError, match=f"{link} is a symbolic link"):
        run(folder, "sandbox", force=force, origin=Source(f"./wheels/{wheel.name}", wheel))
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("f", "mine")]
    assert [path.name for path in folder.iterdir()] == [link], "nothing else was written either"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_in_the_place_of_a_file_is_named_and_the_other_way_round(force: bool, tmp_path: Path) -> None:
    (tmp_path / "a" / ".gitignore").mkdir(parents=True)
    with pytest.raises(OutputError, match="gitignore is a folder, where a file belongs"):
        run(tmp_path / "a", force=force)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".github").write_text("x")
    with pytest.raises(OutputError, match="github is a file, where a folder belongs"):
        run(tmp_path / "b", force=force)
