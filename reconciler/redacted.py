"""Values of which not every field is shown."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class RedactedStruct(Struct, frozen=True):
    """A value that shows no more in its repr than may be read by anybody who reads a log or a failed test.

    Attributes:
        redacted: the fields that the repr leaves out.
    """

    redacted: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        """Name the class and the fields that may be seen."""
        seen = (name for name in self.__struct_fields__ if name not in self.redacted)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in seen)})"
