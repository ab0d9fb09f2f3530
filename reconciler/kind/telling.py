"""Which names say that what they name is a secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import combining, normalize

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Secrets that may be numbers of few digits.
_SHORT_CODES = frozenset(("pin", "pins", "puk", "cvv", "cvc", "passcode", "otp", "totp"))
# fmt: off
_WORDS = frozenset((
    "pass", "password", "passwd", "pwd", "pw", "passphrase", "passcode", "secret", "token", "key", "credential", "cred",
    "auth", "authorization", "bearer", "jwt", "signature", "sig", "sas", "hmac", "cookie", "pat", "dsn", "otp", "totp",
    "pfx", "passwort", "kennwort", "contrasena", "motdepasse", "senha", "wachtwoord",
    "salt", "pepper", "mnemonic", *_SHORT_CODES,
))
# Words that mean other things as well, where they stand alone in a text.
_VAGUE = frozenset((
    "pass", "pw", "token", "key", "credential", "cred", "auth", "authorization", "bearer", "signature", "sig", "sas",
    "hmac", "cookie", "pat", "dsn",
    "salt", "pepper", "mnemonic", "pin",
))
# At the end of a name they say nothing of what it names: `authHeader`, `apiKeyProd`, `private_key_pem`.
_SAY_NOTHING = (
    "header", "value", "string", "text", "prod", "production", "live", "test", "dev", "staging", "sandbox", "primary",
    "secondary", "old", "new", "current", "previous", "base", "hex", "pem", "hash", "encrypted", "encoded", "plain",
    "raw", "material", "v",
)
# At the end of a name that has no mark between its words: `dbpass`, `apikey`.
_ENDINGS = (
    "key", "secret", "token", "pass", "password", "passwd", "pwd", "pw", "passphrase", "passcode", "connectionstring",
    "authorization", "auth", "credential", "cred", "jwt", "hmac", "signature", "cookie", "bearer", "connstring",
    "connstr", "sessionid", "sessid", "passwort", "kennwort", "pincode", "accesscode", "authcode", "securitycode",
    "verificationcode", "passwordsalt", "hashsalt",
)
_ENGLISH = re.compile(
    "(by|com|encom|over|under|sur|tres)pass|(mon|tur|don|hoc|joc|whis|lac|mic|flun|dar|mal)keys?|(un)?sacred"
)
_NAMES = frozenset((
    "name", "key", "k", "id", "field", "header", "setting", "parameter", "param", "property", "variable", "option",
    "label", "type",
))
_VALUES = frozenset((
    "value", "values", "val", "v", "text", "content", "contents", "data", "default", "defaultvalue", "stringvalue",
))
# fmt: on
_LONGEST_NAME = 60


def is_telling(name: str) -> bool:
    """Whether a name says that its value is a secret: `apiKeys`, `client_secret`, `authHeader`, `dbpass`."""
    words = _words(name)
    while len(words) > 1 and words[-1] in _SAY_NOTHING:
        words.pop()
    if words and words[-1] in _WORDS:
        return True
    if words and _ENGLISH.fullmatch(words[-1]):
        return False
    squeezed = _squeezed(_ascii(name)).rstrip("0123456789")
    forms = (squeezed, squeezed.removesuffix("s"), *(squeezed.removesuffix(end) for end in _SAY_NOTHING))
    return any(form.endswith(_ENDINGS) and not _ENGLISH.fullmatch(form) for form in forms)


def tells_of_number(name: str) -> bool:
    """Whether a name says that its value is a secret even as a number of few digits: `pin`, `userPIN`, `pinCode`."""
    words = _words(name)
    return bool(words) and (words[-1] in _SHORT_CODES or "".join(words[-2:]) in ("pincode", "securitycode"))


def is_clearly_telling(name: str) -> bool:
    """Whether a name tells wherever it stands: `apiKey` and `password`, but not `key` or `token` alone."""
    return is_telling(name) and (len(words := _words(name)) > 1 or words[0] not in _VAGUE)


def tells_of_entry(entries: Sequence[Any], index: int) -> bool:
    """Whether an entry of a list is a secret: what follows a flag, or a telling name in a pair of the two.

    `[--password, C]`, `[apiKey, C]`
    """
    before, entry = entries[index - 1] if index else None, entries[index]
    if not isinstance(before, str) or not _is_name(before) or (isinstance(entry, str) and _is_name(entry)):
        return False
    return before.startswith("-") or (len(entries) == 2 and is_clearly_telling(before))


def lists_a_secret(value: object) -> bool:
    """Whether a value is a list with an entry that another one tells of."""
    return isinstance(value, list) and any(tells_of_entry(value, index) for index in range(len(value)))


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


def _ascii(name: str) -> str:
    """A name without accents and wide letters."""
    if name.isascii():
        return name
    return "".join(char for char in normalize("NFKD", name) if not combining(char))


def _words(name: str) -> list[str]:
    return [_singular(word.lower()) for word in _WORD.findall(_ascii(name))]


def _singular(word: str) -> str:
    return word if word in _WORDS or word.endswith("ss") else word.removesuffix("s")


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
