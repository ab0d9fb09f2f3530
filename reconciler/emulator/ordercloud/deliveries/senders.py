"""Senders by the kind of target."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.ordercloud.deliveries.blob import BlobSender
from reconciler.emulator.ordercloud.deliveries.kafka import EventHubSender, KafkaSender
from reconciler.emulator.ordercloud.deliveries.post import HttpSender
from reconciler.emulator.ordercloud.deliveries.sending import Sender


def new_senders() -> Mapping[str, Sender]:
    """Return a sender for every kind of target that the emulator sends to."""
    return {"Http": HttpSender(), "Kafka": KafkaSender(), "EventHub": EventHubSender(), "AzureBlob": BlobSender()}
