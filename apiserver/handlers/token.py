"""``serviceaccounts/token``: a signed token for a ServiceAccount, perhaps bound to a Pod, Secret or Node."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from apiserver.admission.plugin import Attributes
from apiserver.authn.tokens import MAX_SECONDS, MIN_SECONDS, Binding
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.handlers.update import operation_of
from apiserver.response import render_document
from apiserver.storage.encoding import decode as decode_stored
from apiserver.storage.store import storage_key
from apiserver.writes import current
from minikube_py.api.errors import (
    BadRequest,
    FieldError,
    conflict,
    field_invalid,
    field_required,
    invalid,
    not_found,
)
from minikube_py.api.meta import Object, join_key, name_of, namespace_of, uid_of
from minikube_py.api.resources import NODES, PODS, SECRETS
from minikube_py.api.times import format_time

DEFAULT_SECONDS = 3600
_EXPECTED = Expected("authentication.k8s.io/v1", "TokenRequest")
_KINDS = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}


async def create_token(ctx: RequestContext) -> Response:
    """201 and the TokenRequest with ``status.token``."""
    request = decode(
        await ctx.body(),
        ctx.header("content-type"),
        _EXPECTED,
        ctx.core.schemas,
        field_validation=check_field_validation(ctx.query.get("fieldValidation"), "CreateOptions"),
        warn=ctx.warn,
    )
    operation = operation_of(ctx)
    account = await current(operation)
    if namespace_of(request) not in ("", ctx.info.namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    if name_of(request) not in ("", ctx.info.name):
        raise BadRequest("metadata.name: does not match the ServiceAccount on the URL")
    spec = request.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    seconds = DEFAULT_SECONDS if seconds is None else seconds
    errors = _check_spec(seconds, spec)
    if errors:
        raise invalid("authentication.k8s.io", "TokenRequest", "", errors)
    await ctx.core.admission.review(Attributes(operation, "CREATE", request))
    binding = await _binding(ctx, account, spec.get("boundObjectRef"))
    audiences = list(spec.get("audiences") or [ctx.core.tokens.issuer])
    token, expires = ctx.core.tokens.issue(
        account, seconds=seconds, audiences=audiences, token_id=ctx.core.new_uid(), binding=binding
    )
    answered: Object = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": name_of(account),
            "namespace": namespace_of(account),
            "creationTimestamp": format_time(ctx.core.clock.now()),
        },
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": format_time(datetime.fromtimestamp(expires, UTC))},
    }
    return render_document(ctx, answered, 201)


def _check_spec(seconds: int, spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    path = "spec.expirationSeconds"
    if seconds < MIN_SECONDS:
        errors.append(field_invalid(path, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > MAX_SECONDS:
        errors.append(field_invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
    reference = spec.get("boundObjectRef")
    if reference is not None and not reference.get("name"):
        errors.append(field_required("spec.boundObjectRef.name"))
    return errors


async def _binding(ctx: RequestContext, account: Object, reference: Object | None) -> Binding | None:
    """The object that a token is bound to. Raises BadRequest, NotFound, Conflict (another uid)."""
    if reference is None:
        return None
    kind, name = reference.get("kind", ""), reference["name"]
    resource = _KINDS.get(kind)
    if resource is None or reference.get("apiVersion") not in ("", None, "v1"):
        raise BadRequest(f"cannot bind token to object of type {reference.get('apiVersion', '')}, Kind={kind}")
    namespace = namespace_of(account) if resource.namespaced else ""
    found = await ctx.core.store.get(storage_key(resource, namespace, name))
    if found is None:
        raise not_found("", resource.plural, name)
    bound = decode_stored(found.value, found.revision)
    uid = reference.get("uid") or uid_of(bound)
    if uid != uid_of(bound):
        raise conflict(
            "",
            resource.plural,
            name,
            f"the UID in the bound object reference ({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    spec = bound.get("spec") or {}
    if kind == "Pod" and spec.get("serviceAccountName") != name_of(account):
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with different serviceaccount '
            "name."
        )
    node_name = spec.get("nodeName", "") if kind == "Pod" else ""
    node = ctx.core.caches[NODES].get(join_key("", node_name)) if node_name else None
    return Binding(kind.lower(), name, uid_of(bound), node_name, uid_of(node.object) if node is not None else "")
