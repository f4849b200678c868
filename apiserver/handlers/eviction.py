"""``pods/eviction``: deletes a pod unless its disruption budget forbids it.

Follows ``k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go``: one disruption is taken off the budget by
compare-and-swap before the pod is deleted, so that evictions at the same time never exceed it together; the budget's
controller counts anew and forgets the pods that an eviction named once they are gone.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from apiserver.admission.plugin import Attributes
from apiserver.body import Expected, Parsed, check_field_validation, checked, parse
from apiserver.context import RequestContext
from apiserver.core import Operation
from apiserver.handlers.create import check_namespace
from apiserver.handlers.delete import check_preconditions, delete_object
from apiserver.handlers.options import DeleteOptions, options_of
from apiserver.handlers.update import operation_of
from apiserver.reads import FRESH_TIMEOUT_SECONDS
from apiserver.response import render_document
from apiserver.writes import current, guaranteed_update
from minikube_py.api.errors import (
    BadRequest,
    Conflict,
    InternalError,
    Timeout,
    TooManyRequests,
    forbidden,
)
from minikube_py.api.meta import Object, find_condition, generation_of, is_deleting, labels_of, metadata, name_of
from minikube_py.api.pods import is_ready, is_terminal, phase
from minikube_py.api.resources import POD_DISRUPTION_BUDGETS
from minikube_py.api.selectors import LabelSelector
from minikube_py.api.times import format_time

MAX_DISRUPTED_PODS = 2000
"""With more evictions than this that the budget's controller has not seen yet, no pod is evicted."""
_ATTEMPTS = 20
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.01, 0.5
_RETRY_AFTER_SECONDS = 10
_EXPECTED = Expected("policy/v1", "Eviction")
_OLDER_VERSION = "policy/v1beta1"
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


async def create_eviction(ctx: RequestContext) -> Response:
    """POST to ``pods/<name>/eviction``: 201, or 429 while the budget allows no disruption."""
    eviction = await _decode(ctx)
    operation = operation_of(ctx)
    if name_of(eviction) != operation.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    check_namespace(operation, eviction)
    options = options_of(eviction.get("deleteOptions") or {}, dry_run=ctx.dry_run)
    operation = replace(operation, dry_run=options.dry_run)
    await ctx.core.admission.review(Attributes(operation, "CREATE", eviction))
    await evict(replace(operation, subresource=""), options)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return render_document(ctx, status, 201)


async def _decode(ctx: RequestContext) -> Object:
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "CreateOptions")
    schemas = ctx.core.schemas
    parsed = parse(await ctx.body(), ctx.header("content-type"), _EXPECTED, schemas)
    if isinstance(parsed.value, dict) and parsed.value.get("apiVersion") == _OLDER_VERSION:
        parsed = Parsed({**parsed.value, "apiVersion": _EXPECTED.api_version}, parsed.duplicates)
    return checked(parsed, _EXPECTED, schemas, field_validation, ctx.warn)


async def evict(operation: Operation, options: DeleteOptions) -> None:
    """Deletes the pod of ``operation`` if its budget allows. Raises NotFound, Conflict, TooManyRequests, Forbidden,
    InternalError (several budgets), Timeout (a budget that others keep writing).
    """
    pod = await current(operation)
    for attempt in range(_ATTEMPTS):
        if not ignores_budgets(pod):
            break
        # Of another pod there is nothing to wait for.
        check_preconditions(operation, pod, options)
        # A pod that starts meanwhile would be guarded.
        starts = not is_terminal(pod) and not is_deleting(pod) and not options.resource_version
        try:
            return await _delete(operation, _unchanged(options, pod) if starts else options)
        except Conflict:
            if options.resource_version or attempt == _ATTEMPTS - 1:
                raise
        await operation.core.clock.sleep(min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS))
        pod = await current(operation)

    budget = await _budget(operation, pod)
    if budget is None:
        return await _delete(operation, options)
    if is_ready(pod) or not lets_unhealthy_go(budget):
        await _take_disruption(operation, name_of(budget))
        return await _delete(operation, options)
    try:
        await _delete(operation, _unchanged(options, pod))
    except Conflict:
        if options.resource_version:
            raise
        raise _still_processed(name_of(budget)) from None


def ignores_budgets(pod: Object) -> bool:
    """Whether a pod serves nobody: it has not started, has ended, or is being deleted."""
    return phase(pod) in ("Pending", "Succeeded", "Failed") or is_deleting(pod)


def lets_unhealthy_go(budget: Object) -> bool:
    """Whether a pod that is not ready may be evicted without taking a disruption off the budget."""
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = int(status.get("desiredHealthy") or 0)
    return 0 < desired <= int(status.get("currentHealthy") or 0)


def _unchanged(options: DeleteOptions, pod: Object) -> DeleteOptions:
    """The options with the precondition that the pod is still as it was read."""
    return replace(options, resource_version=options.resource_version or metadata(pod)["resourceVersion"])


