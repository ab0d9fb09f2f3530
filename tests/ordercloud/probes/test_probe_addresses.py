from __future__ import annotations

from ipaddress import ip_network

import pytest
from msgspec.structs import replace

from reconciler.ordercloud.probes.addresses import is_allowed
from support.probing import POLICY

FAR = replace(POLICY, loopback=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_allowed("a.example.com", address, FAR)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::",
        "ff02::1",
        # An IPv4 address in IPv6 clothes is what it stands for.
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_others_are_not(address: str) -> None:
    assert not is_allowed("a.example.com", address, FAR)


def test_the_operator_may_let_a_host_or_a_network_through() -> None:
    by_name = replace(FAR, private_hosts=("hooks.internal",))
    assert is_allowed("hooks.internal", "10.0.0.1", by_name)
    assert not is_allowed("other.internal", "10.0.0.1", by_name)
    by_network = replace(FAR, private_networks=(ip_network("10.0.0.0/24"),))
    assert is_allowed("a.example.com", "10.0.0.1", by_network)
    assert not is_allowed("a.example.com", "10.0.1.1", by_network)
    assert not is_allowed("a.example.com", "127.0.0.1", by_network)


def test_this_machine_is_let_through_where_the_emulator_is_here() -> None:
    assert is_allowed("localhost", "127.0.0.1", POLICY)
    assert is_allowed("localhost", "::ffff:127.0.0.1", POLICY)
    assert not is_allowed("localhost", "10.0.0.1", POLICY)
