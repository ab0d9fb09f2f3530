"""Search in lists: the searchType values of the search index, and plain search everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.emulator.ordercloud.errors import refuse
from reconciler.emulator.ordercloud.filters import text_of, values_at
from reconciler.emulator.ordercloud.models import JsonObject

Fields = Sequence[str]
_TYPES: dict[str, Callable[[Fields, str], bool]] = {
    "anyterm": lambda fields, text: any(term in field for field in fields for term in text.split()),
    "alltermsanyfield": lambda fields, text: all(any(term in field for field in fields) for term in text.split()),
    "alltermssamefield": lambda fields, text: any(all(term in field for term in text.split()) for field in fields),
    "exactphrase": lambda fields, text: any(f" {text} " in f" {field} " for field in fields),
    "exactphraseprefix": lambda fields, text: any(f" {text}" in f" {field}" for field in fields),
}


def searcher(
    search: str, paths: Sequence[Sequence[str]], kind: str, searched: bool
) -> Callable[[JsonObject], bool] | None:
    """Return a function that tests an object for a search; None where nothing is searched for.

    Args:
        search: the words.
        paths: the members to look into.
        kind: a searchType; empty for the default.
        searched: the list comes from a search index, which knows search types.

    Raises:
        Refusal: there is no such searchType.
    """
    if kind.lower() not in ("", *_TYPES):
        raise refuse(400, "List.InvalidType", f"{kind} is no searchType.")
    words = " ".join(search.lower().split())
    if not words:
        return None
    # inferred: the default type, and that lists without a search index look for the text as it is.
    test = _TYPES[kind.lower() or "anyterm"] if searched else _contains

    def matches(shown: JsonObject) -> bool:
        fields = [" ".join(text_of(value).lower().split()) for path in paths for value in values_at(shown, path)]
        return test(fields, words)

    return matches


def _contains(fields: Fields, text: str) -> bool:
    return any(text in field for field in fields)
