"""A manifest after loading: the envelope, the typed spec, and the way back to its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from reconciler.errors import Place
from reconciler.kind import SpecModel

API_VERSION = "reconciler/v1"

ManifestName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=100)]


class Metadata(SpecModel):
    """Identity of a manifest and how it is treated."""

    name: ManifestName = Field(description="Identity inside the manifests; references use it.")
    protect: bool = Field(default=False, description="Never deleted, whatever else says so.")
    ignore: list[str] = Field(
        default=[], description="Paths below spec that are left to others, e.g. deliveryTargets.http.endpoint."
    )
    environments: list[str] | None = Field(
        default=None, description="Limits this manifest to these environments; left out: all."
    )
    renamed_from: list[str] = Field(default=[], description="Earlier live IDs: turns delete-and-create into a rename.")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest. `raw` is the spec as plain data, references unresolved; `spec` the typed model of it.

    `spec` is None only for an absent manifest whose spec says no more than its ID. `references` says whether any
    `${…}` stands in the spec.
    """

    kind: str
    metadata: Metadata
    raw: Mapping[str, Any]
    spec: SpecModel | None
    file: str
    index: int
    line: int
    state: Literal["present", "absent"] = "present"
    references: bool = False
    _locate: Any = field(default=None, repr=False, compare=False)

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
        if path and self._locate is not None:
            found: Place | None = self._locate(self, path)
            if found is not None:
                return found
        return Place(self.file, self.line, 1)
