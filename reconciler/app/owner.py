"""Owner of a pause: what somebody says, else the pipeline's run and job, else the user on this machine."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping

# Each pipeline's variables of its run and its job.
_PIPELINES = (
    ("GitHub run", "GITHUB_RUN_ID", "GITHUB_JOB"),
    ("Azure build", "BUILD_BUILDID", "SYSTEM_JOBID"),
    ("GitLab job", "CI_JOB_ID", "CI_JOB_NAME"),
)


def owner(environ: Mapping[str, str], given: str | None = None) -> str:
    """Return the owner of what this process leases.

    Args:
        environ: the environment variables of this run.
        given: what the command line says.
    """
    if given is not None and given.strip():
        return given.strip()
    for name, run, job in _PIPELINES:
        if environ.get(run):
            return f"{name} {environ[run]}" + (f" ({environ[job]})" if environ.get(job) else "")
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
