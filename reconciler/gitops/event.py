"""What a pipeline says of itself in environment variables and its event file: forge, repository, pull request, commit.

The names are the forges' own. Reading is one function; what is made of it is pure.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import LoadError, UsageError
from reconciler.gitops.forge_names import ForgeName
from reconciler.gitops.members import number, text
from reconciler.hosts import is_loopback
from reconciler.secret import Secret

LARGEST_EVENT = 32 * 2**20
"""Bytes that an event file may have. documented: GitHub caps payloads at 25 MB."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GITHUB_NAME = re.compile(r"[A-Za-z0-9-]{1,100}/[A-Za-z0-9._-]{1,100}")
# documented: the account in whose name Dependabot opens pull requests.
_DEPENDABOT = "dependabot[bot]"
_NO_SECRETS = "so there are no secrets: manifests are validated, and nothing is planned"


TOLD_BY = {
    ForgeName.GITHUB: "GITHUB_REPOSITORY",
    ForgeName.AZURE: "SYSTEM_COLLECTIONURI",
    ForgeName.GITLAB: "CI_API_V4_URL",
}
TOKEN = {ForgeName.GITHUB: "GITHUB_TOKEN", ForgeName.AZURE: "SYSTEM_ACCESSTOKEN", ForgeName.GITLAB: "GITLAB_TOKEN"}
"""The variable that holds a forge's token."""
GATE_TOKEN = {**TOKEN, ForgeName.GITLAB: "GITLAB_GATE_TOKEN"}
"""The variable that holds the token that asks about a forge's gate.

inferred: GitLab tells about protected environments to the role Maintainer. The token of merge requests must have less:
whoever may push can read it, and a Maintainer's can read protected variables, unprotect branches and approve.
"""
GATE_NEEDS = {ForgeName.GITLAB: "the role Maintainer and the scope read_api"}
"""What the token in that variable needs, where it is one of its own."""


class Event(Struct, frozen=True):
    """What a pipeline says of itself.

    Args:
        forge: which forge.
        api_url: the base of its API; of Azure DevOps the organization's URL.
        repository: `owner/name`; of Azure DevOps the repository's ID, of GitLab the project's.
        token: the forge's token.
        project: of Azure DevOps.
        pull_request: its number, in a run for one.
        commit: the pull request's head in a run for one, else the commit that the run is about; None: not told.
        branch: the branch that pull requests of interest go into; None: not told.
        no_secrets: why this run has no secrets, as a sentence; None: it may have them.
        is_queue: whether a merge queue runs it.
        workflow: the pipeline's file, e.g. `.github/workflows/reconciler.yml`; None: not told.
        summary: the file that a job's summary is appended to.
        run_url: the page of this run.
        environment: of the forge in which this job runs; None: not told, as GitHub tells none.
    """

    forge: ForgeName
    api_url: str
    repository: str
    token: Secret
    project: str | None = None
    pull_request: int | None = None
    commit: str | None = None
    branch: str | None = None
    no_secrets: str | None = None
    is_queue: bool = False
    workflow: str | None = None
    summary: Path | None = None
    run_url: str | None = None
    environment: str | None = None


def read_event(
    environ: Mapping[str, str],
    *,
    forge: str | None = None,
    repository: str | None = None,
    pull_request: int | None = None,
    commit: str | None = None,
    gate: bool = False,
) -> Event:
    """Read what a pipeline says of itself.

    Args:
        environ: the environment variables.
        forge: which forge, where several are told or none is.
        repository: in place of what is told.
        pull_request: in place of what is told.
        commit: in place of what is told.
        gate: whether the token is the one that asks about the forge's gate.

    Raises:
        UsageError: no forge is told or several are, no repository, or something that is none.
        LoadError: the event file cannot be read.
    """
    told = {name: value for name, value in environ.items() if value and not _is_unset(value)}
    name = _forge(told, forge)
    event = _READERS[name](told, repository)
    if gate:
        event = replace(event, token=_token(told, GATE_TOKEN[name]))
    _check_url(name, event.api_url)
    if commit is not None and not _COMMIT.fullmatch(commit):
        raise UsageError("--commit has to be a full commit ID", next_step="Give all its 40 hexadecimal digits.")
    if pull_request is not None and pull_request != event.pull_request:
        event = replace(event, pull_request=pull_request, commit=None)
    return event if commit is None else replace(event, commit=commit)


def _is_unset(value: str) -> bool:
    """inferred: a variable that is not set arrives from Azure Pipelines as the text `$(NAME)`."""
    return re.fullmatch(r"\$\([\w.]+\)", value) is not None


