"""A manifest after loading: the envelope, the typed spec, and the way back to its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from reconciler.errors import Place
from reconciler.kind.semantics import PathID, SpecModel
from reconciler.manifest.environment import EnvironmentSpec
from reconciler.manifest.policies import PolicySpec
from reconciler.manifest.positions import Locator, Path, parse_path

API_VERSION = "reconciler/v1"

ManifestName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=100)]

# A default that is a list is copied deeply for every manifest; one that `list` makes is not, but is missing in schemas.
_EMPTY: dict[str, JsonValue] = {"default": []}


class Metadata(SpecModel):
    """Identity of a manifest and how it is treated."""

    name: ManifestName = Field(description="Identity inside the manifests; references use it.")
    protect: bool = Field(default=False, description="Never deleted, whatever else says so.")
    ignore: list[str] = Field(
        default_factory=list,
        description="Paths below spec that are left to others, e.g. deliveryTargets.http.endpoint.",
        json_schema_extra=_EMPTY,
    )
    environments: list[str] | None = Field(
        default=None, description="Limits this manifest to these environments; left out: all."
    )
    sensitive: list[str] = Field(
        default_factory=list,
        description="Paths below spec whose values are secret, e.g. deliveryTargets.http.endpoint.",
        json_schema_extra=_EMPTY,
    )
    renamed_from: list[PathID] = Field(
        default_factory=list,
        description="Earlier live IDs: turns delete-and-create into a rename.",
        json_schema_extra=_EMPTY,
    )


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest. `raw` is the spec as plain data, references unresolved; `spec` the typed model of it.

    A field that has a problem, or waits for its reference, has a stand-in or its default in `spec`; `spec` is None
    where that is not possible, and where the manifest is absent and says no more than its ID. So `spec`
    serves cross-checks; what is applied comes from `resolve`. `typed` is `spec`, or the model of it that `raw` fits as
    it is. `references` says whether any `${…}` stands in the spec, `variables` whether one may be of an environment
    variable.
    """

    kind: str
    metadata: Metadata
    raw: Mapping[str, Any]
    typed: SpecModel | type[SpecModel] | None
    file: str
    index: int
    line: int
    state: Literal["present", "absent"] = "present"
    references: bool = False
    variables: bool = False
    locator: Locator | None = field(default=None, repr=False, compare=False)
    metadata_locator: Locator | None = field(default=None, repr=False, compare=False)

    @property
    def spec(self) -> SpecModel | None:
        """The typed spec. It is made when it is asked for: ten thousand that are kept take 25 MiB."""
        return self.typed.model_validate(self.raw) if isinstance(self.typed, type) else self.typed

    @property
    def model(self) -> type[SpecModel] | None:
        """The model of `spec`; None where that is None."""
        return self.typed if self.typed is None or isinstance(self.typed, type) else type(self.typed)

    @property
    def name(self) -> str:
        """The manifest's `metadata.name`."""
        return self.metadata.name

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.metadata.name}"

    @property
    def absent(self) -> bool:
        """Whether the manifest says that its live object must not exist."""
        return self.state == "absent"

    def place(self, path: str = "") -> Place:
        """Return where a path (below spec, dotted) stands; positions are computed only when asked for."""
        return self.at(parse_path(path)) if path else Place(self.file, self.line, 1)

    def at(self, path: Path, *, key: bool = False) -> Place:
        """Return where a path below spec stands; with `key`, the place of the field's name."""
        return self.locator.at(path, key=key) if self.locator is not None else Place(self.file, self.line, 1)

    def metadata_at(self, *path: str | int) -> Place:
        """Return where a path below metadata stands."""
        return self.metadata_locator.at(path) if self.metadata_locator is not None else Place(self.file, self.line, 1)


@dataclass(frozen=True, slots=True)
class EnvironmentManifest(Manifest):
    """An Environment: its spec is always there and of its own type."""

    typed: EnvironmentSpec

    @property
    def spec(self) -> EnvironmentSpec:
        """The typed spec."""
        return self.typed


@dataclass(frozen=True, slots=True)
class PolicyManifest(Manifest):
    """A Policy: its spec is always there and of its own type; it holds no references."""

    typed: PolicySpec

    @property
    def spec(self) -> PolicySpec:
        """The typed spec."""
        return self.typed
