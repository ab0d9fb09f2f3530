"""What an extra of the distribution brings, and how to install it."""

from __future__ import annotations

import re
from importlib import metadata


def how_to_install(extra: str) -> str:
    """Return the next step for who lacks an extra: the packages by name, since no index has the distribution itself.

    Args:
        extra: its name in pyproject.toml.
    """
    try:
        requirements = metadata.requires("ordercloud-reconciler") or []
    except metadata.PackageNotFoundError:  # a source tree that is not installed
        return f"Install what pyproject.toml names under `{extra}`."
    split = [requirement.partition(";") for requirement in requirements]
    packages = [f"'{name.strip()}'" for name, _, marker in split if re.search(f"extra == .{extra}.", marker)]
    return f"Install it: `pip install {' '.join(packages)}`."
