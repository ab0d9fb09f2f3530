from __future__ import annotations

from ipaddress import ip_network

import pytest

from reconciler.errors import UsageError
from reconciler.kind.probe import private_targets, pull_request_of


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"GITHUB_EVENT_NAME": "push"}, None),
        ({"GITHUB_EVENT_NAME": "schedule", "BUILD_REASON": "Manual"}, None),
        ({"GITHUB_EVENT_NAME": "pull_request"}, "GITHUB_EVENT_NAME"),
        ({"GITHUB_EVENT_NAME": "pull_request_target"}, "GITHUB_EVENT_NAME"),
        ({"SYSTEM_PULLREQUEST_PULLREQUESTID": "12"}, "SYSTEM_PULLREQUEST_PULLREQUESTID"),
        ({"SYSTEM_PULLREQUEST_PULLREQUESTID": ""}, None),
        ({"BUILD_REASON": "PullRequest"}, "BUILD_REASON"),
        ({"CI_MERGE_REQUEST_IID": "7"}, "CI_MERGE_REQUEST_IID"),
    ],
)
def test_a_run_for_a_pull_request_is_known_by_its_variables(environ: dict[str, str], found: str | None) -> None:
    assert pull_request_of(environ) == found


def test_private_targets_are_hosts_addresses_and_networks() -> None:
    hosts, networks = private_targets({"RECONCILER_ALLOW_PRIVATE_TARGETS": "Hooks.Internal, 10.1.0.0/16 fd00::1"})
    assert hosts == ("hooks.internal",)
    assert networks == (ip_network("10.1.0.0/16"), ip_network("fd00::1/128"))
    assert private_targets({}) == ((), ())
    with pytest.raises(UsageError, match="RECONCILER_ALLOW_PRIVATE_TARGETS"):
        private_targets({"RECONCILER_ALLOW_PRIVATE_TARGETS": "10.1.0.1/16"})
