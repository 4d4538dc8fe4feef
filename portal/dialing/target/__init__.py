"""Where the server may send requests: the administrators' allow list, and what passes it.

A request takes two steps: ``check_url`` says where its URL leads, ``admit`` resolves the host
once and returns the addresses that were checked. Only these may be connected to.
"""

from portal.dialing.target.address import Address, Network
from portal.dialing.target.admission import (
    Destination,
    Resolver,
    admit,
    check_listed,
    check_url,
    fixed_destination,
    is_named,
    trust_for,
)
from portal.dialing.target.allow_list import AllowList, Entry, check_entry, parse_entry, parse_host

__all__ = [
    "Address",
    "AllowList",
    "Destination",
    "Entry",
    "Network",
    "Resolver",
    "admit",
    "check_entry",
    "check_listed",
    "check_url",
    "fixed_destination",
    "is_named",
    "parse_entry",
    "parse_host",
    "trust_for",
]
