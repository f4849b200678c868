"""``namespaces/finalize``: takes finalizers from ``spec.finalizers``; the last one taken removes the namespace."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.handlers.update import check_name, check_preconditions, operation_of
from apiserver.response import render_stored
from apiserver.writes import guaranteed_update
from minikube_py.api.meta import Object


async def finalize(ctx: RequestContext) -> Response:
    """PUT of a namespace whose ``spec.finalizers`` alone is looked at."""
    operation = operation_of(ctx)
    sent = decode(
        await ctx.body(),
        ctx.header("content-type"),
        Expected("v1", "Namespace"),
        ctx.core.schemas,
        field_validation=check_field_validation(ctx.query.get("fieldValidation"), "UpdateOptions"),
        warn=ctx.warn,
    )
    check_name(operation, sent)

    async def transform(old: Object) -> Object:
        check_preconditions(operation, sent, old)
        spec = {key: value for key, value in (old.get("spec") or {}).items() if key != "finalizers"}
        finalizers = (sent.get("spec") or {}).get("finalizers")
        return {**old, "spec": {**spec, "finalizers": finalizers} if finalizers else spec}

    return render_stored(ctx, await guaranteed_update(operation, transform))
