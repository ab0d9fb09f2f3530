"""Requests: what was asked to be done once, step by step. Functions that work in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, insert, select, update

from reconciler.ledger.columns import DamagedValue
from reconciler.ledger.config.model import AskedRequest, RequestStep, StepState
from reconciler.ledger.rows import insert_new
from reconciler.ledger.tables import request_memory, request_steps, requests

# A manifest's request is over seven days after it was written; what is older is only to be told.
_TOLD_FOR = timedelta(days=60)


def begin(
    connection: Connection, request: AskedRequest, now: datetime, *, accept_unremembered: bool, go_on: bool
) -> tuple[RequestStep, ...] | None:
    """Record that a request is begun, and return where each of its steps stands; see `RequestStore.begin`."""
    of_request = requests.c.api_url == request.api_url, requests.c.id == request.id
    made = insert_new(connection, requests, [_row(request, now)])
    if not made:
        connection.execute(select(requests.c.id).where(*of_request).with_for_update())
        known = _one(connection, request.api_url, request.id)
        if known is None:
            return None
        accepted = known.unremembered and accept_unremembered
        if not (known.is_open or accepted or (go_on and not known.unremembered)):
            return None
        values = {"holder": request.holder, "asked_at": now, "unremembered": False}
        connection.execute(update(requests).where(*of_request).values(values))
        if known.steps:
            return known.steps
    connection.execute(
        insert(request_steps),
        [
            {
                "api_url": request.api_url,
                "id": request.id,
                "position": position,
                "does": step.does,
                "state": StepState.PENDING.value,
                "message": None,
                "updated_at": now,
            }
            for position, step in enumerate(request.steps)
        ],
    )
    return request.steps


def take(connection: Connection, api_url: str, request: str, position: int, now: datetime) -> bool:
    """Record that a step is taken, unless it was before; see `RequestStore.take`."""
    taken = connection.execute(
        update(request_steps)
        .where(
            request_steps.c.api_url == api_url,
            request_steps.c.id == request,
            request_steps.c.position == position,
            request_steps.c.state.in_([StepState.PENDING.value, StepState.REFUSED.value]),
        )
        .values(state=StepState.SENT.value, message=None, updated_at=now)
    )
    return taken.rowcount == 1


def end(
    connection: Connection,
    api_url: str,
    request: str,
    position: int,
    state: StepState,
    message: str | None,
    now: datetime,
) -> None:
    """Record what became of a step."""
    connection.execute(
        update(request_steps)
        .where(request_steps.c.api_url == api_url, request_steps.c.id == request, request_steps.c.position == position)
        .values(state=state.value, message=message, updated_at=now)
    )


def remember(connection: Connection, api_urls: Collection[str], found: Iterable[AskedRequest], now: datetime) -> None:
    """Remember the requests of live sides from now on; see `RequestStore.remember`."""
    new = [
        url for url in sorted(set(api_urls)) if insert_new(connection, request_memory, [{"api_url": url, "since": now}])
    ]
    rows = [_row(request, now) | {"unremembered": True} for request in found if request.api_url in new]
    insert_new(connection, requests, rows)


def remembered(connection: Connection, api_urls: Collection[str]) -> frozenset[str]:
    """Return the live sides whose requests are remembered."""
    query = select(request_memory.c.api_url).where(request_memory.c.api_url.in_(list(api_urls)))
    return frozenset(connection.execute(query).scalars())


def known(connection: Connection, api_urls: Collection[str], now: datetime) -> dict[tuple[str, str], AskedRequest]:
    """Return the requests of live sides that are worth telling of, by live side and ID."""
    query = select(requests).where(requests.c.api_url.in_(list(api_urls)), requests.c.asked_at > now - _TOLD_FOR)
    return {(request.api_url, request.id): request for request in _all(connection, query)}


def recent(connection: Connection, limit: int, environment: str | None = None) -> list[AskedRequest]:
    """Return the newest requests of an environment; None: of all."""
    query = select(requests).order_by(requests.c.asked_at.desc(), requests.c.id).limit(limit)
    return _all(connection, query if environment is None else query.where(requests.c.environment == environment))


def _one(connection: Connection, api_url: str, request: str) -> AskedRequest | None:
    found = _all(connection, select(requests).where(requests.c.api_url == api_url, requests.c.id == request))
    return found[0] if found else None


def _all(connection: Connection, query: Select[tuple[object, ...]]) -> list[AskedRequest]:
    rows = connection.execute(query).all()
    steps: dict[tuple[str, str], list[RequestStep]] = {(row.api_url, row.id): [] for row in rows}
    ids = list({row.id for row in rows})
    for start in range(0, len(ids), 500):
        chosen = request_steps.c.id.in_(ids[start : start + 500])
        for row in connection.execute(select(request_steps).where(chosen).order_by(request_steps.c.position)):
            if (row.api_url, row.id) in steps:
                steps[row.api_url, row.id].append(RequestStep(row.does, _state(row.state), row.message))
    return [
        AskedRequest(
            row.api_url,
            row.id,
            row.environment,
            row.kind,
            row.name,
            row.does,
            row.holder,
            row.asked_at,
            tuple(steps[row.api_url, row.id]),
            row.unremembered,
        )
        for row in rows
    ]


def _state(text: str) -> StepState:
    if text not in tuple(StepState):
        raise DamagedValue("request_steps.state")
    return StepState(text)


def _row(request: AskedRequest, now: datetime) -> dict[str, object]:
    return {
        "api_url": request.api_url,
        "id": request.id,
        "environment": request.environment,
        "kind": request.kind,
        "name": request.name,
        "does": request.does,
        "holder": request.holder,
        "asked_at": now,
        "unremembered": False,
    }
