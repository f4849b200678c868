from __future__ import annotations

import dnslib
import pytest

from proxy.dns import message
from proxy.dns.message import Malformed
from proxy.dns.records import NXDOMAIN, Answer, Rcode, Record

NAME = "web.ns.svc.cluster.local"


def wire(name: str = NAME, kind: str = "A", payload: int = 0) -> bytes:
    record = dnslib.DNSRecord.question(name, kind)
    if payload:
        record.add_ar(dnslib.EDNS0(udp_len=payload))
    return bytes(record.pack())


def respond(asked: bytes, answer: Answer, limit: int = 512) -> dnslib.DNSRecord:
    question = message.parse(asked)
    return dnslib.DNSRecord.parse(
        message.respond(question, answer, domain="cluster.local", ttl=5, serial=42, limit=limit)
    )


def test_an_answer_repeats_the_question_as_it_was_spelled() -> None:
    asked = wire("WEB.ns.svc.Cluster.local")
    question = message.parse(asked)
    assert (question.name, question.type, question.udp_limit) == (NAME, "A", 512)
    reply = respond(asked, Answer(records=(Record(NAME, "A", "10.96.0.7"),)))
    assert str(reply.rr[0].rname) == "WEB.ns.svc.Cluster.local."
    assert (str(reply.rr[0].rdata), reply.rr[0].ttl) == ("10.96.0.7", 5)
    assert (reply.header.aa, reply.header.ra, reply.header.id) == (1, 1, question.record.header.id)


def test_a_name_that_does_not_exist_carries_the_start_of_authority() -> None:
    reply = respond(wire(), NXDOMAIN)
    assert reply.header.rcode == Rcode.NXDOMAIN
    assert reply.auth[0].rtype == dnslib.QTYPE.SOA
    assert reply.auth[0].rdata.times == (42, 7200, 1800, 86400, 5)


def test_an_answer_that_is_too_long_is_truncated() -> None:
    many = Answer(records=tuple(Record(NAME, "A", f"10.0.0.{number}") for number in range(60)))
    short = respond(wire(), many)
    assert (short.header.tc, len(short.rr)) == (1, 0)
    assert len(respond(wire(payload=4096), many, limit=1232).rr) == 60
    assert message.parse(wire(payload=4096)).udp_limit == 1232


def test_edns_is_answered_with_edns() -> None:
    assert respond(wire(payload=1232), NXDOMAIN).ar[0].rtype == dnslib.QTYPE.OPT
    assert respond(wire(), NXDOMAIN).ar == []


@pytest.mark.parametrize(
    ("asked", "rcode"),
    [
        pytest.param(b"\0\1", None, id="too short"),
        pytest.param(wire()[:2] + b"\x81\x80" + wire()[4:], None, id="an answer"),
        pytest.param(wire()[:2] + b"\x28\x00" + wire()[4:], Rcode.NOTIMP, id="an update"),
        pytest.param(wire()[:20], Rcode.FORMERR, id="cut short"),
        pytest.param(wire()[:4] + b"\0\2" + wire()[6:] + wire()[12:], Rcode.FORMERR, id="two questions"),
        pytest.param(wire()[:-2] + b"\0\3", Rcode.REFUSED, id="another class"),
        pytest.param(wire(payload=512)[:-5] + b"\1" + wire(payload=512)[-4:], Rcode.BADVERS, id="a future EDNS"),
    ],
)
def test_what_is_no_question_is_told_apart(asked: bytes, rcode: Rcode | None) -> None:
    with pytest.raises(Malformed) as refused:
        message.parse(asked)
    assert refused.value.rcode == rcode
    if rcode is not None:
        reply = dnslib.DNSRecord.parse(message.refusal(asked, rcode))
        assert reply.header.rcode == rcode & 0xF
        assert reply.header.id == int.from_bytes(asked[:2], "big")


def test_only_an_answer_to_the_question_is_one() -> None:
    asked = wire()
    answer = bytes(dnslib.DNSRecord.parse(asked).reply().pack())
    assert message.is_answer_to(answer, asked)
    assert not message.is_answer_to(asked, asked)
    assert not message.is_answer_to(b"\0\0" + answer[2:], asked)
    assert not message.is_answer_to(answer, wire("other.example"))


def test_an_alias_is_answered_with_what_it_stands_for() -> None:
    question = message.parse(wire())
    target = dnslib.DNSRecord.question("example.com").reply()
    target.add_answer(dnslib.RR("example.com", dnslib.QTYPE.A, rdata=dnslib.A("192.0.2.1"), ttl=60))
    answer = Answer(records=(Record(NAME, "CNAME", "example.com"),), chase="example.com")
    reply = dnslib.DNSRecord.parse(
        message.respond(
            question, answer, domain="cluster.local", ttl=5, serial=1, limit=512, chased=bytes(target.pack())
        )
    )
    assert [str(record.rdata) for record in reply.rr] == ["example.com.", "192.0.2.1"]
