"""What is known of one request: who asks, what is asked, and what has to be said beside the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

from minikube_py.api.errors import (
    BadRequest,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    field_not_supported,
    invalid,
)
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource

if TYPE_CHECKING:
    from starlette.requests import Request

    from apiserver.audit.record import Record
    from apiserver.core import Core
    from apiserver.flow_control.controller import Flow

MAX_BODY_BYTES = 3 * 1024 * 1024
"""The largest request body that is read, as upstream."""
MAX_WARNINGS = 1000
"""The most warnings that are kept of a request; an answer has room for fewer."""
_OPTIONS_KINDS = {
    "update": "UpdateOptions",
    "patch": "PatchOptions",
    "delete": "DeleteOptions",
    "deletecollection": "DeleteOptions",
}


@dataclass(frozen=True, slots=True)
class UserInfo:
    """An authenticated user, as ``k8s.io/apiserver/pkg/authentication/user``."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def object(self) -> Object:
        """The ``authentication.k8s.io/v1`` UserInfo, as reviews and audit events show it."""
        shown: Object = {"username": self.name}
        if self.uid:
            shown["uid"] = self.uid
        if self.groups:
            shown["groups"] = list(self.groups)
        if self.extra:
            shown["extra"] = {key: list(values) for key, values in self.extra.items()}
        return shown


ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A request's path and method in terms of the API, as upstream's ``RequestInfo``.

    ``resource`` is the row of the table of kinds, or None where the path names none that is served. A request that is
    not for a resource (``is_resource`` False) has only ``path`` and ``verb``.
    """

    path: str
    verb: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""
    resource: Resource | None = None


class Query:
    """Query parameters, first value first; a parameter given empty counts as absent."""

    __slots__ = ("_values",)

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        if raw:
            for key, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
                self._values.setdefault(key, []).append(value)

    def get(self, key: str) -> str:
        """The first value, or the empty string."""
        values = self._values.get(key)
        return values[0] if values else ""

    def all(self, key: str) -> list[str]:
        """Every value, in order."""
        return self._values.get(key, [])

    def flag(self, key: str) -> bool:
        """A boolean parameter; upstream takes everything but ``false`` and ``0``, the empty value too, as true."""
        values = self._values.get(key)
        return values is not None and values[0].lower() not in ("false", "0")

    def optional_flag(self, key: str) -> bool | None:
        """As :meth:`flag`, None where the parameter is absent."""
        return self.flag(key) if key in self._values else None

    def integer(self, key: str) -> int | None:
        """A whole number, None where absent. Raises BadRequest."""
        text = self.get(key)
        if not text:
            return None
        if not (text.isascii() and text.removeprefix("-").removeprefix("+").isdigit()):
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": value out of range')
        return int(text)


@dataclass(slots=True)
class RequestContext:
    """One request on its way through the server; made by the application, read by the handlers."""

    core: Core
    request: Request
    info: RequestInfo
    user: UserInfo
    query: Query
    audit_id: str
    headers: Mapping[bytes, bytes]
    """The request's headers by lower-case name, one value each."""
    flow: Flow | None = None
    """How flow control has classified the request; None for one that runs long, or got no further."""
    audit: Record | None = None
    """What is recorded of the request; None where nothing is."""
    warnings: list[str] = field(default_factory=list)

    def warn(self, *texts: str) -> None:
        """Adds ``Warning`` headers to the answer; repeats are said once, and what no answer has room for never."""
        for text in texts:
            if len(self.warnings) == MAX_WARNINGS:
                return
            if text and text not in self.warnings:
                self.warnings.append(text)

    def annotate(self, key: str, value: str) -> None:
        """Adds an annotation to the request's audit event, if there is one."""
        if self.audit is not None:
            self.audit.annotate(key, value)

    @property
    def query_string(self) -> str:
        """The query as it was sent."""
        return bytes(self.request.scope.get("query_string", b"")).decode("latin-1")

    @property
    def client_address(self) -> str:
        """Where the request comes from, or the empty string."""
        client = self.request.scope.get("client")
        return str(client[0]) if client else ""

    def header(self, name: str) -> str:
        """A request header, or the empty string."""
        return self.headers.get(name.encode("latin-1"), b"").decode("latin-1")

    @property
    def resource(self) -> Resource:
        """The row asked for; only for requests whose route has made sure that there is one."""
        resource = self.info.resource
        if resource is None:
            raise RuntimeError("the request is not for a resource that is served")
        return resource

    @property
    def stored(self) -> Resource:
        """The row whose presentation is the one that is stored: ``resource``, but for a kind with several versions."""
        return self.core.table.stored(self.resource)

    @property
    def dry_run(self) -> bool:
        """Whether ``dryRun=All`` is asked for. Raises Invalid for another value."""
        values = [value for value in self.query.all("dryRun") if value]
        return check_dry_run(values, _OPTIONS_KINDS.get(self.info.verb, "CreateOptions"))

    async def body(self) -> bytes:
        """The whole body, to be asked for once.

        Raises RequestEntityTooLarge, ClientDisconnect, and UnsupportedMediaType for a body that is compressed.
        """
        coding = self.header("content-encoding")
        if coding and coding.lower() != "identity":
            raise UnsupportedMediaType(f'the content encoding "{coding}" of the request body is not supported')
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self.request.receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BODY_BYTES}")
            chunks.append(chunk)
        body = b"".join(chunks)
        if self.audit is not None:
            self.audit.sent(body)
        return body


def check_dry_run(values: list[str], options_kind: str) -> bool:
    """Whether the values of a ``dryRun`` option ask for one. Raises Invalid for anything but ``All``."""
    if any(value != "All" for value in values):
        raise invalid("meta.k8s.io", options_kind, "", [field_not_supported("dryRun", values, ("All",))])
    return bool(values)
