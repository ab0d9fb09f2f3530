"""`reconciler ledger unlock`: remove the lock of a run that died."""

from __future__ import annotations

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result

EXAMPLES = """
reconciler ledger unlock -e sandbox           # removes the lock of a dead run
reconciler ledger unlock -e sandbox --force   # whoever holds it
reconciler ledger unlock -e test test/ordercloud/products   # a data sync's
"""


@command("unlock", examples=EXAMPLES)
@click.argument("lock", required=False)
@click.option("--force", is_flag=True, help="Break the lock although its holder seems to live: first make sure.")
@click.pass_obj
def unlock(options: Options, lock: str | None, force: bool) -> None:
    """Remove the lock of a run that died. The lock of a living run stays unless forced.

    LOCK is the name of a data sync's lock as `ledger show` has it; left out, it is the environment's apply lock.
    """
    from reconciler.ledger.lock import APPLY_LOCK, apply_lock
    from reconciler.ledger.writer import Ledger
    from reconciler.report.escape import terminal

    # Older versions take one lock for the applies to all environments.
    project = options.project
    names = [lock] if lock else [apply_lock(project.name()), APPLY_LOCK]
    with Ledger.open(project.settings().ledger) as opened:
        broken = next(filter(None, (opened.unlock(name, force=force) for name in names)), None)
    if broken is not None:
        words = f"Removed the lock of {terminal(broken.holder)}."
    elif lock:
        words = f"No lock {terminal(lock)} is held; `reconciler ledger show` lists those that are."
    else:
        words = "No lock is held."
    write_result(options, words)
