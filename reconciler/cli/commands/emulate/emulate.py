"""`reconciler emulate`: serve the APIs on this machine. `mutate`: change what one serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.command import Group, command
from reconciler.cli.emulating import mutate as mutate_emulator
from reconciler.cli.emulating import mutation_to, seed_for
from reconciler.cli.options import Options
from reconciler.cli.terminal.output import write_result
from reconciler.errors import MissingExtra, UsageError

EXAMPLES = """
reconciler emulate                            # at http://127.0.0.1:8800
reconciler emulate --products 30000           # with a generated catalogue
reconciler emulate --seed workwear            # or a seed file of yours
reconciler emulate --port 0 --file state.json # a free port; kept
reconciler emulate --switch patch_depth=shallow
reconciler emulate mutate --products 5 --stocks 3
reconciler plan -e emulator                   # in another terminal
"""


def _switches(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, separator, _ in pairs:
        if not separator:
            raise click.BadParameter(f"{name!r} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}


@click.group("emulate", cls=Group, invoke_without_command=True, examples=EXAMPLES)
@click.option("--host", metavar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8800,
    show_default=True,
    help="0 takes any free one.",
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Keep the state in this file.")
@click.option("--products", type=click.IntRange(0), metavar="N", help="Start with so many generated products.")
@click.option("--seed", metavar="FILE", help="Start with a marketplace in the seeding tool's format.")
@click.option("--seed-number", type=int, default=0, metavar="S", help="Which generated marketplace.  [default: 0]")
@click.option("--latency", type=click.FloatRange(0), default=0.0, metavar="SECONDS", help="Wait before each answer.")
@click.option("--rate-limit", type=click.FloatRange(0, min_open=True), metavar="N", help="Refuse beyond N requests/s.")
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_switches,
    help="Behave differently where the real API is not known; `GET /_emulator/switches` lists what there is.",
)
@click.pass_context
def emulate(
    context: click.Context,
    host: str,
    port: int,
    file: Path | None,
    products: int | None,
    seed: str | None,
    seed_number: int,
    latency: float,
    rate_limit: float | None,
    switches: dict[str, str],
) -> None:
    """Serve OrderCloud and SparkLayer on this machine until Ctrl-C.

    They behave like the real APIs as far as that is known. One line with their URLs is printed when they are ready.
    Client ID and secret are `emulator` and `emulator`, the SparkLayer site is `demo`. docs/emulator.md has the rest.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        from reconciler.emulator.app import new_state
        from reconciler.emulator.server import EmulatorServer, announce_on_stdout
        from reconciler.emulator.switches import Switches
        from reconciler.emulator.traffic import TrafficSetting
    except ModuleNotFoundError as error:
        raise MissingExtra("The emulator", "emulator") from error
    planted = seed_for(seed, products, seed_number, file)
    traffic = TrafficSetting(latency=latency, requests_per_second=rate_limit)
    state = new_state(Switches().changed(switches), traffic, planted)
    EmulatorServer(state, host, port, file, announce_on_stdout).run_until_stopped()


MUTATE_EXAMPLES = """
reconciler emulate mutate --products 5 --prices 5 --stocks 5
reconciler emulate mutate --create 2 --delete 1 --rename 1 --seed-number 7
reconciler emulate mutate --pause entitysync/categories --format json
"""
_COUNT = click.IntRange(0)


@command("mutate", formats=("text", "json"), examples=MUTATE_EXAMPLES)
@click.option("--url", metavar="URL", default="http://127.0.0.1:8800", show_default=True, help="The emulator's root.")
@click.option("--products", type=_COUNT, metavar="N", help="Edit so many products.")
@click.option("--prices", type=_COUNT, metavar="N", help="Change the prices of so many price schedules.")
@click.option("--stocks", type=_COUNT, metavar="N", help="Change the stock of so many products.")
@click.option("--create", type=_COUNT, metavar="N", help="Add so many products.")
@click.option("--delete", type=_COUNT, metavar="N", help="Delete so many products.")
@click.option("--rename", type=_COUNT, metavar="N", help="Give so many products another ID.")
@click.option("--pause", multiple=True, metavar="SYNC", help="Pause a sync: productsync, entitysync/categories, ...")
@click.option("--resume", multiple=True, metavar="SYNC", help="Resume a sync.")
@click.option("--seed-number", "seedNumber", type=int, metavar="S", help="Which records.  [default: 0]")
@click.pass_obj
def mutate(options: Options, /, url: str, **wanted: Any) -> None:
    """Change the marketplace of a running emulator like people do, and say what was touched.

    The same marketplace and numbers touch the same records; another --seed-number touches others.
    """
    setting = {name: value for name, value in wanted.items() if value not in (None, ())}
    if not setting.keys() - {"seedNumber"}:
        raise UsageError("say what to change", next_step="For example: --products 5 --prices 5 --stocks 5.")
    write_result(options, mutation_to(options.format, mutate_emulator(url, setting)))


emulate.add_command(mutate)
