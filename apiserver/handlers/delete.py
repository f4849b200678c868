"""DELETE of an object: graceful where the kind says so, held back by finalizers, removed at once otherwise.

Follows ``k8s.io/apiserver/pkg/registry``: ``rest.BeforeDelete`` and ``Store.Delete``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from starlette.responses import Response

from apiserver.admission.plugin import Attributes
from apiserver.context import RequestContext
from apiserver.core import Operation
from apiserver.handlers.options import DeleteOptions, delete_options
from apiserver.handlers.update import operation_of
from apiserver.objects import encode
from apiserver.response import json_response, render_stored, success_status
from apiserver.storage.store import RevisionMismatch
from apiserver.strategies import Strategy
from apiserver.writes import MAX_ATTEMPTS, Stored, current, is_same
from minikube_py.api.errors import conflict
from minikube_py.api.meta import Object, join_key, metadata, resource_version_of, uid_of
from minikube_py.api.times import format_time, parse_time

FOREGROUND_FINALIZER = "foregroundDeletion"
ORPHAN_FINALIZER = "orphan"
_END = datetime.max.replace(tzinfo=UTC)
"""No grace period ends later."""


async def delete(ctx: RequestContext) -> Response:
    """Removes an object or marks it: 200 with the object or a Status, 202 where dependents are waited for."""
    options = await delete_options(ctx)
    operation = replace(operation_of(ctx), dry_run=options.dry_run)
    if not options.propagation_policy and options.orphan_dependents is None:
        ctx.warn(operation.strategy.orphan_warning)
    stored = await delete_object(operation, options)
    accepted = not stored.deleted and options.orphan_dependents is False
    if stored.deleted and not operation.strategy.returns_deleted_object:
        resource = operation.resource
        return json_response(success_status(resource, operation.name, uid_of(stored.object())))
    return render_stored(ctx, stored, 202 if accepted else 200)


async def delete_object(operation: Operation, options: DeleteOptions) -> Stored:
    """Deletes, or begins to. Raises NotFound, Conflict (a precondition), Forbidden."""
    core, resource = operation.core, operation.resource
    for _ in range(MAX_ATTEMPTS):
        old = await current(operation)
        revision = resource_version_of(old)
        check_preconditions(operation, old, options)
        await core.admission.review(Attributes(operation, "DELETE", None, old))
        decision = decide(old, operation.strategy, options, core.clock.now())
        if operation.dry_run:
            return Stored(encode(decision.obj), revision, deleted=decision.action == "remove")
        try:
            if decision.action == "remove":
                revision = await core.store.delete(operation.key, expected_revision=revision)
                await core.allocation.released(resource, old)
                return Stored(encode(decision.obj), revision, deleted=True)
            value = encode(decision.obj)
            if not is_same(decision.obj, old):
                revision = await core.store.update(operation.key, value, expected_revision=revision)
                core.caches[resource].written(join_key(operation.namespace, operation.name), value, revision)
            return Stored(value, revision)
        except RevisionMismatch:
            continue
    raise conflict(resource.group, resource.plural, operation.name)


def check_preconditions(operation: Operation, old: Object, options: DeleteOptions) -> None:
    """Compares the ``uid`` and ``resourceVersion`` that a client named with the stored ones. Raises Conflict."""
    resource = operation.resource
    if options.uid and options.uid != uid_of(old):
        raise conflict(
            resource.group,
            resource.plural,
            operation.name,
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid_of(old)}). "
            "The object might have been deleted and then recreated",
        )
    version = metadata(old)["resourceVersion"]
    if options.resource_version and options.resource_version != version:
        raise conflict(
            resource.group,
            resource.plural,
            operation.name,
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({version}). The object might have been modified",
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a DELETE does to an object: remove it, or store ``obj``, which may be what is stored already."""

    action: Literal["remove", "mark"]
    obj: Object


def decide(old: Object, strategy: Strategy, options: DeleteOptions, now: datetime) -> Decision:
    """The effect of a DELETE on ``old`` at ``now``. Pure."""
    grace = min(strategy.deletion_grace_period(old, options.grace_period_seconds), (_END - now) // timedelta(seconds=1))
    meta = dict(metadata(old))
    finalizers = _finalizers(meta.get("finalizers") or [], options, orphans=strategy.orphans_dependents)
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)

    if meta.get("deletionTimestamp"):
        _shorten(meta, grace)
    else:
        meta["deletionTimestamp"] = format_time(now + timedelta(seconds=grace))
        meta["deletionGracePeriodSeconds"] = grace
        if meta.get("generation"):
            meta["generation"] = int(meta["generation"]) + 1
    obj = strategy.begin_deletion({**old, "metadata": meta})
    waits = bool(meta.get("deletionGracePeriodSeconds"))
    held = bool(finalizers) or strategy.blocks_removal(obj)
    return Decision("mark" if waits or held else "remove", obj)


def _shorten(meta: Object, grace: int) -> None:
    """A second DELETE may shorten the grace period that runs, never lengthen it."""
    running = int(meta.get("deletionGracePeriodSeconds") or 0)
    if grace >= running:
        return
    began = parse_time(meta["deletionTimestamp"]) - timedelta(seconds=running)
    meta["deletionTimestamp"] = format_time(began + timedelta(seconds=grace))
    meta["deletionGracePeriodSeconds"] = grace


def _finalizers(present: list[str], options: DeleteOptions, *, orphans: bool) -> list[str]:
    """The finalizers with the garbage collector's two as the propagation policy wants them.

    Without a policy they stay; where there is neither, and the kind ``orphans`` its dependents, that one is added.
    """
    policy = options.propagation_policy
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    if not policy:
        decided = not orphans or FOREGROUND_FINALIZER in present or ORPHAN_FINALIZER in present
        return present if decided else [*present, ORPHAN_FINALIZER]
    kept = [name for name in present if name not in (FOREGROUND_FINALIZER, ORPHAN_FINALIZER)]
    if policy == "Foreground":
        kept.append(FOREGROUND_FINALIZER)
    elif policy == "Orphan":
        kept.append(ORPHAN_FINALIZER)
    return kept
