"""Which handler answers which verb and subresource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.handlers.binding import create_binding, create_pod_binding
from apiserver.handlers.component_statuses import component_statuses
from apiserver.handlers.create import create
from apiserver.handlers.delete import delete
from apiserver.handlers.deletecollection import deletecollection
from apiserver.handlers.eviction import create_eviction
from apiserver.handlers.get import get
from apiserver.handlers.list import list_
from apiserver.handlers.patch import patch
from apiserver.handlers.proxy import proxy
from apiserver.handlers.reviews import REVIEWS
from apiserver.handlers.scale import get_scale, patch_scale, update_scale
from apiserver.handlers.token import create_token
from apiserver.handlers.update import update
from apiserver.handlers.watch import watch
from apiserver.streaming.logs import pod_log
from apiserver.streaming.streams import stream
from apiserver.unsupported import unknown_resource
from minikube_py.api.errors import MethodNotAllowed

Handler = Callable[[RequestContext], Awaitable[Response]]

_VERBS: dict[str, Handler] = {
    "get": get,
    "list": list_,
    "watch": watch,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": deletecollection,
}
_SUBRESOURCES: dict[tuple[str, str], Handler] = {
    ("status", "get"): get,
    ("status", "update"): update,
    ("status", "patch"): patch,
    ("scale", "get"): get_scale,
    ("scale", "update"): update_scale,
    ("scale", "patch"): patch_scale,
    ("binding", "create"): create_pod_binding,
    ("eviction", "create"): create_eviction,
    ("token", "create"): create_token,
    ("finalize", "update"): update,
    ("approval", "get"): get,
    ("approval", "update"): update,
    ("approval", "patch"): patch,
    ("ephemeralcontainers", "get"): get,
    ("ephemeralcontainers", "update"): update,
    ("ephemeralcontainers", "patch"): patch,
    ("resize", "get"): get,
    ("resize", "update"): update,
    ("resize", "patch"): patch,
    ("log", "get"): pod_log,
    ("exec", "create"): stream,
    ("exec", "get"): stream,
    ("attach", "create"): stream,
    ("attach", "get"): stream,
    ("portforward", "create"): stream,
    ("portforward", "get"): stream,
}


def handler_for(ctx: RequestContext) -> Handler:
    """The handler of a request for a resource. Raises NotFound, MethodNotAllowed."""
    info, resource = ctx.info, ctx.info.resource
    if resource is None:
        raise unknown_resource()
    if info.namespace and not resource.namespaced and resource.plural != "namespaces":
        raise unknown_resource()
    if info.subresource:
        subresource = resource.subresource(info.subresource)
        if subresource is None:
            raise unknown_resource()
        if info.subresource == "proxy":
            return proxy
        handler = _SUBRESOURCES.get((info.subresource, info.verb))
        if handler is None or info.verb not in subresource.verbs:
            raise _not_allowed()
        return handler
    if info.verb not in resource.verbs:
        raise _not_allowed()
    if resource.namespaced and not info.namespace and (info.name or info.verb not in ("list", "watch")):
        raise _not_allowed() if not info.name and info.verb == "create" else unknown_resource()
    if (info.verb == "create" and info.name) or (info.verb in ("update", "patch") and not info.name):
        raise _not_allowed()
    if resource.kind == "ComponentStatus":
        return component_statuses
    if not resource.persisted:
        return create_binding if resource.kind == "Binding" else REVIEWS[resource.kind]
    return _VERBS[info.verb]


def _not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource", details={})
