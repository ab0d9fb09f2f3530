"""Seeds from files: a marketplace in the format of the vendor's seeding tool, `@ordercloud/seeding`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from reconciler.emulator.ordercloud.commerce.marketplace import MARKETPLACE_ID
from reconciler.emulator.ordercloud.commerce.resource import Scope
from reconciler.emulator.ordercloud.commerce.resources import RESOURCES
from reconciler.emulator.ordercloud.models import JsonObject, Problems, check_id
from reconciler.emulator.seeds.generate import PRODUCTS_LIMIT, generated
from reconciler.emulator.seeds.sections import ALIASES, EMULATED, NESTED, PASSED_OVER, Section
from reconciler.emulator.seeds.seed import CART, EMPTY, Row, Seed
from reconciler.emulator.seeds.variants import Variants
from reconciler.emulator.seeds.yamltext import Path as YamlPath
from reconciler.emulator.seeds.yamltext import parse, place_of
from reconciler.emulator.wire import Refusal
from reconciler.errors import LoadError, UsageError

# documented: the vendor's tool replaces it by the ID of the marketplace that it makes.
_OWNER = "<MarketplaceID placeholder>"
PARTS = ("Objects", "Assignments")
_MOST_REMARKS = 20
_OWN_DEPTH = 3  # part, section, index: deeper entries stand inside other objects


def shipped_seeds() -> list[str]:
    """Return the names of the seeds that come with the package."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__package__).iterdir() if entry.name.endswith(".yaml")
    )


def seed_from(wanted: str | int | None, seed_number: int = 0) -> Seed:
    """Return the seed that was asked for: of a file, a shipped one, a generated one, or an empty one.

    Raises:
        LoadError: the file cannot be read, or holds no marketplace.
        UsageError: that many products are not generated.
    """
    if wanted is None:
        return EMPTY
    if isinstance(wanted, int) and not 0 <= wanted <= PRODUCTS_LIMIT:
        raise UsageError(f"{wanted} products are not generated", next_step=f"Ask for 0 to {PRODUCTS_LIMIT:,} of them.")
    return generated(wanted, seed_number) if isinstance(wanted, int) else read_seed(wanted)


def read_seed(name: str) -> Seed:
    """Read the seed in a file, or the one of that name that comes with the package.

    Raises:
        LoadError: there is no such file, or it holds no marketplace; names the place.
    """
    path = Path(name)
    if not path.exists() and name in shipped_seeds():
        return seed_of(files(__package__).joinpath(f"{name}.yaml").read_bytes(), name)
    try:
        data = path.read_bytes()
    except OSError as error:
        known = ", ".join(shipped_seeds())
        raise LoadError(
            f"the seed {name} cannot be read: {error.strerror}", next_step=f"Name a file, or one of: {known}."
        ) from error
    return seed_of(data, name)


def seed_of(data: bytes, file: str) -> Seed:
    """Parse the seed that YAML or JSON text describes.

    Args:
        data: the text.
        file: its name, for messages.

    Raises:
        LoadError: it describes no marketplace; names the place.
    """
    reading = _Reading(data, file)
    rows = reading.rows()
    return Seed({"source": file}, lambda _flaws: iter(rows), reading.skipped, tuple(reading.remarks[:_MOST_REMARKS]))


