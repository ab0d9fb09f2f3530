"""What the shell may complete: names found by a glance at the manifest files, without loading them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

# Patterns that are compiled when they are first used: every command imports this module.
_KIND = r"(?m)^kind:\s*[\"']?(\w+)"
_NAME = r"(?m)^metadata:(?:\s*\{[^}\n]*?|(?:\s*\n[ \t]+.*)*?\n[ \t]+)\bname:\s*[\"']?([\w.-]+)"


def named_manifests(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what looks like a manifest. A file that cannot be read has no names."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".yaml", ".yml")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        for document in re.split(r"^---", text, flags=re.MULTILINE):
            kind, name = re.search(_KIND, document), re.search(_NAME, document)
            if kind and name:
                yield kind[1], name[1]


def _folder(context: click.Context) -> Path:
    from reconciler.errors import LoadError
    from reconciler.manifest.search import NAME, find_manifests

    named = context.obj.manifests if context.obj else None
    try:
        return named or find_manifests()
    except LoadError:
        return Path(NAME)


def complete_environments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the environments whose name begins like this."""
    names = [name for kind, name in named_manifests(_folder(context)) if kind == "Environment"]
    return [name for name in [*names, "all"] if name.startswith(incomplete)]


def complete_objects(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the `Kind/name` of the manifests that begin like this, for `--target` and its like."""
    keys = [f"{kind}/{name}" for kind, name in named_manifests(_folder(context)) if kind != "Environment"]
    return [key for key in keys if key.startswith(incomplete)]


def complete_data_types(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the data types that begin like this."""
    from reconciler.sync.datasync import TYPE_NAMES

    return [name for name in TYPE_NAMES if name.startswith(incomplete)]


def complete_data_syncs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of data syncs that begin like this."""
    from reconciler.sync.datasync import KIND

    return [name for kind, name in named_manifests(_folder(context)) if kind == KIND and name.startswith(incomplete)]
