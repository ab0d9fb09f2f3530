"""`reconciler emulate`: serve the APIs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.command import Group
from reconciler.cli.commands.emulate.mutate import mutate
from reconciler.cli.terminal.output import say
from reconciler.errors import MissingExtra
from reconciler.report.escape import terminal

if TYPE_CHECKING:
    from reconciler.emulator.seeds.seed import Seed

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


@click.group("emulate", cls=Group, invoke_without_command=True, examples=EXAMPLES, manifests=False, result=False)
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
    "--deliver-to",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="Deliver messages to this host, too; a glob. Else to this machine alone.",
)
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
    hosts: tuple[str, ...],
    switches: dict[str, str],
) -> None:
    """Serve OrderCloud and SparkLayer on this machine until Ctrl-C.

    They behave like the real APIs as far as that is known. One line with their URLs is printed when they are ready.
    Client ID and secret are `emulator` and `emulator`, the SparkLayer site is `demo`.
    """
    if context.invoked_subcommand is not None:
        return
    from reconciler.app.emulate import seed_for

    try:
        from reconciler.emulator.app import new_state
        from reconciler.emulator.server import EmulatorServer, announce_on_stdout
        from reconciler.emulator.switches import Switches
        from reconciler.emulator.traffic import TrafficSetting
    except ModuleNotFoundError as error:
        raise MissingExtra("The emulator", "emulator") from error
    planted = seed_for(seed, products, seed_number)
    _say_of_seed(planted, file)
    traffic = TrafficSetting(latency=latency, requests_per_second=rate_limit)
    state = new_state(Switches().changed(switches), traffic, planted, hosts)
    EmulatorServer(state, host, port, file, announce_on_stdout).run_until_stopped()


def _say_of_seed(seed: Seed, file: Path | None) -> None:
    """Say what of a seed file is left out, and whether it is used at all."""
    source = terminal(str(seed.about["source"]))
    if seed.skipped:
        parts = ", ".join(f"{section} ({count})" for section, count in seed.skipped.items())
        say(f"{source}: not emulated, and left out: {terminal(parts)}")
    for remark in seed.remarks:
        say(f"{source}: {terminal(remark)}")
    if file is not None and file.exists() and seed.about["source"] != "none":
        say(f"{terminal(str(file))} is there and is what the marketplace starts with; a reset goes back to the seed.")


emulate.add_command(mutate)
