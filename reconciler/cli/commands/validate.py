"""`reconciler validate`: check the manifests, offline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, validation_status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.errors import UsageError
from reconciler.report.renderers import PROBLEMS

EXAMPLES = """
reconciler validate                                        # manifests/
reconciler validate config/ shop/config/ --format github   # in a pull request
reconciler validate --format sarif --output problems.sarif # code scanning
reconciler validate --format gitlab --output quality.json   # code quality
reconciler validate --format junit --output problems.xml   # test reports
"""


@command("validate", formats=PROBLEMS.formats, examples=EXAMPLES, environments="none")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@click.pass_obj
def validate(options: Options, folders: tuple[Path, ...]) -> Status:
    """Check the manifests: syntax, fields, references, and each against the others.

    All errors of all files are shown in one run, each with its place and what to do. Every environment is checked, and
    of several folders each by itself. Nothing is connected to, and no variable or secret needs to be set. The exit
    status is 1 where something is wrong; warnings do not count.
    """
    from reconciler.manifest.validate import Validation
    from reconciler.report.ci.places import CHECKOUT, in_checkout

    if folders and options.manifests is not None:
        raise UsageError("FOLDER and -m name the manifests twice", next_step="Leave -m out.")
    projects = [replace(options, manifests=folder).project for folder in folders] or [options.project]
    results = [project.check() for project in projects]
    found = Validation(
        tuple(problem for _, one in results for problem in one.problems),
        tuple(warning for _, one in results for warning in one.warnings),
    )
    manifests = [each for loaded, _ in results for each in (*loaded.environments, *loaded.manifests)]
    files = list(dict.fromkeys(each.file for each in manifests))
    checked: dict[str, Any] = {"text": len(manifests), "junit": files}
    details: dict[str, Any] = {"checked": checked[options.format]} if options.format in checked else {}
    checkout = os.environ.get(CHECKOUT.get(options.format, ""))
    problems, warnings = (in_checkout(each, checkout, str(Path.cwd())) for each in (found.problems, found.warnings))
    show(options, PROBLEMS, problems, warnings, **details)
    return validation_status(found)
