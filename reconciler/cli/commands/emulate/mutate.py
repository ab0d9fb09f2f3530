"""`reconciler emulate mutate`: change the marketplace of a running emulator."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.command import command
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import show
from reconciler.errors import UsageError
from reconciler.report.renderers import MUTATION

EXAMPLES = """
reconciler emulate mutate --products 5 --prices 5 --stocks 5
reconciler emulate mutate --create 2 --delete 1 --rename 1 --seed-number 7
reconciler emulate mutate --pause entitysync/categories --format json
"""
_COUNT = click.IntRange(0)


@command("mutate", formats=MUTATION.formats, examples=EXAMPLES, manifests=False)
@click.option("--url", metavar="URL", default="http://127.0.0.1:8800", show_default=True, help="The emulator's root.")
@click.option("--products", type=_COUNT, metavar="N", help="Edit so many products.")
@click.option("--prices", type=_COUNT, metavar="N", help="Change the prices of so many price schedules.")
@click.option("--stocks", type=_COUNT, metavar="N", help="Change the stock of so many products.")
@click.option("--create", type=_COUNT, metavar="N", help="Add so many products.")
@click.option("--delete", type=_COUNT, metavar="N", help="Delete so many products.")
@click.option("--rename", type=_COUNT, metavar="N", help="Give so many products another ID.")
@click.option("--amend-orders", "amendOrders", type=_COUNT, metavar="N", help="Change a line of so many open orders.")
@click.option("--ship-orders", "shipOrders", type=_COUNT, metavar="N", help="Ship some of so many open orders.")
@click.option("--cancel-orders", "cancelOrders", type=_COUNT, metavar="N", help="Cancel so many open orders.")
@click.option(
    "--return-orders", "returnOrders", type=_COUNT, metavar="N", help="Return some of so many completed orders."
)
@click.option("--pause", multiple=True, metavar="SYNC", help="Pause a sync: productsync, entitysync/categories, ...")
@click.option("--resume", multiple=True, metavar="SYNC", help="Resume a sync.")
@click.option("--seed-number", "seedNumber", type=int, metavar="S", help="Which records.  [default: 0]")
@click.pass_obj
def mutate(options: Options, /, url: str, **wanted: Any) -> None:
    """Change the marketplace of a running emulator like people do, and say what was touched.

    The same marketplace and numbers touch the same records; another --seed-number touches others.
    """
    from reconciler.app.emulate import mutate as mutate_emulator

    setting = {name: value for name, value in wanted.items() if value not in (None, ())}
    if not setting.keys() - {"seedNumber"}:
        raise UsageError("say what to change", next_step="For example: --products 5 --prices 5 --stocks 5.")
    show(options, MUTATION, mutate_emulator(url, setting))
