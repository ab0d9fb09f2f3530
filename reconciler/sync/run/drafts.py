"""Mapping of a run's records, in a process of its own where that is much work: others run in the same process."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import datetime
from time import monotonic, thread_time
from typing import Any

from reconciler.sync.datatype import AnyDataType
from reconciler.sync.run import mapper_process
from reconciler.sync.run.mapper_process import HEAD, content_of, message

_MUCH_SECONDS = 0.01
"""Of the processor, for one record; an expression that eats its whole budget takes several times as long."""
_BURST_SECONDS, _SHARE = 0.2, 0.02
"""What such records may take here: so much at once, and such a part of the time in the long run."""
_LONGEST_DEBT = 2 * _BURST_SECONDS
# No secret is among them: mappings are text from pull requests.
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT")


class Drafts:
    """Maps records one by one. Close it.

    Args:
        data: the data type, whose mapper is pure.
    """

    def __init__(self, data: AnyDataType) -> None:
        self._data = data
        self._debt = 0.0
        self._at = monotonic()
        self._one = asyncio.Lock()
        self._process: _Process | None = None
        self._told: Any = None
        self._is_alone = False

    async def of(self, record: Any, now: datetime, facts: Any) -> Any:
        """Return the draft of a record; between two of them signals are heard, and others have their turn.

        Args:
            record: as the source gave it.
            now: the source's clock.
            facts: what the sink told the mapper about the target.
        """
        if self._is_alone or self._debt_now() <= _BURST_SECONDS:
            began = thread_time()
            draft = self._data.map(record, now, facts)
            self._note(thread_time() - began)
            await asyncio.sleep(0)
            return draft
        async with self._one:
            try:
                draft, seconds = await self._elsewhere(record, now, facts)
            except asyncio.CancelledError:
                self._is_alone = True  # nobody reads that answer
                raise
            except Exception:  # noqa: BLE001 - it does not start, was killed, or failed: here it fails as it would have
                self._is_alone = True
                draft, seconds = self._data.map(record, now, facts), 0.0
            self._note(seconds)
            return draft

    async def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            await self._process.end()

    def _debt_now(self) -> float:
        now = monotonic()
        self._debt = max(0.0, self._debt - _SHARE * (now - self._at))
        self._at = now
        return self._debt

    def _note(self, seconds: float) -> None:
        if seconds > _MUCH_SECONDS:
            self._debt = min(self._debt + seconds, _LONGEST_DEBT)

    async def _elsewhere(self, record: Any, now: datetime, facts: Any) -> tuple[Any, float]:
        """Let the process map a record; return the draft, and the seconds of the processor that it took."""
        news = None
        if self._told is None or self._told[0] is not facts:
            news, self._told = (self._data, facts), (facts,)
        request = message((news, record, now))
        if self._process is None:
            self._process = await _Process.start()
        draft, seconds = content_of(await self._process.answer(request))
        return draft, seconds


class _Process:
    """The process, and both ends of what is said."""

    def __init__(
        self, process: asyncio.subprocess.Process, requests: asyncio.StreamWriter, answers: asyncio.StreamReader
    ) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers

    @classmethod
    async def start(cls) -> _Process:
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        words = (sys.executable, "-P", "-m", mapper_process.__name__)
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=nothing, env=env)
        if process.stdin is None or process.stdout is None:
            raise OSError("it has no pipes")
        return cls(process, process.stdin, process.stdout)

    async def answer(self, request: bytes) -> bytes:
        self._requests.write(request)
        await self._requests.drain()
        [length] = HEAD.unpack(await self._answers.readexactly(HEAD.size))
        return await self._answers.readexactly(length)

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
