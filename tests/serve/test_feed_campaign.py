"""Changes by the hundred are delivered over HTTP to a service that is killed again and again: `support.campaign`."""

from __future__ import annotations

import signal
import socket

import pytest

from support.campaign import PRODUCTS, SEED, Campaign, times_of_harm
from support.checkout import wait_until
from support.service import Process

SECRET = "signing-key"
SERVICE = {"service": {"loops": ["syncs"], "deliveries": [{"dataSync": "shop", "secrets": [SECRET]}]}}
KILLS = times_of_harm(2)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def campaign(shop, port):
    """A synced shop that delivers to a port on which a service hears it, once it runs."""
    shop.emulator.seed(PRODUCTS, SEED)
    shop.prepare(environment=SERVICE, maxDeletePercent=100)
    shop.synced("--full")
    target = {"Http": {"Endpoint": f"http://127.0.0.1:{port}/deliveries/shop", "Secret": SECRET}}
    campaign = Campaign(shop, target)
    campaign.prepare()
    return campaign


def test_at_rest_the_site_is_what_ordercloud_is_whoever_was_killed(campaign, port, record_property):
    def started():
        return Process(campaign.shop.checkout, "--listen", f"127.0.0.1:{port}")

    def kill(_):
        nonlocal service
        least = len(campaign.writes) + campaign.dice.randrange(1, 5)
        wait_until(lambda: len(campaign.writes) >= least, 120)
        service.forked.kill()
        service.forked.communicate(60)
        service = started()

    service = started()
    try:
        campaign.change(KILLS, kill)
        campaign.come_to_rest()
        # It ends in order, with all that the sync log should say.
        assert service.signalled(signal.SIGTERM) == 0
    finally:
        service.forked.kill()
        service.forked.communicate(60)
    campaign.check(record_property, f"{KILLS} kills")
