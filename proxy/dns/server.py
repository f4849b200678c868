"""The listeners, and the way of a question.

The cluster's own names at once, all others by way of the host's resolvers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

import structlog

from minikube_py.runtime.clock import Clock
from minikube_py.runtime.tasks import Tasks
from proxy.dns import message, metrics, records
from proxy.dns.message import Malformed, Question
from proxy.dns.records import Answer, Rcode
from proxy.dns.upstream import Forwarder
from proxy.dns.view import InformerView

log = structlog.get_logger("dns")

IDLE_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 256
_LONGEST_CHAIN: Final = 8
_LARGEST_MESSAGE_BYTES: Final = 65535


class DnsServer:
    """Answers on every address of ``addresses``, UDP and TCP, port ``port`` (0 takes a free one: see :attr:`port`)."""

    def __init__(
        self,
        view: InformerView,
        forwarder: Forwarder,
        clock: Clock,
        tasks: Tasks,
        *,
        addresses: Sequence[str],
        port: int,
        domain: str,
        dns_address: str,
        ttl: int,
    ) -> None:
        self._view = view
        self._forwarder = forwarder
        self._clock = clock
        self._tasks = tasks
        self._addresses = addresses
        self.port = port
        self._domain = domain
        self._dns_address = dns_address
        self._ttl = ttl
        self._transports: list[asyncio.DatagramTransport] = []
        self._listeners: list[asyncio.Server] = []
        self._connections = 0

    async def start(self) -> None:
        """Listens. Raises OSError that names the address where one is taken."""
        loop = asyncio.get_running_loop()
        for address in self._addresses:
            try:
                listener = await asyncio.start_server(self._serve_connection, address, self.port)
                self._listeners.append(listener)
                self.port = listener.sockets[0].getsockname()[1]
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(address, self.port)
                )
                self._transports.append(transport)
            except OSError as error:
                await self.close()
                raise OSError(error.errno, f"DNS cannot listen on {address}:{self.port}: {error.strerror}") from error
        log.info("Answering", addresses=list(self._addresses), port=self.port, domain=self._domain)

    async def close(self) -> None:
        """Stops listening."""
        for transport in self._transports:
            transport.close()
        for listener in self._listeners:
            listener.close()

    def answer_now(self, wire: bytes, *, tcp: bool) -> bytes | Question | None:
        """The answer, where it takes no waiting; the question, where it does; None for what deserves no answer."""
        try:
            question = message.parse(wire)
        except Malformed as error:
            return None if error.rcode is None else message.refusal(wire, error.rcode)
        if not self._is_ours(question.name):
            return self._forwarder.known(wire, tcp=tcp) or question
        if not self._view.synced:
            return message.failure(question, Rcode.SERVFAIL)
        answer = self._resolve(question.name, question.type)
        if answer is None:  # a reverse name of nobody here
            return self._forwarder.known(wire, tcp=tcp) or question
        return question if answer.chase else self._respond(question, answer, tcp)

    async def answer_later(self, wire: bytes, question: Question, *, tcp: bool) -> bytes:
        """The answer to a question that :meth:`answer_now` gave back."""
        answer = self._resolve(question.name, question.type) if self._is_ours(question.name) else None
        if answer is None or not answer.chase:
            return await self._forwarder.ask(wire, tcp=tcp) or message.failure(question, Rcode.SERVFAIL)
        chased = await self._chase(answer.chase, question.type, _LONGEST_CHAIN)
        if chased is None:
            return message.failure(question, Rcode.SERVFAIL)
        return self._respond(question, answer, tcp, chased)

    def _is_ours(self, name: str) -> bool:
        return name == self._domain or name.endswith((f".{self._domain}", ".in-addr.arpa", ".ip6.arpa"))

    def _resolve(self, name: str, record_type: str) -> Answer | None:
        answer = records.resolve(name, record_type, self._view, self._domain, self._dns_address)
        if answer is not None and len(answer.records) > 1:
            # Clients mostly take the first: every one gets another.
            return replace(answer, records=tuple(random.sample(answer.records, len(answer.records))))
        return answer

    async def _chase(self, name: str, record_type: str, left: int) -> bytes | None:
        """The message that answers for an alias's target, be it in the cluster or outside."""
        wire = message.question_wire(name, record_type)
        question = message.parse(wire)
        answer = self._resolve(question.name, question.type) if self._is_ours(question.name) else None
        if answer is None:
            return self._forwarder.known(wire, tcp=True) or await self._forwarder.ask(wire, tcp=False)
        if not answer.chase:
            return self._respond(question, answer, True)
        if left == 0:
            return None
        chased = await self._chase(answer.chase, record_type, left - 1)
        return self._respond(question, answer, True, chased) if chased is not None else None

    def _respond(self, question: Question, answer: Answer, tcp: bool, chased: bytes | None = None) -> bytes:
        return message.respond(
            question,
            answer,
            domain=self._domain,
            ttl=self._ttl,
            serial=self._view.serial,
            limit=_LARGEST_MESSAGE_BYTES if tcp else question.udp_limit,
            chased=chased,
        )

    def datagram(self, transport: asyncio.DatagramTransport, wire: bytes, peer: tuple[str, int]) -> None:
        """One question by UDP."""
        started = self._clock.monotonic()
        try:
            answer = self.answer_now(wire, tcp=False)
        except Exception:
            metrics.PANICS.inc()
            log.exception("Question failed", peer=peer[0])
            return
        if isinstance(answer, Question):
            self._tasks.start("question", self._answer_datagram(transport, wire, answer, peer, started))
        elif answer is not None:
            transport.sendto(answer, peer)
            self._count(wire, answer, peer[0], "udp", started)

    async def _answer_datagram(
        self,
        transport: asyncio.DatagramTransport,
        wire: bytes,
        question: Question,
        peer: tuple[str, int],
        started: float,
    ) -> None:
        answer = await self.answer_later(wire, question, tcp=False)
        transport.sendto(answer, peer)
        self._count(wire, answer, peer[0], "udp", started)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections += 1
        try:
            await self._answer_connection(reader, writer, writer.get_extra_info("peername")[0])
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client has gone, or has nothing more to ask
        finally:
            self._connections -= 1
            writer.close()

    async def _answer_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            started = self._clock.monotonic()
            answer = self.answer_now(wire, tcp=True)
            if isinstance(answer, Question):
                answer = await self.answer_later(wire, answer, tcp=True)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            async with asyncio.timeout(IDLE_SECONDS):
                await writer.drain()
            self._count(wire, answer, peer, "tcp", started)

    def _count(self, wire: bytes, answer: bytes, peer: str, protocol: str, started: float) -> None:
        server = f"dns://:{self.port}"
        family = "2" if ":" in peer else "1"
        name, kind = _asked(wire)
        zone = f"{self._domain}." if name == self._domain or name.endswith(f".{self._domain}") else "."
        plugin = "kubernetes" if zone != "." else "forward"
        rcode = message.rcode_of(answer)
        shown = _RCODE_NAMES.get(rcode, str(rcode))
        metrics.REQUESTS.labels(server, zone, "", protocol, family, kind).inc()
        metrics.RESPONSES.labels(server, zone, "", shown, plugin).inc()
        metrics.DURATION.labels(server, zone, "").observe(self._clock.monotonic() - started)


_RCODE_NAMES: Final = {rcode.value: rcode.name for rcode in Rcode}
_COUNTED_TYPES: Final = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV"}


def _asked(wire: bytes) -> tuple[str, str]:
    """The question's name and type as metrics show them; rare types are "other", so that labels stay few."""
    labels, position = [], 12
    try:
        while length := wire[position]:
            labels.append(wire[position + 1 : position + 1 + length].decode("latin-1").lower())
            position += length + 1
        kind = int.from_bytes(wire[position + 1 : position + 3], "big")
    except IndexError:
        return "", "other"
    return ".".join(labels), _COUNTED_TYPES.get(kind, "other")


class _Datagrams(asyncio.DatagramProtocol):
    """Hands datagrams on with the transport that they came by."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None:
            self._server.datagram(self._transport, data, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("A client could not be reached", error=str(exc))
