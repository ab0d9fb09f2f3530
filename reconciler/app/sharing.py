"""Share manifests with a second environment: made to count in it, with what differs as patches of its Environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.files import write_file
from reconciler.app.project import Project
from reconciler.errors import Interrupted
from reconciler.manifest.edit import ABSENT, append_value, set_value
from reconciler.manifest.load import Loaded
from reconciler.manifest.model import EnvironmentManifest, Manifest
from reconciler.manifest.select import named_environment, select
from reconciler.reconcile.importer import Imported, ImportedSecret, ImportResult
from reconciler.reconcile.live import LiveSide
from reconciler.reconcile.session import Session, open_session
from reconciler.reconcile.sharing import (
    difference,
    forbidden_in,
    of_other_environments,
    only_elsewhere,
    patches_with,
    with_environment,
)
from reconciler.reconcile.work import Desired

Key = tuple[str, str]


class Sharing(Struct):
    """What an import finds in manifests that are there: asked for names first, then settled, then written.

    Args:
        session: the environment as it is once it shares what it can.
        loaded: every manifest, likewise.
        environment: its Environment, as the file has it.
        live: what was read of it.
        in_files: manifests by key, as their files have them.
        managed: kind and live ID to manifest name of what is left alone.
        wished: the same of what is compared with live.
        new_here: keys of the manifests that did not count here so far.
        patches: whether manifests that did count here may be patched and limited.
    """

    session: Session
    loaded: Loaded
    environment: EnvironmentManifest
    live: LiveSide
    in_files: Mapping[Key, Manifest]
    managed: dict[Key, str]
    wished: dict[Key, str]
    new_here: frozenset[Key]
    patches: bool
    _texts: dict[str, str] = {}

    @classmethod
    def of(cls, project: Project, session: Session, loaded: Loaded, live: LiveSide, *, patches: bool) -> Sharing:
        """Find the manifests that an environment may share.

        Args:
            project: how references resolve.
            session: the environment as it is.
            loaded: every manifest.
            live: what was read of it.
            patches: see `import_into`.

        Raises:
            ReconcilerError: what a shared manifest refers to has no value here.
        """
        managed = {
            **{(item.kind, old): item.name for item in session.desired for old in item.renamed_from},
            **{(item.kind, item.id): item.name for item in session.desired},
        }
        others = of_other_environments(loaded, session.name, session.kinds, live, managed)
        shared = with_environment(loaded, others, session.name)
        if others:
            selected = select(shared, session.name, session.kinds, idle_patches=True)
            session = open_session(selected, session.kinds, project.environ, session.opened_at)
        new_here = frozenset((manifest.kind, manifest.name) for manifest in others)
        wished = {
            (item.kind, item.id): item.name
            for item in session.desired
            if not item.absent
            and item.id in live.get(item.kind, {})
            and session.kinds[item.kind].readable
            and ((item.kind, item.name) in new_here or patches)
        }
        return cls(
            session=session,
            loaded=shared,
            environment=named_environment(loaded, session.name),
            live=live,
            in_files={(manifest.kind, manifest.name): manifest for manifest in shared.manifests_of(session.name)},
            managed={key: name for key, name in managed.items() if key not in wished},
            wished=wished,
            new_here=new_here,
            patches=patches,
        )

    def settle(self, found: ImportResult, targets: frozenset[str]) -> ImportResult:
        """Take out of an import what manifests that are there can say, and decide how they change.

        Args:
            found: with what is compared among its manifests.
            targets: what the import is limited to.
        """
        desired = {(item.kind, item.id): item for item in self.session.desired}
        here = {(manifest.kind, manifest.name): manifest for manifest in self.session.manifests}
        shared: list[str] = []
        patches: dict[Key, Mapping[str, Any]] = {}
        secrets: dict[str, tuple[ImportedSecret, ...]] = {}
        left_out = list(found.left_out)
        for item in found.manifests:
            key = (item.kind, item.id)
            if key not in self.wished:
                continue
            reason, patch, wanted = self._compared(desired[key], here[item.kind, item.name], item)
            if reason is not None:
                left_out.append((f"{item.kind}/{item.id}", reason))
                continue
            if (item.kind, item.name) in self.new_here:
                shared.append(f"{item.kind}/{item.name}")
                self._count_here(self.in_files[item.kind, item.name])
            if patch:
                patches[item.kind, item.name] = patch
                secrets[f"{item.kind}/{item.name}"] = wanted
        self._patch(patches)
        elsewhere = [item for item in self._elsewhere(targets) if self._limit(self.in_files[item.kind, item.name])]
        return replace(
            found,
            manifests=tuple(item for item in found.manifests if (item.kind, item.id) not in self.wished),
            left_out=tuple(left_out),
            shared=tuple(shared),
            patched=secrets,
            elsewhere=tuple(item.key for item in elsewhere),
        )

    def write(self) -> tuple[str, ...]:
        """Write the files that change, and return their names.

        Raises:
            OutputError: one cannot be written.
            Interrupted: somebody stopped it; the files before are written.
        """
        written: list[str] = []
        for file, text in self._texts.items():
            try:
                write_file(Path(file), text)
            except KeyboardInterrupt:
                so_far = f"after {', '.join(written)}" if written else "before any file was written"
                raise Interrupted(
                    f"Interrupted {so_far}", next_step="`reconciler import` writes what is still in no manifest."
                ) from None
            written.append(file)
        return tuple(written)

    def _compared(
        self, desired: Desired, manifest: Manifest, item: Imported
    ) -> tuple[str | None, Mapping[str, Any], tuple[ImportedSecret, ...]]:
        """Return why a manifest cannot say what live has, or the patch that makes it, and the secrets in that."""
        session = self.session
        observed = self.live[item.kind][item.id]
        found = difference(session.kinds, desired, observed, manifest, item, session.opened_at)
        if found is None:
            return "no patch can say what differs", {}, ()
        # A manifest that begins to count here brings what it says itself along.
        said = observed.state if (desired.kind, desired.name) in self.new_here else found.patch
        path = forbidden_in(session.kinds, observed, said, session.settings.target_hosts)
        if path is not None:
            return f"{path} points outside targetHosts", {}, ()
        return None, found.patch, found.secrets

    def _elsewhere(self, targets: frozenset[str]) -> tuple[Desired, ...]:
        if not self.patches:
            return ()
        return only_elsewhere(self.session.kinds, self.session.desired, self.live, targets)

    def _count_here(self, manifest: Manifest) -> None:
        limits = list(manifest.metadata.environments or ())
        everywhere = {one.name for one in self.loaded.environments} <= set(limits)
        self._edit(manifest, ("metadata", "environments"), ABSENT if everywhere else limits)

    def _limit(self, manifest: Manifest) -> bool:
        """Limit a manifest to the other environments; False where there is none that it counts in."""
        limits = manifest.metadata.environments
        names = sorted(one.name for one in self.loaded.environments) if limits is None else limits
        others = [name for name in names if name != self.session.name]
        if others:
            self._edit(manifest, ("metadata", "environments"), others)
        return bool(others)

    def _patch(self, patches: Mapping[Key, Mapping[str, Any]]) -> None:
        written = self.environment.raw.get("patches") or []
        changed, new = patches_with(written, patches)
        for number, spec in changed.items():
            self._edit(self.environment, ("spec", "patches", number, "spec"), spec)
        for patch in new:
            text = self._text(self.environment)
            self._texts[self.environment.file] = append_value(text, self.environment.index, ("spec", "patches"), patch)

    def _edit(self, manifest: Manifest, path: tuple[str | int, ...], value: Any) -> None:
        self._texts[manifest.file] = set_value(self._text(manifest), manifest.index, path, value)

    def _text(self, manifest: Manifest) -> str:
        return self._texts.get(manifest.file) or Path(manifest.file).read_bytes().decode()
