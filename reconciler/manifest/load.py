"""Manifests from a folder: every file, every document, every error, in one go."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Literal

from msgspec import Struct
from pydantic import ValidationError

from reconciler.errors import LoadError, Place, Problem
from reconciler.kind.kind import ManifestKinds
from reconciler.kind.semantics import SpecModel
from reconciler.manifest.documents import Document, Scalars, parse_documents
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.explain import error_paths, explain, nearest, shorten, suggest
from reconciler.manifest.files import ELSEWHERE, FIRST_MANIFEST, base_of, read_folder
from reconciler.manifest.limits import MAX_PROBLEMS_PER_FILE
from reconciler.manifest.model import API_VERSION, EnvironmentManifest, Manifest, Metadata, PolicyManifest
from reconciler.manifest.policies import POLICY, PolicySpec, check_policy
from reconciler.manifest.positions import DocumentLocator, Source
from reconciler.manifest.references import check_references, reads_variables, texts_of
from reconciler.manifest.spec import read_spec

ENVIRONMENT = "Environment"
_WITHOUT_LIVE: Mapping[str, type[SpecModel]] = {ENVIRONMENT: EnvironmentSpec, POLICY: PolicySpec}
_ENVELOPE = {"apiVersion", "kind", "metadata", "state", "spec"}


class Loaded(Struct, frozen=True, dict=True):
    """Everything that a manifest folder holds.

    Manifests with problems in their spec are among `manifests` (with `spec` None), so that a reference to one is not
    called unknown as well. `lost` holds kind and name of what is missing from both tuples because it could not be
    read; None: it may have been any. Relative paths of ledger and secrets count from `base`.
    """

    manifests: tuple[Manifest, ...]
    environments: tuple[EnvironmentManifest, ...]
    problems: tuple[Problem, ...]
    lost: frozenset[tuple[str | None, str | None]] = frozenset()
    base: FilePath = FilePath()
    policies: tuple[PolicyManifest, ...] = ()

    def may_hold(self, kind: str, name: str) -> bool:
        """Return whether a document that could not be read may have been this manifest."""
        return not self.lost.isdisjoint({(kind, name), (kind, None), (None, name), (None, None)})

    def manifests_of(self, environment: str) -> list[Manifest]:
        """Return the manifests that count in an environment: those limited to it, and those limited to none."""
        found = [*self._by_environment.get(None, ()), *self._by_environment.get(environment, ())]
        return [self.manifests[number] for number in sorted(found)]

    @cached_property
    def _by_environment(self) -> Mapping[str | None, Sequence[int]]:
        """Numbers of manifests by the environments they are limited to; None: to none.

        With hundreds of environments, going through all manifests for each would take longer than reading them.
        """
        numbers = defaultdict[str | None, list[int]](list)
        for number, manifest in enumerate(self.manifests):
            limits = manifest.metadata.environments
            for environment in (None,) if limits is None else dict.fromkeys(limits):
                numbers[environment].append(number)
        return numbers


def load(folder: FilePath, kinds: ManifestKinds) -> Loaded:
    """Read every manifest below a folder.

    Args:
        folder: holds `*.yaml` and `*.yml` files, at any depth; names that begin with a dot are left out.
        kinds: the registry.

    Returns:
        Every manifest and every problem, in the order of files and documents.

    Raises:
        LoadError: the folder is missing, unreadable, or holds no manifest at all.
    """
    with gc_paused():
        loaded = _load(folder, kinds)
    if not (loaded.manifests or loaded.environments or loaded.policies or loaded.problems):
        raise LoadError(
            f"the files in {folder} hold no manifest",
            next_step=f"{ELSEWHERE} {FIRST_MANIFEST}",
        )
    return loaded


@contextmanager
def gc_paused() -> Iterator[None]:
    """Hold the garbage collector back while many objects are made and nothing becomes garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # Together they make all objects old ones: else the next collections would look through all of them.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def _load(folder: FilePath, kinds: ManifestKinds) -> Loaded:
    scalars = Scalars()
    reader = _Reader(kinds)
    for found in read_folder(folder):
        if isinstance(found, Problem):
            reader.problems.append(found)
            reader.lost.add((None, None))
            continue
        parsed = parse_documents(found.data, found.file, scalars)
        before = len(reader.problems)
        reader.problems.extend(parsed.problems)
        if not parsed.complete:
            reader.lost.add((None, None))
        source = Source(found.file, found.data)
        for document in parsed.documents:
            if len(reader.problems) - before >= MAX_PROBLEMS_PER_FILE:
                reader.give_up(document, found.file)
                break
            reader.read(document, source)
    # What cannot be read as a value has been replaced by its text, of which nothing needs to be said.
    unread = {problem.place for problem in reader.problems if problem.code == "bad-scalar"}
    problems = (each for each in reader.problems if each.code == "bad-scalar" or each.place not in unread)
    return Loaded(
        tuple(reader.manifests),
        tuple(reader.environments),
        tuple(problems),
        frozenset(reader.lost),
        base_of(folder),
        tuple(reader.policies),
    )


