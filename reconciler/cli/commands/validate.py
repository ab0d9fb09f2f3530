"""`reconciler validate`: check the manifests, offline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, validation_status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.report.ci.places import CHECKOUT, in_checkout
from reconciler.report.table import PROBLEMS

EXAMPLES = """
reconciler validate                                        # manifests/
reconciler validate -m config/ --format github             # in a pull request
reconciler validate --format sarif --output problems.sarif # code scanning
reconciler validate --format gitlab --output quality.json   # code quality
reconciler validate --format junit --output problems.xml   # test reports
"""


@command("validate", formats=PROBLEMS.formats, examples=EXAMPLES)
@click.pass_obj
def validate(options: Options) -> Status:
    """Check the manifests: syntax, fields, references, and each against the others.

    All errors of all files are shown in one run, each with its place and what to do. Every environment is checked.
    Nothing is connected to, and no variable or secret needs to be set. The exit status is 1 where something is wrong;
    warnings do not count.
    """
    loaded, found = options.project.check()
    files = list(dict.fromkeys(each.file for each in (*loaded.environments, *loaded.manifests)))
    checked: dict[str, Any] = {"text": len(loaded.manifests) + len(loaded.environments), "junit": files}
    details: dict[str, Any] = {"checked": checked[options.format]} if options.format in checked else {}
    checkout = os.environ.get(CHECKOUT.get(options.format, ""))
    problems, warnings = (in_checkout(each, checkout, str(Path.cwd())) for each in (found.problems, found.warnings))
    show(options, PROBLEMS, problems, warnings, **details)
    return validation_status(found)
