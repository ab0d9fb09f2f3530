"""A browser without a screen: keeps cookies, reads the token of the forms, and follows nothing."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from support.service import Running


@dataclass(frozen=True)
class Shown:
    """What a page answered."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    """Each cookie that was set, as it was set."""
    text: str


class Browser:
    """One visitor of a service's page."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def get(self, path: str, **headers: str) -> Shown:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Shown:
        given = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
            "Origin": self.running.url,
            **headers,
        }
        return self._ask("POST", path, urlencode({"csrf": self.csrf, **(form or {})}), given)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Shown:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            set_cookies = answer.headers.get_all("set-cookie") or []
            shown = Shown(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                {each.partition("=")[0]: each for each in set_cookies},
                answer.read().decode(),
            )
        finally:
            connection.close()
        for each in set_cookies:
            for name, morsel in SimpleCookie(each).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        if found := re.search(r'name="csrf" value="([0-9a-f]+)"', shown.text):
            self.csrf = found[1]
        return shown
