"""The ``paths`` of the OpenAPI documents: one operation per verb of every kind and subresource.

Clients look here for three things: which kind a path is about (``x-kubernetes-group-version-kind``), what an
operation does to it (``x-kubernetes-action``), and which query parameters it takes (``fieldValidation``, ``dryRun``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Any

from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource, Subresource

DOCUMENT_KINDS = (("v1", "DeleteOptions"), ("v1", "Status"), ("v1", "WatchEvent"))
"""The kinds that operations refer to besides the resources' own."""

DefinitionName = Callable[[str, str], str | None]

_JSON = "application/json"
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_PATCH_BODY = {"type": "object"}

_PARAMETERS: dict[str, tuple[str, str]] = {
    "allowWatchBookmarks": ("boolean", "Whether a watch may send BOOKMARK events."),
    "container": ("string", "The container to use, where the pod has several."),
    "continue": ("string", "The token that the previous page of a list ended with."),
    "dryRun": ("string", "All: go through every stage, but store nothing."),
    "fieldManager": ("string", "The name of the actor that makes this change."),
    "fieldSelector": ("string", "Restricts the answer to objects whose fields match."),
    "fieldValidation": (
        "string",
        "What is done about unknown and duplicate fields of the body: Ignore, Warn or Strict.",
    ),
    "follow": ("boolean", "Whether to keep the stream open for what is logged later."),
    "force": ("boolean", "Whether an apply takes over fields that others manage."),
    "gracePeriodSeconds": ("integer", "Seconds until the object is deleted; 0 means at once."),
    "labelSelector": ("string", "Restricts the answer to objects whose labels match."),
    "limit": ("integer", "The most items that one page of a list holds."),
    "limitBytes": ("integer", "The most bytes of log to send."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
    "previous": ("boolean", "Whether to show the log of the container's previous instance."),
    "propagationPolicy": ("string", "Whether and when dependents are deleted: Orphan, Background or Foreground."),
    "resourceVersion": ("string", "How fresh the answer has to be."),
    "resourceVersionMatch": ("string", "How resourceVersion is applied to a list."),
    "sendInitialEvents": ("boolean", "Whether a watch begins with what there is."),
    "sinceSeconds": ("integer", "Shows what was logged in the last so many seconds."),
    "tailLines": ("integer", "The number of lines from the end of the log to show."),
    "timeoutSeconds": ("integer", "After how many seconds a list or watch ends."),
    "timestamps": ("boolean", "Whether each line begins with its time."),
    "watch": ("boolean", "Whether to watch for changes instead of listing."),
    "command": ("string", "The command to execute, one parameter per argument."),
    "stdin": ("boolean", "Whether the standard input is attached."),
    "stdout": ("boolean", "Whether the standard output is attached."),
    "stderr": ("boolean", "Whether the standard error is attached."),
    "tty": ("boolean", "Whether a terminal is allocated."),
    "path": ("string", "The path below what is proxied to."),
    "ports": ("integer", "The ports to forward; needed over WebSocket alone."),
    "pretty": ("string", "Whether the answer is indented."),
}
_LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_QUERY: dict[str, tuple[str, ...]] = {
    "list": _LIST,
    "create": _WRITE,
    "get": (),
    "update": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": _DELETE,
    "deletecollection": (*_DELETE, *_LIST),
}
_STREAM_QUERY: dict[str, tuple[str, ...]] = {
    "attach": ("container", "stderr", "stdin", "stdout", "tty"),
    "exec": ("command", "container", "stderr", "stdin", "stdout", "tty"),
    "log": ("container", "follow", "limitBytes", "previous", "sinceSeconds", "tailLines", "timestamps"),
    "portforward": ("ports",),
    "proxy": ("path",),
}
_CONNECTED = frozenset({"attach", "exec", "portforward", "proxy"})
"""Subresources that are a connection to something else, whatever the method."""
_COLLECTION_VERBS = ("list", "create", "deletecollection")
_OBJECT_VERBS = ("get", "update", "patch", "delete")
_METHODS = {
    "list": "get",
    "create": "post",
    "deletecollection": "delete",
    "get": "get",
    "update": "put",
    "patch": "patch",
    "delete": "delete",
}
_ACTIONS = {"create": "post", "update": "put"}
_OPERATION_VERBS = {"get": "read", "update": "replace"}


class Style(enum.Enum):
    """Which OpenAPI the operations are written in."""

    V2 = "2"
    V3 = "3"


def paths(rows: Iterable[Resource], definition_name: DefinitionName, style: Style) -> dict[str, Any]:
    """The path items of the rows, by path in order."""
    found: dict[str, Object] = {}
    for row in rows:
        builder = _Builder(row, definition_name, style)
        found |= builder.path_items()
    return dict(sorted(found.items()))


class _Builder:
    def __init__(self, row: Resource, definition_name: DefinitionName, style: Style) -> None:
        self._row = row
        self._definition_name = definition_name
        self._style = style

    def path_items(self) -> dict[str, Object]:
        row = self._row
        collection = row.path("{namespace}" if row.namespaced else "")
        found = {collection: self._item(_COLLECTION_VERBS, in_namespace=row.namespaced, named=False)}
        if row.namespaced and "list" in row.verbs:
            found[row.path()] = self._item(("list",), in_namespace=False, named=False)
        if any(verb in row.verbs for verb in _OBJECT_VERBS):
            found[f"{collection}/{{name}}"] = self._item(_OBJECT_VERBS, in_namespace=row.namespaced, named=True)
        for subresource in row.subresources:
            path = f"{collection}/{{name}}/{subresource.name}"
            found[path] = self._subresource_item(subresource)
            if subresource.name == "proxy":
                found[f"{path}/{{path}}"] = self._subresource_item(subresource, with_path=True)
        return found

    def _item(self, verbs: tuple[str, ...], *, in_namespace: bool, named: bool) -> Object:
        row = self._row
        item: Object = {}
        for verb in verbs:
            if verb not in row.verbs:
                continue
            kind = row.list_kind if verb == "list" else row.kind
            answer = "Status" if verb in ("delete", "deletecollection") else kind
            scope = "ForAllNamespaces" if row.namespaced and not in_namespace else ""
            item[_METHODS[verb]] = self._operation(
                verb,
                query=_QUERY[verb],
                answer=("v1" if answer == "Status" else row.api_version, answer),
                about=(row.group, row.version, row.kind),
                operation_id=self._operation_id(verb, in_namespace=in_namespace, suffix=scope),
            )
        return self._with_parameters(item, in_namespace=in_namespace, named=named)

    def _subresource_item(self, subresource: Subresource, *, with_path: bool = False) -> Object:
        row = self._row
        group = subresource.group if subresource.version else row.group
        version, kind = subresource.version or row.version, subresource.kind or row.kind
        api_version = f"{group}/{version}" if group else version
        item: Object = {}
        streams = subresource.name in _CONNECTED
        for verb in subresource.verbs:
            suffix = subresource.name.capitalize() + ("WithPath" if with_path else "")
            item[_METHODS[verb]] = self._operation(
                verb,
                query=_STREAM_QUERY.get(subresource.name, _QUERY[verb]),
                answer=None if subresource.name in _STREAM_QUERY else (api_version, kind),
                about=(group, version, kind),
                operation_id=self._operation_id(verb, in_namespace=row.namespaced, suffix=suffix, connects=streams),
                connects=streams,
            )
        item = self._with_parameters(item, in_namespace=row.namespaced, named=True)
        if with_path:
            item["parameters"].append(self._in_path("path", "The path below what is proxied to."))
        return item

    def _operation_id(self, verb: str, *, in_namespace: bool, suffix: str = "", connects: bool = False) -> str:
        row, group = self._row, _group_words(self._row)
        if connects:
            words = f"connect{group}{_METHODS[verb].capitalize()}"
        elif verb == "deletecollection":
            words = f"delete{group}Collection"
        else:
            words = f"{_OPERATION_VERBS.get(verb, verb)}{group}"
        return f"{words}{'Namespaced' if in_namespace else ''}{row.kind}{suffix}"

    def _operation(
        self,
        verb: str,
        *,
        query: tuple[str, ...],
        answer: tuple[str, str] | None,
        about: tuple[str, str, str],
        operation_id: str,
        connects: bool = False,
    ) -> Object:
        group, version, kind = about
        operation: Object = {
            "description": f"{verb} {kind}",
            "operationId": operation_id,
            "parameters": [self._parameter(name) for name in query],
            "responses": {
                "200": self._content("OK", answer),
                "401": {"description": "Unauthorized"},
            },
            "tags": [f"{self._row.group.partition('.')[0] or 'core'}_{self._row.version}"],
            "x-kubernetes-action": "connect" if connects else _ACTIONS.get(verb, verb),
            "x-kubernetes-group-version-kind": {"group": group, "kind": kind, "version": version},
        }
        if verb == "create" and not connects:
            operation["responses"]["201"] = self._content("Created", answer)
        body = None if connects else self._body(verb, answer)
        if self._style is Style.V3:
            return operation | body if body else operation
        operation["consumes"] = list(_PATCH_TYPES) if verb == "patch" else ["*/*"]
        operation["produces"] = [_JSON] if answer else ["*/*"]
        if body:
            operation["parameters"].append(body)
        return operation

    def _reference(self, kind: tuple[str, str]) -> Object:
        name = self._definition_name(*kind)
        if name is None:
            return {"type": "object"}
        return {"$ref": f"{'#/components/schemas/' if self._style is Style.V3 else '#/definitions/'}{name}"}

    def _content(self, description: str, kind: tuple[str, str] | None) -> Object:
        schema = self._reference(kind) if kind else {"type": "string"}
        if self._style is Style.V2:
            return {"description": description, "schema": schema}
        return {"description": description, "content": {_JSON if kind else "text/plain": {"schema": schema}}}

    def _body(self, verb: str, kind: tuple[str, str] | None) -> Object | None:
        types: tuple[str, ...] = ("*/*",)
        if verb in ("create", "update") and kind:
            schema = self._reference(kind)
        elif verb == "patch":
            types, schema = _PATCH_TYPES, dict(_PATCH_BODY)
        elif verb in ("delete", "deletecollection"):
            schema = self._reference(("v1", "DeleteOptions"))
        else:
            return None
        required = {"required": True} if verb in ("create", "update", "patch") else {}
        if self._style is Style.V3:
            return {"requestBody": {"content": {name: {"schema": schema} for name in types}, **required}}
        return {"in": "body", "name": "body", "schema": schema, **required}

    def _parameter(self, name: str) -> Object:
        parameter_type, description = _PARAMETERS[name]
        parameter = {"name": name, "in": "query", "description": description}
        return parameter | self._typed({"type": parameter_type, "uniqueItems": True})

    def _typed(self, schema: Object) -> Object:
        return {"schema": schema} if self._style is Style.V3 else schema

    def _with_parameters(self, item: Object, *, in_namespace: bool, named: bool) -> Object:
        parameters = [self._parameter("pretty")]
        if in_namespace:
            parameters.insert(0, self._in_path("namespace", "The namespace that objects are in."))
        if named:
            parameters.insert(0, self._in_path("name", f"The name of the {self._row.kind}."))
        return item | {"parameters": parameters}

    def _in_path(self, name: str, description: str) -> Object:
        parameter = {"name": name, "in": "path", "description": description, "required": True}
        return parameter | self._typed({"type": "string", "uniqueItems": True})


def _group_words(row: Resource) -> str:
    """The group and version within an operation's id: ``CoreV1``, ``RbacAuthorizationV1``."""
    parts = row.group.removesuffix(".k8s.io").split(".") if row.group else ["core"]
    return "".join(part[:1].upper() + part[1:] for part in [*parts, row.version])
