"""POST to a collection."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from apiserver import managed_fields
from apiserver.admission.plugin import Attributes
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.conversion import to_stored
from apiserver.core import Operation
from apiserver.objects import encode, new_metadata
from apiserver.response import render_stored
from apiserver.storage.store import KeyExists
from apiserver.writes import Stored, note
from minikube_py.api.errors import (
    AlreadyExists,
    BadRequest,
    already_exists,
    field_required,
    invalid,
)
from minikube_py.api.meta import Object, metadata, name_of
from minikube_py.api.names import generate_name

GENERATE_ATTEMPTS = 8
"""Names tried for a ``generateName``, as upstream."""


async def create(ctx: RequestContext) -> Response:
    """Stores a new object: 201 and the object as stored."""
    core, resource = ctx.core, ctx.resource
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "CreateOptions")
    dry_run = ctx.dry_run
    field_manager = managed_fields.field_manager(ctx, "CreateOptions")
    obj = decode(
        await ctx.body(),
        ctx.header("content-type"),
        Expected(resource.api_version, resource.kind),
        core.schemas,
        field_validation=field_validation,
        warn=ctx.warn,
    )
    operation = Operation(
        core,
        ctx.user,
        ctx.stored,
        ctx.info.namespace if resource.namespaced else "",
        dry_run=dry_run,
        warn=ctx.warn,
        annotate=ctx.annotate,
        field_manager=field_manager,
        requested=resource,
    )
    return render_stored(ctx, await create_object(operation, to_stored(resource, obj)), 201)


def check_namespace(operation: Operation, obj: Object) -> None:
    """Refuses an object of another namespace than the request's; one without loses its own. Raises BadRequest."""
    namespace = metadata(obj).get("namespace", "")
    if operation.namespace and namespace and namespace != operation.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


async def create_object(operation: Operation, obj: Object, entries: list[Object] | None = None) -> Stored:
    """Defaults, admits, validates and stores ``obj``; a generated name that is taken is generated anew.

    ``entries`` are its managedFields where they do not follow from a plain create (an apply).

    Raises AlreadyExists, Invalid, Forbidden, NotFound (the namespace).
    """
    check_namespace(operation, obj)
    if metadata(obj).get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    generated = not name_of(obj) and bool(metadata(obj).get("generateName"))
    for attempt in range(GENERATE_ATTEMPTS if generated else 1):
        try:
            return await _create_once(operation, obj, entries)
        except AlreadyExists as error:
            if not generated:
                raise
            if attempt == GENERATE_ATTEMPTS - 1:
                raise _no_name_left(error) from None
    raise AssertionError("unreachable: the last attempt returns or raises")


def _no_name_left(error: AlreadyExists) -> AlreadyExists:
    message = f"{error.message}, the server was not able to generate a unique name for the object"
    return AlreadyExists(message, details=error.details, retry_after_seconds=1)


async def _create_once(operation: Operation, obj: Object, entries: list[Object] | None) -> Stored:
    core, resource, strategy = operation.core, operation.resource, operation.strategy
    base = metadata(obj).get("generateName", "")
    name = name_of(obj) or (generate_name(base, core.random) if base else "")
    operation = replace(operation, name=name, subresource="")
    # The namespace is a fact of the request that admission may rely on.
    source = {**metadata(obj), "namespace": operation.namespace} if operation.namespace else metadata(obj)
    defaulted = strategy.default({**obj, "metadata": source})
    if entries is None:
        entries = managed_fields.on_create(operation, defaulted)
    attributes = Attributes(operation, "CREATE", defaulted)
    await core.admission.mutate(attributes)
    admitted = attributes.obj or {}
    meta = new_metadata(admitted, name=name, namespace=operation.namespace, uid=core.new_uid(), now=core.clock.now())
    prepared = strategy.prepare_for_create({**admitted, "metadata": meta}, operation.strategy_context())
    if not name:
        raise invalid(
            resource.group, resource.kind, "", [field_required("metadata.name", "name or generateName is required")]
        )
    errors = strategy.validate(prepared)
    if errors:
        raise invalid(resource.group, resource.kind, name, errors)
    operation.warn(*strategy.warnings(prepared))
    attributes.obj = prepared
    try:
        await core.admission.validate(attributes)
        return await _store(operation, managed_fields.with_entries(prepared, entries))
    except BaseException as error:
        await operation.take_back(error)
        raise


async def _store(operation: Operation, obj: Object) -> Stored:
    core, resource = operation.core, operation.resource
    reservation = await core.allocation.reserve(operation, obj, None)
    if reservation is not None:
        obj = reservation.obj
    value = encode(obj)
    if operation.dry_run:
        if await core.store.get(operation.key) is not None:
            raise already_exists(resource.group, resource.plural, operation.name)
        return Stored(value, 0)
    try:
        revision = await core.store.create(operation.key, value, ttl_seconds=operation.strategy.ttl_seconds)
    except Exception as error:
        if reservation is not None:
            await reservation.undo(error)
        if isinstance(error, KeyExists):
            raise already_exists(resource.group, resource.plural, operation.name) from None
        raise
    if reservation is not None:
        await reservation.commit()
    note(operation, value, revision)
    return Stored(value, revision)
