"""References in manifests: `${var:}`, `${env:}` and `${secret:}`, their syntax and where they may stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct
from pydantic import BaseModel

from reconciler.errors import Place, Problem, UnresolvedReference
from reconciler.kind.sensitive import Position, marked_paths, position_of, replaced
from reconciler.manifest.annotations import is_write_only
from reconciler.manifest.positions import Locator, Path
from reconciler.manifest.secret_sources import SECRET_SOURCES

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
# Environment variables that manifests may read wherever reconciler runs, and one that `ledger` alone may.
READABLE = ("OC_CLIENT_ID", "SPARK_CLIENT_ID", "EMULATOR")
OWN_LEDGER = "RECONCILER_LEDGER"
ALLOW_ENV = "RECONCILER_ALLOW_ENV"
READABLE_HINT = (
    f"Only {', '.join(READABLE)} and the names in {ALLOW_ENV}, which is set where reconciler runs, can be read."
)
# Variables that no manifest may send anywhere, as a secret either: our own, and what forges give to their jobs.
_FORBIDDEN = (
    *("RECONCILER_*", "GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "ACTIONS_*"),
    *("SYSTEM_ACCESSTOKEN", "AZURE_DEVOPS_EXT_PAT", "CI_JOB_TOKEN", "CI_JOB_JWT*", "CI_REGISTRY_PASSWORD"),
    *("CI_DEPLOY_PASSWORD", "CI_REPOSITORY_URL", "GITLAB_TOKEN", "GITLAB_GATE_TOKEN"),
)
_FORMS = "${var:NAME}, ${env:NAME}, ${env:NAME:-default}, ${secret:NAME}, ${secret:file:NAME}; $${ stands for ${"


class BadReference(ValueError):
    """A `${…}` that is no reference; the message says why."""


class Reference(Struct, frozen=True):
    """One reference: its source, its name, the source's own prefix for secrets, and the default."""

    source: Literal["var", "env", "secret"]
    name: str
    prefix: str = ""
    default: str | None = None

    def __str__(self) -> str:
        """Write it as the manifest does, without its default."""
        return f"${{{self.source}:{self.prefix + ':' if self.prefix else ''}{self.name}}}"


class Text(Struct, frozen=True):
    """A text with a `${` in it, and where it stands; `is_name`: as the name of a field."""

    path: Path
    text: str
    is_name: bool = False


@lru_cache(maxsize=4096)  # a repository says the same few things over and over
def parse_text(text: str) -> tuple[str | Reference, ...]:
    """Split a text into literal parts and references; `$${` becomes a literal `${`.

    Raises:
        BadReference: a `${` that begins no reference.
    """
    parts: list[str | Reference] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        end = match.end()
        if match[0] == "$${":
            parts.append("${")
        elif match[1] is None:
            raise BadReference("${ is not closed")
        else:
            parts.append(_reference(match[1]))
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def parse_at(text: str, place: Callable[[], Place]) -> tuple[str | Reference, ...]:
    """Split a text as `parse_text` does, where it may not have been validated before.

    Raises:
        UnresolvedReference: a `${` that begins no reference.
    """
    try:
        return parse_text(text)
    except BadReference as error:
        raise UnresolvedReference(str(error), place=place(), next_step=f"Write one of {_FORMS}.") from None


def _reference(text: str) -> Reference:
    source, colon, rest = text.partition(":")
    if source == "var" and _VARIABLE.fullmatch(rest):
        return Reference("var", rest)
    if source == "env":
        name, dash, default = rest.partition(":-")
        if _NAME.fullmatch(name):
            return Reference("env", name, default=default if dash else None)
    if source == "secret":
        prefix, colon, name = rest.rpartition(":")
        if prefix not in SECRET_SOURCES:
            raise BadReference(f"${{secret:{prefix[:40]}:…}} names no source of secrets")
        if (_FILE_NAME if prefix else _NAME).fullmatch(name):
            return Reference("secret", name, prefix)
    if source not in ("var", "env", "secret") or not colon:
        raise BadReference(f"${{{source[:40]}…}} is no reference")
    raise BadReference(f"the name in ${{{source}:…}} is missing or has characters that a name cannot have")


def has_reference(value: object) -> bool:
    """Whether a value is a text with a reference (or an escaped one) in it."""
    return isinstance(value, str) and "${" in value


def is_whole_reference(value: object) -> bool:
    """Whether a value is nothing but one `${var:}` or `${env:}`, which may stand for a boolean or a number."""
    if not has_reference(value):
        return False
    try:
        parts = parse_text(str(value))
    except BadReference:
        return False
    return len(parts) == 1 and isinstance(parts[0], Reference) and parts[0].source != "secret"


def is_literal(text: str) -> bool:
    """Whether the value of a write-only field stands in the manifests themselves, in whole."""
    if "${" not in text:
        return True
    try:
        parts = parse_text(text)
    except BadReference:
        return False
    return not any(isinstance(part, Reference) and part.source != "var" for part in parts)


@lru_cache(maxsize=4096)
def is_forbidden(reference: Reference) -> bool:
    """Whether a reference asks for a credential that belongs to reconciler itself or to the forge that runs it."""
    name = reference.name.upper()
    return reference.source == "secret" and not reference.prefix and any(fnmatchcase(name, one) for one in _FORBIDDEN)


