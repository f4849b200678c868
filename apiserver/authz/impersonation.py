"""``Impersonate-User`` and its companions: acting as somebody else, where one may.

Follows ``k8s.io/apiserver/pkg/endpoints/filters/impersonation.go``.
"""

from __future__ import annotations

from urllib.parse import unquote

from apiserver.authz.attributes import Attributes, forbidden
from apiserver.context import RequestContext, UserInfo
from minikube_py.api.errors import BadRequest

_PREFIX = b"impersonate-"
_EXTRA = "impersonate-extra-"
_SERVICE_ACCOUNT = "system:serviceaccount:"


def impersonate(ctx: RequestContext) -> UserInfo:
    """The user that the request acts as. Raises BadRequest, and Forbidden where the real user may not."""
    if not any(key.startswith(_PREFIX) for key in ctx.headers):
        return ctx.user
    headers = ctx.request.headers
    name = headers.get("impersonate-user", "")
    groups = headers.getlist("impersonate-group")
    uid = headers.get("impersonate-uid", "")
    extra: dict[str, list[str]] = {}
    for key, value in headers.items():
        if key.startswith(_EXTRA):
            extra.setdefault(unquote(key.removeprefix(_EXTRA)), []).append(value)
    if not name:
        if groups or uid or extra:
            raise BadRequest("requested groups, uid or extra without impersonating a user")
        return ctx.user

    _check_user(ctx, name)
    for group in groups:
        _check(ctx, Attributes(ctx.user, "impersonate", plural="groups", name=group))
    if uid:
        _check(ctx, Attributes(ctx.user, "impersonate", "authentication.k8s.io", "v1", "uids", name=uid))
    for key, values in extra.items():
        for value in values:
            _check(
                ctx,
                Attributes(ctx.user, "impersonate", "authentication.k8s.io", "v1", "userextras", key, name=value),
            )
    if name.startswith(_SERVICE_ACCOUNT) and not groups:
        namespace = name.split(":")[2]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    special = "system:unauthenticated" if name == "system:anonymous" else "system:authenticated"
    if special not in groups:
        groups = [*groups, special]
    return UserInfo(name, uid, tuple(groups), {key: tuple(values) for key, values in extra.items()})


def _check_user(ctx: RequestContext, name: str) -> None:
    parts = name.split(":")
    if name.startswith(_SERVICE_ACCOUNT) and len(parts) == 4:
        _check(ctx, Attributes(ctx.user, "impersonate", plural="serviceaccounts", namespace=parts[2], name=parts[3]))
    else:
        _check(ctx, Attributes(ctx.user, "impersonate", plural="users", name=name))


def _check(ctx: RequestContext, attributes: Attributes) -> None:
    allowed, reason = ctx.core.authorizer.allows(attributes)
    if not allowed:
        raise forbidden(attributes, reason)
