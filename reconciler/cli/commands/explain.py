"""`reconciler explain`: what a code means that reconciler has printed, offline."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.errors import UsageError
from reconciler.report.renderers import MEANING

EXAMPLES = """
reconciler explain                   # every code, in a line each
reconciler explain secret-unset      # an error
reconciler explain maxDeletes        # a guardrail
reconciler explain live-moved        # a cause of drift
"""


@command("explain", formats=MEANING.formats, examples=EXAMPLES, manifests=False)
@click.argument("code", required=False)
@click.pass_obj
def explain(options: Options, code: str | None) -> None:
    """Explain CODE: an error, a problem of a manifest or a record, a guardrail or a cause of drift, and what to do.

    Without CODE, all of them are listed.
    """
    from reconciler.manifest.explain import suggest
    from reconciler.report.codes.lookup import all_meanings, codes, meanings

    if code is None:
        show(
            options,
            MEANING,
            [each for each in all_meanings() if each.example is None],
            **({"listed": True} if options.format == "text" else {}),
        )
        return
    found = meanings(code)
    if not found:
        raise UsageError(f"there is no code {code[:100]}", next_step=suggest(code, codes(), "codes"))
    show(options, MEANING, found)
