"""Lane of deliveries: sends the messages of one delivery config in the background; of one record never two at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.emulator.ordercloud.deliveries.log import Delivery, DeliveryEffect, DeliveryFaultRule, DeliverySetting
from reconciler.emulator.ordercloud.deliveries.records import Record
from reconciler.emulator.ordercloud.deliveries.sending import Outgoing, Sender, SendFailed
from reconciler.emulator.ordercloud.models import JsonObject
from reconciler.emulator.outgoing import is_let_through
from reconciler.emulator.switches import Switches

QUEUE_LIMIT = 100_000


class Job(Struct, eq=False):
    """Message to send. Its payload is read when it is first sent, so a queue holds none.

    Args:
        record: what it is about; None for an error notice.
        before: what the record was, where it is gone.
        changes: how many changes it stands for.
        asked: somebody asked for it by a /sync operation, or by a full sync.
        full: it is of all inventory records of a product, as a full sync sends them.
        frozen: a message that is sent as it is, whatever became of the record.
        target: the one that it is still to be sent to; None: to all of the delivery config's.
        entry: its delivery to that target, once there was an attempt.
    """

    record: Record | None
    before: JsonObject | None = None
    changes: int = 1
    asked: bool = False
    full: bool = False
    frozen: Outgoing | None = None
    target: str | None = None
    entry: Delivery | None = None


class Outlet(Struct, frozen=True):
    """Outlet that lanes share: how messages are made, sent and noted.

    Args:
        setting: how they are sent now.
        switches: for what is not published.
        senders: by the kind of target.
        config: returns an enabled delivery config, or None.
        compose: returns the message of a job, or why there is none.
        fault: returns the delivery fault that hits a message.
        begin: opens the delivery of a job at a target in the list.
        failed: told of a delivery that was given up.
    """

    setting: Callable[[], DeliverySetting]
    switches: Callable[[], Switches]
    senders: Mapping[str, Sender]
    config: Callable[[str], JsonObject | None]
    compose: Callable[[Job], Outgoing | str]
    fault: Callable[[str, str], DeliveryFaultRule | None]
    begin: Callable[[str, str, str, Job], Delivery]
    failed: Callable[[Job, Delivery], None]


class Lane:
    """Lane of one delivery config.

    Args:
        config_id: its ID.
        outlet: makes, sends and notes them.
        loop: where it works.
    """

    def __init__(self, config_id: str, outlet: Outlet, loop: asyncio.AbstractEventLoop) -> None:
        self._config_id = config_id
        self._outlet = outlet
        self._loop = loop
        self._queue: deque[Job] = deque()
        self._busy: set[Record] = set()
        self._behind: dict[Record, deque[Job]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._overtaken: list[tuple[list[int], Job, int]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: list[Job] = []
        self._workers = 0
        self._number = 0
        self.refused = 0

    @property
    def queued(self) -> int:
        """Return the number of messages that wait for their turn."""
        return len(self._queue) + sum(map(len, self._behind.values()))

    @property
    def later(self) -> int:
        """Return the number of messages that wait for another attempt, or are late."""
        return len(self._timers)

    @property
    def under_way(self) -> int:
        """Return the number of messages that are being sent."""
        return len(self._sending)

    def push(self, job: Job, *, first: bool = False, bounded: bool = False) -> None:
        """Queue a message; `first` before all others, `bounded` only if the queue is not full."""
        if bounded and len(self._queue) >= QUEUE_LIMIT:
            self.refused += 1
            return
        if first:
            self._queue.appendleft(job)
        else:
            self._queue.append(job)
        self._begin_work()

    def _begin_work(self) -> None:
        # Counted here and not by tasks: one that found nothing more is ended, and still among them for a moment.
        if self._workers < self._outlet.setting().at_once:
            self._workers += 1
            task = self._loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Stop to send."""
        self._queue.clear()
        self._behind.clear()
        self._overtaken.clear()
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()

    async def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                self._sending.append(job)
                try:
                    await self._carry_out(job)
                finally:
                    self._sending.remove(job)
                    self._done(job)
                # A message that is only noted takes no time of its own; others get their turn.
                await asyncio.sleep(0)
        finally:
            self._workers -= 1
            if self._queue:  # this message failed as none should; the others go on
                self._begin_work()

    def _next(self) -> Job | None:
        while self._queue:
            job = self._queue.popleft()
            if job.record is None:
                return job
            if job.record not in self._busy:
                self._busy.add(job.record)
                return job
            self._behind.setdefault(job.record, deque()).append(job)
        return None

    def _done(self, job: Job) -> None:
        if job.record is None:
            return
        self._busy.discard(job.record)
        waiting = self._behind.pop(job.record, None)
        if waiting:
            self._queue.extendleft(reversed(waiting))

    async def _carry_out(self, job: Job) -> None:
        config = self._outlet.config(self._config_id)
        if config is None:
            # documented: a disabled config delivers nothing; inferred: that this holds for what waits already.
            if job.entry is not None:
                job.entry.ended("dropped", "the delivery config is disabled or gone")
            return
        message = self._outlet.compose(job) if job.frozen is None else job.frozen
        if isinstance(message, str):
            if job.entry is not None:
                job.entry.ended("dropped", message)
            return
        targets = config["DeliveryTargets"]
        if job.target is not None and job.target not in targets:
            if job.entry is not None:
                job.entry.ended("dropped", "the target is gone")
            return
        sent = False
        for name in [job.target] if job.target is not None else list(targets):
            sender = self._outlet.senders.get(name)
            sent |= await self._send_to(targets[name], sender, replace(job, target=name), message)
        if sent:
            self._let_overtaken_go()

    async def _send_to(self, target: JsonObject, sender: Sender | None, job: Job, message: Outgoing) -> bool:
        """Send a message to one target, or note why not; return whether it was sent now, taken or not."""
        first = job.entry is None and job.frozen is None
        entry = job.entry or self._outlet.begin(self._config_id, str(job.target), message.type, job)
        job.entry = entry
        if sender is None:
            entry.ended("not delivered", f"the emulator sends to {', '.join(self._outlet.senders)} alone")
            return False
        route = sender.route(target)
        entry.url = route.shown
        if not is_let_through(route.hosts, self._outlet.setting().hosts):
            entry.ended("not delivered", "the host is not this machine, and not among `hosts` of the setting")
            return False
        entry.body = sender.body(message, self._outlet.switches())
        rule = self._outlet.fault(message.type, entry.record.get("ID", "")) if first else None
        if rule is not None and self._put_off(rule, job, entry, message):
            return False
        await self._send(sender, job, entry, target, message)
        return True

    def _put_off(self, rule: DeliveryFaultRule, job: Job, entry: Delivery, message: Outgoing) -> bool:
        """Carry out a fault on a message; return whether it is not sent now."""
        entry.fault = rule.effect.value
        if rule.effect is DeliveryEffect.LOST:
            entry.ended("lost", "a delivery fault says so")
            return True
        if rule.effect is DeliveryEffect.DUPLICATE:
            for _ in range(rule.copies):
                self.push(Job(job.record, changes=job.changes, frozen=message, target=job.target), first=True)
            return False
        # What is late says what it would have said in time.
        job.frozen = message
        entry.ended("waiting")
        number = self._after(rule.seconds, job)
        if rule.effect is DeliveryEffect.REORDER:
            self._overtaken.append(([rule.by], job, number))
        return True

    def _let_overtaken_go(self) -> None:
        """Count a message that was sent against those that later ones are to go before."""
        for item in list(self._overtaken):
            left, job, number = item
            left[0] -= 1
            if left[0] <= 0:
                self._overtaken.remove(item)
                handle = self._timers.pop(number, None)
                if handle is not None:
                    handle.cancel()
                    self.push(job)

    def _after(self, seconds: float, job: Job) -> int:
        """Queue a message some seconds later."""
        self._number += 1
        number = self._number

        def due() -> None:
            if self._timers.pop(number, None) is not None:
                self._overtaken = [item for item in self._overtaken if item[2] != number]
                self.push(job)

        self._timers[number] = self._loop.call_later(seconds, due)
        return number

    async def _send(self, sender: Sender, job: Job, entry: Delivery, target: JsonObject, message: Outgoing) -> None:
        setting = self._outlet.setting()
        entry.ended("sending")
        try:
            status = await sender.send(target, message, setting, self._outlet.switches())
        except SendFailed as failure:
            entry.attempted(status=failure.status, error=str(failure) or None)
            again = failure.again
        else:
            entry.attempted(status=status)
            entry.ended("delivered")
            return
        if again and len(entry.attempts) < setting.attempts:
            entry.ended("waiting")
            self._after(setting.wait * 2 ** (len(entry.attempts) - 1), job)
            return
        entry.ended("failed")
        self._outlet.failed(job, entry)
