"""PUT of an object or of its status."""

from __future__ import annotations

from starlette.responses import Response

from apiserver import managed_fields
from apiserver.admission.plugin import Attributes
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.conversion import to_stored
from apiserver.core import Operation
from apiserver.handlers.create import check_namespace, create_object
from apiserver.objects import kept_metadata
from apiserver.response import render_stored
from apiserver.writes import Stored, guaranteed_update
from minikube_py.api.errors import (
    BadRequest,
    FieldError,
    NotFound,
    conflict,
    field_invalid,
    invalid,
)
from minikube_py.api.meta import Object, metadata, name_of, namespace_of, uid_of

_UNCONDITIONAL = FieldError(
    "metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0x0: must be specified for an update"
)


async def update(ctx: RequestContext) -> Response:
    """Replaces an object: 200 and the object as stored, 201 where the kind lets a PUT create it."""
    core, resource = ctx.core, ctx.resource
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "UpdateOptions")
    operation = operation_of(ctx, managed_fields.field_manager(ctx, "UpdateOptions"))
    obj = decode(
        await ctx.body(),
        ctx.header("content-type"),
        Expected(resource.api_version, resource.kind),
        core.schemas,
        field_validation=field_validation,
        warn=ctx.warn,
    )
    obj = to_stored(resource, obj)
    check_name(operation, obj)
    check_namespace(operation, obj)
    try:
        return render_stored(ctx, await update_object(operation, obj))
    except NotFound:
        if operation.subresource or not operation.strategy.allow_create_on_update or metadata(obj).get("uid"):
            raise
    return render_stored(ctx, await create_object(operation, obj), 201)


def operation_of(ctx: RequestContext, field_manager: str = "") -> Operation:
    """The write that a request to an object's path asks for, by ``field_manager`` where it is one that is tracked."""
    return Operation(
        ctx.core,
        ctx.user,
        ctx.stored,
        ctx.info.namespace if ctx.resource.namespaced else "",
        ctx.info.name,
        ctx.info.subresource,
        ctx.dry_run,
        ctx.warn,
        field_manager,
        requested=ctx.resource,
        annotate=ctx.annotate,
    )


def check_name(operation: Operation, obj: Object) -> None:
    """Refuses an object of another name than the path's. Raises BadRequest."""
    name = name_of(obj)
    if not name:
        raise BadRequest("name must be provided")
    if name != operation.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({operation.name})")


def check_identity(operation: Operation, new: Object) -> None:
    """Refuses a patch that gives an object another name or namespace. Raises Invalid."""
    errors = []
    if name_of(new) != operation.name:
        errors.append(field_invalid("metadata.name", name_of(new), "field is immutable"))
    if operation.resource.namespaced and namespace_of(new) != operation.namespace:
        errors.append(field_invalid("metadata.namespace", namespace_of(new), "field is immutable"))
    if errors:
        raise invalid(operation.resource.group, operation.resource.kind, operation.name, errors)


async def update_object(operation: Operation, obj: Object) -> Stored:
    """Replaces the stored object by ``obj``. Raises NotFound, Conflict, Invalid, Forbidden."""

    async def transform(old: Object) -> Object:
        if not metadata(obj).get("resourceVersion") and not operation.strategy.allow_unconditional_update:
            raise invalid(operation.resource.group, operation.resource.kind, operation.name, [_UNCONDITIONAL])
        return await prepare(operation, obj, old)

    return await guaranteed_update(operation, transform)


def check_preconditions(operation: Operation, new: Object, old: Object) -> None:
    """Compares the ``uid`` and ``resourceVersion`` that a client sent with the stored ones. Raises Conflict."""
    resource = operation.resource
    uid = uid_of(new)
    if uid and uid != uid_of(old):
        raise conflict(
            resource.group,
            resource.plural,
            operation.name,
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(old)}",
        )
    sent = metadata(new).get("resourceVersion")
    if sent and sent != "0" and sent != metadata(old)["resourceVersion"]:
        if not str(sent).isdigit():
            raise invalid(
                resource.group,
                resource.kind,
                operation.name,
                [field_invalid("metadata.resourceVersion", sent, "must be the version that the server gave")],
            )
        raise conflict(resource.group, resource.plural, operation.name)


def _errors_of_metadata(operation: Operation, new: Object, old: Object) -> list[FieldError]:
    """Errors of what a write to a subresource changes of ``metadata`` and its own rules do not look at."""
    unchecked = ("generateName", "finalizers")
    if not operation.subresource or all(metadata(new).get(key) == metadata(old).get(key) for key in unchecked):
        return []
    paths = tuple(f"metadata.{key}" for key in unchecked)
    return [error for error in operation.strategy.validate(new) if error.field.startswith(paths)]


async def prepare(operation: Operation, new: Object, old: Object, entries: list[Object] | None = None) -> Object:
    """The object to store in place of ``old``: defaulted, admitted, prepared and validated.

    ``entries`` are its managedFields where they do not follow from the change (an apply). Neither argument is changed.
    Raises Conflict, Invalid, Forbidden.
    """
    check_preconditions(operation, new, old)
    core, strategy, context = operation.core, operation.strategy, operation.strategy_context()
    is_status = operation.subresource == "status"
    defaulted = strategy.default({**new, "metadata": kept_metadata(new, old)})
    if entries is None and not operation.subresource:
        entries = managed_fields.on_update(operation, defaulted, old, metadata(new).get("managedFields"))
    attributes = Attributes(operation, "UPDATE", defaulted, old)
    await core.admission.mutate(attributes)
    admitted = attributes.obj or {}
    admitted = {**admitted, "metadata": kept_metadata(admitted, old)}
    if is_status:
        prepared = strategy.prepare_status_update(admitted, old, context)
        errors = strategy.validate_status_update(prepared, old)
    else:
        prepared = strategy.prepare_for_update(admitted, old, context)
        errors = strategy.validate_update(prepared, old)
    errors += _errors_of_metadata(operation, prepared, old)
    if errors:
        raise invalid(operation.resource.group, operation.resource.kind, operation.name, errors)
    if not is_status:
        operation.warn(*strategy.warnings(prepared))
    attributes.obj = prepared
    await core.admission.validate(attributes)
    if entries is None:
        entries = managed_fields.on_update(operation, prepared, old)
    return managed_fields.settled(prepared, old, entries)
