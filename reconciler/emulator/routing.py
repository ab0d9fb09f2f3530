"""Router without regard to case, over a tree of path segments: one dictionary look-up per segment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from reconciler.emulator.wire import Answer, Request

Handler = Callable[[Request], Answer]
# Of the control API: some wait for somebody whom they call.
ControlHandler = Callable[[Request], Answer | Awaitable[Answer]]
HandlerT = TypeVar("HandlerT", Handler, ControlHandler)


class _Node(Generic[HandlerT]):
    __slots__ = ("fixed", "handlers", "parameter")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[HandlerT]] = {}
        self.parameter: _Node[HandlerT] | None = None
        self.handlers: dict[str, tuple[HandlerT, tuple[str, ...]]] = {}


class Router(Generic[HandlerT]):
    """Router from method and path to a handler. A fixed segment wins over a parameter."""

    def __init__(self) -> None:
        self._root: _Node[HandlerT] = _Node()

    def add(self, method: str, path: str, handler: HandlerT) -> None:
        """Register `handler` for paths like `/integrations/deliveryconfig/{id}`."""
        node = self._root
        names: list[str] = []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment.lower(), _Node())
        # Two paths may call a parameter in one place differently.
        node.handlers[method] = handler, tuple(names)

    def find(self, request: Request, skip: int) -> HandlerT | frozenset[str]:
        """Find the handler and set the request's path parameters; else return the methods of the path (none: no path).

        Args:
            request: the request to route.
            skip: how many leading segments are the room's own prefix.
        """
        node = self._root
        values: list[str] = []
        segments = request.segments
        for index in range(skip, len(segments)):
            segment = segments[index]
            fixed = node.fixed.get(segment.lower())
            if fixed is not None:
                node = fixed
            elif node.parameter is not None and segment:
                node = node.parameter
                values.append(segment)
            else:
                return frozenset()
        found = node.handlers.get(request.method)
        if found is None:
            return frozenset(node.handlers)
        handler, names = found
        request.ids.update(zip(names, values, strict=True))
        return handler
