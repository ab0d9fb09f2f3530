"""The program's entry: `reconciler` on the PATH, and `python -m reconciler`."""

from __future__ import annotations

import sys

from reconciler import __version__


def main() -> None:
    """Run the command line and exit with its status."""
    # The one call that scripts make only to see whether the tool is there; it needs nothing of what follows.
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        try:
            sys.stdout.write(f"reconciler {__version__}\n")
            sys.stdout.flush()
        except OSError:
            pass  # the frame below fails likewise, and can tell
        else:
            return
    import gc

    # Starting makes many objects and no garbage: the collector looks for it when the command is at work, or reads much.
    gc.set_threshold(200_000, 10, 10)
    from reconciler.app.signals import Interrupts

    # First: a signal that comes while the rest is imported waits for the command.
    interrupts = Interrupts()
    interrupts.install()
    from reconciler.cli.run import run_and_end

    sys.exit(run_and_end(sys.argv[1:], interrupts))
