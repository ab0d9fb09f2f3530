from __future__ import annotations

import pytest

from reconciler.emulator.ordercloud.deliveries.post import HttpSender, shown
from reconciler.emulator.outgoing import is_let_through


@pytest.mark.parametrize(
    ("url", "let_through"),
    [
        ("http://127.0.0.1:9000/x", True),
        ("https://127.8.8.8/", True),
        ("http://[::1]:9000/", True),
        ("http://localhost/", True),
        ("http://hook.localhost:9000/", True),
        ("http://10.0.0.1/", False),
        ("http://93.184.216.34/", False),
        ("https://hooks.example.com/", False),
        ("https://hooks.internal/", True),
        ("ftp://127.0.0.1/", False),
        ("http://127.0.0.1:x/", False),
        ("nonsense", False),
    ],
)
def test_messages_go_to_this_machine_and_to_hosts_that_were_named(url: str, let_through: bool) -> None:
    assert is_let_through(HttpSender().route({"Endpoint": url}).hosts, ["*.internal"]) is let_through


def test_a_list_of_deliveries_shows_no_secret_part_of_a_url() -> None:
    assert shown("https://user:pw@hooks.example.com:8443/a/b?code=secret#x") == "https://hooks.example.com:8443/a/b"
    assert shown("http://[::1]/") == "http://[::1]/"
    assert shown("nonsense") == ""
