"""Process that maps records for another one: a mapping that is much work keeps neither its loop nor its lock.

It reads requests from its standard input and writes an answer to each: pickles, which only these two processes see. It
ends with the process that started it, as its input does.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from contextlib import suppress
from time import thread_time
from typing import Any, BinaryIO

HEAD = struct.Struct(">I")
"""What stands before each message: its length in bytes."""

_LESS_URGENT = 10


def message(content: Any) -> bytes:
    """Return a message as it is sent.

    Raises:
        Exception: of whatever kind; it cannot be sent.
    """
    body = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(body)) + body


def content_of(body: bytes) -> Any:
    """Return what a message holds that the other one of the two processes sent."""
    return pickle.loads(body)  # noqa: S301 - through a pipe that nobody else has


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Map records until there are no more requests.

    A request is a data type with what its mapper must know of the target, where those are new, and a record with the
    time; an answer is a draft, with the seconds of the processor that it took.

    Args:
        requests: where they are read.
        answers: where they are written.
    """
    mapper: Any = None
    facts: Any = None
    while head := requests.read(HEAD.size):
        news, record, now = content_of(requests.read(*HEAD.unpack(head)))
        if news is not None:
            mapper, facts = news
        began = thread_time()
        draft = mapper.map(record, now, facts)
        answers.write(message((draft, thread_time() - began)))
        answers.flush()


def main() -> None:
    """Serve the process that started this one. A signal to both is that one's to hear."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(AttributeError, OSError):
        os.nice(_LESS_URGENT)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever else is printed is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
