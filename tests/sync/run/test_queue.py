"""Jobs as a queue carries them: keys alone, in a format that says its version."""

from __future__ import annotations

import asyncio
import json

import pytest

from reconciler.sync.run.queue import FORMAT, Inline, JobKind, QueuedJob, UnknownJob

JOB = QueuedJob(JobKind.WALK, "production", "shop", "products", run_id="r1", part=3)


def test_a_job_survives_the_queue() -> None:
    assert QueuedJob.from_bytes(JOB.to_bytes()) == JOB
    other = QueuedJob(JobKind.RUN, "production", "shop", "products")
    assert QueuedJob.from_bytes(other.to_bytes()) == other


@pytest.mark.parametrize(
    "changed",
    [{"format": FORMAT + 1}, {"kind": "sing"}, {"part": "3"}, {"environment": None}, {"payload": "all of it"}],
)
def test_what_this_version_does_not_understand_is_no_job(changed: dict[str, object]) -> None:
    written = json.loads(JOB.to_bytes())
    with pytest.raises(UnknownJob):
        QueuedJob.from_bytes(json.dumps({**written, **changed}).encode())


@pytest.mark.parametrize("written", [None, b"", b"[]", b"{}", b"\xff", b"3"])
def test_what_is_no_job_at_all_is_told_apart(written: bytes | None) -> None:
    with pytest.raises(UnknownJob):
        QueuedJob.from_bytes(written)


def test_jobs_are_the_same_by_scope_kind_and_part_and_for_any_run() -> None:
    keys = {
        QueuedJob(kind, environment, sync, data, part=part).dedupe_key
        for kind in JobKind
        for environment, sync, data in [("a", "b", "c"), ("a/b", "c", "c"), ("a", "b/c", "c")]
        for part in (None, 0, 1)
    }
    assert len(keys) == 27
    assert JOB.dedupe_key == QueuedJob(JobKind.WALK, "production", "shop", "products", run_id="r2", part=3).dedupe_key


def test_a_keeper_that_works_alone_wakes_nobody() -> None:
    asyncio.run(Inline().offer([JOB]))
