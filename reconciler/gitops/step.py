"""What a step of a pipeline tells its job: the job's summary, and outputs for later steps."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import OutputError
from reconciler.report.escape import disarm, github_output


def append_summary(summary: Path | None, text: str) -> None:
    """Append Markdown to the summary of a job; without one, nothing is written.

    Raises:
        OutputError: the file cannot be written.
    """
    if summary is not None:
        _append(summary, f"{disarm(text)}\n", "GITHUB_STEP_SUMMARY")


def set_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Set outputs of a step of GitHub Actions; elsewhere there is no such file, and nothing is written.

    Args:
        environ: the environment variables.
        outputs: name to value, of any number of lines.

    Raises:
        OutputError: the file cannot be written.
    """
    if path := environ.get("GITHUB_OUTPUT"):
        written = (github_output(name, value, secrets.token_hex(16)) for name, value in outputs.items())
        _append(Path(path), "".join(written), "GITHUB_OUTPUT")


def _append(path: Path, text: str, variable: str) -> None:
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(
            f"{variable} cannot be written: {error.strerror}", next_step=f"Check the file that {variable} names."
        ) from None
