"""The numbers that may be given out, and in which order they are tried. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Protocol

_MAX_ADDRESSES = 2**20
_TRIES = 16


class Band(Protocol):
    """Numbers from which some are kept for those who ask for them by name."""

    @property
    def path(self) -> str:
        """The folder of the keys in the store."""
        ...

    @property
    def size(self) -> int:
        """How many numbers there are."""
        ...

    @property
    def reserved(self) -> int:
        """How many of the first are only given out at random when all others are taken."""
        ...

    @property
    def extent(self) -> str:
        """All numbers, as messages tell them; tools read the service network from there."""
        ...

    def at(self, index: int) -> str:
        """The number at an index, as it is written in a key."""
        ...

    def index(self, value: str) -> int | None:
        """The index of a number, None if it is not one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """The usable addresses of a service network: neither its first nor its last."""

    network: IPv4Network
    path: str = "/registry/ranges/serviceips/"

    @property
    def size(self) -> int:
        """At most 2^20, as upstream."""
        return min(self.network.num_addresses - 2, _MAX_ADDRESSES)

    @property
    def reserved(self) -> int:
        """The lower band of KEP-3070: ``min(max(16, size / 16), 256)``."""
        total = min(self.network.num_addresses, _MAX_ADDRESSES)
        return 0 if total < 16 else min(min(max(16, total // 16), 256), self.size - 1)

    @property
    def extent(self) -> str:
        """The network in CIDR notation."""
        return str(self.network)

    def at(self, index: int) -> str:
        """The address at an index; 0 is the network's second address."""
        return str(self.network[index + 1])

    def index(self, value: str) -> int | None:
        """The index of an address. Raises ValueError for what is none."""
        offset = int(IPv4Address(value)) - int(self.network.network_address) - 1
        return offset if 0 <= offset < self.size else None


@dataclass(frozen=True, slots=True)
class Ports:
    """Node ports."""

    ports: range
    path: str = "/registry/ranges/servicenodeports/"

    @property
    def size(self) -> int:
        """How many ports there are."""
        return len(self.ports)

    @property
    def reserved(self) -> int:
        """The lower band of KEP-3668: ``min(max(16, size / 32), 128)``."""
        return 0 if self.size < 32 else min(max(16, self.size // 32), 128)

    @property
    def extent(self) -> str:
        """First and last port."""
        return f"{self.ports[0]}-{self.ports[-1]}"

    def at(self, index: int) -> str:
        """The port at an index."""
        return str(self.ports[index])

    def index(self, value: str) -> int | None:
        """The index of a port."""
        port = int(value)
        return port - self.ports.start if port in self.ports else None


def candidates(band: Band, random: Random) -> Iterator[int]:
    """A few random indexes of the upper band, for the usual case that most are free."""
    for _ in range(_TRIES):
        yield random.randrange(band.reserved, band.size)


def free_indexes(band: Band, taken: Container[str], random: Random) -> Iterator[int]:
    """Every index that is not taken, the upper band first, each band in random order of its start."""
    for first, last in ((band.reserved, band.size), (0, band.reserved)):
        if first == last:
            continue
        start = random.randrange(first, last)
        for index in (*range(start, last), *range(first, start)):
            if band.at(index) not in taken:
                yield index
