"""Traces: what is under way as OpenTelemetry's spans. Where nobody asks for them, nothing is imported and none is made.

Names and attributes for HTTP are OpenTelemetry's own, https://opentelemetry.io/docs/specs/semconv/http/http-spans/. No
path, header, body or ID of a record is in a span: paths hold e-mail addresses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import reconciler

if TYPE_CHECKING:
    from opentelemetry.trace import Span as Span
    from opentelemetry.trace import Tracer

    Attributes = Mapping[str, str | int]

Kind = Literal["internal", "server", "client"]
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVER_ERROR = 500
_CLIENT_ERROR = 400


def endpoint(environ: Mapping[str, str]) -> str | None:
    """Return the variable that asks for traces, which names where they go; None: nobody asks.

    Args:
        environ: OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none count as well.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    return next((name for name in _ENDPOINTS if environ.get(name)), None)


def begin() -> None:
    """Send spans from now on, as OpenTelemetry's environment variables say. A provider that is there already stays.

    Raises:
        ModuleNotFoundError: the extra `telemetry` is not installed.
    """
    from opentelemetry import trace

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return  # set by `opentelemetry-instrument`
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {"service.name": "reconciler", "service.version": reconciler.__version__}
    # What the environment says of the service comes last, and so counts.
    provider = TracerProvider(resource=Resource(named).merge(Resource.create()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def end() -> None:
    """Send what was not sent yet."""
    trace = sys.modules.get("opentelemetry.trace")
    flush = None if trace is None else getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        flush()


@contextmanager
def span(name: str, attributes: Attributes | None = None, kind: Kind = "internal") -> Iterator[Span | None]:
    """Within, something is under way. What begins within is a part of it.

    Args:
        name: few different ones, without IDs.
        attributes: what is known of it at the start.
        kind: as OpenTelemetry tells them apart.

    Yields:
        The span, for what is known at the end; None: nobody asks.
    """
    tracer = _tracer()
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind, StatusCode

    # The words of an error may be anybody's, so its type alone is told.
    with tracer.start_as_current_span(
        name, kind=SpanKind[kind.upper()], attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as begun:
        try:
            yield begun
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__name__)
            begun.set_status(StatusCode.ERROR)
            raise


def exchanged(method: str, host: str, attempt: int, seconds: float, status: int | None) -> None:
    """Tell of a request that just ended.

    Args:
        method: of HTTP.
        host: of the API.
        attempt: counts from 1.
        seconds: how long it took.
        status: of the answer; None: none came.
    """
    tracer = _tracer()
    if tracer is None:
        return
    from opentelemetry.trace import SpanKind, StatusCode

    end = time.time_ns()
    attributes: dict[str, str | int] = {"http.request.method": method, "server.address": host}
    if attempt > 1:
        attributes["http.request.resend_count"] = attempt - 1
    if status is not None:
        attributes["http.response.status_code"] = status
    made = tracer.start_span(
        method, kind=SpanKind.CLIENT, attributes=attributes, start_time=end - int(seconds * 1_000_000_000)
    )
    if status is None or status >= _CLIENT_ERROR:
        made.set_attribute("error.type", "no-answer" if status is None else str(status))
        made.set_status(StatusCode.ERROR)
    made.end(end)


def answered(under_way: Span | None, method: str | None, route: str, status: int) -> None:
    """Tell how a request that came was answered.

    Args:
        under_way: its span.
        method: of HTTP; None: a word that HTTP does not know.
        route: with names in place of what they stood for.
        status: of the answer.
    """
    if under_way is None:
        return
    from opentelemetry.trace import StatusCode

    under_way.update_name(f"{method or 'HTTP'} {route}")
    under_way.set_attribute("http.request.method", method or "_OTHER")
    under_way.set_attribute("http.route", route)
    under_way.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        under_way.set_attribute("error.type", str(status))
        under_way.set_status(StatusCode.ERROR)


def trace_id() -> str | None:
    """Return the ID of the trace of what is under way, in hexadecimal; None: nobody asks."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _tracer() -> Tracer | None:
    """Return OpenTelemetry's tracer, where somebody imported it: its provider then says what becomes of spans."""
    trace = sys.modules.get("opentelemetry.trace")
    return None if trace is None else trace.get_tracer("reconciler", reconciler.__version__)
