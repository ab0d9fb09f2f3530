"""GitLab on loopback: one project, its merge requests, pipelines, jobs and protected environments.

Paths and members are those of https://docs.gitlab.com/api: merge_requests, notes, job_artifacts, environments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from support.forges.hosted import Answer, Hosted, Pull, Seen

PROJECT = 5


@dataclass
class GitLab(Hosted):
    """One project. `author` is the user of the token, a Reporter's; the other is a Maintainer's and only reads."""

    described = "gitlab"

    repository: str = str(PROJECT)
    prefix: str = "/api/v4"
    author: str = "project_5_bot"
    gate_token: str = "gate-token-marker"
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    files: dict[tuple[int, str], bytes] = field(default_factory=dict)
    notes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    protected: dict[str, dict[str, Any]] = field(default_factory=dict)

    def upload(
        self, head: str, name: str, files: Mapping[str, bytes], *, ref: str | None = None, project: int = PROJECT
    ) -> int:
        """Keep files as a job of a merge request's pipeline does, which has a folder for each environment."""
        number = next(pull.number for pull in self.pulls.values() if pull.head == head)
        environment = name.removeprefix("reconciler-plan-").removesuffix(f"-{head}")
        self._ids += 1
        pipeline = {"id": self._ids, "iid": self._ids, "project_id": project, "sha": head, "status": "success"}
        pipeline |= {"ref": ref or f"refs/merge-requests/{number}/head", "number": number}
        self.pipelines.append(pipeline)
        kept = {"filename": f"{name}.zip", "size": 1000}
        job = {"id": self._ids + 100_000, "name": f"plan-{environment}", "status": "success", "artifacts_file": kept}
        self.jobs.append(job | {"pipeline": {"id": self._ids, "project_id": project}})
        for path, content in files.items():
            self.files[self._ids + 100_000, f"plans/{environment}/{path}"] = content
        return self._ids + 100_000

    def protect(self, environment: str, *, reviewers: bool = True) -> None:
        """Protect an environment, with an approval rule or with access levels alone."""
        rule = {"id": 38, "user_id": None, "group_id": 134, "access_level": None, "required_approvals": 1}
        access = {"id": 12, "access_level": 40, "access_level_description": "Maintainers"}
        self.protected[environment] = {
            "name": environment,
            "deploy_access_levels": [access],
            "required_approval_count": 0,
            "approval_rules": [rule] if reviewers else [],
        }

    def environ(self, *, commit: str | None = None, pull: int | None = None, **more: str) -> dict[str, str]:
        """Return the variables that a job has: of a push to main, or of a merge request."""
        found = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}{self.prefix}",
            "CI_PROJECT_ID": self.repository,
            "CI_COMMIT_SHA": commit or self.head("main"),
            "CI_PIPELINE_URL": f"{self.url}/acme/shop/-/pipelines/77",
            "GITLAB_TOKEN": self.token,
        }
        if pull is None:
            # A protected variable: jobs of merge requests have none.
            return found | {"CI_COMMIT_BRANCH": "main", "GITLAB_GATE_TOKEN": self.gate_token} | more
        its = self.pulls[pull]
        return (
            found
            | {
                "CI_COMMIT_SHA": its.head,
                "CI_MERGE_REQUEST_IID": str(pull),
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": its.base,
                "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": its.source or self.repository,
            }
            | more
        )

    def said(self, number: int) -> list[str]:
        """Return the notes that people see at a merge request."""
        return [note["body"] for note in self.notes.get(number, []) if not note["system"]]

    # What the API says.

    def answer(self, seen: Seen) -> Answer:
        """Answer one request."""
        self.requests.append(seen)
        if (refused := self.refuse(seen)) is not None:
            return refused
        sent = (seen.headers.get("authorization") or "").removeprefix("Bearer ")
        if sent not in (self.token, self.gate_token):
            return 401, {"message": "401 Unauthorized"}, {}
        if "/protected_environments/" in seen.path and sent != self.gate_token:
            return 403, {"message": "403 Forbidden"}, {}
        if seen.method != "GET" and sent == self.gate_token:
            return 403, {"error": "insufficient_scope"}, {}
        if seen.path == f"{self.prefix}/user":
            return 200, {"id": 77, "username": self.author}, {}
        for (method, pattern), handler in _ROUTES.items():
            matched = re.fullmatch(f"{self.prefix}/projects/{PROJECT}{pattern}", seen.path)
            if method == seen.method and matched is not None:
                with self._lock:
                    return handler(self, seen, *map(unquote, matched.groups()))
        return _missing("404 Not Found")

    def _get_request(self, seen: Seen, number: str) -> Answer:
        pull = self.pulls.get(int(number))
        return _missing("404 Not found") if pull is None else (200, self._request(pull), {})

    def _request(self, pull: Pull) -> dict[str, Any]:
        merged = pull.merge_commit is not None
        return {
            "iid": pull.number,
            "title": pull.title,
            "state": "merged" if merged else "opened",
            "source_branch": pull.branch,
            "target_branch": pull.base,
            "source_project_id": int(pull.source or PROJECT),
            "target_project_id": PROJECT,
            "sha": pull.head,
            # A fast-forward is neither, with or without the rebase that GitLab makes on the way.
            "merge_commit_sha": pull.merge_commit if pull.how in ("merge", "semi-linear") else None,
            "squash_commit_sha": pull.merge_commit if pull.how == "squash" else None,
            "web_url": f"{self.url}/acme/shop/-/merge_requests/{pull.number}",
        }

    def _commit(self, seen: Seen, commit: str) -> Answer:
        if self._run("cat-file", "-t", commit, check=False) != "commit":
            return _missing("404 Commit Not Found")
        return 200, {"id": commit, "parent_ids": self._run("log", "-1", "--format=%P", commit).split()}, {}

    def _commits(self, seen: Seen) -> Answer:
        words = ["--first-parent"] if seen.query.get("first_parent") == "true" else []
        found = self._run("rev-list", *words, seen.query["ref_name"]).split()
        return _page(seen, [{"id": commit} for commit in found])

    def _requests_of(self, seen: Seen, commit: str) -> Answer:
        found = [pull for pull in self.pulls.values() if commit in self._commits_of(pull)]
        return _page(seen, [self._request(pull) for pull in found])

    def _commits_of(self, pull: Pull) -> tuple[str | None, ...]:
        """Return the commits that a merge request is known by: those on its way are not, where it was rebased."""
        return (pull.head, pull.merge_commit, *(pull.introduced if pull.how in ("merge", "squash") else ()))

    def _pipelines_of(self, seen: Seen, number: str) -> Answer:
        found = [each for each in reversed(self.pipelines) if each["number"] == int(number)]
        return _page(seen, [{name: each[name] for name in each if name != "number"} for each in found])

    def _jobs_of(self, seen: Seen, pipeline: str) -> Answer:
        return _page(seen, [job for job in self.jobs if job["pipeline"]["id"] == int(pipeline)])

    def _file(self, seen: Seen, job: str, path: str) -> Answer:
        found = self.files.get((int(job), path))
        return _missing("404 Not Found") if found is None else (200, found, {"content-type": "application/json"})

    def _list_notes(self, seen: Seen, number: str) -> Answer:
        return _page(seen, self.notes.get(int(number), []))

    def comment(self, number: int, body: str, author: str | None = None, *, system: bool = False) -> dict[str, Any]:
        """Write a note, as the token's user or as somebody else."""
        self._ids += 1
        user = {"id": 1, "username": author or self.author, "name": "Shop config"}
        note = {"id": self._ids, "body": body, "author": user, "system": system, "noteable_iid": number}
        self.notes.setdefault(number, []).append(note)
        return note

    def _add_note(self, seen: Seen, number: str) -> Answer:
        return 201, self.comment(int(number), seen.body["body"]), {}

    def _change_note(self, seen: Seen, number: str, identity: str) -> Answer:
        for note in self.notes.get(int(number), []):
            if note["id"] == int(identity):
                if seen.method == "DELETE":
                    self.notes[int(number)].remove(note)
                    return 204, b"", {}
                note["body"] = seen.body["body"]
                return 200, note, {}
        return _missing("404 Note Not Found")

    def _protected(self, seen: Seen, name: str) -> Answer:
        found = self.protected.get(name)
        return _missing("404 Not found") if found is None else (200, found, {})


