"""Deployments: their strategies, their history, and their subresources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import STRATEGIC_PATCH, Rest
from workloads import CONDITION, IMAGE, NEWER_IMAGE, NO_IMAGE, Workloads, changed, has_status, pod_spec, scales

REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[Workloads]:
    with cluster.namespace("workloads") as name:
        yield Workloads(Rest(cluster), name)


def images(pods: list[dict[str, Any]]) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


class TestDeployments:
    @pytest.mark.conformance("Deployment Recreate")
    def test_recreate_ends_the_old_pods_before_it_makes_new_ones(self, work: Workloads) -> None:
        work.deployment("recreated", replicas=2, strategy={"type": "Recreate"})
        work.available("recreated", 2)
        with work.rest.watch(f"{work.all_pods}?labelSelector=app%3Drecreated") as watched:
            newer = {"template": {"spec": pod_spec(NEWER_IMAGE)}}
            work.rest.patch(f"{work.deployments}/recreated", {"spec": newer})
            work.available("recreated", 2)
        alive: dict[str, dict[str, Any]] = {}
        for event in watched.events:
            pod = event["object"]
            if event["type"] == "DELETED" or pod["status"].get("phase") in ("Succeeded", "Failed"):
                alive.pop(pod["metadata"]["uid"], None)
            else:
                alive[pod["metadata"]["uid"]] = pod
            assert len(images(list(alive.values()))) <= 1
        assert images(list(alive.values())) == {NEWER_IMAGE}

    @pytest.mark.conformance("Deployment RollingUpdate")
    def test_a_rolling_update_takes_over_the_pods_of_a_replica_set(self, work: Workloads) -> None:
        """As upstream: the replica set was there before; the deployment adopts it and rolls its pods away."""
        work.replica_set("rolling", replicas=1)
        work.all_running("rolling", 1)
        [old] = work.replica_sets("rolling")
        work.rest.patch(f"{work.sets}/rolling", {"metadata": {"annotations": {REVISION: "3546342"}}})
        work.deployment("rolling", replicas=1, image=NEWER_IMAGE)
        deployment = work.available("rolling", 1)
        assert deployment["metadata"]["annotations"][REVISION] == "3546343"
        eventually(lambda: images(work.pods("rolling")) == {NEWER_IMAGE}, "only the new pod is left")
        sets = work.replica_sets("rolling")
        assert len(sets) == 2
        for one in sets:
            assert one["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
            assert one["spec"]["replicas"] == (0 if one["metadata"]["uid"] == old["metadata"]["uid"] else 1)

    @pytest.mark.conformance("Deployment RevisionHistoryLimit")
    def test_old_replica_sets_beyond_the_limit_are_deleted(self, work: Workloads) -> None:
        work.replica_set("historic", replicas=1)
        work.all_running("historic", 1)
        work.deployment("historic", replicas=1, image=NEWER_IMAGE, revisionHistoryLimit=0)
        work.available("historic", 1)
        eventually(lambda: len(work.replica_sets("historic")) == 1, "one replica set is left")
        [left] = work.replica_sets("historic")
        assert left["spec"]["template"]["spec"]["containers"][0]["image"] == NEWER_IMAGE

    @pytest.mark.conformance("Deployment Rollover")
    def test_a_change_in_the_middle_of_an_update_is_followed_at_once(self, work: Workloads) -> None:
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        work.replica_set("rolled-over", replicas=1)
        work.all_running("rolled-over", 1)
        work.deployment("rolled-over", replicas=1, image=NO_IMAGE, minReadySeconds=2, strategy=rolling)
        eventually(lambda: len(work.replica_sets("rolled-over")) == 2, "the update that cannot succeed has begun")
        eventually(lambda: NO_IMAGE in images(work.pods("rolled-over")), "it has made a pod")
        assert IMAGE in images(work.running("rolled-over"))
        work.rest.patch(f"{work.deployments}/rolled-over", {"spec": {"template": {"spec": pod_spec(NEWER_IMAGE)}}})
        work.available("rolled-over", 1)
        eventually(lambda: images(work.pods("rolled-over")) == {NEWER_IMAGE}, "the last version alone is left")
        replicas = {
            one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
            for one in work.replica_sets("rolled-over")
        }
        assert replicas == {IMAGE: 0, NO_IMAGE: 0, NEWER_IMAGE: 1}

    @pytest.mark.conformance("Deployment Proportional Scaling")
    def test_all_replica_sets_share_in_a_scaling_amid_an_update(self, work: Workloads) -> None:
        """The numbers are upstream's: 10 wanted, 3 more and 2 fewer allowed; 8 of the old and 5 of the new, then 30."""
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
        work.deployment("shared", replicas=10, strategy=rolling)
        work.available("shared", 10)
        work.rest.patch(f"{work.deployments}/shared", {"spec": {"template": {"spec": pod_spec(NO_IMAGE)}}})

        def wanted() -> dict[str, int]:
            return {
                one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
                for one in work.replica_sets("shared")
            }

        eventually(lambda: wanted() == {IMAGE: 8, NO_IMAGE: 5}, "the update is stuck")
        eventually(
            lambda: work.rest.ok("GET", f"{work.deployments}/shared")["status"].get("availableReplicas") == 8,
            "as many as are needed are available",
        )
        work.rest.patch(f"{work.deployments}/shared/scale", {"spec": {"replicas": 30}})
        eventually(lambda: wanted() == {IMAGE: 20, NO_IMAGE: 13}, "both have grown")
        work.rest.ok("DELETE", f"{work.deployments}/shared")

    @pytest.mark.conformance("Deployment, completes the scaling of a Deployment subresource")
    def test_its_scale(self, work: Workloads) -> None:
        work.deployment("scaled", replicas=1)
        work.available("scaled", 1)
        scales(work, f"{work.deployments}/scaled")
        work.available("scaled", 4)

    @pytest.mark.conformance("Deployment, completes the lifecycle of a Deployment")
    def test_its_life(self, work: Workloads) -> None:
        path = f"{work.deployments}/lived"
        with work.rest.watch(f"{work.deployments}?labelSelector=app%3Dlived") as watched:
            work.deployment("lived", replicas=1)
            work.available("lived", 1)
            patch = {
                "metadata": {"labels": {"patched": "yes"}},
                "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": NEWER_IMAGE}]}}},
            }
            patched = work.rest.patch(path, patch, STRATEGIC_PATCH)
            assert patched["metadata"]["labels"] == {"app": "lived", "patched": "yes"}
            work.available("lived", 2)
            everywhere = work.rest.ok("GET", "/apis/apps/v1/deployments?labelSelector=patched%3Dyes")
            assert [item["metadata"]["name"] for item in everywhere["items"]] == ["lived"]
            changed(work.rest, path, lambda found: found["spec"].update(replicas=1))
            work.available("lived", 1)
            told = work.rest.patch(
                f"{path}/status", {"status": {"readyReplicas": 0, "availableReplicas": 0, "conditions": [CONDITION]}}
            )
            assert "Told" in [condition["type"] for condition in told["status"]["conditions"]]
            assert work.rest.ok("GET", f"{path}/status")["metadata"]["uid"] == told["metadata"]["uid"]
            eventually(
                lambda: work.rest.ok("GET", f"{path}/status")["status"].get("readyReplicas") == 1,
                "the controller puts the number right",
            )
            work.rest.ok("DELETE", f"{work.deployments}?labelSelector=patched%3Dyes")
            work.rest.gone(path)
            watched.until(lambda events: events[-1]["type"] == "DELETED", "its end is seen")
        assert watched.types()[0] == "ADDED"
        assert "MODIFIED" in watched.types()

    @pytest.mark.conformance("Deployment, status sub-resource")
    def test_its_status(self, work: Workloads) -> None:
        work.deployment("told", replicas=1)
        work.available("told", 1)
        has_status(work, f"{work.deployments}/told")
