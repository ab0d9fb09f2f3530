"""Draws docs/plan.svg: a real plan, as a terminal shows it. Run it when the look of a plan changes."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from reconciler.emulator.testing import running_emulator

ROOT = Path(__file__).parents[1]
WIDTH = 88
COMMAND = "reconciler plan -e emulator"
PAUSE = "pause: {until: 2030-11-29T06:00:00Z, reason: Season price load, owner: pricing}"
EDITS = {
    "delivery/order-hook.yaml": ("/ordercloud/orders", "/v2/orders"),
    "syncs/products.yaml": (
        "deliveryConfig: search-products",
        f"deliveryConfig: search-products\n  {PAUSE}",
    ),
    "environments/emulator.yaml": ("literalSecrets: allow", "literalSecrets: allow, maxPause: 520w"),
}


def run(folder: Path, command: str, url: str) -> str:
    """Run a command on a terminal of our width and return what it shows."""
    os.environ |= {
        "EMULATOR": url,
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
        "RECONCILER_CACHE_DIR": str(folder),
    }
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shown = io.BytesIO()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 4096)
        shown.write(data)
        return b"\n" if data else b""

    pty.spawn(["bash", "-c", f"cd {folder} && {command} 2>/dev/null"], read)
    return shown.getvalue().decode().replace("\r\n", "\n")


def main() -> None:
    """Apply the example to an emulator, change three things, and draw the plan."""
    with tempfile.TemporaryDirectory() as name, running_emulator() as emulator:
        folder = Path(name)
        shutil.copytree(ROOT / "manifests", folder / "manifests")
        run(folder, "reconciler apply -e emulator --yes", emulator.url)
        for file, (old, new) in EDITS.items():
            path = folder / "manifests" / file
            path.write_text(path.read_text().replace(old, new))
        shown = run(folder, COMMAND, emulator.url)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(f"$ {COMMAND}\n{shown.strip()}"))
    svg = console.export_svg(title="reconciler", unique_id="plan")
    # No fonts from elsewhere: the reader's own monospace will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "plan.svg").write_text(re.sub(r"[ \t]+\n", "\n", svg), encoding="utf-8")


if __name__ == "__main__":
    main()
