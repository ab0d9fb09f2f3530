"""Source of messages in Azure Blob storage: a container is listed, and what is new in it is read.

inferred: all of how OrderCloud writes there. A blob may be one message, an array of them, or lines of them; its type
may stand in it or in the blob's metadata; blobs that are appended to are read on from where they were.

Blobs stay where they are unless the manifest says to delete them: another reader may not have them yet. How far each
was taken is in the ledger, by name and ETag, and forgotten once a blob is gone.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct, field

from reconciler.intake.consumer import Away, Batch, Look, words
from reconciler.intake.texts import MOST, any_malformed, messages_in, messages_of
from reconciler.ledger.data.fetched import Fetched, FetchedStore
from reconciler.ordercloud.deliveries.message import Malformed, Message
from reconciler.secret import Secret

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

PAGE = 500
"""Blobs per request that lists them."""
MOST_BLOBS = 64
"""Blobs that are read at once."""
_HANDS = 8
_MOST_BYTES = 8 * 1024 * 1024
_LARGEST = 2**31 - 1
_TICK = 1.0
_SECONDS = 20
_REST = 4
"""A listing that takes long is not begun again before so many times as long have passed."""
_FORGET_EVERY = timedelta(days=1)
_APPENDED = timedelta(days=1)
"""A blob that was appended to is not deleted before nobody has done so for that long."""
_SHOWN_NAME = 80
_A = TypeVar("_A")
_T = TypeVar("_T")


class BlobSettings(Struct, frozen=True):
    """Which blobs are fetched.

    Args:
        connection_string: of the storage account.
        container: where they are.
        prefix: with which their names begin.
        interval: seconds from the end of a listing to the next.
        afterwards: what becomes of a blob once the ledger has it.
        max_message: bytes of a message; more is set aside.
        hidden: what must not be shown beside the connection string, e.g. a host that is a part of it.
    """

    connection_string: Secret
    container: str
    prefix: str = ""
    interval: float = 10.0
    afterwards: Literal["keep", "delete"] = "keep"
    max_message: int = 1_000_000
    hidden: tuple[str, ...] = ()


class _Blob(Struct, frozen=True):
    name: str
    etag: str
    size: int
    appended: bool
    changed: datetime
    type: str | None

    @property
    def same(self) -> dict[str, Any]:
        """Return the condition that it is still what was listed."""
        from azure.core import MatchConditions

        return {"etag": f'"{self.etag}"', "match_condition": MatchConditions.IfNotModified}

    @property
    def item(self) -> str:
        """Return by what the ledger knows it: a name can be longer than a database's key."""
        return hashlib.blake2b(self.name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class _Piece(Struct):
    """What was read of a blob: up to where, and whether that is all of it."""

    blob: _Blob
    position: int
    complete: bool
    set_aside: bool


class _Pass(Struct):
    """One listing of the container."""

    pages: Iterator[Any]
    began: float
    since: datetime | None = None
    """Set where what is not seen in this pass is forgotten."""
    may_delete: bool = True


class BlobSource(Struct):
    """Source of blobs; connects when it is first fetched from.

    Args:
        settings: which blobs.
        store: what the ledger knows of them.
        clock: the time.
    """

    settings: BlobSettings
    store: FetchedStore
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="blob"))
    _hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_HANDS, thread_name_prefix="blobs"))
    _container: ContainerClient | None = None
    _pass: _Pass | None = None
    _next: float = 0.0
    _waiting: deque[tuple[_Blob, Fetched | None]] = field(default_factory=deque)
    _pruned: datetime | None = None
    _connected: bool = False
    _trouble: str | None = None

    async def fetch(self) -> Batch | None:
        """Return messages of blobs that are new or were appended to.

        Raises:
            Away: the storage does not answer, or refuses.
            LedgerError: what it knows of blobs cannot be read now.
        """
        batch = await self._in_thread(self._fetch)
        if batch is None and self._pass is None:
            await asyncio.sleep(min(_TICK, self.settings.interval))
        return batch

    async def settle(self, batch: Batch) -> None:
        """Note how far blobs were taken, and delete those that are to be.

        Raises:
            Away: the storage does not answer.
            LedgerError: it cannot be noted now; the batch comes again.
        """
        await self._in_thread(lambda: self._settle(batch.token))

    async def again(self, batch: Batch) -> None:
        """List the container anew: nothing of the batch was noted."""
        del batch
        self._start_over()

    async def close(self) -> None:
        """Close the connections."""
        await self._in_thread(self._close)
        self._thread.shutdown(wait=False)
        self._hands.shutdown(wait=False)

    def look(self) -> Look:
        """Return whether the storage answers, and what is wrong with what it lets us do."""
        return Look(self._connected, self._trouble if self._connected else "the storage: no answer yet", None)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        from azure.core.exceptions import AzureError

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except AzureError as error:
            self._connected = False
            self._start_over()
            raise Away(f"the storage: {self._words(error)}") from None

    def _words(self, error: Exception) -> str:
        first = str(getattr(error, "message", error)).strip().splitlines()[:1]
        return words(
            " ".join(first) or type(error).__name__, *self.settings.connection_string.parts, *self.settings.hidden
        )

    def _start_over(self) -> None:
        self._pass = None
        self._waiting.clear()

    # In the thread

    def _opened(self) -> ContainerClient:
        if self._container is None:
            from azure.storage.blob import ContainerClient

            text, seconds = self.settings.connection_string.reveal(), _SECONDS
            try:
                self._container = ContainerClient.from_connection_string(
                    text, self.settings.container, retry_total=0, connection_timeout=seconds, read_timeout=seconds
                )
            except ValueError:
                raise Away("the storage: the connection string cannot be used") from None
        return self._container

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None
        self._connected = False

    def _fetch(self) -> Batch | None:
        if not self._waiting and not self._list():
            return None
        messages: list[Message | Malformed] = []
        pieces: list[_Piece] = []
        unfinished: list[tuple[_Blob, Fetched | None]] = []
        for found in self._side_by_side(self._read, self._chosen()):
            if found is None:
                continue
            piece, of_blob = found
            messages += of_blob
            pieces.append(piece)
            if not piece.complete:
                # The rest of it comes next, after what was read is noted.
                unfinished.append((piece.blob, Fetched("", piece.position, piece.set_aside)))
        self._waiting.extendleft(reversed(unfinished))
        return Batch(messages, pieces) if pieces else None

    def _chosen(self) -> Iterator[tuple[_Blob, Fetched | None]]:
        """Take what is read at once out of what waits."""
        size = 0
        for _ in range(MOST_BLOBS):
            if not self._waiting or size >= _MOST_BYTES:
                return
            blob, known = self._waiting.popleft()
            size += min(self.settings.max_message, blob.size - (known.position if known is not None else 0))
            yield blob, known

    def _side_by_side(self, work: Callable[[_A], _T], on: Iterable[_A]) -> list[_T]:
        return list(self._hands.map(work, list(on)))

    def _list(self) -> bool:
        """Queue what is new in the next page of the listing; return whether there is anything to read."""
        now = time.monotonic()
        if self._pass is None:
            if now < self._next:
                return False
            pages = self._opened().list_blobs(self.settings.prefix or None, include=["metadata"], results_per_page=PAGE)
            self._pass = _Pass(pages.by_page(), now)
            if self._pruned is None or self.clock() - self._pruned > _FORGET_EVERY:
                self._pass.since = self.store.seen([])
        page = next(self._pass.pages, None)
        self._connected = True
        if page is None:
            self._end_pass(self._pass)
            return False
        blobs = [_blob_of(each) for each in page if not _is_folder(each)]
        known = self.store.known([blob.item for blob in blobs])
        if self._pass.since is not None:
            self.store.seen(known.keys())
        for blob in blobs:
            before = known.get(blob.item)
            if before is None or before.version != blob.etag:
                # What is appended to keeps what it had; anything else is another blob of that name.
                self._waiting.append((blob, before if before is not None and blob.appended else None))
            elif not before.set_aside:
                self._delete([_Piece(blob, before.position, True, False)])
        return bool(self._waiting)

    def _end_pass(self, ended: _Pass) -> None:
        now = time.monotonic()
        if ended.since is not None:
            self.store.forget_unseen(ended.since)
            self._pruned = self.clock()
        self._next = now + max(self.settings.interval, _REST * (now - ended.began))
        self._pass = None

    def _read(self, chosen: tuple[_Blob, Fetched | None]) -> tuple[_Piece, Sequence[Message | Malformed]] | None:
        """Read on in a blob; None where it is gone or changed meanwhile, so that the next listing has it."""
        blob, known = chosen
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        start, aside = (known.position, known.set_aside) if known is not None else (0, False)
        limit = self.settings.max_message
        if blob.size > _LARGEST:
            return _Piece(blob, 0, True, True), [Malformed(f"{_shown(blob)}: it has {blob.size} bytes")]
        if start >= blob.size:
            empty = [] if blob.appended else [Malformed(f"{_shown(blob)}: it is empty")]
            return _Piece(blob, blob.size, True, aside or bool(empty)), empty
        try:
            length = min(limit + 1, blob.size - start)
            content = self._opened().download_blob(blob.name, offset=start, length=length, **blob.same).readall()
        except (ResourceNotFoundError, ResourceModifiedError):
            return None
        ends = start + len(content) >= blob.size
        if start == 0 and ends and not blob.appended:
            found = messages_of(content, blob.type, _shown(blob))
            if found is not None:
                return _Piece(blob, blob.size, True, any_malformed(found)), found
        return _lines(blob, content, start, ends=ends, aside=aside)

    def _settle(self, pieces: Sequence[_Piece]) -> None:
        left = self._delete([piece for piece in pieces if piece.complete and not piece.set_aside])
        self.store.note({piece.blob.item: _noted(piece) for piece in pieces if not piece.complete or piece.set_aside})
        self.store.note({piece.blob.item: _noted(piece) for piece in left})

    def _delete(self, pieces: Sequence[_Piece]) -> Sequence[_Piece]:
        """Delete blobs, where that is wanted and they are what was read; return those that are left."""
        if self.settings.afterwards == "keep" or (self._pass is not None and not self._pass.may_delete):
            return pieces
        ripe = [piece for piece in pieces if not self._may_grow(piece.blob)]
        left = [piece for piece in pieces if self._may_grow(piece.blob)]
        gone: list[str] = []
        for piece, why in zip(ripe, self._side_by_side(self._deleted, [piece.blob for piece in ripe]), strict=True):
            if why is None:
                gone.append(piece.blob.item)
            elif why:
                left.append(piece)
                self._trouble = f"the right to delete blobs: {why}"
                if self._pass is not None:
                    self._pass.may_delete = False
        if gone:
            self._trouble = None
        self.store.forget(gone)
        return left

    def _deleted(self, blob: _Blob) -> str | None:
        """Delete a blob, if it is what was read; return None, or why it is there: empty, as it comes again."""
        from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError

        try:
            self._opened().delete_blob(blob.name, **blob.same)
        except ResourceModifiedError:
            return ""
        except ResourceNotFoundError:
            return None
        except HttpResponseError as error:
            return self._words(error)
        return None

    def _may_grow(self, blob: _Blob) -> bool:
        return blob.appended and self.clock() - blob.changed < _APPENDED


