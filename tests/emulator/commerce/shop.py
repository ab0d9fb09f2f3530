"""A client of the emulated marketplace that says what it expects: success, unless told another status."""

from __future__ import annotations

from typing import Any

import httpx


class Shop:
    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def call(self, method: str, path: str, body: Any = None, status: int | None = None, **params: Any) -> Any:
        answer = self.client.request(method, path, json=body, params=params)
        fits = answer.is_success if status is None else answer.status_code == status
        assert fits, f"{method} {path} {params} answers {answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, **body: Any) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, **body: Any) -> Any:
        return self.call("PUT", path, body)

    def patch(self, path: str, **body: Any) -> Any:
        return self.call("PATCH", path, body)

    def delete(self, path: str, **params: Any) -> None:
        assert self.call("DELETE", path, status=204, **params) is None

    def refused(self, method: str, path: str, body: Any = None, *, status: int = 400, **params: Any) -> str:
        """The code of the first error of a call that has to be refused."""
        return str(self.call(method, path, body, status, **params)["Errors"][0]["ErrorCode"])

    def ids(self, path: str, **params: Any) -> list[str]:
        return [item["ID"] for item in self.get(path, **params)["Items"]]