class _Reader:
    """Turns documents into manifests and collects what is wrong with them."""

    def __init__(self, kinds: ManifestKinds) -> None:
        self.manifests: list[Manifest] = []
        self.environments: list[EnvironmentManifest] = []
        self.policies: list[PolicyManifest] = []
        self.problems: list[Problem] = []
        self.lost: set[tuple[str | None, str | None]] = set()
        self._kinds = kinds

    def give_up(self, document: Document, file: str) -> None:
        """Leave the rest of a file, from this document on."""
        message = f"the file has {MAX_PROBLEMS_PER_FILE} problems or more before this line; from here it was not read"
        hint = "Mend those first, or move the file out of the folder."
        self.problems.append(Problem("too-many-problems", message, Place(file, document.line), hint=hint))
        self.lost.add((None, None))

    def read(self, document: Document, source: Source) -> None:
        """Read one document; where it becomes no manifest, with or without problems, remember what it may be."""
        if not self._read(document, source) and type(document.value) is dict:
            self.lost.add(self._meant(document.value))

    def _meant(self, data: dict[str, Any]) -> tuple[str | None, str | None]:
        """Return kind and name as far as a document says them, None for what it does not say in a way we know."""
        kind, metadata = data.get("kind"), data.get("metadata")
        name = metadata.get("name") if type(metadata) is dict else None
        known = isinstance(kind, str) and (kind in _WITHOUT_LIVE or kind in self._kinds)
        return kind if known else None, name if isinstance(name, str) else None

    def _read(self, document: Document, source: Source) -> bool:
        data = document.value
        locator = DocumentLocator(source, document.index)
        if type(data) is not dict:
            message = "a manifest is a mapping with apiVersion, kind, metadata and spec"
            hint = "Write these fields, or move the file out of the folder."
            self._add("not-a-manifest", message, locator.from_root(()), hint=hint)
            return False
        if not data.keys() <= _ENVELOPE:
            for name in data.keys() - _ENVELOPE:
                self._unknown_field(name, locator)
        model = self._model(data, locator)
        metadata = self._metadata(data, locator)
        state = self._state(data, locator)
        raw = data.get("spec", {})
        if raw is None:
            raw = {}
        if type(raw) is not dict:
            hint = "Write its fields below spec, indented."
            self._add("wrong-type", "spec must be a mapping", locator.from_root(("spec",)), shorten(raw), hint)
            return False
        if model is None or metadata is None:
            return False
        # A policy holds none, and says so itself.
        texts = texts_of(raw) if document.references and model is not PolicySpec else []
        if texts:
            # What a patch may refer to depends on the manifest that it changes: checked when it is merged.
            own = [text for text in texts if model is not EnvironmentSpec or text.path[0] != "patches"]
            plain = model is not EnvironmentSpec
            self.problems.extend(check_references(model, own, locator, metadata.sensitive, plain=plain, within=raw))
        kind = str(data["kind"])
        subject = f"{kind} {metadata.name}"
        typed, problems = read_spec(
            model, raw, locator, subject=subject, references=bool(texts), absent=state == "absent"
        )
        self.problems.extend(problems)
        envelope: dict[str, Any] = {
            "kind": kind,
            "metadata": metadata,
            "raw": raw,
            "file": source.file,
            "index": document.index,
            "line": document.line,
            "references": bool(texts),
            "variables": reads_variables(texts),
            "locator": locator,
            "metadata_locator": DocumentLocator(source, document.index, ("metadata",)),
        }
        if model is not PolicySpec and model is not EnvironmentSpec:
            self.manifests.append(Manifest(typed=typed, state=state, **envelope))
            return True
        spec = model.model_validate(raw) if typed is model else typed
        if model is PolicySpec:
            return isinstance(spec, PolicySpec) and not problems and self._keep(PolicyManifest(typed=spec, **envelope))
        # A run must not take a default, such as the ledger's, for what the Environment says wrongly.
        if isinstance(spec, EnvironmentSpec) and not problems:
            self.environments.append(EnvironmentManifest(typed=spec, **envelope))
            return True
        return False

    def _keep(self, policy: PolicyManifest) -> bool:
        problems = list(check_policy(policy))
        self.problems.extend(problems)
        if not problems:
            self.policies.append(policy)
        return not problems

    def _model(self, data: dict[str, Any], locator: DocumentLocator) -> type[SpecModel] | None:
        version = data.get("apiVersion")
        if version != API_VERSION:
            self._add(
                "unknown-api-version" if "apiVersion" in data else "missing-field",
                f"apiVersion must be {API_VERSION}",
                locator.from_root(("apiVersion",)),
                None if version is None else shorten(version),
                f"Write apiVersion: {API_VERSION}.",
            )
        name = data.get("kind")
        if isinstance(name, str) and name in _WITHOUT_LIVE:
            return _WITHOUT_LIVE[name]
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is not None:
            return kind.spec
        known = [*self._kinds, *_WITHOUT_LIVE]
        if name is None:
            self._add(
                "missing-field", "kind is required", locator.from_root(()), None, f"Write one of {', '.join(known)}."
            )
        else:
            self._add(
                "unknown-kind",
                f"{shorten(name)} is no known kind",
                locator.from_root(("kind",)),
                shorten(name),
                suggest(name, known, "kinds"),
            )
        return None

    def _metadata(self, data: dict[str, Any], locator: DocumentLocator) -> Metadata | None:
        raw = data.get("metadata")
        try:
            return Metadata.model_validate(raw)
        except ValidationError as error:
            below = DocumentLocator(locator.source, locator.index, ("metadata",))
            if "metadata" not in data:
                self._add(
                    "missing-field", "metadata is required", locator.from_root(()), None, "Add metadata: {name: …}."
                )
            else:
                subject = str(data.get("kind", "manifest"))[:60]
                self.problems.extend(
                    explain(error_paths(error, raw), Metadata, raw, below, subject=subject, prefix="metadata")
                )
            return None

    def _state(self, data: dict[str, Any], locator: DocumentLocator) -> Literal["present", "absent"]:
        state = data.get("state", "present")
        if state == "absent" and str(data.get("kind")) not in _WITHOUT_LIVE:
            return "absent"
        if state != "present":
            what = f"{'An' if data.get('kind') == ENVIRONMENT else 'A'} {data.get('kind')}"
            hint = f"{what} has no live counterpart: delete its manifest." if state == "absent" else None
            close = nearest(state, ("present", "absent"))
            self._add(
                "unknown-value",
                "state must be present or absent" if hint is None else f"{what[0].lower()}{what[1:]} cannot be absent",
                locator.from_root(("state",)),
                shorten(state),
                hint or (f"Did you mean {close}?" if close else "Write absent, or leave state out."),
            )
        return "present"

    def _unknown_field(self, name: str, locator: DocumentLocator) -> None:
        self._add(
            "unknown-field",
            f"{shorten(name)} is no known field of a manifest",
            locator.from_root((name,), key=True),
            hint=suggest(name, sorted(_ENVELOPE), "fields"),
        )

    def _add(self, code: str, message: str, place: Place, value: str | None = None, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, place, value, hint))
