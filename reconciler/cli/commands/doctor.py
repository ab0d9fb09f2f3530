"""`reconciler doctor`: is everything there that a run needs."""

from __future__ import annotations

import os

import click

from reconciler.app.signals import run_to_end
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status, combine, doctor_status
from reconciler.cli.options import Options
from reconciler.cli.terminal.listen import Listener
from reconciler.cli.terminal.output import show
from reconciler.clock import utc_now
from reconciler.errors import UsageError
from reconciler.report.renderers import DOCTOR

EXAMPLES = """
reconciler doctor -e sandbox
reconciler doctor -e all --format json
reconciler doctor -e production --targets
reconciler doctor --forge            # pipelines, and the forge's settings
"""


@command("doctor", formats=DOCTOR.formats, examples=EXAMPLES, environments="several")
@click.option(
    "--targets",
    is_flag=True,
    help="Probe each delivery target: certificate, credentials, topic, signature, as far as it can be without sending.",
)
@click.option(
    "--forge",
    is_flag=True,
    help="Check pipelines, and the forge's settings that they rely on, instead; needs the forge's token alone.",
)
@click.pass_obj
def doctor(options: Options, targets: bool, forge: bool) -> Status:
    """Check login, roles, delivery targets, secrets and the ledger of an environment.

    Each kind is read once, and what a data sync reads is tried. Of a delivery target only a TCP connection is tried,
    from here, and only where `targetHosts` allows its host; nothing is sent. With --targets each is probed. Either way
    it "answers", "refuses", or "cannot be known from here": an emulator sends to this machine alone, and for a pull
    request nothing is touched. The exit status is 1 where something has to be mended, or refuses.

    With --forge, what `init` ends with is checked instead: are the pipelines those of the manifests, is every secret
    handed over, and, where GITHUB_REPOSITORY and GITHUB_TOKEN are set (or those of your forge), what each identity has,
    from which branches, and who has to agree.
    """
    from reconciler.app.doctor import examine_each
    from reconciler.cli.terminal.failure import report_failure

    if forge:
        return _forge(options, targets)
    sessions, failures = options.project.sessions(utc_now())
    findings = run_to_end(examine_each(sessions, Listener(options.verbosity), targets=targets))
    show(options, DOCTOR, findings)
    return combine([doctor_status(findings), *(report_failure(error, options) for error in failures)])


def _forge(options: Options, targets: bool) -> Status:
    from reconciler.gitops.doctor import examine_forge

    if targets:
        raise UsageError("--forge is about the forge alone", next_step="Leave --targets out.")
    findings = run_to_end(examine_forge(options.project, os.environ, Listener(options.verbosity)))
    show(options, DOCTOR, findings)
    return doctor_status(findings)