def _missing(message: str) -> Answer:
    return 404, {"message": message}, {}


def _page(seen: Seen, found: list[Any]) -> Answer:
    size, page = min(int(seen.query.get("per_page", "20")), 100), int(seen.query.get("page", "1"))
    return 200, found[(page - 1) * size : page * size], {}


_ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("GET", r"/merge_requests/(\d+)"): GitLab._get_request,
    ("GET", r"/repository/commits"): GitLab._commits,
    ("GET", r"/repository/commits/([0-9a-f]+)"): GitLab._commit,
    ("GET", r"/repository/commits/([0-9a-f]+)/merge_requests"): GitLab._requests_of,
    ("GET", r"/merge_requests/(\d+)/pipelines"): GitLab._pipelines_of,
    ("GET", r"/pipelines/(\d+)/jobs"): GitLab._jobs_of,
    ("GET", r"/jobs/(\d+)/artifacts/(.+)"): GitLab._file,
    ("GET", r"/merge_requests/(\d+)/notes"): GitLab._list_notes,
    ("POST", r"/merge_requests/(\d+)/notes"): GitLab._add_note,
    ("PUT", r"/merge_requests/(\d+)/notes/(\d+)"): GitLab._change_note,
    ("DELETE", r"/merge_requests/(\d+)/notes/(\d+)"): GitLab._change_note,
    ("GET", r"/protected_environments/([^/]+)"): GitLab._protected,
}
