"""The schemas in the real yaml-language-server: what it offers and marks. Runs where the server is installed.

`npm install --no-package-lock` in tests/manifest/node puts it there; it may be on the PATH, or named in
YAML_LANGUAGE_SERVER, as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.kind.kind import Kinds
from reconciler.manifest.schemas import schemas

NODE_MODULES = Path(__file__).parent / "node" / "node_modules" / ".bin"
SERVER = (
    os.environ.get("YAML_LANGUAGE_SERVER")
    or shutil.which("yaml-language-server", path=str(NODE_MODULES))
    or shutil.which("yaml-language-server")
)
pytestmark = pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not installed")

HEAD = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: x}}\nspec:\n"


class Editor:
    """Just enough of an editor: it opens documents, and asks what the server says about them."""

    def __init__(self, process: subprocess.Popen[bytes], schema: Path) -> None:
        self._process = process
        self._settings = {
            "schemas": {schema.as_uri(): "*.yaml"},
            "validate": True,
            "completion": True,
            "schemaStore": {"enable": False},
        }
        self._marked: dict[str, list[Any]] = {}
        self._count = 0
        capabilities = {"workspace": {"configuration": True}}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})

    def marked(self, text: str) -> list[str]:
        """Return the messages that the server shows for a text."""
        uri = self._open(text)
        return [diagnostic["message"] for diagnostic in self._marked[uri]]

    def offered(self, text: str) -> list[str]:
        """Return what the server offers where the text has a `|`."""
        before, after = text.split("|")
        line = before.count("\n")
        position = {"line": line, "character": len(before) - before.rfind("\n") - 1}
        uri = self._open(before + after)
        answer = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return [item["label"] for item in answer["items"]]

    def _open(self, text: str) -> str:
        self._count += 1
        uri = f"file:///manifests/{self._count}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        # The server has read its settings and the schema once it says what it thinks of the text.
        while uri not in self._marked:
            self._handle(self._receive())
        return uri

    def _ask(self, method: str, params: Any) -> Any:
        self._count += 1
        number = self._count
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                return message["result"]
            self._handle(message)

    def _handle(self, message: Any) -> None:
        if message.get("method") == "workspace/configuration":
            sections = [item.get("section") for item in message["params"]["items"]]
            result = [self._settings if section == "yaml" else {} for section in sections]
            self._send({"id": message["id"], "result": result})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self._marked[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            self._send({"id": message["id"], "result": None})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self._process.stdout.read(length))


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory, kinds: Kinds) -> Iterator[Editor]:
    schema = tmp_path_factory.mktemp("schemas") / "manifest.schema.json"
    schema.write_bytes(schemas(kinds)["manifest.schema.json"])
    command = [str(SERVER), "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield Editor(process, schema)
        process.kill()


@pytest.mark.parametrize(
    ("text", "offers", "not_offered"),
    [
        ("apiVersion: reconciler/v1\nkind: |\n", {"DeliveryConfig", "EntitySync", "Environment"}, set()),
        (HEAD.format("EntitySync") + "  |", {"entity", "deliveryConfig", "pause"}, {"name", "excludePriceSchedules"}),
        (HEAD.format("OrderSync") + "  |", {"deliveryConfig", "configData"}, {"pause", "entity"}),
        (HEAD.format("EntitySync") + "  entity: |", {"buyers", "catalogs", "inventoryRecords"}, set()),
        (HEAD.format("EntitySync") + "  syncEntityChanged: |", {"true", "false"}, {"yes"}),
        (HEAD.format("EntitySync") + "  pause:\n    |", {"until", "reason", "owner"}, set()),
        (HEAD.format("DeliveryConfig") + "  deliveryTargets:\n    |", {"kafka", "mailchimp"}, {"name"}),
        (HEAD.format("Environment") + "  guardrails:\n    literalSecrets: |", {"allow", "warn", "forbid"}, set()),
    ],
)
def test_what_is_offered_follows_from_the_kind(
    editor: Editor, text: str, offers: set[str], not_offered: set[str]
) -> None:
    found = set(editor.offered(text))
    assert offers <= found
    assert not (not_offered & found)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        (HEAD.format("EntitySync") + "  entity: buyers\n  deliveryConfig: c\n", []),
        (HEAD.format("EntitySync") + "  entity: ${var:E}\n  deliveryConfig: c\n  pause: ${env:OC_P}\n", []),
        (HEAD.format("OrderSync") + "  deliveryConfig: c\n  pause: true\n", ["Property pause is not allowed."]),
        (HEAD.format("ErrorConfig") + "  {}\n", ['Missing property "deliveryConfig".']),
        (
            HEAD.format("EntitySync") + "  entity: buyers\n  deliveryConfig: c\n  syncEntityChanged: yes\n",
            ['Incorrect type. Expected "boolean".'],
        ),
    ],
)
def test_what_is_marked_follows_from_the_kind(editor: Editor, text: str, marks: list[str]) -> None:
    assert editor.marked(text) == marks