def unreadable_names(text: str, *, ledger: bool = False) -> list[str]:
    """Return the environment variables that a text refers to and that only RECONCILER_ALLOW_ENV can let it read.

    Args:
        text: as the manifest has it.
        ledger: whether it stands in the Environment's `ledger`.
    """
    readable = (*READABLE, OWN_LEDGER) if ledger else READABLE
    try:
        parts = parse_text(text)
    except BadReference:
        return []
    names = [part.name for part in parts if isinstance(part, Reference) and part.source == "env"]
    return [name for name in names if name not in readable]


def is_sensitive(parts: Sequence[str | Reference], position: Position) -> bool:
    """Whether every secret of a text stands where its value is never shown.

    Args:
        parts: the text, taken apart.
        position: where it stands.
    """
    if not position.may_hold:
        return False
    hole = "\0"
    pieces = ["x" if isinstance(part, Reference) and part.source != "secret" else part for part in parts]
    template = "".join(hole if isinstance(piece, Reference) else piece for piece in pieces)
    if position.host and isinstance(parts[0], Reference) and parts[0].source != "secret" and "://" not in template:
        template = f"https://{template}"  # which a variable may say as well
    return hole not in replaced(template, position.spans(template))


def literal_parts(
    model: type[BaseModel], data: Mapping[str, Any], sensitive: Collection[str] = ()
) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the paths of texts that stand in the manifest in whole and have secrets in them, each with these.

    Args:
        model: of the spec.
        data: the spec, references unresolved.
        sensitive: the paths that `metadata.sensitive` names.
    """
    found: list[tuple[Path, tuple[str, ...]]] = []
    _collect_literals(data, Position(model), (), marked_paths(sensitive), found)
    return found


def _collect_literals(
    value: Any, position: Position, path: Path, marked: frozenset[str], found: list[tuple[Path, tuple[str, ...]]]
) -> None:
    if isinstance(value, dict):
        known = position.fields_below(marked)
        for name, item in value.items():
            below = known.get(name) or position.below(name, marked, value)
            if type(item) is not str:
                _collect_literals(item, below, (*path, name), marked, found)
            elif below.may_hold:
                _collect_from_text(item, below, (*path, name), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _collect_literals(item, position.entry(value, index), (*path, index), marked, found)
    elif isinstance(value, str):
        if position.may_hold:
            _collect_from_text(value, position, path, found)
    elif position.hides(value):
        found.append((path, (str(value),)))


def _collect_from_text(text: str, position: Position, path: Path, found: list[tuple[Path, tuple[str, ...]]]) -> None:
    if is_literal(text) and (spans := position.spans(text)):
        found.append((path, tuple(text[start:end] for start, end in spans)))


def texts_of(data: Mapping[str, Any]) -> list[Text]:
    """Return every text in plain data that has a `${`, field names included."""
    found: list[Text] = []
    _collect(data, (), found)
    return found


def reads_variables(texts: Iterable[Text]) -> bool:
    """Whether texts may have a `${env:}` in them; never false with one."""
    return any("${env:" in text.text for text in texts)


def _collect(data: Any, path: Path, found: list[Text]) -> None:
    items = enumerate(data) if isinstance(data, list) else data.items()
    for part, value in items:
        if isinstance(part, str) and "${" in part:
            found.append(Text((*path, part), part, is_name=True))
        if isinstance(value, str):
            if "${" in value:
                found.append(Text((*path, part), value))
        elif isinstance(value, dict | list):
            _collect(value, (*path, part), found)


def check_references(
    model: type[BaseModel],
    found: Iterable[Text],
    locator: Locator,
    sensitive: Collection[str] = (),
    *,
    plain: bool = True,
    within: Mapping[str, Any] | None = None,
) -> Iterator[Problem]:
    """Yield what is wrong with the references of a spec: their syntax, and where they stand.

    Args:
        model: of the spec.
        found: its texts, from `texts_of`.
        within: the spec as plain data, in which a name may stand beside its value.
        locator: finds places below it.
        sensitive: the paths that `metadata.sensitive` names.
        plain: whether a secret may be a part of a plain field, such as the password in a URL.
    """
    marked = marked_paths(sensitive)
    for text in found:
        path = text.path
        if text.is_name:
            yield Problem(
                "reference-not-allowed",
                "a reference cannot stand in a field's name",
                locator.at(path, key=True),
                hint="Write the name itself.",
            )
            continue
        try:
            parts = parse_text(text.text)
        except BadReference as error:
            yield Problem("bad-reference", str(error), locator.at(path), hint=f"Write one of {_FORMS}.")
            continue
        for part in parts:
            if isinstance(part, Reference) and is_forbidden(part):
                yield Problem(
                    "secret-not-allowed",
                    f"{part} is a credential of reconciler or of the forge that runs it, and no manifest may send it",
                    locator.at(path),
                    str(part),
                    "Use a secret of its own.",
                )
            elif (
                isinstance(part, Reference)
                and part.source == "secret"
                and not (
                    is_write_only(model, path)
                    or is_sensitive(parts, position_of(model, path, marked, plain=plain, within=within))
                )
            ):
                yield Problem(
                    "secret-in-plain-field",
                    f"{part} stands where it is not secret, so its value would be shown",
                    locator.at(path),
                    str(part),
                    "Use ${env:…} or ${var:…} for values that may be seen; of a URL, userinfo and query may be secret, "
                    "and what metadata.sensitive names but for scheme, host and port.",
                )