def _noted(piece: _Piece) -> Fetched:
    # Half of a blob has no version yet: the rest is read on from there.
    return Fetched(piece.blob.etag if piece.complete else "", piece.position, piece.set_aside)


def _blob_of(found: BlobProperties) -> _Blob:
    metadata: Mapping[str, str] = found.metadata or {}
    return _Blob(
        name=str(found.name),
        etag=str(found.etag),
        size=int(found.size),
        appended=str(found.blob_type).rpartition(".")[2].lower() == "appendblob",
        changed=found.last_modified,
        type=next((value for key, value in metadata.items() if key.casefold() in ("type", "ce_type") and value), None),
    )


def _is_folder(found: BlobProperties) -> bool:
    # documented: storage with a hierarchical namespace lists its folders as blobs with this mark.
    return (found.metadata or {}).get("hdi_isfolder") == "true"


def _shown(blob: _Blob) -> str:
    return "blob " + words(blob.name[:_SHOWN_NAME])


def _lines(
    blob: _Blob, content: bytes, start: int, *, ends: bool, aside: bool
) -> tuple[_Piece, Sequence[Message | Malformed]]:
    """Return the whole lines of a part of a blob; what is after the last of them is read with what comes next."""
    messages: list[Message | Malformed] = []
    at = 0
    while at < len(content) and len(messages) < MOST:
        end = content.find(b"\n", at) + 1
        if end == 0:
            if not ends or blob.appended:
                break
            end = len(content)
        if line := content[at:end].strip():
            messages += messages_in(line, blob.type, _shown(blob))
        at = end
    if not ends and all(isinstance(message, Malformed) for message in messages):
        # What follows would be more pieces of something that is no lines.
        found = [Malformed(f"{_shown(blob)}: it has more than {len(content) - 1} bytes without a message")]
        return _Piece(blob, blob.size, True, True), found
    # The unfinished line of a blob that grows is no reason to read it again before it has grown.
    complete = ends and (at >= len(content) or len(messages) < MOST)
    return _Piece(blob, start + at, complete, aside or any_malformed(messages)), messages
