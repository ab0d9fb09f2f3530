"""`reconciler validate`: check the manifests, offline."""

from __future__ import annotations

from collections.abc import Sequence

import click

from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import result_style, write_result
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.validate import Validation
from reconciler.manifest.validate import validate as check
from reconciler.registry import kinds
from reconciler.report.documents.plan import problems_to_json
from reconciler.report.escape import json_text
from reconciler.report.text import problems as report

EXAMPLES = """
reconciler validate                                        # manifests/
reconciler validate -m config/ --format github             # in a pull request
reconciler validate --format sarif --output problems.sarif # code scanning
reconciler validate --format junit --output problems.xml   # test reports
"""


@command("validate", formats=("text", "json", "sarif", "junit", "github"), examples=EXAMPLES)
@click.pass_obj
def validate(options: Options) -> Status:
    """Check the manifests: syntax, fields, references, and each against the others.

    All errors of all files are shown in one run, each with its place and what to do. Every environment is checked.
    Nothing is connected to, and no variable or secret needs to be set. The exit status is 1 where something is wrong;
    warnings do not count.
    """
    loaded = load(options.manifests, kinds())
    found = check(loaded, kinds())
    write_result(options, _render(options, loaded, found))
    return Status.ERROR if found.problems else Status.DONE


def _render(options: Options, loaded: Loaded, found: Validation) -> str:
    problems, warnings = found.problems, found.warnings
    match options.format:
        case "json":
            return json_text(problems_to_json(problems, warnings=warnings))
        case "sarif":
            return json_text(report.problems_to_sarif(problems, warnings=warnings))
        case "junit":
            return report.problems_to_junit(problems, checked=_files(loaded))
        case "github":
            return report.problems_to_github(problems, warnings=warnings)
        case _:
            checked = len(loaded.manifests) + len(loaded.environments)
            return report.problems_to_text(problems, result_style(options), warnings=warnings, checked=checked)


def _files(loaded: Loaded) -> Sequence[str]:
    return list(dict.fromkeys(each.file for each in (*loaded.environments, *loaded.manifests)))
