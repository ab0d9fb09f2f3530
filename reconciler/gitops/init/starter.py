"""The first files of a repository: Environments, manifests to begin with, editor settings, a hook. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.app.project import ALL
from reconciler.errors import UsageError
from reconciler.gitops.init.identities import DRIFT, PLAN
from reconciler.gitops.init.template import fill
from reconciler.manifest.load import Loaded
from reconciler.manifest.model import Metadata

EMULATOR = "emulator"
REGION = "us-west"
_FILES = {
    ".gitignore": "gitignore",
    ".pre-commit-config.yaml": "pre-commit.yaml",
    ".vscode/extensions.json": "extensions.json",
    ".vscode/settings.json": "settings.json",
}
_MANIFESTS = {
    "manifests/delivery/order-hook.yaml": "manifests/order-hook.yaml",
    "manifests/syncs/orders.yaml": "manifests/orders.yaml",
}


def check_names(names: Sequence[str]) -> None:
    """Refuse names of environments that no manifest, or no forge, can have beside one another.

    Raises:
        UsageError: one cannot be a name, is what an identity is called, or differs from another in case alone.
    """
    for name in names:
        try:
            Metadata(name=name)
        except ValueError:
            raise UsageError(
                f"{name[:60]} is no name for an environment", next_step="Use letters, digits, `-`, `_` and `.`."
            ) from None
        if name.casefold() == ALL:
            raise UsageError(
                f"an environment cannot be called {name}",
                next_step="`-e all` means every environment; choose another name.",
            )
        if name.endswith((PLAN, DRIFT)) or name.startswith("-"):
            raise UsageError(
                f"an environment cannot be called {name}",
                next_step=f"Forges get NAME{PLAN} and NAME{DRIFT} beside each NAME; choose another name.",
            )
    if len({name.casefold() for name in names}) < len(names):
        raise UsageError("two environments differ in case alone", next_step="Forges take them for one; rename one.")


def check_branch(name: str) -> str:
    """Return a branch that can stand in a pipeline.

    Raises:
        UsageError: it cannot.
    """
    # documented: git check-ref-format, of which this takes the plain part.
    if not re.fullmatch(r"[\w./-]+", name, re.ASCII) or re.search(r"^-|(^|/)[./]|\.\.|[./]$|\.lock(/|$)", name):
        raise UsageError(
            f"{name[:60]} is no branch that pipelines can name", next_step="Use letters, digits, `-`, `_`, `.` and `/`."
        )
    return name


def repository_files() -> dict[str, str]:
    """Return what a repository has whatever its environments, by path."""
    return {path: fill(f"repository/{name}", {}) for path, name in _FILES.items()}


def starter_files() -> dict[str, str]:
    """Return manifests to begin with, by path."""
    return {path: fill(f"repository/{name}", {}) for path, name in _MANIFESTS.items()}


def uses_starter(loaded: Loaded) -> bool:
    """Whether the manifests to begin with are there, which want a variable and a patch in each Environment."""
    return any(one.key == "DeliveryConfig/order-hook" and "hookHost" in str(one.raw) for one in loaded.manifests)


def environment_file(name: str, *, starter: bool, region: str = REGION) -> tuple[str, str]:
    """Return path and content of the manifest of an environment.

    Args:
        name: of the environment; `emulator` is the emulator.
        starter: whether it is for the manifests to begin with.
        region: of the marketplace.
    """
    stage = _stage(name)
    values = {
        "NAME": name,
        "STAGE": stage,
        "SPARK_STAGE": "live" if stage == "production" else "test",
        "REGION": region,
        "STARTER": starter,
        "QUIET": starter and stage != "production",
    }
    template = "emulator" if name == EMULATOR else "environment"
    return f"manifests/environments/{name}.yaml", fill(f"repository/manifests/{template}.yaml", values)


def _stage(name: str) -> str:
    """Guess OrderCloud's environment from a name; people read what was guessed."""
    words = re.split(r"[^a-z]+", name.lower())
    if any(word.startswith(("prod", "live")) for word in words):
        return "production"
    return "staging" if any(word.startswith("stag") for word in words) else "sandbox"
