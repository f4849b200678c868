"""``pods/binding``: the scheduler's word on where a pod runs."""

from __future__ import annotations

from starlette.responses import Response

from apiserver.admission.plugin import Attributes
from apiserver.body import Expected, check_field_validation, decode
from apiserver.context import RequestContext
from apiserver.core import Core, Operation
from apiserver.handlers.update import operation_of
from apiserver.response import render_document
from apiserver.validation import pods as validation
from apiserver.writes import guaranteed_update
from minikube_py.api.errors import BadRequest, Conflict, conflict, field_required, invalid
from minikube_py.api.meta import Object, annotations_of, is_deleting, labels_of, metadata, name_of, uid_of
from minikube_py.api.resources import PODS
from minikube_py.api.times import format_time

_EXPECTED = Expected("v1", "Binding")


async def create_pod_binding(ctx: RequestContext) -> Response:
    """POST to ``pods/<name>/binding``."""
    binding = await _decode(ctx)
    operation = operation_of(ctx)
    name = name_of(binding)
    if name and name != operation.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({operation.name})")
    return await _bind(ctx, operation, binding)


async def create_binding(ctx: RequestContext) -> Response:
    """POST to ``bindings``, the older form of the same."""
    binding = await _decode(ctx)
    name = name_of(binding)
    if not name:
        raise invalid("", "Binding", "", [field_required("metadata.name")])
    operation = Operation(ctx.core, ctx.user, PODS, ctx.info.namespace, name, "binding", ctx.dry_run, ctx.warn)
    return await _bind(ctx, operation, binding)


async def _decode(ctx: RequestContext) -> Object:
    return decode(
        await ctx.body(),
        ctx.header("content-type"),
        _EXPECTED,
        ctx.core.schemas,
        field_validation=check_field_validation(ctx.query.get("fieldValidation"), "CreateOptions"),
        warn=ctx.warn,
    )


async def _bind(ctx: RequestContext, operation: Operation, binding: Object) -> Response:
    if errors := list(validation.binding(binding)):
        raise invalid("", "Binding", operation.name, errors)
    await ctx.core.admission.review(Attributes(operation, "CREATE", binding))

    async def transform(pod: Object) -> Object:
        check_bindable(operation, binding, pod)
        return bound(ctx.core, binding, pod)

    await guaranteed_update(operation, transform)
    return render_document(
        ctx, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
    )


def check_bindable(operation: Operation, binding: Object, pod: Object) -> None:
    """Refuses a pod that is bound, being deleted, or another one than the scheduler saw. Raises Conflict."""
    name, target = operation.name, binding["target"]["name"]
    uid, version = uid_of(binding), metadata(binding).get("resourceVersion")
    if uid and uid != uid_of(pod):
        raise conflict(
            "", "pods", name, f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(pod)}"
        )
    if version and version != metadata(pod).get("resourceVersion"):
        raise conflict("", "pods", name)
    spec = pod.get("spec") or {}
    if is_deleting(pod):
        raise _binding_conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _binding_conflict(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _binding_conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
    if not target:
        raise _binding_conflict(name, f"pod {name} cannot be bound to no node")


def _binding_conflict(name: str, cause: str) -> Conflict:
    return conflict("", "pods/binding", name, cause)


def bound(core: Core, binding: Object, pod: Object) -> Object:
    """The pod on its node, with the binding's labels and annotations and the condition PodScheduled."""
    meta = dict(metadata(pod))
    for key, extra in (("annotations", annotations_of(binding)), ("labels", labels_of(binding))):
        if extra:
            meta[key] = {**(meta.get(key) or {}), **extra}
    status = pod.get("status") or {}
    others = [c for c in status.get("conditions") or [] if c.get("type") != "PodScheduled"]
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": format_time(core.clock.now()),
    }
    return {
        **pod,
        "metadata": meta,
        "spec": {**(pod.get("spec") or {}), "nodeName": binding["target"]["name"]},
        "status": {**status, "conditions": [*others, scheduled]},
    }
