"""A connection that can only read asks by POST what the API's description calls a question, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.http.client import HttpReader


class Session:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def is_question(self, path: str) -> bool:
        return path.endswith("fetch-stock")

    async def request(self, method: str, path: str, params: object = None, body: object = None) -> None:
        self.sent.append(f"{method} {path}")


def test_a_question_is_sent_and_a_write_is_refused_before_it_is() -> None:
    session = Session()
    reader = HttpReader(session)  # type: ignore[arg-type]
    asyncio.run(reader.query("api/v1/batch-fetch-stock", {"skus": []}))
    with pytest.raises(ValueError, match="POST api/v1/batch-update-stock is no question"):
        asyncio.run(reader.query("api/v1/batch-update-stock", []))
    assert session.sent == ["POST api/v1/batch-fetch-stock"]
