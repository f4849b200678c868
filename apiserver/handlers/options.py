"""``DeleteOptions``, from the body or the query of a DELETE."""

from __future__ import annotations

from dataclasses import dataclass

from apiserver.body import IGNORE, Expected, Parsed, checked, parse
from apiserver.context import RequestContext, check_dry_run
from minikube_py.api.errors import (
    BadRequest,
    FieldError,
    field_invalid,
    field_not_supported,
    invalid,
)
from minikube_py.api.meta import Object

_EXPECTED = Expected("v1", "DeleteOptions")
_POLICIES = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a DELETE asks for. ``grace_period_seconds`` None leaves it to the kind; an empty policy to the object."""

    grace_period_seconds: int | None = None
    propagation_policy: str = ""
    orphan_dependents: bool | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


async def delete_options(ctx: RequestContext) -> DeleteOptions:
    """The options of a request; a body wins over the query. Raises BadRequest, Invalid."""
    body = await ctx.body()
    if not body:
        policy = ctx.query.get("propagationPolicy")
        grace = ctx.query.integer("gracePeriodSeconds")
        return _checked(DeleteOptions(grace, policy, ctx.query.optional_flag("orphanDependents"), dry_run=ctx.dry_run))
    return options_of(_decode(body, ctx), dry_run=ctx.dry_run)


def options_of(sent: Object, *, dry_run: bool) -> DeleteOptions:
    """The options that a ``DeleteOptions`` object holds, in a request that is itself a ``dry_run`` or none.

    Raises BadRequest, Invalid.
    """
    preconditions = sent.get("preconditions") or {}
    return _checked(
        DeleteOptions(
            sent.get("gracePeriodSeconds"),
            sent.get("propagationPolicy") or "",
            sent.get("orphanDependents"),
            preconditions.get("uid") or "",
            preconditions.get("resourceVersion") or "",
            check_dry_run(list(sent.get("dryRun") or []), "DeleteOptions") or dry_run,
        )
    )


def _decode(body: bytes, ctx: RequestContext) -> Object:
    """The options, whichever group's ``DeleteOptions`` they are sent as: every group has the same one."""
    parsed = parse(body, ctx.header("content-type"), _EXPECTED, ctx.core.schemas)
    if isinstance(parsed.value, dict) and parsed.value.get("kind") in ("DeleteOptions", "", None):
        parsed = Parsed({**parsed.value, "apiVersion": "v1", "kind": "DeleteOptions"}, parsed.duplicates)
    return checked(parsed, _EXPECTED, ctx.core.schemas, IGNORE, ctx.warn)


def _checked(options: DeleteOptions) -> DeleteOptions:
    errors: list[FieldError] = []
    if options.propagation_policy and options.orphan_dependents is not None:
        errors.append(
            field_invalid(
                "propagationPolicy",
                options.propagation_policy,
                "orphanDependents and deletionPropagation cannot be both set",
            )
        )
    if options.propagation_policy and options.propagation_policy not in _POLICIES:
        errors.append(field_not_supported("propagationPolicy", options.propagation_policy, _POLICIES))
    if errors:
        raise invalid("meta.k8s.io", "DeleteOptions", "", errors)
    grace = options.grace_period_seconds
    if grace is not None and not -(2**63) <= grace < 2**63:
        raise BadRequest("gracePeriodSeconds is out of range")
    return options
