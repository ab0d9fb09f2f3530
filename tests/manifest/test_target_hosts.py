"""Hosts in URLs, broker lists and connection strings, and the patterns that allow them."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.hosts import host_allowed, is_loopback
from reconciler.manifest.hosts import hosts_of


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("https://a.example.com/x?y=z", ("a.example.com",)),
        ("HTTPS://A.Example.com:8443", ("a.example.com",)),
        ("https://a.example.com.", ("a.example.com",)),
        ("https://user:pw@a.example.com", ("a.example.com",)),
        ("http://[::1]:80/", ("::1",)),
        ("a.example.com", None),
        ("//a.example.com", None),
        ("https://", None),
        ("https:///x", None),
        ("https://a.example.com\\@evil.org", None),
        ("https://a\texample.com", None),
        (" https://a.example.com", None),
        ("https://a.example.com:99999", None),
        ("https://a..example.com", None),
        ("https://ex%61mple.com", None),
        ("https://[::1", None),
        ("https://exämple.com", None),
        ("https://a。example.com", None),
        ("", None),
    ],
)
def test_hosts_of_urls(value: str, hosts: tuple[str, ...] | None) -> None:
    assert hosts_of(value, "url") == hosts


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("a:9092", ("a",)),
        ("a:9092,b:9092 , c", ("a", "b", "c")),
        ("a:9092,A:9093", ("a",)),
        ("SASL_SSL://a.example.com:9092", ("a.example.com",)),
        ("[::1]:9092", ("::1",)),
        ("a:9092,", None),
        ("a:9092,,b", None),
        ("a:port", None),
        ("a b:1", None),
        ("", None),
    ],
)
def test_hosts_of_brokers(value: str, hosts: tuple[str, ...] | None) -> None:
    assert hosts_of(value, "brokers") == hosts


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        (
            "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k=",
            ("ns.servicebus.windows.net",),
        ),
        ("AccountEndpoint=https://x.documents.azure.com:443/;AccountKey=k==;", ("x.documents.azure.com",)),
        (
            "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=k==;EndpointSuffix=core.windows.net",
            ("shop.core.windows.net",),
        ),
        ("AccountName=shop;AccountKey=k", ("shop.core.windows.net",)),
        ("AccountName=x;AccountKey=k;BlobEndpoint=http://127.0.0.1:10000/x;", ("127.0.0.1",)),
        ("UseDevelopmentStorage=true", ("127.0.0.1",)),
        ("Endpoint=sb://a/;endpoint=sb://b/", None),
        ("Endpoint=nonsense;SharedAccessKey=k", None),
        ("BlobEndpoint=https://a.example.com/;QueueEndpoint=nonsense;AccountKey=k", None),
        ("BlobEndpoint=https://a.example.com/;QueueEndpoint=https://b.example.com", ("a.example.com", "b.example.com")),
        ("AccountName=shop;AccountKey=k;nonsense", None),
        ("AccountName=a/b;AccountKey=k", None),
        ("SharedAccessKey=k", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_hosts_of_connection_strings(value: str, hosts: tuple[str, ...] | None) -> None:
    assert hosts_of(value, "connection-string") == hosts


@pytest.mark.parametrize(
    ("host", "pattern", "allowed"),
    [
        ("a.example.com", "a.example.com", True),
        ("A.example.com", "a.Example.com.", True),
        ("a.example.com", "*.example.com", True),
        ("a.b.example.com", "*.example.com", True),
        ("example.com", "*.example.com", False),
        (".example.com", "*.example.com", False),
        ("notexample.com", "*.example.com", False),
        ("a.example.com.evil.org", "*.example.com", False),
        ("a.example.com", "example.com", False),
        ("a.example.com", "a.*.com", False),
        ("a.example.com", "*", False),
    ],
)
def test_patterns(host: str, pattern: str, allowed: bool) -> None:
    assert host_allowed(host, [pattern]) is allowed


def test_no_pattern_allows_nothing() -> None:
    assert not host_allowed("a", [])


def test_loopback() -> None:
    hosts = ["localhost", "127.9.9.9", "::1", "128.0.0.1", "127.0.0.1.evil.org"]
    assert [host for host in hosts if is_loopback(host)] == hosts[:3]


@given(st.text(), st.sampled_from(["url", "brokers", "connection-string"]))
def test_any_text_has_hosts_or_none(text: str, form: Literal["url", "brokers", "connection-string"]) -> None:
    hosts = hosts_of(text, form)
    assert hosts is None or (hosts and all(host and host == host.lower() for host in hosts))
