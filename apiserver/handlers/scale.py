"""The ``scale`` subresource of workloads: ``autoscaling/v1 Scale`` in front of ``spec.replicas``."""

from __future__ import annotations

from starlette.responses import Response

from apiserver import managed_fields
from apiserver.admission.plugin import Attributes
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.core import Operation
from apiserver.handlers.apply import applied, change_of, read_configuration
from apiserver.handlers.patch import APPLY_PATCH, Apply, check_patched, patched_document, read_patch
from apiserver.handlers.update import check_name, check_preconditions, operation_of
from apiserver.negotiation import media_type_of, negotiate
from apiserver.reads import FRESH_TIMEOUT_SECONDS
from apiserver.response import render_objects
from apiserver.scales import scale_of, scaled
from apiserver.writes import guaranteed_update, missing
from minikube_py.api.errors import field_invalid, invalid
from minikube_py.api.meta import Object, join_key
from minikube_py.api.resources import Resource

SCALE = Expected("autoscaling/v1", "Scale")
SCALES = Resource("autoscaling", "v1", "Scale", "scales", "scale", namespaced=True, persisted=False)
"""No row of the table of kinds: by it a Scale finds its columns."""


async def get_scale(ctx: RequestContext) -> Response:
    """The workload's scale."""
    cache = ctx.core.caches[ctx.resource]
    await cache.wait_fresh(FRESH_TIMEOUT_SECONDS)
    found = cache.get(join_key(ctx.info.namespace, ctx.info.name))
    if found is None:
        raise missing(operation_of(ctx))
    return _render(ctx, found.object)


async def update_scale(ctx: RequestContext) -> Response:
    """Replaces the scale: only ``spec.replicas`` is looked at."""
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "UpdateOptions")
    operation = operation_of(ctx, managed_fields.field_manager(ctx, "UpdateOptions"))
    scale = decode(
        await ctx.body(),
        ctx.header("content-type"),
        SCALE,
        ctx.core.schemas,
        field_validation=field_validation,
        warn=ctx.warn,
    )
    check_name(operation, scale)

    async def transform(old: Object) -> Object:
        return await _scaled(operation, scale, old)

    return _render(ctx, (await guaranteed_update(operation, transform)).object())


async def patch_scale(ctx: RequestContext) -> Response:
    """Patches the scale, or applies one."""
    if media_type_of(ctx.header("content-type")) == APPLY_PATCH:
        return await _apply_scale(ctx)
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "PatchOptions")
    operation = operation_of(ctx, managed_fields.patch_manager(ctx))
    apply: Apply = await read_patch(ctx, SCALE)

    async def transform(old: Object) -> Object:
        patched = patched_document(apply, scale_of(operation.resource, old))
        scale = check_patched(apply, patched, SCALE, operation, field_validation)
        return await _scaled(operation, scale, old)

    return _render(ctx, (await guaranteed_update(operation, transform)).object())


async def _apply_scale(ctx: RequestContext) -> Response:
    operation = operation_of(ctx, managed_fields.apply_manager(ctx))
    config = await read_configuration(ctx, SCALE)
    spec = config.get("spec") or {}
    # What is applied to a scale is a field of the workload, and is managed there.
    workload: Object = {"metadata": config.get("metadata") or {}, "spec": {}}
    if "replicas" in spec:
        workload = scaled(operation.resource, workload, spec["replicas"])
    change = change_of(operation, workload, SCALE, force=ctx.query.flag("force"))

    async def transform(old: Object) -> Object:
        outcome = applied(old, change)
        return await _scaled(operation, scale_of(operation.resource, outcome.obj), old, outcome.entries)

    return _render(ctx, (await guaranteed_update(operation, transform)).object())


async def _scaled(operation: Operation, scale: Object, old: Object, entries: list[Object] | None = None) -> Object:
    """The workload with the scale's replicas. Raises Invalid, Conflict."""
    check_preconditions(operation, scale, old)
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        detail = "must be greater than or equal to 0"
        raise invalid("autoscaling", "Scale", operation.name, [field_invalid("spec.replicas", replicas, detail)])
    await operation.core.admission.review(Attributes(operation, "UPDATE", scale, old))
    new = scaled(operation.resource, old, replicas)
    prepared = operation.strategy.prepare_for_update(new, old, operation.strategy_context())
    if entries is None:
        entries = managed_fields.on_update(operation, prepared, old)
    return managed_fields.settled(prepared, old, entries)


def _render(ctx: RequestContext, workload: Object) -> Response:
    return render_objects(ctx, negotiate(ctx.header("accept")), [scale_of(ctx.resource, workload)], shown_as=SCALES)
