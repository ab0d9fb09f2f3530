"""Recorded conversations: they replay without a network, and hold no secret and no token."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from vcr.errors import CannotOverwriteExistingCassetteException

from reconciler.emulator.testing import RunningEmulator
from support.checkout import Checkout, outcomes
from support.record import CLIENT_SECRET, FOLDER, ORIGIN, SCRUBBED, SECRETS, cassette, lay_out

CASSETTES = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a replay connects to nothing")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture
def recorded(offline: None, tmp_path: Path) -> Checkout:
    """Return the manifests of the recording, with no API behind them."""
    checkout = Checkout(tmp_path, RunningEmulator(ORIGIN))
    lay_out(checkout, ORIGIN)
    return checkout


def test_a_plan_replays(recorded: Checkout) -> None:
    with cassette("plan", "none") as opened:
        ended = recorded.call("plan", "--exit-code", "--format", "json", "--no-token-cache")
    assert ended.status == 2, str(ended)
    assert ended.json["summary"]["create"] == 4
    assert opened.all_played


def test_an_apply_replays(recorded: Checkout) -> None:
    with cassette("apply", "none") as opened:
        ended = recorded.call("apply", "--yes", "--format", "json", "--no-token-cache")
    assert ended.status == 0, str(ended)
    assert set(outcomes(ended.json).values()) == {"applied"}
    assert opened.all_played


def test_what_is_sent_otherwise_does_not_replay(recorded: Checkout) -> None:
    path = recorded.manifests / "shop.yaml"
    path.write_text(path.read_text().replace("name: Hook", "name: Another"))
    with cassette("apply", "none"), pytest.raises(CannotOverwriteExistingCassetteException):
        recorded.call("apply", "--yes", "--no-token-cache")


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_cassette_holds_no_secret_and_no_token(path: Path) -> None:
    text = path.read_text()
    assert SCRUBBED in text
    assert [secret for secret in (*SECRETS, CLIENT_SECRET, "Bearer", "eyJ") if secret in text] == []
    assert "authorization" not in text.lower()


def test_there_are_cassettes() -> None:
    assert [path.stem for path in CASSETTES] == ["apply", "plan"]
