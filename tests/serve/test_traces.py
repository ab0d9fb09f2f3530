"""Traces of a service: sent where OpenTelemetry's variables say, and nothing in them that is a record's or a secret."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from reconciler.tracing import endpoint
from support.checkout import wait_until
from support.service import Process
from support.syncing import Shop


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of what takes traces in, and what it took."""
    bodies: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        server.server_close()


def spans_of(bodies: list[bytes]) -> list[Span]:
    requests = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def about(span: Span) -> dict[str, str | int]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def test_runs_requests_and_what_is_asked_are_spans_of_one_trace_without_ids_or_secrets(shop: Shop) -> None:
    shop.emulator.seed(6, 1)
    shop.prepare(environment={"service": {"loops": ["syncs"]}})
    with collector() as (url, bodies):
        shop.checkout.variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "our-shop"}
        service = Process(shop.checkout)
        assert service.logged("traces")
        wait_until(lambda: bool(service.logged("run-ended")))
        assert service.ask("GET", "/healthz") == 200
        assert service.ask("POST", "/deliveries/nobody", b"{}") == 404
        assert service.ask("SESAME", "/healthz") == 405
        assert service.ask("SESAME", "/deliveries/nobody") == 405
        assert service.signalled(signal.SIGTERM) == 0
        asked, _ = service.logged("request")
    spans = spans_of(bodies)
    (run,) = [span for span in spans if span.name == "sync run"]
    assert about(run)["reconciler.run.state"] == "finished"
    within = [span for span in spans if span.trace_id == run.trace_id and span.name == "PUT"]
    assert {about(span)["server.address"] for span in within} == {"127.0.0.1"}
    answers = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert [about(span)["http.response.status_code"] for span in answers] == [404, 405]
    assert [span.name.split()[0] for span in answers] == ["POST", "HTTP"]
    assert [about(span)["http.request.method"] for span in answers] == ["POST", "_OTHER"]
    assert asked["trace"] in {span.trace_id.hex() for span in spans if span.kind == Span.SPAN_KIND_SERVER}
    sent = b"".join(bodies)
    assert b"our-shop" in sent
    ids = [each["ID"] for each in shop.emulator.state()["ordercloud"]["commerce"]["objects"]["Product"][""]]
    for hidden in (*ids, "Bearer", "nobody", "/v1/", "SESAME"):
        assert hidden.encode() not in sent


def test_where_nobody_takes_traces_the_log_says_so_in_its_own_words_and_the_end_does_not_wait(shop: Shop) -> None:
    shop.write_manifests(environment={"service": {}})
    with collector() as (url, _):
        pass
    away = url.replace("//", "//user:pass-word@")
    shop.checkout.variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": away, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    service = Process(shop.checkout)
    assert service.ask("POST", "/deliveries/nobody", b"{}") == 404
    wait_until(lambda: bool(service.logged("traces-unsent")))
    assert service.signalled(signal.SIGTERM) == 0
    lines = [line for line in service.text.splitlines() if line]
    assert all(line.startswith("{") for line in lines), lines
    assert "pass-word" not in service.text


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_traces_are_asked_for_by_the_variables_that_everybody_knows(environ: dict[str, str], named: str | None) -> None:
    assert endpoint(environ) == named
