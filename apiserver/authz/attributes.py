"""What is decided over: who wants to do what to which resource or path."""

from __future__ import annotations

from dataclasses import dataclass

from apiserver.context import RequestContext, UserInfo
from minikube_py.api.errors import Forbidden
from minikube_py.api.meta import Object
from minikube_py.api.selectors import FieldSelector

_STREAMS = frozenset({"exec", "attach", "portforward"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """One question to the authorizers. ``path`` is set for what is not a resource."""

    user: UserInfo
    verb: str
    group: str = ""
    version: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    node_name: str = ""
    """The node that a list or watch of pods is limited to by ``spec.nodeName``."""

    @property
    def resource(self) -> str:
        """``pods`` or ``pods/log``."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


def attributes_of(ctx: RequestContext) -> Attributes:
    """The question that a request raises.

    A list or watch of one name is one of that object. A stream into a pod needs ``create`` whatever the HTTP method.
    """
    info, user = ctx.info, ctx.user
    if not info.is_resource:
        return Attributes(user, info.verb, path=info.path)
    verb, name, node_name = info.verb, info.name, ""
    if info.subresource in _STREAMS and verb == "get":
        verb = "create"
    if not name and verb in ("list", "watch", "deletecollection"):
        name, node_name = _selected(ctx.query.get("fieldSelector"))
    return Attributes(
        user, verb, info.group, info.version, info.plural, info.subresource, info.namespace, name, "", node_name
    )


def _selected(field_selector: str) -> tuple[str, str]:
    if not field_selector:
        return "", ""
    try:
        fields = FieldSelector.parse(field_selector)
    except ValueError:
        return "", ""
    return fields.exact("metadata.name") or "", fields.exact("spec.nodeName") or ""


def forbidden(attributes: Attributes, reason: str = "") -> Forbidden:
    """The 403 in upstream's words."""
    user = attributes.user.name
    suffix = f": {reason}" if reason else ""
    if attributes.path:
        return Forbidden(
            f'forbidden: User "{user}" cannot {attributes.verb} path "{attributes.path}"{suffix}', details={}
        )
    qualified = f"{attributes.plural}.{attributes.group}" if attributes.group else attributes.plural
    quoted = f' "{attributes.name}"' if attributes.name else ""
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    details: Object = {}
    if attributes.name:
        details["name"] = attributes.name
    if attributes.group:
        details["group"] = attributes.group
    details["kind"] = attributes.plural
    return Forbidden(
        f'{qualified}{quoted} is forbidden: User "{user}" cannot {attributes.verb} resource "{attributes.resource}" '
        f'in API group "{attributes.group}" {where}{suffix}',
        details=details,
    )
