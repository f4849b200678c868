"""Disruption budgets: what the controller says of them, and the evictions that they allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import Rest
from workloads import Workloads, changed

EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction"}


class Budgets(Workloads):
    """A namespace's disruption budgets."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        super().__init__(Rest(cluster), namespace)
        self.budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"

    def budget(self, name: str, **spec: Any) -> Any:
        """Creates a budget of the pods of that name."""
        spec["selector"] = {"matchLabels": {"app": name}}
        return self.rest.ok("POST", self.budgets, {"metadata": {"name": name}, "spec": spec})

    def tells(self, name: str, **status: Any) -> Any:
        """The budget, once its status is of its last change and says all this."""

        def told() -> Any:
            found = self.rest.ok("GET", f"{self.budgets}/{name}")
            status["observedGeneration"] = found["metadata"]["generation"]
            return found["status"].items() >= status.items() and found

        return eventually(told, f"{name} says {status}")

    def evict(self, pod: str) -> Any:
        """The answer to an eviction."""
        return self.rest("POST", f"{self.all_pods}/{pod}/eviction", {**EVICTION, "metadata": {"name": pod}})


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Budgets]:
    with cluster.namespace("disruption") as name:
        yield Budgets(cluster, name)


@pytest.mark.conformance("PodDisruptionBudget: Status updates")
def test_a_budget_says_how_many_disruptions_are_allowed(work: Budgets) -> None:
    work.budget("followed", minAvailable=1)
    counts = {"currentHealthy": 0, "desiredHealthy": 1, "expectedPods": 0, "disruptionsAllowed": 0}
    work.tells("followed", **counts)
    work.replica_set("followed", replicas=3)
    work.all_running("followed", 3)
    counts = {"currentHealthy": 3, "desiredHealthy": 1, "expectedPods": 3, "disruptionsAllowed": 2}
    [condition] = work.tells("followed", **counts)["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("DisruptionAllowed", "True")
    changed(work.rest, f"{work.budgets}/followed", lambda found: found["spec"].update(minAvailable="100%"))
    [condition] = work.tells("followed", desiredHealthy=3, disruptionsAllowed=0)["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "InsufficientPods")


@pytest.mark.conformance("PodDisruptionBudget: block an eviction until the PDB is updated to allow it")
def test_an_eviction_waits_until_the_budget_allows_it(work: Budgets) -> None:
    names = ["guarded-1", "guarded-2", "guarded-3"]
    for name in names:
        work.pod(name, app="guarded")
    work.all_running("guarded", 3)
    work.budget("guarded", minAvailable=3)
    work.tells("guarded", currentHealthy=3, disruptionsAllowed=0)
    refused = work.evict(names[0])
    assert refused.status_code == 429
    [cause] = refused.json()["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"] == "The disruption budget guarded needs 3 healthy pods and has 3 currently"

    changed(work.rest, f"{work.budgets}/guarded", lambda found: found["spec"].update(minAvailable=2))
    work.tells("guarded", disruptionsAllowed=1)
    assert work.evict(names[0]).status_code == 201
    work.rest.gone(f"{work.all_pods}/{names[0]}")
    work.tells("guarded", currentHealthy=2, disruptionsAllowed=0)
    assert work.evict(names[1]).status_code == 429

    work.rest.patch(f"{work.budgets}/guarded", {"spec": {"minAvailable": 1}})
    work.tells("guarded", disruptionsAllowed=1)
    assert work.evict(names[1]).status_code == 201
    work.rest.gone(f"{work.all_pods}/{names[1]}")
    assert work.evict(names[2]).status_code == 429
    work.rest.ok("DELETE", f"{work.budgets}/guarded")
    eventually(lambda: work.evict(names[2]).status_code == 201, "without a budget every pod may go")
    work.no_pods("guarded")


def test_a_drained_node_keeps_what_a_budget_asks_for(cluster: Cluster, work: Budgets) -> None:
    """``kubectl drain`` waits at a deployment whose pods have nowhere else to go, and evicts one of them."""
    [node] = work.rest.ok("GET", "/api/v1/nodes")["items"]
    name = node["metadata"]["name"]
    work.deployment("drained", replicas=3)
    work.available("drained", 3)
    work.budget("drained", maxUnavailable=1)
    work.tells("drained", currentHealthy=3, desiredHealthy=2, expectedPods=3, disruptionsAllowed=1)
    try:
        said = cluster.kubectl_fails("drain", name, "--pod-selector=app=drained", "--timeout=8s")
        assert "Cannot evict pod as it would violate the pod's disruption budget." in said
        assert len(work.running("drained")) == 2
    finally:
        cluster.kubectl("uncordon", name)
    work.tells("drained", currentHealthy=3, disruptionsAllowed=1)