async def _budget(operation: Operation, pod: Object) -> Object | None:
    """The budget that selects the pod. Raises InternalError where there are several."""
    cache = operation.core.caches[POD_DISRUPTION_BUDGETS]
    await cache.wait_fresh(FRESH_TIMEOUT_SECONDS)
    found = [item.object for item in cache.list(operation.namespace).items if selects(item.object, pod)]
    if len(found) > 1:
        raise SeveralBudgets(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    return found[0] if found else None


class SeveralBudgets(InternalError):
    """A pod that several budgets select; the ``Status`` gives no reason, as upstream's."""

    reason = ""
    retriable = False


def selects(budget: Object, pod: Object) -> bool:
    """Whether the budget is about the pod; one without a selector is about none."""
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and LabelSelector.from_object(selector).matches(labels_of(pod))


async def _take_disruption(operation: Operation, name: str) -> None:
    """Takes one disruption off the budget. Raises TooManyRequests, Forbidden, Timeout."""
    budget_operation = replace(operation, resource=POD_DISRUPTION_BUDGETS, name=name, subresource="status")
    now = format_time(operation.core.clock.now())

    async def transform(budget: Object) -> Object:
        check_allowed(budget)
        return with_disruption(budget, operation.name, now)

    try:
        await guaranteed_update(budget_operation, transform, max_attempts=_ATTEMPTS)
    except Conflict:
        raise Timeout(
            f'Timeout: couldn\'t update PodDisruptionBudget "{name}" due to conflicts',
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        ) from None


def check_allowed(budget: Object) -> None:
    """Refuses an eviction that the budget does not allow now. Raises TooManyRequests, Forbidden."""
    status, name = budget.get("status") or {}, name_of(budget)
    allowed = int(status.get("disruptionsAllowed") or 0)
    if int(status.get("observedGeneration") or 0) < generation_of(budget):
        raise _still_processed(name)
    if allowed < 0:
        raise forbidden("policy", "poddisruptionbudget", name, "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods") or {}) > MAX_DISRUPTED_PODS:
        cause = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden("policy", "poddisruptionbudget", name, cause)
    if allowed == 0:
        raise _refused(_why_not(budget))


def with_disruption(budget: Object, pod_name: str, now: str) -> Object:
    """The budget with one disruption fewer, spent on the pod of that name."""
    status = budget["status"]
    disrupted = {**(status.get("disruptedPods") or {}), pod_name: now}
    allowed = int(status["disruptionsAllowed"]) - 1
    status = {**status, "disruptionsAllowed": allowed, "disruptedPods": disrupted}
    if allowed == 0:
        status["conditions"] = _with_insufficient_pods(budget, now)
    return {**budget, "status": status}


def _with_insufficient_pods(budget: Object, now: str) -> list[Object]:
    old = find_condition(budget, "DisruptionAllowed")
    condition: Object = {
        "type": "DisruptionAllowed",
        "status": "False",
        "reason": "InsufficientPods",
        "message": "",
        "observedGeneration": (budget["status"]).get("observedGeneration") or 0,
        "lastTransitionTime": old["lastTransitionTime"] if old and old.get("status") == "False" else now,
    }
    conditions = budget["status"].get("conditions") or []
    return [*(item for item in conditions if item.get("type") != "DisruptionAllowed"), condition]


def _why_not(budget: Object) -> str:
    status, name = budget.get("status") or {}, name_of(budget)
    desired, healthy = int(status.get("desiredHealthy") or 0), int(status.get("currentHealthy") or 0)
    condition = find_condition(budget, "DisruptionAllowed") or {}
    is_false = condition.get("status") == "False" and bool(condition.get("message"))
    refused = f"The disruption budget {name} does not allow evicting pods currently"
    if is_false and condition.get("reason") == "SyncFailed":
        # The numbers cannot be trusted then.
        return f"{refused} because it failed sync: {condition['message']}"
    if healthy <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
    return f"{refused} ({condition.get('reason')}): {condition['message']}" if is_false else refused


def _still_processed(name: str) -> TooManyRequests:
    cause = f"The disruption budget {name} is still being processed by the server."
    return _refused(cause, retry_after_seconds=_RETRY_AFTER_SECONDS)


def _refused(cause: str, retry_after_seconds: int | None = None) -> TooManyRequests:
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    return TooManyRequests(_REFUSAL, details=details, retry_after_seconds=retry_after_seconds)


async def _delete(operation: Operation, options: DeleteOptions) -> None:
    """Deletes the pod, which tells first in a condition why. Raises NotFound, Conflict."""
    if not options.dry_run:
        now = format_time(operation.core.clock.now())

        async def transform(pod: Object) -> Object:
            check_preconditions(operation, pod, options)
            return with_disruption_target(pod, now)

        written = await guaranteed_update(operation, transform, may_remove=False)
        if options.resource_version:
            options = replace(options, resource_version=str(written.revision))
    await delete_object(operation, options)


def with_disruption_target(pod: Object, now: str) -> Object:
    """The pod with the condition that it is about to be evicted, dated from when it first was."""
    wanted = {"status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
    old = find_condition(pod, "DisruptionTarget")
    if old is not None and all(old.get(key) == value for key, value in wanted.items()):
        return pod
    since = old.get("lastTransitionTime") if old is not None and old.get("status") == "True" else now
    condition: Object = {"type": "DisruptionTarget", **wanted, "lastProbeTime": None, "lastTransitionTime": since}
    status = pod.get("status") or {}
    others = [item for item in status.get("conditions") or [] if item.get("type") != "DisruptionTarget"]
    return {**pod, "status": {**status, "conditions": [*others, condition]}}
