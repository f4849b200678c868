"""Whether a write fits into the quotas of its namespace, and what it adds to them.

Pure; the messages are upstream's. Follows ``CheckRequest`` of ``k8s.io/apiserver/pkg/admission/plugin/resourcequota``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from minikube_py.api.meta import Object, name_of
from minikube_py.api.quantity import ZERO
from minikube_py.api.quota import Evaluator
from minikube_py.api.quota_amounts import Amounts, add, exceeded, mask, parse, pretty, subtract, without_zeros


class QuotaRefused(Exception):
    """The write does not fit, or does not say what a quota obliges it to say; the text is upstream's cause."""


class QuotaStatusUnknown(QuotaRefused):
    """The quota's usage was not computed yet; a moment later it may be."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota with the amounts of its status read."""

    obj: Object
    name: str
    names: frozenset[str]
    """The names in ``spec.hard`` and ``status.hard``."""
    hard: Amounts
    used: Amounts

    @classmethod
    def read(cls, obj: Object) -> Quota:
        """Raises ValueError for what is no quantity."""
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        hard = parse(status.get("hard"))
        return cls(
            obj, name_of(obj), frozenset(hard) | frozenset(spec.get("hard") or ()), hard, parse(status.get("used"))
        )

    def with_used(self, used: Amounts) -> Quota:
        """The quota with another usage; ``obj`` stays as it is."""
        return replace(self, used=used)

    def with_object(self, obj: Object) -> Quota:
        """The quota as ``obj``, whose amounts are these."""
        return replace(self, obj=obj)


def charges(
    quotas: Iterable[Quota],
    evaluator: Evaluator,
    new: Object,
    old: Object | None,
    now: datetime,
    *,
    enforced: bool = True,
) -> dict[str, Amounts]:
    """What storing ``new`` (in place of ``old``) adds to which quota, by the quota's name.

    A charge that is not ``enforced`` is made whatever the limits are. Raises QuotaRefused, QuotaStatusUnknown.
    """
    interesting: list[tuple[Quota, list[str]]] = []
    for quota in quotas:
        names = evaluator.tracked(quota.names)
        if not names or not evaluator.selected(quota.obj, new):
            continue
        missing = evaluator.missing(names, new)
        if missing:
            listed = "; ".join(f"{name} for: {','.join(containers)}" for name, containers in missing.items())
            raise QuotaRefused(f"failed quota: {quota.name}: must specify {listed}")
        interesting.append((quota, names))
    if not interesting:
        return {}
    usage = evaluator.usage(new, now)
    negative = sorted(name for name, amount in usage.items() if amount < ZERO)
    if negative:
        raise QuotaRefused(f"quota usage is negative for resource(s): {','.join(negative)}")
    added: dict[str, Amounts] = {}
    for quota, names in interesting:
        delta = usage
        if old is not None and evaluator.selected(quota.obj, old):
            delta = subtract(usage, evaluator.usage(old, now))
        requested = without_zeros(mask(delta, names))
        if not requested:
            continue
        _check(quota, names, requested, enforced=enforced)
        added[quota.name] = requested
    return added


def _check(quota: Quota, names: list[str], requested: Amounts, *, enforced: bool) -> None:
    if not all(name in quota.hard and name in quota.used for name in names):
        raise QuotaStatusUnknown(f"status unknown for quota: {quota.name}, resources: {','.join(names)}")
    above = exceeded(add(mask(quota.used, requested), requested), quota.hard)
    if above and enforced:
        raise QuotaRefused(
            f"exceeded quota: {quota.name}, requested: {pretty(mask(requested, above))}, "
            f"used: {pretty(mask(quota.used, above))}, limited: {pretty(mask(quota.hard, above))}"
        )
