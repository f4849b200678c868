from __future__ import annotations

import asyncio
from pathlib import Path

import dnslib
import pytest

from minikube_py.runtime.clock import FakeClock
from proxy.dns import cache, message
from proxy.dns.cache import AnswerCache
from proxy.dns.upstream import Forwarder, Resolvers, nameservers


def answer_to(query: bytes, *, ttl: int = 60, rcode: int = 0) -> bytes:
    reply = dnslib.DNSRecord.parse(query).reply()
    reply.header.rcode = rcode
    if not rcode:
        reply.add_answer(dnslib.RR(reply.q.qname, dnslib.QTYPE.A, rdata=dnslib.A("192.0.2.1"), ttl=ttl))
    return bytes(reply.pack())


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        pytest.param("nameserver 192.0.2.1\nnameserver 192.0.2.2\n", ("192.0.2.1", "192.0.2.2"), id="two"),
        pytest.param("# nameserver 192.0.2.1\nsearch a b\noptions ndots:5", (), id="none"),
        pytest.param("nameserver 10.96.0.10\nnameserver 192.0.2.1", ("192.0.2.1",), id="ourselves"),
        pytest.param("nameserver fe80::1%eth0\nnameserver nonsense\nnameserver", ("fe80::1",), id="odd ones"),
        pytest.param("nameserver 192.0.2.1\nnameserver 192.0.2.1", ("192.0.2.1",), id="one twice"),
    ],
)
def test_resolvers_of_a_file(text: str, addresses: tuple[str, ...]) -> None:
    assert nameservers(text, {"10.96.0.10"}) == addresses


def test_a_changed_file_is_read_again_after_a_while(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    resolvers = Resolvers(str(path), (), clock)
    assert resolvers.current() == ("192.0.2.1",)
    path.write_text("nameserver 192.0.2.22\n")
    assert resolvers.current() == ("192.0.2.1",)
    clock.advance(5)
    assert resolvers.current() == ("192.0.2.22",)
    path.unlink()
    clock.advance(5)
    assert resolvers.current() == ()


def test_a_kept_answer_ages_and_ends() -> None:
    clock = FakeClock()
    kept = AnswerCache(clock)
    query = message.question_wire("example.com", "A")
    kept.put(query, answer_to(query, ttl=20), tcp=False)
    clock.advance(7)
    again = b"\xab\xcd" + query[2:]
    found = kept.get(again, tcp=False)
    assert found is not None
    record = dnslib.DNSRecord.parse(found)
    assert (record.header.id, record.rr[0].ttl) == (0xABCD, 13)
    assert kept.get(again, tcp=True) is None
    clock.advance(13)
    assert kept.get(again, tcp=False) is None
    assert len(kept) == 0


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"ttl": 0}, id="one that may not be kept"),
        pytest.param({"rcode": 2}, id="a failure"),
    ],
)
def test_not_everything_is_kept(answer: dict[str, int]) -> None:
    kept = AnswerCache(FakeClock())
    query = message.question_wire("example.com", "A")
    kept.put(query, answer_to(query, **answer), tcp=False)
    assert len(kept) == 0


def test_the_cache_is_bounded() -> None:
    kept = AnswerCache(FakeClock())
    for number in range(cache.MOST_ANSWERS + 5):
        query = message.question_wire(f"n{number}.example.com", "A")
        kept.put(query, answer_to(query), tcp=False)
    assert len(kept) == cache.MOST_ANSWERS


class Resolver(asyncio.DatagramProtocol):
    """A resolver on a loopback port, that also sends a forged answer first."""

    def __init__(self) -> None:
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        forged = answer_to(data)
        self.transport.sendto(bytes([forged[0] ^ 1]) + forged[1:], addr)
        self.transport.sendto(forged, addr)


async def test_a_question_is_asked_once_and_its_answer_kept(tmp_path: Path) -> None:
    transport, resolver = await asyncio.get_running_loop().create_datagram_endpoint(
        Resolver, local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\n")
    clock = FakeClock()
    forwarder = Forwarder(Resolvers(str(path), (), clock), clock, port=port)
    query = message.question_wire("example.com", "A")
    assert forwarder.known(query, tcp=False) is None
    answer = await forwarder.ask(query, tcp=False)
    assert answer is not None
    assert answer[:2] == query[:2]
    assert forwarder.known(query, tcp=False) == answer
    assert resolver.asked == 1
    transport.close()


async def test_without_resolvers_there_is_no_answer(tmp_path: Path) -> None:
    clock = FakeClock()
    forwarder = Forwarder(Resolvers(str(tmp_path / "missing"), (), clock), clock)
    assert await forwarder.ask(message.question_wire("example.com", "A"), tcp=False) is None