def _forge(told: Mapping[str, str], asked: str | None) -> ForgeName:
    if asked is not None:
        return ForgeName(asked)
    # documented: on Azure Pipelines the variable says where the repository is, and that may be GitHub.
    provider = told.get("BUILD_REPOSITORY_PROVIDER", "").lower()
    if "SYSTEM_COLLECTIONURI" in told and provider in ("github", "githubenterprise"):
        return ForgeName.GITHUB
    found = [name for name, variable in TOLD_BY.items() if variable in told]
    if len(found) == 1:
        return found[0]
    variables = ", ".join(TOLD_BY.values())
    if not found:
        raise UsageError(
            f"no forge is told: of {variables} none is set",
            next_step="Run it in a pipeline, or name one with --forge and --repository.",
        )
    raise UsageError(
        f"several forges are told, by {', '.join(TOLD_BY[name] for name in found)}",
        next_step=f"Name one of {', '.join(found)} with --forge.",
    )


def _github(told: Mapping[str, str], repository: str | None) -> Event:
    on_azure = "SYSTEM_COLLECTIONURI" in told and "GITHUB_REPOSITORY" not in told
    name = repository or told.get("BUILD_REPOSITORY_NAME" if on_azure else "GITHUB_REPOSITORY")
    if name is None:
        raise _no_repository("GITHUB_REPOSITORY")
    if not _GITHUB_NAME.fullmatch(name) or name.rpartition("/")[2] in (".", ".."):
        raise UsageError("a GitHub repository is named as owner/name", next_step="Correct --repository.")
    happened = {} if on_azure else _event_file(told)
    of_pull = happened.get("pull_request") if isinstance(happened.get("pull_request"), Mapping) else None
    queue = text(happened, "merge_group", "head_sha")
    commit, pull = told.get("GITHUB_SHA"), None
    if of_pull is not None:
        # GITHUB_SHA of a pull request is a merge that nobody made: the head stands in the event.
        commit, pull = text(of_pull, "head", "sha"), number(of_pull, "number")
    elif on_azure:
        pull = _whole(told.get("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"))
        commit = told.get("SYSTEM_PULLREQUEST_SOURCECOMMITID" if pull else "BUILD_SOURCEVERSION")
    url = told.get("GITHUB_API_URL", "https://api.github.com")
    return Event(
        ForgeName.GITHUB,
        url.rstrip("/"),
        name,
        _token(told, TOKEN[ForgeName.GITHUB]),
        pull_request=pull,
        commit=_commit(queue or commit),
        branch=text(of_pull, "base", "ref") or _branch(told.get("GITHUB_REF")),
        no_secrets=_azure_secrets(told, pull) if on_azure else _github_secrets(told, of_pull, name),
        is_queue=told.get("GITHUB_EVENT_NAME") == "merge_group" or queue is not None,
        workflow=_workflow(told.get("GITHUB_WORKFLOW_REF"), name),
        summary=Path(told["GITHUB_STEP_SUMMARY"]) if "GITHUB_STEP_SUMMARY" in told else None,
        run_url=_run_url(told),
    )


def _github_secrets(told: Mapping[str, str], of_pull: Any, name: str) -> str | None:
    if of_pull is None:
        # documented: a run that Dependabot starts has neither secrets nor a token that may write.
        return None
    source = text(of_pull, "head", "repo", "full_name")
    if source is None or source.lower() != name.lower():
        return f"This pull request comes from a fork, {_NO_SECRETS}."
    # The pipelines that `init` writes go by who opened it: the actor may be another by then. A run that Dependabot
    # starts has no secrets either way.
    if _DEPENDABOT in (text(of_pull, "user", "login"), told.get("GITHUB_ACTOR")):
        return f"This pull request comes from Dependabot, {_NO_SECRETS}."
    return None


def _azure_secrets(told: Mapping[str, str], pull: int | None) -> str | None:
    fork = pull is not None and told.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() == "true"
    return f"This pull request comes from a fork, {_NO_SECRETS}." if fork else None


def _azure(told: Mapping[str, str], repository: str | None) -> Event:
    name = repository or told.get("BUILD_REPOSITORY_ID")
    if name is None:
        raise _no_repository("BUILD_REPOSITORY_ID")
    url, project = told.get("SYSTEM_COLLECTIONURI"), told.get("SYSTEM_TEAMPROJECT")
    if url is None or project is None:
        raise UsageError(
            "the organization or project of Azure DevOps is not told",
            next_step="Set SYSTEM_COLLECTIONURI and SYSTEM_TEAMPROJECT, as Azure Pipelines does.",
        )
    pull = _whole(told.get("SYSTEM_PULLREQUEST_PULLREQUESTID"))
    run = told.get("BUILD_BUILDID")
    return Event(
        ForgeName.AZURE,
        url.rstrip("/"),
        name,
        _token(told, TOKEN[ForgeName.AZURE]),
        project=project,
        pull_request=pull,
        commit=_commit(told.get("SYSTEM_PULLREQUEST_SOURCECOMMITID" if pull else "BUILD_SOURCEVERSION")),
        branch=_branch(told.get("SYSTEM_PULLREQUEST_TARGETBRANCH" if pull else "BUILD_SOURCEBRANCH")),
        no_secrets=_azure_secrets(told, pull),
        workflow=told.get("SYSTEM_DEFINITIONID"),
        run_url=f"{url.rstrip('/')}/{quote(project)}/_build/results?buildId={run}" if run else None,
        # documented: Environment.Name, in deployment jobs alone.
        environment=told.get("ENVIRONMENT_NAME"),
    )


