"""Azure DevOps on loopback: one project with one repository, builds, environments and work items.

Paths and members are those of Microsoft's OpenAPI (github.com/MicrosoftDocs/vsts-rest-api-specs, 7.1) and its examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from support.forges.hosted import Answer, Artifact, Hosted, Pull, Seen, zipped

PROJECT = "Shop Config"
PIPELINE, PIPELINE_FILE = 11, "/azure-pipelines/reconciler-pull-request.yml"
STATES = {"Issue": {"To Do": "Proposed", "Doing": "InProgress", "Verified": "Completed", "Done": "Completed"}}


@dataclass
class AzureDevOps(Hosted):
    """One repository. `author` is the identity of the token."""

    described = "azure_devops"

    repository: str = "278d5cd2-584d-4b63-824a-2ba458937249"
    prefix: str = "/acme"
    author: str = "d6245f20-2af8-44f4-9451-8107cb2767db"
    artifacts: list[Artifact] = field(default_factory=list)
    builds: dict[int, dict[str, Any]] = field(default_factory=dict)
    threads: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def upload(
        self,
        head: str,
        name: str,
        files: Mapping[str, bytes],
        *,
        reason: str = "pullRequest",
        fork: bool = False,
        pipeline: int = PIPELINE,
    ) -> Artifact:
        """Publish files as a build of a pull request does: in its archive they lie in a folder of its name."""
        number = next(pull.number for pull in self.pulls.values() if pull.head == head)
        self._ids += 1
        self.builds[self._ids] = {
            "id": self._ids,
            "reason": reason,
            "sourceBranch": f"refs/pull/{number}/merge",
            "sourceVersion": "e" * 40,
            "status": "completed",
            "definition": {"id": pipeline, "name": "pull request", "path": "\\"},
            "repository": {"id": self.repository, "type": "TfsGit"},
            "triggerInfo": {"pr.sourceSha": head, "pr.isFork": str(fork)},
        }
        archive = zipped({f"{name}/{path}": content for path, content in files.items()})
        self.artifacts.append(Artifact(self._ids + 100_000, name, archive, self._ids))
        return self.artifacts[-1]

    def protect(self, environment: str, *, reviewers: bool = True) -> None:
        """Make an environment, with an approvals check or with another one."""
        approvers = [{"id": self.author, "displayName": "Normal Paulk"}] if reviewers else []
        settings = {"approvers": approvers, "executionOrder": "anyOrder", "minRequiredApprovers": 0}
        approval = {"id": 22, "type": {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}}
        task = {"id": 23, "type": {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}}
        self.checks[environment] = [task, *([approval | {"settings": settings}] if reviewers else [])]

    def environ(self, *, commit: str | None = None, pull: int | None = None, **more: str) -> dict[str, str]:
        """Return the variables that a step has: of a push to main, or of a pull request."""
        found = {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{self.url}{self.prefix}/",
            "SYSTEM_TEAMPROJECT": PROJECT,
            "SYSTEM_ACCESSTOKEN": self.token,
            "SYSTEM_DEFINITIONID": "12",
            "BUILD_REPOSITORY_ID": self.repository,
            "BUILD_REPOSITORY_PROVIDER": "TfsGit",
            "BUILD_BUILDID": "77",
            "BUILD_SOURCEVERSION": commit or self.head("main"),
            "BUILD_SOURCEBRANCH": "refs/heads/main",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "$(System.PullRequest.PullRequestId)",
        }
        if pull is not None:
            found |= {
                "BUILD_SOURCEVERSION": "e" * 40,
                "BUILD_SOURCEBRANCH": f"refs/pull/{pull}/merge",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": str(pull),
                "SYSTEM_PULLREQUEST_SOURCECOMMITID": self.pulls[pull].head,
                "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
                "SYSTEM_PULLREQUEST_ISFORK": str(self.pulls[pull].source is not None),
            }
        return found | more

    def said(self, number: int) -> list[str]:
        """Return the comments that people see at a pull request."""
        found = [thread["comments"][0] for thread in self.threads.get(number, [])]
        return [comment["content"] for comment in found if not comment["isDeleted"]]

    # What the API says.

    def answer(self, seen: Seen) -> Answer:
        """Answer one request."""
        self.requests.append(seen)
        if (refused := self.refuse(seen)) is not None:
            return refused
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            # As it does: a page to sign in.
            return 302, b"", {"location": f"{self.url}/_signin"}
        if "api-version=7.1" not in seen.headers.get("accept", "") and "api-version" not in seen.query:
            return _error(400, "No api-version was supplied", "VssVersionNotSpecifiedException")
        path = unquote(seen.path)
        for (method, pattern), handler in _ROUTES.items():
            matched = re.fullmatch(f"{self.prefix}{pattern}", path)
            if method == seen.method and matched is not None:
                with self._lock:
                    return handler(self, seen, *matched.groups())
        return _error(404, "The resource cannot be found.", "ResourceNotFound")

    def _connection_data(self, seen: Seen) -> Answer:
        user = {"id": self.author, "providerDisplayName": "Shop Config Build Service (acme)"}
        return 200, {"authenticatedUser": user, "authorizedUser": user}, {}

    def _get_pull(self, seen: Seen, number: str) -> Answer:
        pull = self.pulls.get(int(number))
        if pull is None:
            return _error(
                404, f"TF401180: The requested pull request {number} was not found.", "GitPullRequestNotFound"
            )
        return 200, self._pull(pull), {}

    def _pull(self, pull: Pull) -> dict[str, Any]:
        merged = pull.merge_commit is not None
        body = {
            "pullRequestId": pull.number,
            "title": pull.title,
            "status": "completed" if merged else "active",
            "sourceRefName": f"refs/heads/{pull.branch}",
            "targetRefName": f"refs/heads/{pull.base}",
            "lastMergeSourceCommit": {"commitId": pull.head},
            # Before it is completed, this is a merge that was made to try.
            "lastMergeCommit": {"commitId": pull.merge_commit or "e" * 40},
            "url": f"{self.url}{self.prefix}/_apis/git/repositories/{self.repository}/pullRequests/{pull.number}",
        }
        return body | ({"forkSource": {"repository": {"id": pull.source}}} if pull.source else {})

    def _commit(self, seen: Seen, commit: str) -> Answer:
        if self._run("cat-file", "-t", commit, check=False) != "commit":
            return _error(404, f"TF401175: The version descriptor {commit} could not be resolved", "GitUnresolvable")
        return 200, {"commitId": commit, "parents": self._run("log", "-1", "--format=%P", commit).split()}, {}

    def _pull_query(self, seen: Seen) -> Answer:
        results = []
        for query in seen.body["queries"]:
            found = {}
            for commit in query["items"]:
                its = [
                    pull
                    for pull in self.pulls.values()
                    if commit == pull.merge_commit or (query["type"] == "commit" and commit in pull.introduced)
                ]
                found |= {commit: [self._pull(pull) for pull in its]} if its else {}
            results.append(found)
        return 200, {"queries": seen.body["queries"], "results": results}, {}

    def _builds(self, seen: Seen) -> Answer:
        branch, reason = seen.query.get("branchName"), seen.query.get("reasonFilter")
        found = [
            build
            for build in reversed(self.builds.values())
            if branch in (None, build["sourceBranch"]) and reason in (None, build["reason"])
        ]
        return _listed(found[: int(seen.query.get("$top", "100"))])

    def _definition(self, seen: Seen, identity: str) -> Answer:
        files = {PIPELINE: PIPELINE_FILE}
        return (
            200,
            {"id": int(identity), "process": {"type": 2, "yamlFilename": files.get(int(identity), "/x.yml")}},
            {},
        )

    def _artifacts(self, seen: Seen, build: str) -> Answer:
        found = [artifact for artifact in self.artifacts if artifact.run == int(build)]
        if (name := seen.query.get("artifactName")) is not None:
            archive = next((artifact.archive for artifact in found if artifact.name == name), None)
            if archive is None:
                return _error(404, f"Artifact {name} was not found for build {build}.", "ArtifactNotFoundException")
            return 200, archive, {"content-type": "application/zip"}
        resource = {"type": "PipelineArtifact", "properties": {"artifactsize": "28"}}
        return _listed([{"id": each.id, "name": each.name, "resource": resource} for each in found])

    def _list_threads(self, seen: Seen, number: str) -> Answer:
        return _listed(self.threads.get(int(number), []))

    def comment(self, number: int, body: str, author: str | None = None) -> dict[str, Any]:
        """Open a thread, as the token's identity or as somebody else."""
        self._ids += 1
        user = {"id": author or self.author, "displayName": "Normal Paulk", "uniqueName": "n@example.com"}
        comment = {"id": 1, "parentCommentId": 0, "author": user, "content": body, "commentType": "text"}
        thread = {"id": self._ids, "isDeleted": False, "status": "closed", "comments": [comment | {"isDeleted": False}]}
        self.threads.setdefault(number, []).append(thread)
        return thread

    def _open_thread(self, seen: Seen, number: str) -> Answer:
        if int(number) not in self.pulls:
            return _error(404, "TF401180", "GitPullRequestNotFoundException")
        (comment,) = seen.body["comments"]
        assert comment["commentType"] == 1
        assert seen.body["status"] == 4
        return 200, self.comment(int(number), comment["content"]), {}

    def _edit_comment(self, seen: Seen, number: str, thread: str, comment: str) -> Answer:
        for each in self.threads.get(int(number), []):
            if each["id"] == int(thread) and comment == "1":
                if seen.method == "DELETE":
                    each["comments"][0] |= {"isDeleted": True, "content": ""}
                    return 200, b"", {}
                each["comments"][0]["content"] = seen.body["content"]
                return 200, each["comments"][0], {}
        return _error(404, "TF401181", "CommentThreadNotFoundException")

    def _states(self, seen: Seen, kind: str) -> Answer:
        if kind not in STATES:
            return _error(404, f"VS402323: Work item type {kind} does not exist", "WorkItemTypeNotFoundException")
        return _listed([{"name": name, "category": its, "color": "b2b2b2"} for name, its in STATES[kind].items()])

    def _wiql(self, seen: Seen) -> Answer:
        wanted = re.search(r"\[System\.Tags\] CONTAINS '([^']+)'", seen.body["query"])
        assert wanted is not None
        found = [number for number, item in self.items.items() if wanted[1] in item["System.Tags"]]
        listed = [{"id": number, "url": f"{self.url}/x"} for number in found]
        return 200, {"queryType": "flat", "queryResultType": "workItem", "workItems": listed}, {}

    def _batch(self, seen: Seen) -> Answer:
        found = [number for number in seen.body["ids"] if number in self.items]
        fields = {number: {name: self.items[number].get(name) for name in seen.body["fields"]} for number in found}
        return _listed([{"id": number, "rev": 1, "fields": fields[number]} for number in found])

    def _write_item(self, seen: Seen, kind: str | None = None, identity: str | None = None) -> Answer:
        if seen.headers.get("content-type") != "application/json-patch+json":
            return _error(415, "TF400898: unsupported content type", "VssRequestContentTypeNotSupportedException")
        number = int(identity) if identity is not None else 131_489 + len(self.items)
        person = {"id": self.author, "displayName": "Shop Config Build Service (acme)"}
        new = {"System.State": "To Do", "System.WorkItemType": kind, "System.CreatedBy": person, "System.Tags": ""}
        item = self.items.setdefault(number, new | {"System.Id": number})
        for change in seen.body:
            assert change["op"] == "add"
            if change["path"].startswith("/fields/"):
                item[change["path"].removeprefix("/fields/")] = change["value"]
        if item["System.State"] not in STATES[item["System.WorkItemType"]]:
            return _error(400, "TF401320: Rule Error for field State.", "RuleValidationException")
        return 200, {"id": number, "rev": 2, "fields": item}, {}

    def _patch_item(self, seen: Seen, identity: str) -> Answer:
        return self._write_item(seen, identity=identity)

    def _environments(self, seen: Seen) -> Answer:
        found = [name for name in self.checks if name.startswith(seen.query["name"])]
        return _listed([{"id": list(self.checks).index(name) + 1, "name": name} for name in found])

    def _checks(self, seen: Seen) -> Answer:
        assert seen.query["resourceType"] == "environment"
        found = list(self.checks.values())[int(seen.query["resourceId"]) - 1]
        with_settings = seen.query.get("$expand") == "settings"
        return _listed([check if with_settings else {**check, "settings": None} for check in found])


