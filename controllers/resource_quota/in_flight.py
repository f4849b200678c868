"""What was charged to quotas in the last seconds for writes that the informers may not show yet.

The API server charges a quota before it writes the object. A count that does not see the object must not take the
charge back, or somebody else would use it. So what was charged lately counts as used, less what was seen to come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from minikube_py.api.quota_amounts import Amounts, add, subtract

SETTLE_SECONDS = 5.0
"""How long after its charge an object may come: as long as the API server waits for etcd."""
_BUCKETS_PER_SECOND = 4
RECHECK_SECONDS = SETTLE_SECONDS + 1 / _BUCKETS_PER_SECOND
"""After this time a charge of now is on its way no longer."""


@dataclass(slots=True)
class _Bucket:
    charged: Amounts = field(default_factory=dict)
    seen: Amounts = field(default_factory=dict)


class InFlight:
    """The charges of each quota by the time at which they were heard of; times are of one monotonic clock."""

    def __init__(self) -> None:
        self._quotas: dict[str, dict[int, _Bucket]] = {}

    def charged(self, key: str, amounts: Amounts, now: float) -> None:
        """A quota's usage has grown."""
        bucket = self._bucket(key, now)
        bucket.charged = add(bucket.charged, amounts)

    def seen(self, key: str, amounts: Amounts, now: float) -> None:
        """An object that uses that much has come, or uses that much more now; or a charge was given back."""
        bucket = self._bucket(key, now)
        bucket.seen = add(bucket.seen, amounts)

    def forget(self, key: str) -> None:
        """The quota is gone."""
        self._quotas.pop(key, None)

    def amounts(self, key: str, now: float) -> Amounts:
        """What may still be on its way for a quota."""
        charged: Amounts = {}
        seen: Amounts = {}
        for bucket in self._recent(key, now).values():
            charged, seen = add(charged, bucket.charged), add(seen, bucket.seen)
        return {name: amount for name, amount in subtract(charged, seen).items() if amount}

    def _bucket(self, key: str, now: float) -> _Bucket:
        return self._recent(key, now).setdefault(int(now * _BUCKETS_PER_SECOND), _Bucket())

    def _recent(self, key: str, now: float) -> dict[int, _Bucket]:
        oldest = int((now - SETTLE_SECONDS) * _BUCKETS_PER_SECOND)
        buckets = self._quotas.setdefault(key, {})
        for time in [time for time in buckets if time < oldest]:
            del buckets[time]
        return buckets