def _gitlab(told: Mapping[str, str], repository: str | None) -> Event:
    name = repository or told.get("CI_PROJECT_ID")
    if name is None:
        raise _no_repository("CI_PROJECT_ID")
    if "CI_API_V4_URL" not in told:
        raise UsageError("the URL of GitLab's API is not told", next_step="Set CI_API_V4_URL, as GitLab CI does.")
    pull = _whole(told.get("CI_MERGE_REQUEST_IID"))
    fork = pull is not None and told.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", name) != name
    # documented: of a pipeline for merged results CI_COMMIT_SHA is the merge, and this the head.
    head = told.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or told.get("CI_COMMIT_SHA")
    return Event(
        ForgeName.GITLAB,
        told["CI_API_V4_URL"].rstrip("/"),
        name,
        _token(told, TOKEN[ForgeName.GITLAB]),
        pull_request=pull,
        commit=_commit(head if pull else told.get("CI_COMMIT_SHA")),
        branch=told.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME" if pull else "CI_COMMIT_BRANCH"),
        no_secrets=f"This merge request comes from a fork, {_NO_SECRETS}." if fork else None,
        is_queue=told.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train",
        run_url=told.get("CI_PIPELINE_URL"),
        environment=told.get("CI_ENVIRONMENT_NAME"),
    )


_READERS: Mapping[ForgeName, Callable[[Mapping[str, str], str | None], Event]] = {
    ForgeName.GITHUB: _github,
    ForgeName.AZURE: _azure,
    ForgeName.GITLAB: _gitlab,
}


def _event_file(told: Mapping[str, str]) -> Mapping[str, Any]:
    """Read GITHUB_EVENT_PATH; an empty document where it is not set."""
    path = told.get("GITHUB_EVENT_PATH")
    if path is None:
        return {}
    try:
        # Opening a FIFO would wait for who writes it, and a device has no end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise LoadError("the event file is no regular file", next_step=_EVENT_STEP)
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_EVENT + 1)
        happened = json.loads(content) if len(content) <= LARGEST_EVENT else None
    except OSError as error:
        raise LoadError(f"the event file cannot be read: {error.strerror}", next_step=_EVENT_STEP) from None
    except (ValueError, RecursionError):
        raise LoadError("the event file is no JSON", next_step=_EVENT_STEP) from None
    if not isinstance(happened, Mapping):
        raise LoadError("the event file is no JSON object, or too large", next_step=_EVENT_STEP)
    return happened


_EVENT_STEP = "Check GITHUB_EVENT_PATH: it names the file that GitHub Actions writes for each run."


def _token(told: Mapping[str, str], variable: str) -> Secret:
    return Secret(variable, lambda: told.get(variable))


def _check_url(forge: ForgeName, url: str) -> None:
    """Refuse what no token may be sent to."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        good = good and bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good:
        variable = {ForgeName.GITHUB: "GITHUB_API_URL"}.get(forge, TOLD_BY[forge])
        raise UsageError(
            "the URL of the forge's API has to be an https URL without user, password and query",
            next_step=f"Correct {variable}; http is for this machine alone.",
        )


def _commit(value: str | None) -> str | None:
    return value if value is not None and _COMMIT.fullmatch(value) else None


def _branch(ref: str | None) -> str | None:
    return ref.removeprefix("refs/heads/") if ref is not None and ref.startswith("refs/heads/") else None


def _whole(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,18}", value) else None


def _workflow(ref: str | None, repository: str) -> str | None:
    """Return the path of `owner/name/.github/workflows/x.yml@refs/heads/main`."""
    path = (ref or "").partition("@")[0]
    prefix = f"{repository}/".lower()
    return path[len(prefix) :] or None if path.lower().startswith(prefix) else None


def _run_url(told: Mapping[str, str]) -> str | None:
    server, name, run = (told.get(key) for key in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    return f"{server}/{name}/actions/runs/{run}" if server and name and run else None


def _no_repository(variable: str) -> UsageError:
    return UsageError("the repository is not told", next_step=f"Set {variable}, or name it with --repository.")
