"""What a name in the cluster's domain stands for. Pure; the Kubernetes DNS specification 1.1.0 as CoreDNS reads it.

A name that exists without records of the asked type is NODATA (no error, no records); one that does not exist is
NXDOMAIN, and so is a headless Service without ready endpoints, as with CoreDNS.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

SCHEMA_VERSION: Final = "1.1.0"
_SRV_WEIGHT: Final = 100
_REVERSE_4, _REVERSE_6 = ".in-addr.arpa", ".ip6.arpa"


class Rcode(enum.IntEnum):
    """The response codes in use."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


@dataclass(frozen=True, slots=True)
class Record:
    """``data`` is an address, a name or a text by type; ``port`` and ``weight`` are for SRV. Names have no last dot."""

    name: str
    type: str
    data: str
    port: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """``chase`` is a name outside whose addresses belong into the answer too (after a CNAME)."""

    rcode: Rcode = Rcode.NOERROR
    records: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    chase: str = ""


NODATA: Final = Answer()
NXDOMAIN: Final = Answer(Rcode.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class Port:
    """A Service's or an endpoint's port."""

    name: str
    number: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Service:
    """What DNS needs of a Service; ``cluster_ips`` is empty where it is headless or external."""

    cluster_ips: tuple[str, ...] = ()
    headless: bool = False
    external_name: str = ""
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready endpoint; ``hostname`` is empty where it has none of its own."""

    address: str
    hostname: str
    ports: tuple[Port, ...]

    @property
    def label(self) -> str:
        """Its name below the Service's."""
        return self.hostname or self.address.replace(".", "-").replace(":", "-")


class ClusterView(Protocol):
    """The cluster as DNS sees it."""

    def has_namespace(self, name: str) -> bool:
        """Whether the namespace exists."""
        ...

    def service(self, namespace: str, name: str) -> Service | None:
        """The Service, or None."""
        ...

    def endpoints(self, namespace: str, name: str) -> Sequence[Endpoint]:
        """The Service's ready endpoints."""
        ...

    def names_of(self, address: str) -> Sequence[str]:
        """Names, relative to the domain, of what has this address: Services first, then endpoints."""
        ...


@dataclass(frozen=True, slots=True)
class _Host:
    """One address behind a name; ``target`` is the name under which SRV records refer to it."""

    address: str
    port: int
    target: str


def resolve(name: str, record_type: str, view: ClusterView, domain: str, dns_address: str = "") -> Answer | None:
    """The answer for a lower-case name without its last dot; None where the name is not the cluster's to answer."""
    if name.endswith((_REVERSE_4, _REVERSE_6)):
        return _reverse(name, record_type, view, domain)
    if name == domain:
        return Answer(records=(Record(domain, "NS", f"ns.dns.{domain}"),)) if record_type == "NS" else NODATA
    if not name.endswith(f".{domain}"):
        return None
    labels = name.removesuffix(f".{domain}").split(".")
    if labels == ["dns-version"]:
        return Answer(records=(Record(name, "TXT", SCHEMA_VERSION),)) if record_type == "TXT" else NODATA
    if labels == ["ns", "dns"]:
        return _addresses(name, record_type, [dns_address] if dns_address else [])
    *labels, kind = labels
    if kind not in ("svc", "pod"):
        return NXDOMAIN
    if not labels:
        return NODATA
    *labels, namespace = labels
    if not view.has_namespace(namespace):
        return NXDOMAIN
    if not labels:
        return NODATA
    if kind == "pod":
        return _pod(name, labels, record_type)
    return _service(name, labels, namespace, record_type, view, domain)


def _pod(name: str, labels: Sequence[str], record_type: str) -> Answer:
    """``a-b-c-d`` stands for that address whether or not a pod has it, as CoreDNS's mode "insecure"."""
    label = labels[-1]
    dotted = label.count("-") == 3 and "--" not in label
    try:
        address = ipaddress.ip_address(label.replace("-", "." if dotted else ":"))
    except ValueError:
        return NXDOMAIN
    return _addresses(name, record_type, [str(address)]) if len(labels) == 1 else NXDOMAIN


def _service(name: str, labels: list[str], namespace: str, record_type: str, view: ClusterView, domain: str) -> Answer:
    *before, service_name = labels
    port, protocol, endpoint = "", "", ""
    match before:
        case []:
            pass
        case [one]:
            endpoint = one
        case [first, second] if first.startswith("_") and second.startswith("_"):
            port, protocol = first[1:], second[1:]
        case _:
            return NXDOMAIN
    service = view.service(namespace, service_name)
    if service is None:
        return NXDOMAIN
    base = f"{service_name}.{namespace}.svc.{domain}"
    if service.external_name:
        return NXDOMAIN if endpoint else _external(name, record_type, service.external_name)
    if service.headless or endpoint:
        found = [each for each in view.endpoints(namespace, service_name) if endpoint in ("", each.label.lower())]
        hosts = [
            _Host(each.address, number, f"{each.label}.{base}")
            for each in found
            for number in _matching(each.ports or (Port("", 0, ""),), port, protocol)
        ]
    else:
        numbers = list(_matching(service.ports, port, protocol))
        hosts = [_Host(address, number, base) for number in numbers for address in service.cluster_ips]
    if not hosts:
        return NXDOMAIN
    if record_type == "SRV":
        return _srv(name, hosts)
    return _addresses(name, record_type, [host.address for host in hosts])


def _matching(ports: Iterable[Port], name: str, protocol: str) -> Iterable[int]:
    for port in ports:
        if name in ("", port.name.lower()) and protocol in ("", port.protocol.lower()):
            yield port.number


def _external(name: str, record_type: str, target: str) -> Answer:
    target = target.rstrip(".")
    try:
        ipaddress.ip_address(target)
    except ValueError:
        pass
    else:
        return NXDOMAIN  # an address is no name to be an alias of
    if record_type not in ("A", "AAAA", "CNAME"):
        return NODATA
    return Answer(records=(Record(name, "CNAME", target),), chase="" if record_type == "CNAME" else target)


def _addresses(name: str, record_type: str, addresses: Iterable[str]) -> Answer:
    wanted = [address for address in dict.fromkeys(addresses) if record_type == ("AAAA" if ":" in address else "A")]
    return Answer(records=tuple(Record(name, record_type, address) for address in wanted))


def _srv(name: str, hosts: Sequence[_Host]) -> Answer:
    targets = dict.fromkeys((host.target, host.port) for host in hosts if host.port)
    weight = max(1, _SRV_WEIGHT // len(targets)) if targets else 0
    addresses = dict.fromkeys((host.target, host.address) for host in hosts if host.port)
    return Answer(
        records=tuple(Record(name, "SRV", target, port, weight) for target, port in targets),
        additional=tuple(Record(target, "AAAA" if ":" in address else "A", address) for target, address in addresses),
    )


def _reverse(name: str, record_type: str, view: ClusterView, domain: str) -> Answer | None:
    address = reverse_address(name)
    names = view.names_of(address) if address else ()
    if not names:
        return None
    if record_type != "PTR":
        return NODATA
    return Answer(records=tuple(Record(name, "PTR", f"{each}.{domain}") for each in names))


def reverse_address(name: str) -> str:
    """The address that a whole reverse name is of, or the empty string."""
    if name.endswith(_REVERSE_4):
        text = ".".join(reversed(name.removesuffix(_REVERSE_4).split(".")))
    else:
        digits = "".join(reversed(name.removesuffix(_REVERSE_6).split(".")))
        if len(digits) != 32:
            return ""
        text = ":".join(digits[index : index + 4] for index in range(0, 32, 4))
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
