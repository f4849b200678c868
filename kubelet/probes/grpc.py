"""``grpc`` probes by the standard health service, version 1.

grpcio is imported by the first such probe only: it costs about 20 MB that most nodes never need. The two messages are
so small (one string, one enum) that they are encoded here.
"""

from __future__ import annotations

from kubelet.probes.answer import Answer, Outcome, host_port

_METHOD = "/grpc.health.v1.Health/Check"
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_SERVING = 1
_SERVICE_TAG = 0x0A
_STATUS_TAG = 0x08


def encode_request(service: str) -> bytes:
    """A ``HealthCheckRequest``."""
    data = service.encode()
    if not data:
        return b""
    length = bytearray()
    remaining = len(data)
    while remaining > 0x7F:
        length.append(remaining & 0x7F | 0x80)
        remaining >>= 7
    length.append(remaining)
    return bytes([_SERVICE_TAG]) + bytes(length) + data


def decode_status(message: bytes) -> int:
    """The ``status`` of a ``HealthCheckResponse``; 0 where it is left out."""
    return message[1] if len(message) >= 2 and message[0] == _STATUS_TAG else 0


async def probe(host: str, port: int, service: str, timeout: float, user_agent: str) -> Answer:
    """Asks for the service's health. ``timeout`` is in seconds."""
    import grpc
    import grpc.aio

    address = host_port(host, port)
    options = [("grpc.primary_user_agent", user_agent), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        check = channel.unary_unary(_METHOD, request_serializer=encode_request, response_deserializer=decode_status)
        try:
            status = await check(service, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return Answer(Outcome.FAILURE, _described(error.code(), error.details() or "", address, timeout))
    if status == _SERVING:
        return Answer(Outcome.SUCCESS, "service healthy")
    return Answer(Outcome.FAILURE, f'service unhealthy (responded with "{_STATUSES.get(status, str(status))}")')


def _described(code: object, details: str, address: str, timeout: float) -> str:
    name = getattr(code, "name", str(code))
    if name == "UNIMPLEMENTED":
        return f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {details}"
    if name == "DEADLINE_EXCEEDED":
        return f"timeout: health rpc did not complete within {timeout:g}s"
    if name == "UNAVAILABLE":
        return f'error: failed to connect service "{address}": {details}'
    return f"error: health rpc probe failed: {details}"
