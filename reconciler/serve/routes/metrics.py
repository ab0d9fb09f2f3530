"""`/metrics`: what Prometheus reads. Whoever may see it is the proxy's to say: it holds names and numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reconciler.app.status import statuses_of_each
from reconciler.errors import ReconcilerError
from reconciler.serve.service import Service

_FRESH_SECONDS = 10.0


def routes(service: Service) -> Sequence[BaseRoute]:
    """Return the route of the metrics."""
    looked_at = -_FRESH_SECONDS

    async def metrics(_request: Request) -> Response:
        nonlocal looked_at
        now = asyncio.get_running_loop().time()
        if now - looked_at >= _FRESH_SECONDS:
            looked_at = now
            await asyncio.to_thread(_look, service)
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", metrics)]


def _look(service: Service) -> None:
    """Read where the data syncs stand; of an environment whose ledger is away, what was read before stays."""
    metrics, now = service.metrics, service.now()
    metrics.environments.labels("served").set(len(service.environments))
    metrics.environments.labels("broken").set(len(service.broken))
    for name, served in service.environments.items():
        metrics.waiting.labels(name).set(len(service.waits_of(name)))
        for consumer in served.consumers:
            metrics.consumes(name, consumer)
        try:
            found = statuses_of_each([served.session], (), now)[name]
        except ReconcilerError:
            continue
        for status in found:
            labels = name, status.sync.name, status.sync.type
            if status.since_good is not None:
                metrics.age.labels(*labels).set(status.since_good.total_seconds())
            metrics.problems.labels(*labels).set(status.counts.problems)
            metrics.open.labels(*labels).set(status.counts.open)
            metrics.dead.labels(*labels).set(status.counts.dead)
            metrics.troubles.labels(*labels).set(len(status.troubles))
            if status.deliveries is not None:
                since = status.deliveries.waiting_since
                age = 0.0 if since is None else (now - since).total_seconds()
                metrics.last_message.labels(*labels[:2]).set(status.deliveries.last_at.timestamp())
                metrics.message_age.labels(*labels[:2]).set(age)
