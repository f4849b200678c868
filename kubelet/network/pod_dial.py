"""Connections to a port inside a pod's network namespace.

A socket belongs for ever to the namespace that its thread was in when it was made. So a short-lived thread enters the
pod's namespace, makes the socket there and ends; the socket is then used from here like any other.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import threading
from typing import Final

from kubelet.runtime import PodSandbox

CONNECT_SECONDS: Final = 10.0
_CLONE_NEWNET: Final = 0x40000000
_LOCALHOST: Final = ((socket.AF_INET, "127.0.0.1", "tcp4"), (socket.AF_INET6, "::1", "tcp6"))

Connected = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class DialFailed(Exception):
    """Nothing in the pod takes connections on the port; ``str`` is upstream's text."""


async def dial(sandbox: PodSandbox, port: int) -> Connected:
    """A TCP connection to the port on the pod's loopback, by IPv4 or else by IPv6. Raises DialFailed."""
    namespace = "host" if sandbox.host_network else f"/proc/{sandbox.pid}/ns/net"
    failed = f'failed to execute portforward in network namespace "{namespace}": '
    if not sandbox.host_network and not sandbox.pid:
        raise DialFailed(f'{failed}network namespace for sandbox "{sandbox.id}" is closed')
    causes = []
    for family, address, network in _LOCALHOST:
        try:
            return await _connect(None if sandbox.host_network else namespace, family, address, port)
        except (OSError, TimeoutError) as error:
            shown = f"[{address}]" if ":" in address else address
            causes.append(f"dial {network} {shown}:{port}: connect: {_text(error)}")
    raise DialFailed(
        f'{failed}failed to connect to localhost:{port} inside namespace "{sandbox.id}", '
        f"IPv4: {causes[0]} IPv6 {causes[1]} "
    )


def _text(error: OSError) -> str:
    if isinstance(error, TimeoutError) and not error.errno:
        return "i/o timeout"
    return os.strerror(error.errno).lower() if error.errno else str(error)


async def _connect(namespace: str | None, family: socket.AddressFamily, address: str, port: int) -> Connected:
    loop = asyncio.get_running_loop()
    made = _socket(family) if namespace is None else await _socket_in(namespace, family)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await loop.sock_connect(made, (address, port))
        return await asyncio.open_connection(sock=made)
    except BaseException:
        made.close()
        raise


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


async def _socket_in(namespace: str, family: socket.AddressFamily) -> socket.socket:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[socket.socket] = loop.create_future()

    def deliver(made: socket.socket | None, error: OSError | None) -> None:
        if future.done():
            if made is not None:
                made.close()
        elif made is not None:
            future.set_result(made)
        elif error is not None:
            future.set_exception(error)

    def make() -> None:
        try:
            _enter(namespace)
            made = _socket(family)
        except OSError as error:
            loop.call_soon_threadsafe(deliver, None, error)
        else:
            loop.call_soon_threadsafe(deliver, made, None)

    threading.Thread(target=make, name="pod-namespace", daemon=True).start()
    return await future


def _enter(namespace: str) -> None:
    """Moves the calling thread, which cannot be used for anything else afterwards. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.setns(descriptor, _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
