"""Addresses that a probe may connect to: public ones, and those that the operator allowed. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from reconciler.hosts import host_allowed
from reconciler.kind.probe import ProbePolicy

Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
# Azure's own service of every virtual machine: public by its number, and nobody's delivery target.
_METADATA = frozenset({IPv4Address("168.63.129.16")})


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address.teredo is not None:
            return address.teredo[1]
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_allowed(host: str, address: str, policy: ProbePolicy) -> bool:
    """Whether a probe may connect to an address that a host resolved to.

    Args:
        host: the name as the target has it.
        address: one of its addresses.
        policy: what may be touched.
    """
    # The zone of a link-local address is no part of its number.
    found = plain(ip_address(address.partition("%")[0]))
    if host_allowed(host, policy.private_hosts) or any(found in network for network in policy.private_networks):
        return True
    if found.is_loopback:
        return policy.loopback
    return found.is_global and not found.is_multicast and not found.is_reserved and found not in _METADATA
