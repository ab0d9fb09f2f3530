"""What docs/readers.md shows runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from reconciler.emulator.testing import running_emulator

PAGE = Path(__file__).parents[2] / "docs" / "readers.md"


def test_the_program_of_the_page_reads_every_product() -> None:
    [program] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    with running_emulator(seed=30) as emulator:
        ended = subprocess.run(
            [sys.executable, "-c", program.replace("http://127.0.0.1:8800", emulator.url)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        ids = {row["ID"] for row in emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]}
    assert ended.returncode == 0, ended.stderr
    assert {line.split()[0] for line in ended.stdout.splitlines()} == ids
