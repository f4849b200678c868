"""The host's resolvers: where they are, and asking them."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import structlog

from minikube_py.runtime.clock import Clock
from proxy.dns import message, metrics
from proxy.dns.cache import AnswerCache

log = structlog.get_logger("dns")

ATTEMPT_SECONDS: Final = 2.0
ATTEMPTS: Final = 3
MOST_IN_FLIGHT: Final = 512
LOOK_AGAIN_SECONDS: Final = 5.0
AVOID_SECONDS: Final = 10.0
PORT: Final = 53


def nameservers(text: str, own_addresses: Collection[str]) -> tuple[str, ...]:
    """The addresses of a ``resolv.conf``, without those that lead back to ourselves."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        address = words[1].partition("%")[0]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        if address not in own_addresses:
            found.append(address)
    return tuple(dict.fromkeys(found))


class Resolvers:
    """The addresses in the host's ``resolv.conf``, read again when it has changed (looked at every 5 s at the most)."""

    def __init__(self, path: str, own_addresses: Collection[str], clock: Clock) -> None:
        self._path = Path(path)
        self._own = frozenset(own_addresses)
        self._clock = clock
        self._looked_at = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._addresses: tuple[str, ...] = ()

    def current(self) -> tuple[str, ...]:
        """The addresses in the order of the file; empty where there is none."""
        now = self._clock.monotonic()
        if now - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = now
            self._read()
        return self._addresses

    def _read(self) -> None:
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._stamp:
                return
            self._addresses = nameservers(self._path.read_text(errors="replace"), self._own)
            self._stamp = stamp
        except OSError as error:
            log.warning("Host's resolvers unknown", file=str(self._path), error=str(error))
            self._addresses, self._stamp = (), None
            return
        log.info("Forwarding to the host's resolvers", resolvers=list(self._addresses))


class Forwarder:
    """Asks the host's resolvers, at most 512 questions at a time, and keeps their answers for a short while."""

    def __init__(self, resolvers: Resolvers, clock: Clock, *, port: int = PORT) -> None:
        self._resolvers = resolvers
        self._clock = clock
        self._port = port
        self._cache = AnswerCache(clock)
        self._avoid: dict[str, float] = {}
        self._in_flight = 0

    def known(self, query: bytes, *, tcp: bool) -> bytes | None:
        """An answer that was kept."""
        answer = self._cache.get(query, tcp=tcp)
        (metrics.CACHE_MISSES if answer is None else metrics.CACHE_HITS).inc()
        return answer

    async def ask(self, query: bytes, *, tcp: bool) -> bytes | None:
        """A resolver's answer, or None where none answers within 6 s or too much is being asked already."""
        if self._in_flight >= MOST_IN_FLIGHT:
            return None
        self._in_flight += 1
        try:
            return await self._ask(query, tcp)
        finally:
            self._in_flight -= 1

    async def _ask(self, query: bytes, tcp: bool) -> bytes | None:
        for address in self._order(self._resolvers.current()):
            # An id of our own and a port of its own for each question: the client's id is no secret.
            sent = secrets.token_bytes(2) + query[2:]
            started = self._clock.monotonic()
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    answer = await (self._by_tcp if tcp else self._by_udp)(address, sent)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self._avoid[address] = self._clock.monotonic() + AVOID_SECONDS
                continue
            self._avoid.pop(address, None)
            metrics.FORWARD_DURATION.labels(to=address).observe(self._clock.monotonic() - started)
            self._cache.put(query, answer, tcp=tcp)
            return query[:2] + answer[2:]
        return None

    def _order(self, addresses: Sequence[str]) -> list[str]:
        """Three attempts: in the file's order, those that did not answer lately last."""
        now = self._clock.monotonic()
        self._avoid = {address: until for address, until in self._avoid.items() if until > now}
        ordered = sorted(addresses, key=lambda address: address in self._avoid)
        return (ordered * ATTEMPTS)[:ATTEMPTS]

    async def _by_udp(self, address: str, query: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Exchange(query, answered), remote_addr=(address, self._port)
        )
        try:
            transport.sendto(query)
            return await answered
        finally:
            transport.close()

    async def _by_tcp(self, address: str, query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(address, self._port)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            await writer.drain()
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        finally:
            writer.close()
        if not message.is_answer_to(answer, query):
            raise ConnectionError("not an answer to the question")
        return answer


class _Exchange(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers; others are dropped."""

    def __init__(self, query: bytes, answered: asyncio.Future[bytes]) -> None:
        self._query = query
        self._answered = answered

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._answered.done() and message.is_answer_to(data, self._query):
            self._answered.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)
