"""YAML out: manifests that people like to read and that load back as exactly what was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any, Literal

import yaml

from reconciler.manifest.model import API_VERSION
from reconciler.manifest.scalars import BadScalar, plain_value
from reconciler.unseen import escape_unseen, is_seen

# An escape of a character beyond U+FFFF; an even number of backslashes before it stands for itself.
_BEYOND = re.compile(r"(?<!\\)((?:\\\\)*)\\U([0-9A-F]{8})")
_ENDLESS = 1_000_000  # no folding: a long line stays one line, and a diff of it one line too


def render(
    kind: str,
    metadata: Mapping[str, Any],
    spec: Mapping[str, Any],
    *,
    state: Literal["present", "absent"] = "present",
    comment: str | None = None,
) -> str:
    """Return one manifest as YAML, in the order given.

    Args:
        kind: its kind.
        metadata: in manifest terms.
        spec: in manifest terms; texts that are no references have to be escaped (`escape_text`).
        state: written only where it is `absent`.
        comment: a line for the top, without `#`, e.g. the schema for editors.
    """
    document: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind, "metadata": dict(metadata)}
    if state == "absent":
        document["state"] = state
    if spec or state == "present":
        document["spec"] = dict(spec)
    head = f"# {' '.join(comment.split())}\n" if comment else ""
    return head + render_data(document)


def render_data(data: Any, *, inline: bool = False) -> str:
    """Return plain data as YAML; `inline`: on one line, without the final newline."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS, default_flow_style=inline
    )
    # The emitter writes bidirectional controls and the like as they are; texts with one always stand in double quotes.
    text = escape_unseen(text, _escape, keep="\n")
    # A lone scalar ends with the document marker.
    return text.removesuffix("...\n").rstrip("\n") if inline else text


def escape_text(text: str) -> str:
    """Return a text that stands for itself in a manifest, `${` included."""
    return text.replace("${", "$${")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Dumper(yaml.SafeDumper):
    """PyYAML's emitter, told what our loader takes for text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - indent lists too
        super().increase_indent(flow, False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write what can be seen as it is: PyYAML escapes every emoji there."""
        stream, self.stream = self.stream, StringIO()
        super().write_double_quoted(text, split)
        written, self.stream = self.stream.getvalue(), stream
        stream.write(_BEYOND.sub(lambda match: match[1] + chr(int(match[2], 16)), written))

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - people do not write anchors for equal values
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _is_block(text):
        style: str | None = "|"
    elif _is_plain(text):
        style = None
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_plain(text: str) -> bool:
    """Whether the loader takes an unquoted text for text. The emitter knows YAML 1.1 and sees to the rest."""
    try:
        return is_seen(text) and isinstance(plain_value(text), str)
    except BadScalar:
        return False


def _is_block(text: str) -> bool:
    """Whether a text reads best as a block: lines of printable characters without odd spaces at their ends."""
    lines = text.split("\n")
    return len(lines) > 1 and lines[0] != "" and all(is_seen(line) and line == line.strip() for line in lines)


_Dumper.add_representer(str, _represent_text)
