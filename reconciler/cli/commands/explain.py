"""`reconciler explain`: what a code means that reconciler has printed, offline."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.errors import UsageError
from reconciler.report.renderers import MEANING

EXAMPLES = """
reconciler explain secret-unset      # an error
reconciler explain maxDeletes        # a guardrail
reconciler explain live-moved        # a cause of drift
"""


@command("explain", formats=MEANING.formats, examples=EXAMPLES, manifests=False)
@click.argument("code")
@click.pass_obj
def explain(options: Options, code: str) -> None:
    """Explain CODE: an error, a problem of a manifest or a record, a guardrail or a cause of drift, and what to do."""
    from reconciler.manifest.explain import suggest
    from reconciler.report.codes.lookup import codes, meanings

    found = meanings(code)
    if not found:
        raise UsageError(f"there is no code {code[:100]}", next_step=suggest(code, codes(), "codes"))
    show(options, MEANING, found)
