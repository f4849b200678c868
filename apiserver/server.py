"""uvicorn with what Kubernetes needs of TLS: client certificates that are optional, and reach the application.

uvicorn's protocols are subclassed in one place only: the verified peer certificate, what ends the connection at once
and what sends a watch's event at once are put into the scope's extensions.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apiserver.app import GATHER
from apiserver.authn.certificates import EXTENSION
from apiserver.handlers.watch import DROP, PUSH
from apiserver.settings import Settings
from apiserver.streaming.upgrade import EXTENSION as UPGRADE
from minikube_py.runtime.hijack import HijackedConnection

KEEP_ALIVE_SECONDS = 185
"""How long an idle connection stays open: longer than clients keep theirs, so that it is they who close."""
HEADERS_SECONDS = 32
"""How long a connection may take until the headers of its request are there, as upstream."""
MAX_HEADERS_BYTES = 1 << 20
"""The most that a request line and its headers may take, as upstream."""
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"connection: close\r\n\r\n431 Request Header Fields Too Large"
)


def _peer(transport: Any) -> dict[str, Any] | None:
    ssl_object = transport.get_extra_info("ssl_object")
    certificate: dict[str, Any] | None = ssl_object.getpeercert() if ssl_object is not None else None
    return certificate or None


class Gathering:
    """A transport that can hold back what is written and send it as one.

    uvicorn writes the headers and the body of an answer one after the other; together they are one TLS record and one
    system call, which is a tenth of the time of a GET.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] | None = None
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def hold(self) -> None:
        """Keeps what is written from now on."""
        self._held = []

    def release(self) -> None:
        """Sends what was kept; from now on everything is sent at once."""
        held, self._held = self._held, None
        if held:
            self._transport.write(b"".join(held))

    def write(self, data: bytes) -> None:
        """As the transport's, unless it is held back."""
        if self._held is None:
            self._transport.write(data)
        else:
            self._held.append(data)

    def close(self) -> None:
        """As the transport's, after what was kept."""
        self.release()
        self._transport.close()


class _HttpProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        gathering = Gathering(transport)
        super().connection_made(cast(asyncio.Transport, gathering))
        self._extensions: dict[str, Any] = {
            EXTENSION: {"peer": _peer(transport)},
            DROP: transport.abort,
            PUSH: self._push,
            GATHER: gathering,
        }
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_headers:
            self._headers_bytes += len(data)
            if self._headers_bytes > MAX_HEADERS_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def _await_headers(self) -> None:
        self._in_headers, self._headers_bytes = True, 0
        self._headers_timer = self.loop.call_later(HEADERS_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_headers:
            self._await_headers()
        self.scope["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._headers_timer.cancel()
        if self.parser.should_upgrade():
            extensions: dict[str, Any] = {**self._extensions, UPGRADE: self._take_over}
            self.scope["extensions"] = extensions
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """The application decides about every upgrade, WebSockets too."""

    def _push(self, chunk: bytes) -> bool:
        """Sends a chunk of a body that has begun, beside the application; False where it would have to be kept."""
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    def _take_over(self, head: bytes) -> HijackedConnection:
        """Ends HTTP on this connection. uvicorn still hears when it is lost, and closes it when shutting down."""
        self.cycle.response_started = self.cycle.response_complete = True
        connection = HijackedConnection(self.transport)
        self.transport.write(head)
        return connection


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process and sleeps instead of ticking."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signal handlers as they are."""
        yield

    async def main_loop(self) -> None:
        """Waits to be stopped."""
        await self._stop.wait()


def tls_context(settings: Settings) -> ssl.SSLContext:
    """The server's TLS: 1.2 or newer, a client certificate verified where one is shown."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.client_ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert_file, settings.tls_private_key_file)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def make_server(app: Any, settings: Settings, stop: asyncio.Event) -> Server:
    """A server for the application that stops when ``stop`` is set."""
    config = uvicorn.Config(
        app,
        host=settings.bind_address,
        port=settings.secure_port,
        loop="none",
        http=_HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        ssl_context_factory=lambda *_: tls_context(settings),
    )
    return Server(config, stop)


def listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A socket bound to the configured address. Raises OSError naming it where that is not possible.

    ``shared``: other processes bind theirs to the same address, and the kernel gives each its share of connections.
    """
    family = socket.AF_INET6 if ":" in settings.bind_address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((settings.bind_address, settings.secure_port))
    except OSError as error:
        listening.close()
        where = f"{settings.bind_address}:{settings.secure_port}"
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from None
    listening.setblocking(False)
    return listening
