"""The yardstick, a program: read every file of a folder and let libyaml's own loader make data of it."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def main(folder: Path) -> None:
    """Load every document of every file."""
    for file in sorted(folder.glob("*.yaml")):
        for _ in yaml.load_all(file.read_bytes(), yaml.CSafeLoader):
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