class _Reading:
    """Parser of one file into rows.

    Args:
        data: its text.
        file: its name.
    """

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._file = file
        self.skipped: dict[str, int] = {}
        self.remarks: list[str] = []
        self._known: set[tuple[str, Scope, str]] = set()
        self._sections: dict[str, list[tuple[YamlPath, JsonObject]]] = {name: [] for name in EMULATED}

    def rows(self) -> list[Row]:
        """Return the objects, those first that others point to, and last the carts that orders came from.

        Raises:
            LoadError: something is not as it has to be.
        """
        document = parse(self._data, self._file)
        if not isinstance(document, dict) or not any(part in document for part in PARTS):
            raise self._error((), "this is no marketplace: it has neither Objects nor Assignments")
        for part in PARTS:
            sections = document.get(part)
            if not isinstance(sections, dict | None):
                raise self._error((part,), f"{part} has to be a map of sections")
            for name, entries in (sections or {}).items():
                self._collect((part, name), name, entries)
        made: list[Row] = []
        for name, section in EMULATED.items():
            # An object in a section of its own comes before copies of it inside other objects.
            entries = sorted(self._sections[name], key=lambda found: len(found[0]))
            made += filter(None, (self._row(name, section, path, entry) for path, entry in entries))
            if name == "Variants":
                variants = Variants(made)
                variants.complete()
                for row in variants.generated():
                    self._known.add((row[0], row[1], row[2]["ID"]))
                    made.append(row)
        for row in made:
            self._remark_dangling(row)
        return [*made, *_carts(made)]

    def _error(self, path: YamlPath, message: str, next_step: str | None = None) -> LoadError:
        return LoadError(message, place=place_of(self._data, self._file, path), next_step=next_step)

    def _collect(self, path: YamlPath, name: str, entries: Any) -> None:
        if not isinstance(entries, list | None):
            raise self._error(path, f"{name} has to be a list")
        name = ALIASES.get(name, name)
        if name not in EMULATED:
            if name not in PASSED_OVER and (near := get_close_matches(name, EMULATED, 1)):
                self.remarks.append(f"There is no section {name}; did you mean {near[0]}?")
            if entries:
                self.skipped[name] = len(entries)
            return
        member, inner = NESTED.get(name, ("", ""))
        for index, entry in enumerate(entries or ()):
            if not isinstance(entry, dict):
                raise self._error((*path, index), f"an entry of {name} has to be a map")
            self._sections[name].append(((*path, index), entry))
            if not isinstance(entry.get(member), list | None):
                raise self._error((*path, index, member), f"{member} has to be a list")
            for place, nested in enumerate(entry.get(member) or ()):
                parent = EMULATED[inner].parents[0]
                if not isinstance(nested, dict):
                    raise self._error((*path, index, member, place), f"an entry of {member} has to be a map")
                self._sections[inner].append(((*path, index, member, place), {**nested, parent: entry.get("ID")}))

    def _row(self, name: str, section: Section, path: YamlPath, entry: JsonObject) -> Row | None:
        resource = RESOURCES[section.resource]
        scope = self._scope(name, section, path, entry)
        nested = NESTED.get(name, ("",))[0]
        body = {
            member: MARKETPLACE_ID if value == _OWNER else value
            for member, value in entry.items()
            if value is not None and member != nested and member not in section.parents
        }
        problems: Problems = []
        try:
            body = resource.model.read(body, problems, read_only=True)
        except Refusal as refusal:
            message = orjson.loads(refusal.answer.body)["Errors"][0]["Message"]
            raise self._error((*path, message.split()[0].split(".")[0]), f"{name}: {message}") from None
        if "ID" in resource.key:
            body.setdefault("ID", f"{name.lower()}-{'-'.join(str(part) for part in path if isinstance(part, int))}")
            check_id(body["ID"], problems)
        resource.model.missing(body, problems, secrets=False)
        if problems:
            raise self._error((*path, problems[0][0].split(".")[0]), f"{name}: {problems[0][1]}")
        key = resource.key_of(body)
        if "ID" in resource.key and (section.resource, scope, key) in self._known:
            if len(path) > _OWN_DEPTH:
                return None
            raise self._error(
                (*path, "ID"), f"{name}: the ID {key} stands here twice", "IDs are unique within a parent."
            )
        self._known.add((section.resource, scope, key))
        if name == "Buyers" and not body.get("DefaultCatalogID"):
            # documented: the API gives such a buyer a catalog of its own.
            self._known.add(("Catalog", (), key))
        return section.resource, scope, body

    def _scope(self, name: str, section: Section, path: YamlPath, entry: JsonObject) -> Scope:
        """Return the IDs of the parents, which have to be there: nobody could reach the object without them."""
        scope: Scope = ()
        parent = RESOURCES[section.resource].parent
        chain: list[str] = []
        while parent is not None:
            chain.insert(0, parent)
            parent = RESOURCES[parent].parent
        for member, resource in zip(section.parents, chain, strict=True):
            value = entry.get(member)
            if not isinstance(value, str) or (resource, scope, value) not in self._known:
                there = f"there is no {resource} {value}" if value else f"{member} is required"
                raise self._error((*path, member), f"{name}: {there}")
            scope = (*scope, value)
        return scope

    def _remark_dangling(self, row: Row) -> None:
        """Note a reference that leads nowhere; it is loaded all the same, as a flaw of real life."""
        name, scope, body = row
        for reference in RESOURCES[name].references:
            value = body.get(reference.member)
            if (
                value
                and reference.checked
                and (reference.to, reference.target_scope(scope, body), value) not in self._known
            ):
                self.remarks.append(f"{name} {RESOURCES[name].key_of(body)}: there is no {reference.to} {value}.")


def _carts(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the carts at SparkLayer that orders name in `xp.sparkCartId`; what is no UUID is none."""
    for name, _, body in rows:
        cart = (body.get("xp") or {}).get("sparkCartId") if name == "Order" else None
        with contextlib.suppress(ValueError):
            if isinstance(cart, str):
                yield CART, (), {"ID": str(UUID(cart))}
