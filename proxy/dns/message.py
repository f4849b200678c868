"""DNS messages: reading a question, writing an answer, and what of the wire format the cache needs. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import dnslib

from proxy.dns.records import Answer, Rcode, Record

UDP_PAYLOAD_BYTES: Final = 1232
"""What fits into one packet on any network (DNS flag day 2020); larger offers of clients are cut to it."""
PLAIN_PAYLOAD_BYTES: Final = 512
_OPT = 41
_INTERNET = 1
_HEADER_BYTES = 12
_SOA_TIMES = (7200, 1800, 86400)


class Malformed(ValueError):
    """A message that is no question; ``rcode`` is what to answer, None for not at all."""

    def __init__(self, rcode: Rcode | None) -> None:
        super().__init__("malformed" if rcode is None else rcode.name)
        self.rcode = rcode


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked; ``name`` is lower-case and has no last dot. ``payload`` 0 is one without EDNS."""

    name: str
    type: str
    record: Any
    payload: int

    @property
    def udp_limit(self) -> int:
        """The longest answer that may be sent by UDP, in bytes."""
        return max(PLAIN_PAYLOAD_BYTES, min(self.payload, UDP_PAYLOAD_BYTES))


def parse(wire: bytes) -> Question:
    """Raises Malformed."""
    if len(wire) < _HEADER_BYTES or wire[2] & 0x80:
        raise Malformed(None)
    if wire[2] & 0x78:
        raise Malformed(Rcode.NOTIMP)
    try:
        record = dnslib.DNSRecord.parse(wire)
    except (dnslib.DNSError, ValueError, IndexError, struct.error) as error:
        raise Malformed(Rcode.FORMERR) from error
    if len(record.questions) != 1:
        raise Malformed(Rcode.FORMERR)
    if record.q.qclass != _INTERNET:
        raise Malformed(Rcode.REFUSED)
    payload = 0
    for extra in record.ar:
        if extra.rtype == _OPT:
            payload = max(extra.rclass, PLAIN_PAYLOAD_BYTES)
            if (extra.ttl >> 16) & 0xFF:
                raise Malformed(Rcode.BADVERS)
    name = str(record.q.qname).lower().rstrip(".")
    return Question(name, str(dnslib.QTYPE.get(record.q.qtype)), record, payload)


def respond(
    question: Question, answer: Answer, *, domain: str, ttl: int, serial: int, limit: int, chased: bytes | None = None
) -> bytes:
    """The answer's message, authoritative; longer than ``limit`` bytes it is truncated to the question.

    ``chased`` is the message that answers what the records are an alias of.
    """
    reply = _reply(question, answer.rcode, authoritative=True)
    for record in answer.records:
        reply.add_answer(_resource_record(record, question, ttl))
    if chased is not None:
        alias = dnslib.DNSRecord.parse(chased)
        reply.header.rcode = alias.header.rcode
        reply.add_answer(*alias.rr)
    for record in answer.additional:
        reply.add_ar(_resource_record(record, question, ttl))
    if answer.rcode == Rcode.NOERROR and question.type == "SOA" and question.name == domain:
        reply.add_answer(_start_of_authority(domain, ttl, serial))
    elif not answer.records:
        reply.add_auth(_start_of_authority(domain, ttl, serial))
    return _packed(question, reply, limit)


def failure(question: Question, rcode: Rcode) -> bytes:
    """A message that only tells of an error."""
    return bytes(_with_options(question, _reply(question, rcode, authoritative=False)).pack())


def refusal(wire: bytes, rcode: Rcode) -> bytes:
    """As :func:`failure`, for what could not be read: the header alone (with EDNS where its version is the matter)."""
    flags = 0x8000 | (int.from_bytes(wire[2:4], "big") & 0x7900) | (rcode & 0xF)
    if rcode <= 0xF:
        return wire[:2] + struct.pack(">HHHHH", flags, 0, 0, 0, 0)
    options = b"\0" + struct.pack(">HHBBHH", _OPT, UDP_PAYLOAD_BYTES, rcode >> 4, 0, 0, 0)
    return wire[:2] + struct.pack(">HHHHH", flags, 0, 0, 0, 1) + options


