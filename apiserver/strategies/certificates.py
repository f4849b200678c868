"""The strategies of CertificateSigningRequest and of its approval."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.ruled import Rules, StatusWithMetadata
from apiserver.validation import certificates as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object
from minikube_py.api.times import format_time

_DECISIONS = ("Approved", "Denied")


class CertificateSigningRequestStrategy(StatusWithMetadata):
    """A request names who made it, as the server knows them, and its spec never changes."""

    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.signing_request, validation.signing_request_update, validation.signing_request_status_update
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """The user of the request in place of whatever the client says."""
        prepared = super().prepare_for_create(obj, ctx)
        spec = {
            key: value
            for key, value in (obj.get("spec") or {}).items()
            if key not in ("username", "uid", "groups", "extra")
        }
        known: Object = {
            "username": ctx.user,
            "uid": ctx.uid,
            "groups": list(ctx.groups),
            "extra": {key: list(values) for key, values in ctx.extra.items()},
        }
        return {**prepared, "spec": {**spec, **{key: value for key, value in known.items() if value}}}

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Metadata alone changes."""
        return {**super().prepare_for_update(new, old, ctx), "spec": old.get("spec") or {}}

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Decisions that are there stay as they are; new conditions get their times."""
        prepared = super().prepare_status_update(new, old, ctx)
        return _with_conditions(prepared, old, ctx, keep=_DECISIONS)


class ApprovalStrategy(CertificateSigningRequestStrategy):
    """``certificatesigningrequests/approval``: only the conditions change."""

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """The new object's conditions in the stored one, with their times."""
        conditions = (new.get("status") or {}).get("conditions") or []
        status = {key: value for key, value in (old.get("status") or {}).items() if key != "conditions"}
        if conditions:
            status["conditions"] = conditions
        prepared = {**new, "spec": old.get("spec") or {}, "status": status}
        return _with_conditions(prepared, old, ctx, keep=())

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What a decision may change."""
        return list(validation.signing_request_approval_update(new, old))


def _with_conditions(obj: Object, old: Object, ctx: StrategyContext, *, keep: tuple[str, ...]) -> Object:
    status = obj.get("status") or {}
    conditions = status.get("conditions")
    if not conditions:
        return obj
    stored = {kind: validation.conditions_of(old, kind)[::-1] for kind in keep}

    def settled(condition: Object) -> Object:
        before = stored.get(condition.get("type") or "")
        return before.pop() if before else _timed(condition, old, ctx)

    timed = [settled(condition) for condition in conditions]
    return {**obj, "status": {**status, "conditions": timed}}


def _timed(condition: Object, old: Object, ctx: StrategyContext) -> Object:
    """The condition with the times that the client left out: now, or when the stored one took on this status."""
    now = format_time(ctx.now)
    since = now
    for stored in validation.conditions_of(old, condition.get("type") or "")[:1]:
        if stored.get("status") == condition.get("status"):
            since = stored.get("lastTransitionTime") or now
    given = {key: value for key, value in condition.items() if value is not None}
    return {"lastUpdateTime": now, "lastTransitionTime": since, **given}
