"""Text that somebody types to be kept and shown, such as a reason: no secret of the manifests may stand in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.errors import LoadError, Place, ReconcilerError, UsageError
from reconciler.kind.sensitive import masked
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.facts import secrets_in
from reconciler.manifest.files import FileBytes, base_of, read_folder
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.scope import Scope, is_credential, with_secrets_folder
from reconciler.registry import manifest_kinds
from reconciler.secret import UnusableSecret

_SHORTEST = 6  # a shorter value stands in many a word by chance
_REFERENCE = re.compile(rb"\$\{(secret|env):([A-Za-z0-9_.:-]+)\}")
_MACRO = re.compile(r"\$\([^()]*\)")


def require_no_secret(option: str, text: str, manifests: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Require that a text which is about to be kept holds no value of a secret that a manifest names and that is set.

    Args:
        option: where it was typed, e.g. `--reason`.
        text: what was typed.
        manifests: the folder; whoever works on it says what is wrong with it.
        environ: the environment variables of this run.

    Raises:
        UsageError: it holds one.
    """
    found = next((reference for reference, value in _known(manifests, environ) if value in text), None)
    # What looks like a secret is masked before it is kept, and may stand in a manifest as well: in a link, say.
    kept = masked(text)
    if found is None and any(
        len(value) >= _SHORTEST and value in kept for value in map(str.strip, _written(manifests))
    ):
        found = "a secret that stands in the manifests"
    if found is not None:
        raise UsageError(
            f"{option} holds the value of {found}, and would be kept and shown",
            next_step="Say it without the secret. Change the secret too if others can read this command line.",
        )


def _known(manifests: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield reference and value of each secret that is set, short ones left out."""
    base = base_of(manifests)
    scope = Scope({}, with_secrets_folder(environ, base), base)
    for reference in _references(manifests):
        value = None
        with suppress(ReconcilerError, UnusableSecret):
            value = scope.secret(reference, lambda: Place(str(manifests)))
        value = (value or "").strip()
        # Azure Pipelines leaves a macro as it is where nothing is behind it.
        is_macro = bool(environ.get("TF_BUILD") and _MACRO.fullmatch(value))
        if len(value) >= _SHORTEST and not is_macro:
            yield reference, value


def _written(manifests: Path) -> Iterator[str]:
    """Yield the secrets that manifests, patches and variables have in so many words, as far as they can be read."""
    with suppress(ReconcilerError):
        loaded = load(manifests, manifest_kinds())
        scopes = [Scope({}, {}), *(Scope(each.spec.variables, {}) for each in loaded.environments)]
        for text in _literals(loaded):
            for scope in scopes:
                with suppress(ReconcilerError, UnusableSecret):
                    yield scope.secret(text, lambda: Place(str(manifests))) or ""


def _literals(loaded: Loaded) -> Iterator[str]:
    """Yield the texts of secrets that say what these are, or name variables that do."""
    kinds = manifest_kinds()
    for manifest in loaded.manifests:
        yield from secrets_in(kinds[manifest.kind].spec, manifest.raw, manifest.metadata.sensitive)
    for environment in loaded.environments:
        yield from secrets_in(EnvironmentSpec, environment.raw)
        for patch in environment.raw.get("patches") or ():
            if isinstance(patch, dict) and isinstance(patch.get("spec"), dict) and patch.get("kind") in kinds:
                yield from secrets_in(kinds[patch["kind"]].spec, patch["spec"])


def _references(manifests: Path) -> list[str]:
    found: dict[str, None] = {}
    with suppress(LoadError):
        for file in read_folder(manifests):
            for match in _REFERENCE.finditer(file.data) if isinstance(file, FileBytes) else ():
                source, name = match[1].decode(), match[2].decode()
                if source == "secret" or is_credential(name):
                    found[f"${{{source}:{name}}}"] = None
    return sorted(found)