def question_wire(name: str, record_type: str) -> bytes:
    """A question of our own, with EDNS."""
    record = dnslib.DNSRecord.question(name, record_type)
    record.add_ar(dnslib.EDNS0(udp_len=UDP_PAYLOAD_BYTES))
    return bytes(record.pack())


def _reply(question: Question, rcode: Rcode, *, authoritative: bool) -> Any:
    asked = question.record.header
    header = dnslib.DNSHeader(id=asked.id, qr=1, aa=int(authoritative), ra=1, rd=asked.rd, rcode=int(rcode))
    return dnslib.DNSRecord(header, q=question.record.q)


def _with_options(question: Question, reply: Any) -> Any:
    if question.payload:
        reply.add_ar(dnslib.EDNS0(udp_len=UDP_PAYLOAD_BYTES))
    return reply


def _packed(question: Question, reply: Any, limit: int) -> bytes:
    packed = bytes(_with_options(question, reply).pack())
    if len(packed) <= limit:
        return packed
    short = _reply(question, Rcode.NOERROR, authoritative=True)
    short.header.rcode = reply.header.rcode
    short.header.tc = 1
    return bytes(_with_options(question, short).pack())


def _resource_record(record: Record, question: Question, ttl: int) -> Any:
    # The name goes back spelled as it was asked: some clients compare it to the letter.
    name = question.record.q.qname if record.name == question.name else record.name
    data = {
        "A": lambda: dnslib.A(record.data),
        "AAAA": lambda: dnslib.AAAA(record.data),
        "CNAME": lambda: dnslib.CNAME(record.data),
        "PTR": lambda: dnslib.PTR(record.data),
        "NS": lambda: dnslib.NS(record.data),
        "TXT": lambda: dnslib.TXT(record.data),
        "SRV": lambda: dnslib.SRV(0, record.weight, record.port, record.data),
    }[record.type]()
    return dnslib.RR(name, getattr(dnslib.QTYPE, record.type), rdata=data, ttl=ttl)


def _start_of_authority(domain: str, ttl: int, serial: int) -> Any:
    data = dnslib.SOA(f"ns.dns.{domain}", f"hostmaster.{domain}", (serial & 0xFFFFFFFF, *_SOA_TIMES, ttl))
    return dnslib.RR(domain, dnslib.QTYPE.SOA, rdata=data, ttl=ttl)


def is_answer_to(wire: bytes, query: bytes) -> bool:
    """Whether a message has the query's id and question: a forged or late one has not."""
    if len(wire) < _HEADER_BYTES or wire[:2] != query[:2] or not wire[2] & 0x80:
        return False
    end = _after_question(query)
    return wire[4:6] == query[4:6] and wire[_HEADER_BYTES:end].lower() == query[_HEADER_BYTES:end].lower()


def is_truncated(wire: bytes) -> bool:
    """Whether the answer is cut short."""
    return bool(wire[2] & 0x02)


def rcode_of(wire: bytes) -> int:
    """The response code, without EDNS's upper bits."""
    return wire[3] & 0x0F


def time_to_live_offsets(wire: bytes) -> list[int]:
    """Where the records' times to live are in the message, without EDNS's. Raises ValueError for a malformed one."""
    try:
        return list(_offsets(wire))
    except (IndexError, struct.error) as error:
        raise ValueError("malformed message") from error


def _offsets(wire: bytes) -> Iterator[int]:
    records = sum(struct.unpack_from(">HHH", wire, 6))
    position = _after_question(wire)
    for _ in range(records):
        position = _after_name(wire, position)
        kind, length = struct.unpack_from(">H6xH", wire, position)
        if kind != _OPT:
            yield position + 4
        position += 10 + length


def _after_question(wire: bytes) -> int:
    position = _HEADER_BYTES
    for _ in range(int.from_bytes(wire[4:6], "big")):
        position = _after_name(wire, position) + 4
    return position


def _after_name(wire: bytes, position: int) -> int:
    while length := wire[position]:
        if length & 0xC0:
            return position + 2
        position += length + 1
    return position + 1
