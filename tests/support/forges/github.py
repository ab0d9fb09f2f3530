"""GitHub on loopback: a real HTTP server over a real git repository, with paths and bodies as its OpenAPI has them.

Each body is the example of GitHub's OpenAPI (npm `@octokit/openapi` 23.0.2, MIT licence; tests/data/forges/github.json)
with the members changed that matter here, so that what GitHub sends beside them is there, too.

```
with GitHub(tmp_path) as forge:
    forge.commit("main", {"a.yaml": "x"}, "begin")
    number = forge.open_pull("topic")           # a branch that was pushed to forge.git
    forge.upload(forge.pulls[number].head, "reconciler-plan-prod-…", {"plan.json": b"{}"})
    forge.merge(number, "squash")
    run(env=forge.environ(commit=forge.head("main")))
```
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from support.forges.hosted import Answer, Artifact, Hosted, Pull, Seen, zipped

EXAMPLES = json.loads((Path(__file__).parents[2] / "data/forges/github.json").read_text())
WORKFLOW = ".github/workflows/reconciler-pull-request.yml"
BOT = "github-actions[bot]"


@dataclass
class GitHub(Hosted):
    """One repository. `prefix` is `/api/v3` on Enterprise; `author` is whom the token writes as."""

    described = "github"

    author: str = BOT
    artifacts: list[Artifact] = field(default_factory=list)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    environments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def next_number(self) -> int:
        return len(self.pulls) + len(self.issues) + 1

    def upload(
        self,
        head: str,
        name: str,
        files: Mapping[str, bytes] | bytes,
        *,
        event: str = "pull_request",
        workflow: str = WORKFLOW,
        source: str | None = None,
        expired: bool = False,
    ) -> Artifact:
        """Leave an artifact as a run of its own does; `files` is the archive itself where it is bytes."""
        self._ids += 1
        run = copy.deepcopy(EXAMPLES["run"]) | {
            "id": self._ids,
            "event": event,
            "path": workflow,
            "head_sha": head,
            "status": "completed",
            "conclusion": "success",
        }
        run["repository"]["full_name"] = self.repository
        run["head_repository"]["full_name"] = source or self.repository
        self.runs[self._ids] = run
        archive = files if isinstance(files, bytes) else zipped(files)
        self.artifacts.append(Artifact(self._ids + 100_000, name, archive, self._ids, expired))
        return self.artifacts[-1]

    def protect(self, environment: str, *, reviewers: bool = True) -> None:
        """Make an environment, with required reviewers or with a wait timer alone."""
        rules = copy.deepcopy(EXAMPLES["environment"]["protection_rules"])
        wanted = {"wait_timer", "branch_policy"} | ({"required_reviewers"} if reviewers else set())
        self.environments[environment] = [rule for rule in rules if rule["type"] in wanted]

    def environ(self, *, commit: str | None = None, pull: int | None = None, **more: str) -> dict[str, str]:
        """Return the variables that a job has: of a push to main, or of a pull request."""
        found = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.api_url,
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": self.token,
            "GITHUB_RUN_ID": "77",
            "GITHUB_EVENT_NAME": "push" if pull is None else "pull_request",
            "GITHUB_SHA": commit or self.head("main"),
            "GITHUB_REF": "refs/heads/main" if pull is None else f"refs/pull/{pull}/merge",
        }
        event = self.folder / f"event-{pull or 'push'}.json"
        body = {"repository": {"full_name": self.repository, "default_branch": "main"}}
        event.write_text(json.dumps(body if pull is None else body | self.event(pull)))
        return found | {"GITHUB_EVENT_PATH": str(event)} | more

    def event(self, number: int) -> dict[str, Any]:
        """Return what the event of a pull request says."""
        return {"action": "synchronize", "number": number, "pull_request": self._pull(self.pulls[number], "pull")}

    def said(self, number: int) -> list[str]:
        """Return the comments that people see at a pull request."""
        return [comment["body"] for comment in self.comments.get(number, [])]

    # What the API says.

    def answer(self, seen: Seen) -> Answer:
        """Answer one request."""
        self.requests.append(seen)
        if (refused := self.refuse(seen)) is not None:
            return refused
        store = re.fullmatch(r"/store/(\d+)", seen.path)
        if store is not None:
            found = next(artifact for artifact in self.artifacts if artifact.id == int(store[1]))
            return 200, found.archive, {"content-type": "application/zip"}
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "Bad credentials")
        base = f"{self.prefix}/repos/{self.repository}".lower()
        if not seen.path.lower().startswith(base + "/"):
            return _error(404, "Not Found")
        path = seen.path[len(base) :]
        for (method, pattern), handler in _ROUTES.items():
            matched = re.fullmatch(pattern, path)
            if method == seen.method and matched is not None:
                with self._lock:
                    return handler(self, seen, *map(unquote, matched.groups()))
        return _error(404, "Not Found")

    def _get_pull(self, seen: Seen, number: str) -> Answer:
        pull = self.pulls.get(int(number))
        return _error(404, "Not Found") if pull is None else (200, self._pull(pull, "pull"), {})

    def _compare(self, seen: Seen, since: str, until: str) -> Answer:
        known = [self._run("cat-file", "-t", commit, check=False) for commit in (since, until)]
        if known != ["commit", "commit"]:
            return _error(404, "Not Found")
        lines = self._run("log", "--reverse", "--topo-order", "--format=%H %P", f"{since}..{until}").splitlines()
        behind = len(self._run("rev-list", f"{until}..{since}").split())
        body = copy.deepcopy(EXAMPLES["compare"])
        status = "identical" if since == until else "diverged" if behind and lines else "behind" if behind else "ahead"
        commits = [self._commit(*line.split()) for line in lines]
        body |= {"status": status, "ahead_by": len(lines), "behind_by": behind, "total_commits": len(lines)}
        return 200, body | {"commits": _page(seen, commits)}, {}

    def _commit(self, sha: str, *parents: str) -> dict[str, Any]:
        body: dict[str, Any] = copy.deepcopy(EXAMPLES["compare"]["commits"][0])
        return body | {"sha": sha, "parents": [{"sha": parent, "url": f"{self.api_url}/x"} for parent in parents]}

    def _pulls_of(self, seen: Seen, commit: str) -> Answer:
        if self._run("cat-file", "-t", commit, check=False) != "commit":
            return _error(422, f"No commit found for SHA: {commit}")
        found = [pull for pull in self.pulls.values() if commit in pull.introduced or commit == pull.head]
        return 200, _page(seen, [self._pull(pull, "pull_simple") for pull in found]), {}

    def _artifacts(self, seen: Seen) -> Answer:
        name = seen.query.get("name")
        found = [artifact for artifact in reversed(self.artifacts) if name in (None, artifact.name)]
        bodies = [self._artifact(artifact) for artifact in found]
        return 200, {"total_count": len(bodies), "artifacts": _page(seen, bodies)}, {}

    def _artifact(self, artifact: Artifact) -> dict[str, Any]:
        body = copy.deepcopy(EXAMPLES["artifact"])
        run = self.runs[artifact.run]
        body |= {"id": artifact.id, "name": artifact.name, "expired": artifact.expired}
        body |= {
            "size_in_bytes": len(artifact.archive),
            "created_at": f"2026-11-29T08:{artifact.id % 3600 // 60:02}:00Z",
        }
        body["workflow_run"] |= {"id": artifact.run, "head_sha": run["head_sha"]}
        return body

    def _download(self, seen: Seen, identity: str) -> Answer:
        found = next((artifact for artifact in self.artifacts if artifact.id == int(identity)), None)
        if found is None:
            return _error(404, "Not Found")
        if found.expired:
            return _error(410, "Artifact has expired")
        return 302, b"", {"location": f"{self.url}/store/{found.id}?sig=once"}

    def _run_of(self, seen: Seen, identity: str) -> Answer:
        run = self.runs.get(int(identity))
        return _error(404, "Not Found") if run is None else (200, run, {})

    def _environment(self, seen: Seen, name: str) -> Answer:
        if name not in self.environments:
            return _error(404, "Not Found")
        body = copy.deepcopy(EXAMPLES["environment"])
        return 200, body | {"name": name, "protection_rules": self.environments[name]}, {}

    def _list_comments(self, seen: Seen, number: str) -> Answer:
        return 200, _page(seen, self.comments.get(int(number), [])), {}

    def comment(self, number: int, body: str, author: str | None = None) -> dict[str, Any]:
        """Write a comment, as the token's account or as somebody else."""
        self._ids += 1
        made: dict[str, Any] = copy.deepcopy(EXAMPLES["comment"]) | {"id": self._ids, "body": body}
        made["user"]["login"] = author or self.author
        self.comments.setdefault(number, []).append(made)
        return made

    def _add_comment(self, seen: Seen, number: str) -> Answer:
        if int(number) not in self.pulls and int(number) not in self.issues:
            return _error(404, "Not Found")
        refused = _bad_text(seen, "body")
        return refused or (201, self.comment(int(number), seen.body["body"]), {})

    def _edit_comment(self, seen: Seen, identity: str) -> Answer:
        for comment in (comment for listed in self.comments.values() for comment in listed):
            if comment["id"] == int(identity):
                refused = _bad_text(seen, "body")
                comment |= {} if refused else {"body": seen.body["body"]}
                return refused or (200, comment, {})
        return _error(404, "Not Found")

    def _delete_comment(self, seen: Seen, identity: str) -> Answer:
        for listed in self.comments.values():
            for comment in listed:
                if comment["id"] == int(identity):
                    listed.remove(comment)
                    return 204, b"", {}
        return _error(404, "Not Found")

    def _list_issues(self, seen: Seen) -> Answer:
        labels = set(filter(None, seen.query.get("labels", "").split(",")))
        state = seen.query.get("state", "open")
        found = [
            issue
            for issue in self.issues.values()
            if labels <= {label["name"] for label in issue["labels"]} and state in ("all", issue["state"])
        ]
        found.sort(key=lambda issue: issue["number"], reverse=seen.query.get("direction", "desc") == "desc")
        return 200, _page(seen, found), {}

    def _open_issue(self, seen: Seen) -> Answer:
        if (refused := _bad_text(seen, "title")) is not None:
            return refused
        number = len(self.pulls) + len(self.issues) + 1
        issue = copy.deepcopy(EXAMPLES["issue"]) | {
            "number": number,
            "state": "open",
            "state_reason": None,
            "title": seen.body["title"],
            "body": seen.body.get("body"),
            "html_url": f"{self.url}/{self.repository}/issues/{number}",
            "labels": [{"name": name} for name in seen.body.get("labels", [])],
        }
        del issue["pull_request"]
        issue["user"]["login"] = self.author
        self.issues[number] = issue
        return 201, issue, {}

    def _edit_issue(self, seen: Seen, number: str) -> Answer:
        issue = self.issues.get(int(number))
        if issue is None:
            return _error(404, "Not Found")
        issue |= {name: seen.body[name] for name in ("title", "body", "state", "state_reason") if name in seen.body}
        return 200, issue, {}

    def _pull(self, pull: Pull, example: str) -> dict[str, Any]:
        body: dict[str, Any] = copy.deepcopy(EXAMPLES[example])
        merged = pull.merge_commit is not None
        body |= {"number": pull.number, "title": pull.title, "state": "closed" if merged else "open"}
        body |= {"merged_at": "2026-11-29T08:00:00Z" if merged else None}
        # As GitHub does: before it is merged, this is a merge that was made to try.
        body |= {"merge_commit_sha": pull.merge_commit or "f" * 40}
        body |= {"merged": merged} if "merged" in body else {}
        body["user"] |= {"login": pull.opener}
        body["head"] |= {"sha": pull.head, "ref": pull.branch}
        body["base"] |= {"ref": pull.base, "sha": self._run("rev-parse", pull.base)}
        for side, name in (("head", pull.source or self.repository), ("base", self.repository)):
            body[side]["repo"] |= {
                "full_name": name,
                "default_branch": "main",
                "fork": side == "head" and bool(pull.source),
            }
        return body


_ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("GET", r"/pulls/(\d+)"): GitHub._get_pull,
    ("GET", r"/compare/([0-9a-f]+)\.\.\.([0-9a-f]+)"): GitHub._compare,
    ("GET", r"/commits/([^/]+)/pulls"): GitHub._pulls_of,
    ("GET", r"/actions/artifacts"): GitHub._artifacts,
    ("GET", r"/actions/artifacts/(\d+)/zip"): GitHub._download,
    ("GET", r"/actions/runs/(\d+)"): GitHub._run_of,
    ("GET", r"/environments/([^/]+)"): GitHub._environment,
    ("GET", r"/issues/(\d+)/comments"): GitHub._list_comments,
    ("POST", r"/issues/(\d+)/comments"): GitHub._add_comment,
    ("PATCH", r"/issues/comments/(\d+)"): GitHub._edit_comment,
    ("DELETE", r"/issues/comments/(\d+)"): GitHub._delete_comment,
    ("GET", r"/issues"): GitHub._list_issues,
    ("POST", r"/issues"): GitHub._open_issue,
    ("PATCH", r"/issues/(\d+)"): GitHub._edit_issue,
}


def secondary_limit(seconds: int = 1) -> Answer:
    """Return the refusal of a secondary rate limit."""
    status, body, headers = _error(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")
    return status, body, {**headers, "retry-after": str(seconds)}


def _error(status: int, message: str, **more: Any) -> Answer:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return status, body | more, {}


def _bad_text(seen: Seen, name: str) -> Answer | None:
    """inferred: what the texts of issues and comments may be: not empty, 65,536 characters."""
    value = seen.body.get(name) if isinstance(seen.body, dict) else None
    if not isinstance(value, str) or not value.strip() or len(value) > 65536:
        errors = [
            {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": f"{name} is too long"}
        ]
        return _error(422, "Validation Failed", errors=errors)
    return None


def _page(seen: Seen, found: list[Any]) -> list[Any]:
    size, page = min(int(seen.query.get("per_page", "30")), 100), int(seen.query.get("page", "1"))
    return found[(page - 1) * size : page * size]
