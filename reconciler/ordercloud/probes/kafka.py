"""Probe of Kafka brokers, or Event Hubs' Kafka endpoint: whether they take the credentials and have the topic.

The protocol is spoken here, in three requests, because a client library resolves names itself and connects to whatever
addresses a broker advertises; a probe connects to the address that was checked, and to nothing else.
inferred: that OrderCloud speaks SASL/PLAIN over TLS; the target has a user name and a password, and no more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from msgspec import Struct

from reconciler.kind.probe import Outcome, ProbePolicy
from reconciler.ordercloud.probes.connect import Connection, Stopped, connected

_METADATA, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 3, 17, 36
_CLIENT = "reconciler"
_LONGEST_ANSWER = 1024 * 1024
_NONE, _UNKNOWN_TOPIC, _TOPIC_AUTHORIZATION, _INVALID_TOPIC = 0, 3, 29, 17


class Login(Struct, frozen=True):
    """User name and password of SASL/PLAIN."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Name nothing of it."""
        return "Login(••••••)"


async def probe_topic(
    brokers: Sequence[tuple[str, int]], login: Login | None, topic: str, policy: ProbePolicy, *, tls: bool = True
) -> str:
    """Log in at the first broker that answers, ask for the topic, and return what was found, in a few words.

    Args:
        brokers: hosts and ports.
        login: how to log in; None: not at all.
        topic: its name. A topic that there is not is not made.
        policy: what may be touched.
        tls: whether TLS is spoken. Credentials go over TLS only.

    Raises:
        Settled: one refuses user, password or topic.
        Stopped: they refuse, or it cannot be known.
    """
    failures: list[Stopped] = []
    for host, port in brokers:
        try:
            async with connected(host, port, policy, tls=tls) as connection:
                if login is not None and tls:
                    await _log_in(connection, login)
                await _check_topic(connection, topic)
                return "takes the credentials and has the topic" if login is not None else "has the topic"
        except Settled:
            raise
        except Stopped as stopped:
            failures.append(stopped)
    raise next((failure for failure in failures if failure.outcome is Outcome.UNKNOWN), failures[0])


class Settled(Stopped):
    """A broker said no to user, password or topic, and the others would say the same."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(Outcome.REFUSES, message, next_step)


async def _log_in(connection: Connection, login: Login) -> None:
    answer = await _exchange(connection, _SASL_HANDSHAKE, 1, _text("PLAIN"))
    if answer.int16() != _NONE:
        raise Stopped(Outcome.UNKNOWN, "it does not offer SASL/PLAIN", "Check how the cluster logs clients in.")
    secret = b"\0" + login.user.encode() + b"\0" + login.password.encode()
    answer = await _exchange(connection, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(secret)) + secret)
    if answer.int16() != _NONE:
        raise Settled("it refuses user name and password", "Check saslUsername and saslPassword.")


async def _check_topic(connection: Connection, topic: str) -> None:
    # An array of one topic, and: make none that is not there.
    answer = await _exchange(connection, _METADATA, 4, struct.pack(">i", 1) + _text(topic) + b"\0")
    answer.skip(4)
    for _ in range(answer.count()):
        answer.skip(4)
        answer.text()
        answer.skip(4)
        answer.text()
    answer.text()
    answer.skip(4)
    if answer.count() < 1:
        raise _unreadable()
    code = answer.int16()
    if code in (_UNKNOWN_TOPIC, _INVALID_TOPIC):
        raise Settled("it has no such topic", "Make the topic, or correct its name.")
    if code == _TOPIC_AUTHORIZATION:
        raise Settled("it does not let this user at the topic", "Give the user the right to write to the topic.")
    if code != _NONE:
        step = "Look at the cluster; a topic without a leader takes nothing."
        raise Stopped(Outcome.UNKNOWN, f"it answers about the topic with error {code}", step)


async def _exchange(connection: Connection, key: int, version: int, body: bytes) -> _Reader:
    request = struct.pack(">hhi", key, version, key) + _text(_CLIENT) + body
    (size,) = struct.unpack(">i", await connection.ask(struct.pack(">i", len(request)) + request, 4))
    if not 4 <= size <= _LONGEST_ANSWER:
        raise _unreadable()
    answer = _Reader(await connection.read(size))
    if answer.int32() != key:
        raise _unreadable()
    return answer


def _unreadable() -> Stopped:
    return Stopped(Outcome.REFUSES, "it does not speak Kafka's protocol", "Check host and port.")


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data


class _Reader:
    """Reads an answer piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if size < 0 or len(piece) < size:
            raise _unreadable()
        self._at += size
        return piece

    def skip(self, size: int) -> None:
        self._take(size)

    def int16(self) -> int:
        value: int = struct.unpack(">h", self._take(2))[0]
        return value

    def int32(self) -> int:
        value: int = struct.unpack(">i", self._take(4))[0]
        return value

    def count(self) -> int:
        """Return how many items an array has; each takes a byte at least."""
        found = self.int32()
        if not 0 <= found <= len(self._data):
            raise _unreadable()
        return found

    def text(self) -> None:
        """Pass over a text, or a null in its place."""
        length = self.int16()
        if length > 0:
            self._take(length)
