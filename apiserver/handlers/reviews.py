"""The kinds that are only answered: access reviews, token reviews, "who am I"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from apiserver.authn.jwt import InvalidToken
from apiserver.authz.attributes import Attributes
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext, UserInfo
from apiserver.response import render_document
from minikube_py.api.errors import (
    BadRequest,
    FieldError,
    field_invalid,
    field_required,
    invalid,
)
from minikube_py.api.meta import Object, namespace_of
from minikube_py.api.selectors import FieldSelector
from minikube_py.api.times import format_time


async def _decode(ctx: RequestContext) -> Object:
    resource = ctx.resource
    return decode(
        await ctx.body(),
        ctx.header("content-type"),
        Expected(resource.api_version, resource.kind),
        ctx.core.schemas,
        field_validation=check_field_validation(ctx.query.get("fieldValidation"), "CreateOptions"),
        warn=ctx.warn,
    )


def _answer(ctx: RequestContext, review: Object, status: Object) -> Response:
    return render_document(ctx, {**review, "metadata": review.get("metadata") or {}, "status": status}, 201)


async def self_subject_access_review(ctx: RequestContext) -> Response:
    """May I?"""
    review = await _decode(ctx)
    attributes = _asked(ctx, review.get("spec") or {}, ctx.user)
    return _answer(ctx, review, _verdict(ctx, attributes))


async def subject_access_review(ctx: RequestContext) -> Response:
    """May they?"""
    review = await _decode(ctx)
    spec = review.get("spec") or {}
    return _answer(ctx, review, _verdict(ctx, _asked(ctx, spec, _user(ctx, spec))))


async def local_subject_access_review(ctx: RequestContext) -> Response:
    """May they, in this namespace?"""
    review = await _decode(ctx)
    spec = review.get("spec") or {}
    namespace = ctx.info.namespace
    if namespace_of(review) not in ("", namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if spec.get("nonResourceAttributes"):
        detail = "disallowed on this kind of request"
        raise _invalid(ctx, [field_invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"], detail)])
    if asked != namespace:
        raise _invalid(
            ctx, [field_invalid("spec.resourceAttributes.namespace", asked, "must match metadata.namespace")]
        )
    return _answer(ctx, review, _verdict(ctx, _asked(ctx, spec, _user(ctx, spec))))


def _invalid(ctx: RequestContext, errors: list[FieldError]) -> Exception:
    return invalid(ctx.resource.group, ctx.resource.kind, "", errors)


def _user(ctx: RequestContext, spec: Object) -> UserInfo:
    name, groups = spec.get("user") or "", tuple(spec.get("groups") or ())
    if not name and not groups:
        raise _invalid(ctx, [field_required("spec.user", "at least one of user or group must be specified")])
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(name, spec.get("uid") or "", groups, extra)


def _asked(ctx: RequestContext, spec: Object, user: UserInfo) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        detail = (
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            if resource is None
            else "cannot be specified in combination with resourceAttributes"
        )
        if resource is None:
            raise _invalid(ctx, [field_invalid("spec.resourceAttributes", None, detail)])
        raise _invalid(ctx, [field_invalid("spec.nonResourceAttributes", path, detail)])
    if resource is None:
        path = path or {}
        return Attributes(user, path.get("verb", ""), path=path.get("path", "") or "/")
    node_name = ""
    selector = (resource.get("fieldSelector") or {}).get("rawSelector", "")
    if selector:
        try:
            node_name = FieldSelector.parse(selector).exact("spec.nodeName") or ""
        except ValueError:
            node_name = ""
    return Attributes(
        user,
        resource.get("verb", ""),
        resource.get("group", ""),
        resource.get("version", ""),
        resource.get("resource", ""),
        resource.get("subresource", ""),
        resource.get("namespace", ""),
        resource.get("name", ""),
        "",
        node_name,
    )


def _verdict(ctx: RequestContext, attributes: Attributes) -> Object:
    allowed, reason = ctx.core.authorizer.allows(attributes)
    return {"allowed": allowed} | ({"reason": reason} if reason else {})


async def self_subject_rules_review(ctx: RequestContext) -> Response:
    """What may I, in that namespace?"""
    review = await _decode(ctx)
    namespace = (review.get("spec") or {}).get("namespace") or ""
    if not namespace:
        raise BadRequest("no namespace on request")
    rules = ctx.core.authorizer.rbac.rules_for(ctx.user, namespace)
    status: Object = {
        "resourceRules": [rule.object() for rule in rules if not rule.urls],
        "nonResourceRules": [rule.object() for rule in rules if rule.urls],
        "incomplete": False,
    }
    return _answer(ctx, review, status)


async def token_review(ctx: RequestContext) -> Response:
    """Whose token is this?"""
    review = await _decode(ctx)
    spec = review.get("spec") or {}
    token = spec.get("token") or ""
    if not token:
        raise BadRequest("token is required for TokenReview in authentication")
    try:
        found = await ctx.core.tokens.authenticate(token, spec.get("audiences") or ())
    except InvalidToken as error:
        return _answer(ctx, review, {"user": {}, "error": f"[invalid bearer token, {error}]"})
    status: Object = {"authenticated": True, "user": found.user.object()}
    if spec.get("audiences"):
        status["audiences"] = list(found.audiences)
    return _answer(ctx, review, status)


async def self_subject_review(ctx: RequestContext) -> Response:
    """Who am I?"""
    review = await _decode(ctx)
    created = {"creationTimestamp": format_time(ctx.core.clock.now())}
    return _answer(ctx, {**review, "metadata": created}, {"userInfo": ctx.user.object()})


REVIEWS: dict[str, Callable[[RequestContext], Awaitable[Response]]] = {
    "SelfSubjectAccessReview": self_subject_access_review,
    "SubjectAccessReview": subject_access_review,
    "LocalSubjectAccessReview": local_subject_access_review,
    "SelfSubjectRulesReview": self_subject_rules_review,
    "TokenReview": token_review,
    "SelfSubjectReview": self_subject_review,
}
