"""The GitOps loop at Azure DevOps and at GitLab, with real git, real HTTP and the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.testing import RunningEmulator
from support.checkout import Checkout, entity_sync
from support.forges.azure_devops import AzureDevOps
from support.forges.gitlab import GitLab
from support.loop import Loop


@pytest.mark.parametrize("ci", ["azure", "gitlab"])
def test_the_whole_loop_from_init_to_drift_that_is_gone(
    checkout: Checkout, emulator: RunningEmulator, tmp_path: Path, ci: str
) -> None:
    with (AzureDevOps if ci == "azure" else GitLab)(tmp_path) as forge:
        loop = Loop(checkout, forge, environment="emulator", more={"EMULATOR": emulator.url})
        assert checkout.call("init", "new", "--ci", ci).status == 0
        new = tmp_path / "new"
        files = {str(path.relative_to(new)): path.read_text() for path in new.rglob("*") if path.is_file()}
        forge.commit("main", {"README.md": "Sync configuration"}, "begin")
        forge.commit("begin", files, "reconciler init")
        first = forge.open_pull("begin")
        loop.planned(first)
        forge.merge(first, "merge")
        assert loop.approved().status == 0, loop.last
        assert loop.applied().status == 0, loop.last

        # Three merges, each in its way, while one apply runs: all are approved, applied and told by the next.
        squashed, rebased, merged = (
            loop.opened(branch, *((f"{entity}.yaml", entity_sync(entity, "order-hook")) for entity in entities))
            for branch, entities in (
                ("one", ("buyers",)),
                ("two", ("catalogs", "suppliers", "categories")),
                ("three", ("buyerUsers",)),
            )
        )
        for number, how in ((squashed, "squash"), (rebased, "rebase"), (merged, "merge")):
            forge.merge(number, how)
        assert loop.approved().status == 0, loop.last
        assert f"approved by pull request {squashed}, {rebased}, {merged}" in loop.last.stderr
        assert loop.applied().status == 0, loop.last
        assert list(loop.outcomes().values()) == ["applied"] * 5
        assert loop.result().status == 0, loop.last
        for number in (squashed, rebased, merged):
            plan, result = forge.said(number)
            assert plan.startswith("<!-- reconciler:comment head=")
            assert result.startswith("<!-- reconciler:result environment=emulator commit=")

        # The same pipeline once more touches nothing.
        written = [seen for seen in forge.requests if seen.method in ("PATCH", "PUT", "DELETE")]
        again = loop.opened("four", ("adminUsers.yaml", entity_sync("adminUsers", "order-hook")))
        loop.planned(again)
        assert len(forge.said(again)) == 1
        assert [seen for seen in forge.requests if seen.method in ("PATCH", "PUT", "DELETE")] == written

        # Somebody changes something in the portal, and it is adopted by a pull request like any other change.
        checkout.change_live(lambda state: state["deliveryConfigs"]["order-hook"].update(Name="Changed in the portal"))
        for _ in range(2):
            assert loop.drift().status == 2, loop.last
        if ci == "gitlab":
            # There is no rolling issue: the report stands in the job.
            assert "**live moved** `DeliveryConfig/order-hook`" in loop.last.stdout
        else:
            (item,) = forge.items.values()
            assert (item["System.State"], item["System.Tags"]) == ("To Do", "reconciler-drift-emulator")
            assert not any("/workitems/" in seen.path and seen.method == "PATCH" for seen in forge.requests)
        adopted = loop.adopted("DeliveryConfig/order-hook", "manifests/delivery/order-hook.yaml")
        assert "Changed in the portal" in adopted
        assert loop.drift().status == 0, loop.last
        # The first state of the category Completed, whatever the process calls it.
        assert ci == "gitlab" or item["System.State"] == "Verified"
