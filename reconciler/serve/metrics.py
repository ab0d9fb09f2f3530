"""Metrics of the service for Prometheus. Labels take names of manifests and words of ours alone: never what came in."""

from __future__ import annotations

from typing import TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reconciler import __version__
from reconciler.intake.consumer import ConsumerStatus

_Metric = TypeVar("_Metric", Counter, Histogram)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._children: dict[tuple[Counter | Histogram, tuple[str, ...]], Counter | Histogram] = {}
        of_sync, of_type = ("environment", "data_sync"), ("environment", "data_sync", "data_type")
        self.requests = Counter(
            "reconciler_http_requests", "Requests that were answered.", ("method", "route", "status"), registry=registry
        )
        self.deliveries = Counter(
            "reconciler_deliveries", "Messages over HTTP, by what became of them.", (*of_sync, "outcome"),
            registry=registry,
        )  # fmt: skip
        self.delivery_seconds = Histogram(
            "reconciler_delivery_seconds", "From a message's head to its acknowledgement.", of_sync, registry=registry
        )
        self.webhooks = Counter(
            "reconciler_webhooks", "Webhooks, by what became of them.", ("environment", "hook", "outcome"),
            registry=registry,
        )  # fmt: skip
        self.runs = Counter("reconciler_runs", "Runs that ended.", (*of_type, "mode", "state"), registry=registry)
        self.run_seconds = Gauge("reconciler_run_seconds", "How long the last run took.", of_type, registry=registry)
        self.records = Counter(
            "reconciler_records", "Records by what runs did with them.", (*of_type, "outcome"), registry=registry
        )
        self.age = Gauge("reconciler_data_age_seconds", "Since the last good run ended.", of_type, registry=registry)
        self.problems = Gauge("reconciler_open_problems", "Open problems.", of_type, registry=registry)
        self.open = Gauge("reconciler_open_records", "Records still to be written.", of_type, registry=registry)
        self.troubles = Gauge(
            "reconciler_troubles", "Promises of the DataSync that are not kept now.", of_type, registry=registry
        )
        self.calls = Counter(
            "reconciler_api_calls", "Requests to the APIs.", ("environment", "status"), registry=registry
        )
        self.dead = Gauge("reconciler_dead_records", "Records that failed too often.", of_type, registry=registry)
        self.last_message = Gauge(
            "reconciler_last_message_timestamp_seconds", "When a message came last.", of_sync, registry=registry
        )
        self.message_age = Gauge(
            "reconciler_oldest_message_seconds", "Since when the oldest message waits to be written.", of_sync,
            registry=registry,
        )  # fmt: skip
        self.drifted = Gauge(
            "reconciler_drifted_objects", "Objects that drifted and are not snoozed.", ("environment", "cause"),
            registry=registry,
        )  # fmt: skip
        self.drift_checked = Gauge(
            "reconciler_drift_checked_timestamp_seconds", "When drift was checked last.", ("environment",),
            registry=registry,
        )  # fmt: skip
        self.waiting = Gauge("reconciler_waiting", "What the service waits for.", ("environment",), registry=registry)
        of_consumer = ("environment", "consumer")
        self.consumer_connected = Gauge(
            "reconciler_consumer_connected", "Whether the broker answered lately.", of_consumer, registry=registry
        )
        self.consumer_lag = Gauge(
            "reconciler_consumer_lag", "Messages that wait at the broker, where it says so.", of_consumer,
            registry=registry,
        )  # fmt: skip
        self.consumer_taken = Gauge(
            "reconciler_consumer_messages", "Messages that were fetched, those that are none among them.", of_consumer,
            registry=registry,
        )  # fmt: skip
        self.consumer_missed = Gauge(
            "reconciler_consumer_missed", "Messages that were gone before they were fetched.", of_consumer,
            registry=registry,
        )  # fmt: skip
        self.consumer_malformed = Gauge(
            "reconciler_consumer_malformed", "What was fetched and is no message.", of_consumer, registry=registry
        )
        self.environments = Gauge("reconciler_environments", "Environments, by state.", ("state",), registry=registry)
        Gauge("reconciler_build_info", "Version.", ("version",), registry=registry).labels(__version__).set(1)

    def consumes(self, environment: str, status: ConsumerStatus) -> None:
        """Show how a consumer is."""
        labels = environment, status.name
        self.consumer_connected.labels(*labels).set(status.connected)
        if status.lag is not None:
            self.consumer_lag.labels(*labels).set(status.lag)
        self.consumer_taken.labels(*labels).set(status.taken)
        self.consumer_malformed.labels(*labels).set(status.malformed)
        self.consumer_missed.labels(*labels).set(status.missed)

    def answered(self, method: str, route: str, status: int) -> None:
        """Count a request."""
        self._child(self.requests, method, route, str(status)).inc()

    def delivered(self, environment: str, data_sync: str, outcome: str, seconds: float) -> None:
        """Count a message over HTTP, and how long it took until its answer."""
        self._child(self.deliveries, environment, data_sync, outcome).inc()
        self._child(self.delivery_seconds, environment, data_sync).observe(seconds)

    def _child(self, metric: _Metric, *labels: str) -> _Metric:
        """Return a metric with its labels; the library would look for them under a lock at every request."""
        child = self._children.get((metric, labels))
        if child is None:
            child = self._children[metric, labels] = metric.labels(*labels)
        return cast("_Metric", child)

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self._registry)
