"""Which names say that what they name is a secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# fmt: off
_WORDS = frozenset((
    "pass", "password", "passwd", "pwd", "pw", "passphrase", "passcode", "secret", "token", "key", "credential", "cred",
    "auth", "authorization", "bearer", "jwt", "signature", "sig", "sas", "hmac", "cookie", "pat",
))
_SAY_NOTHING = ("header", "value", "string", "text")  # at the end of a name: `authHeader`
# At the end of a name that has no mark between its words: `dbpass`, `apikey`.
_ENDINGS = (
    "key", "secret", "token", "pass", "password", "passwd", "pwd", "pw", "passphrase", "passcode", "connectionstring",
    "authorization", "auth", "credential", "cred", "jwt", "hmac", "signature", "cookie", "bearer",
)
_ENGLISH = re.compile(
    "(by|com|encom|over|under|sur|tres)pass|(mon|tur|don|hoc|joc|whis|lac|mic|flun|dar|mal)keys?|(un)?sacred"
)
_NAMES = frozenset((
    "name", "key", "id", "field", "header", "setting", "parameter", "param", "property", "variable", "option", "label",
    "type",
))
_VALUES = frozenset(("value", "values", "val", "content", "data", "default", "defaultvalue", "stringvalue"))
# fmt: on
_LONGEST_NAME = 60


def is_telling(name: str) -> bool:
    """Whether a name says that its value is a secret: `apiKeys`, `client_secret`, `authHeader`, `dbpass`."""
    words = [_singular(word.lower()) for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _SAY_NOTHING:
        words.pop()
    if words and words[-1] in _WORDS:
        return True
    if words and _ENGLISH.fullmatch(words[-1]):
        return False
    squeezed = _squeezed(name).rstrip("0123456789")
    forms = (squeezed, squeezed.removesuffix("s"), *(squeezed.removesuffix(end) for end in _SAY_NOTHING))
    return any(form.endswith(_ENDINGS) and not _ENGLISH.fullmatch(form) for form in forms)


def tells_of_member(name: str, beside: Mapping[str, Any] | None) -> bool:
    """Whether a member of an object is a secret, by its name or by what stands beside it.

    Args:
        name: of the member.
        beside: the object; in `{name: apiKey, value: C}` the one names the other.
    """
    if beside is not None and names_a_secret(beside):
        if _squeezed(name) in _VALUES:
            return True
        if _squeezed(name) in _NAMES and _is_name(beside[name]):
            return False  # the `key` of `{key: password, value: C}`
    return is_telling(name)


def names_a_secret(value: object) -> bool:
    """Whether a value is a pair of a telling name and what it names: `{name: apiKey, value: C}`."""
    if not isinstance(value, Mapping):
        return False
    members = {_squeezed(name): item for name, item in value.items() if isinstance(name, str)}
    return not _VALUES.isdisjoint(members) and any(_is_name(members.get(name)) for name in _NAMES)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and is_telling(value)


def _singular(word: str) -> str:
    return word if word in _WORDS or word.endswith("ss") else word.removesuffix("s")


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
