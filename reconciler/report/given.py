"""Completion of commands in messages with the options that were given (`-C`, `-m`, `-e`). The only place for it.

Errors, reports and codes write such a command in backticks, or as a text of its own, and as short as can be.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_MEMBERS = ("next_step", "next_steps", "hint")
# Patterns that are compiled when they are first used: every command imports this module.
_IN_BACKTICKS = r"`(reconciler [^`\n]+)`"
_IN_HTML = r"<code>(reconciler [^<\n]+)</code>|`(reconciler [^`\n]+)`"
_ALONE = r"(→ )?(reconciler [a-z-]+(?: .*)?)"
_ONE, _SEVERAL, _NONE = "one", "several", "none"
# What is no command of manifests takes none of these options; a test holds this against the commands.
ENVIRONMENTS: Mapping[str, str] = {
    "validate": _NONE,
    "plan": _SEVERAL,
    "apply": _ONE,
    "import": _ONE,
    "drift": _SEVERAL,
    "gitops approved": _SEVERAL,
    "drift snooze": _ONE,
    "pause": _ONE,
    "resume": _ONE,
    "pauses": _ONE,
    "resync": _ONE,
    "sync run": _ONE,
    "sync watch": _ONE,
    "sync status": _SEVERAL,
    "sync errors": _ONE,
    "sync retry": _ONE,
    "sync drop": _ONE,
    "sync cancel": _ONE,
    "serve": _SEVERAL,
    "consume": _SEVERAL,
    "worker": _SEVERAL,
    "ignite allow-reconnect": _ONE,
    "sync-log show": _ONE,
    "sync-log clear": _ONE,
    "doctor": _SEVERAL,
    "ledger show": _ONE,
    "ledger backup": _ONE,
    "ledger migrate": _SEVERAL,
    "ledger rebind": _ONE,
    "ledger unlock": _ONE,
    "ledger copy": _NONE,
}


class Given(Struct, frozen=True):
    """Options of the command line that have to be written again, with the next command.

    Args:
        chdir: what `-C` named.
        manifests: what `-m` named.
        environments: what `-e` named.
    """

    chdir: str | None = None
    manifests: str | None = None
    environments: tuple[str, ...] = ()

    def completed(self, text: str) -> str:
        """Return a text with every command in it completed."""
        if self == NOTHING:
            return text
        if alone := re.fullmatch(_ALONE, text):
            return f"{alone[1] or ''}{self._command(alone[2])}"
        return re.sub(_IN_BACKTICKS, lambda found: f"`{self._command(found[1])}`", text)

    def completed_html(self, html: str) -> str:
        """Return a page with every command in it completed."""
        from html import escape

        def one(found: re.Match[str]) -> str:
            written = found[1] or found[2]
            more = self._command(written)
            # Only what is added has to be escaped.
            before, middle, after = more.partition(written.removeprefix("reconciler"))
            whole = f"{escape(before, quote=False)}{middle}{escape(after, quote=False)}"
            return f"<code>{whole}</code>" if found[1] else f"`{whole}`"

        return html if self == NOTHING else re.sub(_IN_HTML, one, html)

    def completed_document(self, document: Any) -> Any:
        """Return a JSON document with the commands in its next steps and hints completed."""
        if self == NOTHING:
            return document
        if isinstance(document, dict):
            return {
                name: self._members(value) if name in _MEMBERS else self.completed_document(value)
                for name, value in document.items()
            }
        return [self.completed_document(item) for item in document] if isinstance(document, list) else document

    def _members(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._members(item) for item in value]
        return self.completed(value) if isinstance(value, str) else value

    def _command(self, command: str) -> str:
        words = command.split()[1:]
        kind = next((ENVIRONMENTS[name] for name in (" ".join(words[:2]), *words[:1]) if name in ENVIRONMENTS), None)
        if kind is None or "--help" in words or "-C" in words:
            return command
        more = ""
        if self.manifests is not None and not {"-m", "--manifests"} & {*words}:
            more += f" -m {shlex.quote(self.manifests)}"
        names = self.environments
        if not {"-e", "--environment"} & {*words} and (
            kind == _SEVERAL or (kind == _ONE and len(names) == 1 and names != ("all",))
        ):
            more += "".join(f" -e {shlex.quote(name)}" for name in names)
        where = "" if self.chdir is None else f" -C {shlex.quote(self.chdir)}"
        return f"reconciler{where}{command.removeprefix('reconciler')}{more}"


NOTHING = Given()
