"""`reconciler emulate`: serve the APIs on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command import command
from reconciler.errors import MissingExtra

EXAMPLES = """
reconciler emulate                            # at http://127.0.0.1:8800
reconciler emulate --port 0 --file state.json # a free port; kept
reconciler emulate --switch patch_depth=shallow
reconciler plan -e emulator                   # in another terminal
"""


def _switches(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, separator, _ in pairs:
        if not separator:
            raise click.BadParameter(f"{name!r} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}


@command("emulate", examples=EXAMPLES)
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
def emulate(
    host: str, port: int, file: Path | None, latency: float, rate_limit: float | None, switches: dict[str, str]
) -> None:
    """Serve OrderCloud and SparkLayer on this machine until Ctrl-C.

    They behave like the real APIs as far as that is known. One line with their URLs is printed when they are ready.
    Client ID and secret are `emulator` and `emulator`, the SparkLayer site is `demo`.
    """
    try:
        from reconciler.emulator.app import new_state
        from reconciler.emulator.server import EmulatorServer, announce_on_stdout
        from reconciler.emulator.switches import Switches
        from reconciler.emulator.traffic import TrafficSetting
    except ModuleNotFoundError as error:
        raise MissingExtra("The emulator", "emulator") from error
    state = new_state(Switches().changed(switches), TrafficSetting(latency=latency, requests_per_second=rate_limit))
    EmulatorServer(state, host, port, file, announce_on_stdout).run_until_stopped()
