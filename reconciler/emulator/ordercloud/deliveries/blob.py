"""Sender to Azure Blob storage.

inferred: all but that there is a blob for messages. Name, layout and container are not published; the switch
`delivery_blob_layout` has the plausible ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.emulator.ordercloud.deliveries.log import DeliverySetting
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing, Route, SendFailed, connection_parts
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.switches import Switches
from reconciler.extras import how_to_install

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient

CONTAINER = "ordercloud-deliveries"
_CLIENTS = 16


class BlobSender:
    """Writes messages as blobs to `AzureBlob` targets."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, float], BlobServiceClient] = {}

    def route(self, target: JsonObject) -> Route:
        """Return where the storage account is."""
        parts = connection_parts(str(target.get("ConnectionString") or ""))
        if parts.get("usedevelopmentstorage", "").lower() == "true":
            url = "http://127.0.0.1:10000/devstoreaccount1"
        elif "blobendpoint" in parts:
            url = parts["blobendpoint"].rstrip("/")
        elif parts.get("accountname"):
            suffix = parts.get("endpointsuffix", "core.windows.net")
            url = f"{parts.get('defaultendpointsprotocol', 'https')}://{parts['accountname']}.blob.{suffix}"
        else:
            return Route("", ())
        try:
            split = urlsplit(url)
            host, port = split.hostname, split.port
        except ValueError:
            return Route("", ())
        if not host:
            return Route("", ())
        place = f"[{host}]" if ":" in host else host
        number = "" if port is None else f":{port}"
        return Route(f"{split.scheme}://{place}{number}{split.path}/{_container(target)}", (host.lower(),))

    def body(self, message: Outgoing, switches: Switches) -> bytes:
        """Return what is written: the envelope, or the payload where the type is in the blob's metadata."""
        return message.payload if switches.delivery_blob_layout == "metadata" else message.envelope

    async def send(
        self, target: JsonObject, message: Outgoing, setting: DeliverySetting, switches: Switches
    ) -> int | None:
        """Write a message, and the container where it is missing.

        Raises:
            SendFailed: the storage did not take it, or the extra is not installed.
        """
        try:
            from azure.core.exceptions import AzureError
        except ImportError:
            raise SendFailed(f"azure-storage-blob is not installed. {how_to_install('azure')}", again=False) from None
        try:
            await asyncio.to_thread(self._write, target, message, setting, switches)
        except AzureError as error:
            status = getattr(error, "status_code", None)
            # The first line says what; those below repeat headers.
            why = str(getattr(error, "message", error)).strip().splitlines()[:1]
            again = status is None or status >= 500 or status in (408, 429)
            raise SendFailed(" ".join(why) or type(error).__name__, again=again, status=status) from None
        except ValueError:
            raise SendFailed("the connection string or the container's name cannot be used", again=False) from None
        return None

    def _write(self, target: JsonObject, message: Outgoing, setting: DeliverySetting, switches: Switches) -> None:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        container = self._client(str(target["ConnectionString"]), setting.timeout).get_container_client(
            _container(target)
        )
        body = self.body(message, switches)
        try:
            _put(container, message, body, switches)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                container.create_container()
            _put(container, message, body, switches)

    def _client(self, connection_string: str, timeout: float) -> BlobServiceClient:
        from azure.storage.blob import BlobServiceClient

        key = (connection_string, timeout)
        if key not in self._clients:
            if len(self._clients) >= _CLIENTS:
                self._clients.pop(next(iter(self._clients))).close()
            self._clients[key] = BlobServiceClient.from_connection_string(
                connection_string, retry_total=0, connection_timeout=timeout, read_timeout=timeout
            )
        return self._clients[key]

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def _put(container: ContainerClient, message: Outgoing, body: bytes, switches: Switches) -> None:
    now = datetime.now(UTC)
    if switches.delivery_blob_layout == "lines":
        blob = container.get_blob_client(f"{now:%Y/%m/%d/%H}.jsonl")
        if not blob.exists():
            blob.create_append_blob()
        blob.append_block(body + b"\n")
        return
    name = f"{message.type.rpartition('messages.')[2]}/{now:%Y/%m/%d}/{uuid.uuid4()}.json"
    typed = switches.delivery_blob_layout == "metadata"
    container.upload_blob(name, body, metadata={"type": message.type} if typed else None)


def _container(target: JsonObject) -> str:
    return str(target.get("OverrideContainerName") or CONTAINER)
