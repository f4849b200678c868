"""What is recorded of one request: the events of its stages."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from apiserver.audit.policy import Decision, Stage
from apiserver.body import Expected, parse, parse_yaml
from apiserver.context import UserInfo
from minikube_py.api.errors import ApiError
from minikube_py.api.meta import Object, metadata
from minikube_py.api.times import format_micro_time

if TYPE_CHECKING:
    from apiserver.context import RequestContext

_WITH_REQUEST = ("Request", "RequestResponse")


class Record:
    """Gathers what becomes known of a request, until its events are made."""

    __slots__ = ("_annotations", "_ctx", "_decision", "_impersonated", "_received", "_request", "_user")

    def __init__(self, ctx: RequestContext, decision: Decision, user: UserInfo, received: datetime) -> None:
        self._ctx = ctx
        self._decision = decision
        self._user = user
        self._impersonated = ctx.user if ctx.user is not user else None
        self._received = received
        self._annotations: dict[str, str] = {}
        self._request: bytes | None = None

    @property
    def wants_request(self) -> bool:
        """Whether the body of the request is to be recorded."""
        return self._decision.level in _WITH_REQUEST

    @property
    def wants_response(self) -> bool:
        """Whether the body of the answer is to be recorded."""
        return self._decision.level == "RequestResponse"

    def annotate(self, key: str, value: str) -> None:
        """Adds an annotation; one that is there already stays."""
        self._annotations.setdefault(key, value)

    def sent(self, body: bytes) -> None:
        """Notes the body of the request."""
        if self.wants_request:
            self._request = body

    def _request_object(self) -> Any:
        ctx = self._ctx
        if not self._request or ctx.info.resource is None:
            return None
        expected = Expected(ctx.info.resource.api_version, ctx.info.resource.kind)
        content_type = ctx.header("content-type")
        try:
            if "patch" in content_type:
                return parse_yaml(self._request, expected).value
            return parse(self._request, content_type, expected, ctx.core.schemas).value
        except ApiError:
            # What could not be read is no object; the answer says why.
            return None

    def event(self, stage: Stage, now: datetime, *, status: Object | None = None, answer: bytes = b"") -> Object | None:
        """The ``audit.k8s.io/v1`` Event of a stage; None for one that the policy leaves out."""
        if stage in self._decision.omit_stages:
            return None
        ctx, info = self._ctx, self._ctx.info
        query = ctx.query_string
        event: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": self._decision.level,
            "auditID": ctx.audit_id,
            "stage": stage,
            "requestURI": f"{info.path}?{query}" if query else info.path,
            "verb": info.verb,
            "user": self._user.object(),
        }
        if self._impersonated is not None:
            event["impersonatedUser"] = self._impersonated.object()
        if ctx.client_address:
            event["sourceIPs"] = [ctx.client_address]
        if agent := ctx.header("user-agent"):
            event["userAgent"] = agent
        if info.is_resource:
            event["objectRef"] = _reference(ctx)
        if status is not None:
            event["responseStatus"] = status
        request_object = self._request_object() if self.wants_request else None
        if request_object is not None:
            event["requestObject"] = self._shown(request_object)
        if self.wants_response and answer:
            # An answer in another form than JSON is not an object.
            with suppress(orjson.JSONDecodeError):
                event["responseObject"] = self._shown(orjson.loads(answer))
        event["requestReceivedTimestamp"] = format_micro_time(self._received)
        event["stageTimestamp"] = format_micro_time(now)
        if self._annotations:
            event["annotations"] = dict(self._annotations)
        return event

    def _shown(self, value: Any) -> Any:
        if not self._decision.omit_managed_fields or not isinstance(value, dict):
            return value
        shown = dict(value)
        if "managedFields" in (value.get("metadata") or {}):
            shown["metadata"] = {key: kept for key, kept in metadata(value).items() if key != "managedFields"}
        if isinstance(value.get("items"), list):
            shown["items"] = [self._shown(item) for item in value["items"]]
        return shown


def _reference(ctx: RequestContext) -> Object:
    info = ctx.info
    reference: Object = {"resource": info.plural}
    for key, value in (
        ("namespace", info.namespace),
        ("name", info.name),
        ("apiGroup", info.group),
        ("apiVersion", info.version),
        ("subresource", info.subresource),
    ):
        if value:
            reference[key] = value
    return reference
