"""Changes by the hundred go through a broker to a service and a consumer beside it. Both are killed, the consumer
sleeps until the others have its partitions, the broker goes away, the disk is full: see `support.campaign`."""

from __future__ import annotations

import resource
import signal
import time

import pytest

from support.campaign import PRODUCTS, SEED, Campaign, times_of_harm
from support.kafka_cluster import running_cluster
from support.service import Process

TIMES = times_of_harm(2)
UNBOUND = resource.RLIM_INFINITY
SESSION_SECONDS = 45


@pytest.fixture
def cluster():
    with running_cluster() as found:
        yield found


@pytest.fixture
def campaign(shop, cluster):
    """A synced shop that delivers to a topic which its environment consumes."""
    topic = cluster.topic()
    where = {"bootstrapServers": cluster.servers, "topics": [topic], "group": topic, "tls": False, "dataSync": "shop"}
    shop.emulator.seed(PRODUCTS, SEED)
    shop.emulator.switch(delivery_kafka_layout="ce_type_header")
    service = {"service": {"loops": ["syncs"], "consumers": [{"kafka": where}]}}
    shop.prepare(environment=service, maxDeletePercent=100)
    shop.synced("--full")
    target = {"BootstrapServers": cluster.servers, "SaslUsername": "u", "SaslPassword": "p", "Topic": topic}
    campaign = Campaign(shop, {"Kafka": target}, lambda: cluster.unread(topic, topic))
    campaign.prepare()
    return campaign


class Processes:
    """A service, and a consumer of its group, on one ledger; whichever ends is started again."""

    def __init__(self, checkout, cluster):
        self._checkout, self._cluster = checkout, cluster
        self.service = Process(checkout)
        self.consumer = self._consume()

    def _consume(self):
        return self._checkout.fork("consume", "--log-format", "json")

    def harm(self, number):
        harm = (self._no_disk, self._no_broker, self._kill_consumer, self._kill_service, self._no_consumer)
        harm[number % len(harm)]()

    def _kill_service(self):
        self.service.forked.kill()
        self.service.forked.communicate(60)
        self.service = Process(self._checkout)

    def _kill_consumer(self):
        self.consumer.kill()
        self.consumer.communicate(60)
        self.consumer = self._consume()

    def _no_broker(self):
        self._cluster.down()
        time.sleep(2)
        self._cluster.up()

    def _no_disk(self):
        """No process can write to a file for a while; the limit is theirs, so that nobody else has to bear it."""
        for each in (self.service.forked, self.consumer):
            resource.prlimit(each.pid, resource.RLIMIT_FSIZE, (0, UNBOUND))
        time.sleep(2)
        for each in (self.service.forked, self.consumer):
            resource.prlimit(each.pid, resource.RLIMIT_FSIZE, (UNBOUND, UNBOUND))
        assert self.service.forked.poll() is None, self.service.text
        assert self.consumer.poll() is None

    def _no_consumer(self):
        """The consumer sleeps until the group has given what it had to the other."""
        self.consumer.send_signal(signal.SIGSTOP)
        time.sleep(SESSION_SECONDS + 5)
        self.consumer.send_signal(signal.SIGCONT)

    def end(self):
        """End both in order."""
        self.consumer.send_signal(signal.SIGTERM)
        assert self.service.signalled(signal.SIGTERM) == 0
        self.consumer.communicate(60)
        assert self.consumer.returncode == 0

    def kill(self):
        for each in (self.service.forked, self.consumer):
            each.kill()
            each.communicate(60)


def test_at_rest_the_site_is_what_ordercloud_is_whatever_went_wrong(campaign, cluster, record_property):
    processes = Processes(campaign.shop.checkout, cluster)
    try:
        campaign.change(TIMES, processes.harm)
        campaign.come_to_rest()
        processes.end()
    finally:
        processes.kill()
    campaign.check(record_property, f"{TIMES} times harm")