def _listed(found: list[Any]) -> Answer:
    return 200, {"count": len(found), "value": found}, {}


def _error(status: int, message: str, key: str) -> Answer:
    body = {"$id": "1", "innerException": None, "message": message, "typeName": f"Microsoft.{key}", "typeKey": key}
    return status, body | {"errorCode": 0, "eventId": 3000}, {}


_P = f"/{PROJECT}/_apis"
_G = rf"{_P}/git/repositories/[0-9a-f-]+"
_ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("GET", "/_apis/connectionData"): AzureDevOps._connection_data,
    ("GET", rf"{_G}/pullrequests/(\d+)"): AzureDevOps._get_pull,
    ("GET", rf"{_G}/commits/([0-9a-f]+)"): AzureDevOps._commit,
    ("POST", rf"{_G}/pullrequestquery"): AzureDevOps._pull_query,
    ("GET", rf"{_P}/build/builds"): AzureDevOps._builds,
    ("GET", rf"{_P}/build/definitions/(\d+)"): AzureDevOps._definition,
    ("GET", rf"{_P}/build/builds/(\d+)/artifacts"): AzureDevOps._artifacts,
    ("GET", rf"{_G}/pullRequests/(\d+)/threads"): AzureDevOps._list_threads,
    ("POST", rf"{_G}/pullRequests/(\d+)/threads"): AzureDevOps._open_thread,
    ("PATCH", rf"{_G}/pullRequests/(\d+)/threads/(\d+)/comments/(\d+)"): AzureDevOps._edit_comment,
    ("DELETE", rf"{_G}/pullRequests/(\d+)/threads/(\d+)/comments/(\d+)"): AzureDevOps._edit_comment,
    ("GET", rf"{_P}/wit/workitemtypes/([^/]+)/states"): AzureDevOps._states,
    ("POST", rf"{_P}/wit/wiql"): AzureDevOps._wiql,
    ("POST", rf"{_P}/wit/workitemsbatch"): AzureDevOps._batch,
    ("POST", rf"{_P}/wit/workitems/\$([^/]+)"): AzureDevOps._write_item,
    ("PATCH", rf"{_P}/wit/workitems/(\d+)"): AzureDevOps._patch_item,
    ("GET", rf"{_P}/distributedtask/environments"): AzureDevOps._environments,
    ("GET", rf"{_P}/pipelines/checks/configurations"): AzureDevOps._checks,
}
