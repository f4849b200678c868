"""The store that counts."""

from __future__ import annotations

import pytest

from apiserver.measured import MeasuredStore, kind_of
from apiserver.metrics import Metrics
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import KeyExists, RevisionMismatch, StoreTimeout

KEY = "/registry/apps/deployments/default/d"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        pytest.param(KEY, "deployments.apps", id="a kind with a group"),
        pytest.param("/registry/core/pods/default/p", "pods", id="a kind of the core group"),
        pytest.param("/registry/core/pods/", "pods", id="the prefix of a kind"),
        pytest.param("", "", id="no key"),
    ],
)
def test_the_label_type_names_the_kind(key: str, kind: str) -> None:
    assert kind_of(key) == kind


async def test_calls_are_counted_and_only_failures_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, inner = Metrics(), MemoryStore()
    store = MeasuredStore(inner, metrics.etcd, metrics.etcd_errors)
    await store.create(KEY, b"{}")
    with pytest.raises(KeyExists):
        await store.create(KEY, b"{}")
    with pytest.raises(RevisionMismatch):
        await store.update(KEY, b"{}", expected_revision=10_000)
    assert metrics.etcd.of("create", "deployments.apps").total == 2
    assert metrics.etcd.of("update", "deployments.apps").total == 1
    assert "etcd_request_errors_total{" not in metrics.text().decode()

    async def fail(_: str) -> None:
        raise StoreTimeout("slow")

    monkeypatch.setattr(inner, "get", fail)
    with pytest.raises(StoreTimeout):
        await store.get(KEY)
    assert metrics.etcd_errors.of("get", "deployments.apps").value == 1
