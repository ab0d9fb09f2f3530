"""Command table, where each command is entered: its name, one-line help and module, imported when it runs."""

from __future__ import annotations

import click

from reconciler import __version__
from reconciler.cli.command import Entry, LazyGroup

# The sections of the help, in their order.
WRITE, SEE, WATCH, OPERATE, SET_UP = "Write and check", "See and change", "Watch", "Operate", "Set up"
_COMMANDS = "reconciler.cli.commands"

TABLE = (
    Entry("validate", WRITE, "Check the manifests, offline; all errors at once.", f"{_COMMANDS}.validate:validate"),
    Entry("explain", WRITE, "Say what a code means, and what to do about it.", f"{_COMMANDS}.explain:explain"),
    Entry("schema", WRITE, "Write the JSON Schemas for editors and pipelines.", f"{_COMMANDS}.schema:schema"),
    Entry("plan", SEE, "Compare manifests with live; change nothing.", f"{_COMMANDS}.plan:plan"),
    Entry("apply", SEE, "Carry out what was reviewed, exactly that.", f"{_COMMANDS}.apply:apply"),
    Entry("show", SEE, "Show a saved plan, drift or apply report in any format.", f"{_COMMANDS}.show:show"),
    Entry("import", SEE, "Write manifests for what is live.", f"{_COMMANDS}.imports:import_"),
    Entry("gitops", SEE, "Comment plans at pull requests; keep an issue on drift.", f"{_COMMANDS}.gitops.group:gitops"),
    Entry("drift", WATCH, "Find what differs, and who moved.", f"{_COMMANDS}.drift.drift:drift"),
    Entry("pause", OPERATE, "Pause syncs for a while, or around a command.", f"{_COMMANDS}.pause:pause"),
    Entry("resume", OPERATE, "End pauses taken by hand.", f"{_COMMANDS}.resume:resume"),
    Entry("pauses", OPERATE, "Show what is paused: by whom, why, until when.", f"{_COMMANDS}.pauses:pauses"),
    Entry("sync", OPERATE, "Run data syncs; show their status and problems.", f"{_COMMANDS}.sync.group:sync"),
    Entry("serve", OPERATE, "Run as a service: messages, syncs, drift, a page.", f"{_COMMANDS}.serve:serve"),
    Entry("worker", OPERATE, "Run data syncs beside other workers, on any machine.", f"{_COMMANDS}.worker:worker"),
    Entry("ignite", OPERATE, "Say what SparkLayer may do as Ignite integration.", f"{_COMMANDS}.ignite.group:ignite"),
    Entry("consume", OPERATE, "Take messages of brokers in, and no more.", f"{_COMMANDS}.consume:consume"),
    Entry("sync-log", OPERATE, "Show or clear what merchants see of syncs.", f"{_COMMANDS}.sync_log.group:sync_log"),
    Entry("resync", OPERATE, "Have OrderCloud send a few records again, now.", f"{_COMMANDS}.resync:resync"),
    Entry("doctor", OPERATE, "Check login, roles, delivery targets and the ledger.", f"{_COMMANDS}.doctor:doctor"),
    Entry("ledger", OPERATE, "Show and back up the ledger; remove a lock.", f"{_COMMANDS}.ledger.group:ledger"),
    Entry("init", SET_UP, "Begin a repository: manifests, editor, hook, pipelines.", f"{_COMMANDS}.init:init"),
    Entry("demo", SET_UP, "Watch all of it at work, on the emulator.", f"{_COMMANDS}.demo:demo"),
    Entry(
        "emulate", SET_UP, "Serve OrderCloud and SparkLayer on this machine.", f"{_COMMANDS}.emulate.emulate:emulate"
    ),
    Entry("completion", SET_UP, "Print the completion script of a shell.", f"{_COMMANDS}.completion:completion"),
)

HELP = """Sync configuration of Sitecore OrderCloud and SparkLayer, kept as code.

Manifests say how delivery configs and syncs should be; reconciler shows how live differs, and makes it so.
"""

app = LazyGroup(
    "reconciler",
    table=TABLE,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")(app)
