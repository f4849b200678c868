"""From method and path to what is asked: one parse for every kind, no table of routes.

Follows ``k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory``.
"""

from __future__ import annotations

from apiserver.context import Query, RequestInfo
from minikube_py.api.resources import ResourceTable

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "OPTIONS": "options",
}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


def request_info(method: str, path: str, query: Query, table: ResourceTable) -> RequestInfo:
    """What a request asks for. A path that is not below a group and version is not a resource's."""
    parts = [part for part in path.split("/") if part]
    verb = _VERBS.get(method, method.lower())
    other = RequestInfo(path, method.lower())
    if len(parts) < 3:
        return other
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return other

    is_watch = rest[0] == "watch"
    if is_watch:
        # The deprecated way to ask for a watch; nothing else can be done to such a path.
        rest = rest[1:]
        if method != "GET" or not rest:
            return other
        verb = "watch"

    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    elif rest[0] == "proxy":
        return other
    if len(rest) > (2 if is_watch else 3) and (is_watch or rest[2] != "proxy"):
        return other
    plural = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if not name:
        if verb == "get":
            verb = "watch" if query.flag("watch") else "list"
        elif verb == "delete":
            verb = "deletecollection"
    return RequestInfo(
        path=path,
        verb=verb,
        is_resource=True,
        group=group,
        version=version,
        namespace=namespace,
        plural=plural,
        name=name,
        subresource=subresource,
        resource=table.by_plural(group, version, plural),
    )
