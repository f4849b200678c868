"""Server-side apply: PATCH with ``application/apply-patch+yaml``, of an object or of one of its subresources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from starlette.responses import Response

from apiserver import managed_fields
from apiserver.authz.attributes import attributes_of, forbidden
from apiserver.body import STRICT, WARN, Expected, Parsed, check_field_validation, parse_json, parse_yaml
from apiserver.context import RequestContext
from apiserver.conversion import to_stored
from apiserver.core import Operation
from apiserver.handlers.create import check_namespace, create_object
from apiserver.handlers.update import check_identity, operation_of, prepare
from apiserver.response import render_stored
from apiserver.writes import guaranteed_update
from minikube_py.api.apply.applied import Applied, Apply, ApplyConflicts, apply
from minikube_py.api.apply.configuration import InvalidConfiguration, check
from minikube_py.api.apply.fieldset import LEAF, FieldSet
from minikube_py.api.apply.shapes import Shape, shapes_of
from minikube_py.api.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    NotFound,
    UnsupportedMediaType,
    conflict,
    field_required,
    invalid,
)
from minikube_py.api.meta import Object, metadata, name_of, uid_of
from minikube_py.api.resources import Resource

MAX_ATTEMPTS = 5
"""How often an apply starts anew when the object appears or vanishes in between, as upstream."""


async def apply_patch(ctx: RequestContext) -> Response:
    """Applies the configuration in the body: 200 and the object as stored, 201 where there was none."""
    operation = operation_of(ctx, managed_fields.apply_manager(ctx))
    expected = Expected(ctx.resource.api_version, ctx.resource.kind)
    config = stored_configuration(ctx.resource, await read_configuration(ctx, expected))
    change = change_of(operation, config, expected, force=ctx.query.flag("force"))

    async def transform(old: Object) -> Object:
        outcome = applied(old, change)
        check_identity(operation, outcome.obj)
        return await prepare(operation, outcome.obj, old, outcome.entries)

    for attempt in range(MAX_ATTEMPTS):
        try:
            return render_stored(ctx, await guaranteed_update(operation, transform))
        except NotFound as error:
            if operation.subresource or (error.details or {}).get("kind") != operation.resource.plural:
                raise
        _check_creation(ctx, operation, config)
        outcome = applied(None, change)
        try:
            return render_stored(ctx, await create_object(operation, outcome.obj, outcome.entries), 201)
        except AlreadyExists:
            if attempt == MAX_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _check_creation(ctx: RequestContext, operation: Operation, config: Object) -> None:
    """Who applies what is not there must be allowed to create it, under the name in the path."""
    resource = operation.resource
    attributes = replace(attributes_of(ctx), verb="create")
    allowed, reason = ctx.core.authorizer.allows(attributes)
    if not allowed:
        raise forbidden(attributes, reason)
    uid = uid_of(config)
    if uid:
        cause = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(resource.group, resource.plural, operation.name, cause)
    name = name_of(config)
    if not name:
        error = field_required("metadata.name", "name or generateName is required")
        raise invalid(resource.group, resource.kind, "", [error])
    if name != operation.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({operation.name})")
    check_namespace(operation, config)


async def read_configuration(ctx: RequestContext, expected: Expected) -> Object:
    """The configuration in the body, of the expected kind. Raises BadRequest."""
    validation = check_field_validation(ctx.query.get("fieldValidation"), "PatchOptions")
    parsed = _parse(await ctx.body(), expected)
    config = parsed.value
    if not isinstance(config, dict):
        raise BadRequest("error decoding YAML: the body is not an object")
    api_version, kind = config.get("apiVersion") or "", config.get("kind") or ""
    if (api_version, kind) != (expected.api_version, expected.kind):
        raise BadRequest(f"invalid object type: {_shown_kind(str(api_version), str(kind))}")
    if parsed.duplicates and validation in (STRICT, WARN):
        complaints = [f'duplicate field "{path}"' for path in parsed.duplicates]
        if validation == STRICT:
            raise BadRequest(f"error strict decoding YAML: {', '.join(complaints)}")
        ctx.warn(*complaints)
    meta: Any = config.get("metadata")
    if isinstance(meta, dict) and meta.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    shape = shapes_of(ctx.core.schemas).of_kind(expected.api_version, expected.kind)
    if shape is not None:
        _check(config, shape)
    return config


def stored_configuration(presented: Resource, config: Object) -> Object:
    """A configuration in the version in which its kind is stored, without what the conversion adds of itself."""
    stored = to_stored(presented, config)
    if stored is config:
        return config
    bare: Object = {"apiVersion": presented.api_version, "kind": presented.kind, "metadata": metadata(config)}
    implied = to_stored(presented, bare)
    result = {key: value for key, value in stored.items() if key in config or implied.get(key) != value}
    spec, sent = stored.get("spec"), config.get("spec") or {}
    if isinstance(spec, dict) and sent.keys() <= spec.keys():
        # Every field has kept its name, so what else is there came of nothing that was sent.
        implied_spec = implied.get("spec") or {}
        result["spec"] = {key: value for key, value in spec.items() if key in sent or implied_spec.get(key) != value}
    if "spec" not in config and not result.get("spec"):
        result.pop("spec", None)
    return result


def _parse(body: bytes, expected: Expected) -> Parsed:
    if body[:1] == b"{":
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            # A flow mapping of YAML begins just so.
            return parse_yaml(body, expected)
        return parse_json(body, expected)
    return parse_yaml(body, expected)


def _check(config: Object, shape: Shape) -> None:
    try:
        check(config, shape)
    except InvalidConfiguration as error:
        meta: Any = config.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        kind = _shown_kind(config["apiVersion"], config["kind"])
        name = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"
        raise BadRequest(f"failed to create typed patch object ({name}; {kind}): {error}") from None
    except RecursionError:
        raise BadRequest("error decoding YAML: document is nested too deeply") from None


def _shown_kind(api_version: str, kind: str) -> str:
    """``apps/v1, Kind=Deployment``, as Go prints a group, version and kind."""
    return f"{api_version if '/' in api_version else f'/{api_version}'}, Kind={kind}"


def change_of(operation: Operation, config: Object, expected: Expected, *, force: bool) -> Apply:
    """The apply that a request asks for. Raises UnsupportedMediaType for a kind without a schema."""
    core, resource = operation.core, operation.resource
    shape = shapes_of(core.schemas).of_kind(resource.api_version, resource.kind)
    if shape is None:
        raise UnsupportedMediaType(f"server-side apply is not supported for {resource.kind}")

    def normalize(obj: Object) -> Object:
        checked = core.schemas.decode_check(resource.api_version, resource.kind, obj)
        if checked.type_errors:
            raise BadRequest(
                f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: '
                f"{checked.type_errors[0].message}"
            )
        pruned: Object = checked.pruned
        return pruned

    return Apply(
        config,
        shape,
        managed_fields.writer(operation),
        force,
        normalize,
        _ignored(operation, shape),
        same_kind=lambda version: managed_fields.is_served(operation, version),
    )


def _ignored(operation: Operation, shape: Shape) -> FieldSet:
    """What the operation does not reach: the status, or through ``status`` everything else."""
    if operation.subresource == "status":
        return {member.key: LEAF for name, member in shape.members.items() if name != "status"}
    if not operation.strategy.has_status or operation.subresource:
        return {}
    return {"f:status": LEAF}


def applied(live: Object | None, change: Apply) -> Applied:
    """The outcome of an apply. Raises Conflict with every field that others manage."""
    try:
        return apply(live, change)
    except ApplyConflicts as conflicts:
        raise Conflict(str(conflicts), details={"causes": conflicts.causes()}) from None
