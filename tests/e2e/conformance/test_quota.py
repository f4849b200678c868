"""Behaviours of ResourceQuota and LimitRange."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from pod_helpers import IMAGE
from rest import Rest

EXTENDED = "example.com/dongle"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest(cluster)


@pytest.fixture
def base(cluster: Cluster) -> Iterator[str]:
    """The path of a namespace of the test's own."""
    with cluster.namespace(f"quota-{next(_numbers)}") as name:
        yield f"/api/v1/namespaces/{name}"


def quota(rest: Rest, base: str, hard: dict[str, str], name: str = "q", scopes: tuple[str, ...] = ()) -> str:
    """A quota whose use has been counted; its path."""
    spec: dict[str, Any] = {"hard": hard} | ({"scopes": list(scopes)} if scopes else {})
    rest.ok("POST", f"{base}/resourcequotas", {"metadata": {"name": name}, "spec": spec})
    path = f"{base}/resourcequotas/{name}"
    eventually(lambda: rest.ok("GET", path).get("status", {}).get("hard") == hard, "the quota's use is counted")
    return path


def used(rest: Rest, path: str, **expected: str) -> None:
    """Waits until the quota says that much is used; names are written with _ for . and __ for /."""
    wanted = {key.replace("__", "/").replace("_", "."): value for key, value in expected.items()}

    def probe() -> bool:
        return bool(rest.ok("GET", path)["status"]["used"].items() >= wanted.items())

    eventually(probe, f"{wanted} is used", timeout=30)


def pod(name: str, resources: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "c", "image": IMAGE} | ({"resources": resources} if resources else {})
    # Nobody schedules it, so that it counts and does not run.
    spec = {"containers": [container], "schedulerName": "nobody", "terminationGracePeriodSeconds": 0, **spec}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.conformance("ResourceQuota, object count quota, resourcequotas")
def test_a_quota_counts_itself(rest: Rest, base: str) -> None:
    used(rest, quota(rest, base, {"resourcequotas": "1"}), resourcequotas="1")
    refused = rest.refused(403, "POST", f"{base}/resourcequotas", {"metadata": {"name": "r"}, "spec": {"hard": {}}})
    assert (
        "exceeded quota: q, requested: resourcequotas=1, used: resourcequotas=1, limited: resourcequotas=1"
        in (refused["message"])
    )


COUNTED = [
    pytest.param(
        "configmaps",
        "ConfigMap",
        {},
        id="config map",
        marks=pytest.mark.conformance("ResourceQuota, object count quota, configmap"),
    ),
    pytest.param(
        "secrets", "Secret", {}, id="secret", marks=pytest.mark.conformance("ResourceQuota, object count quota, secret")
    ),
    pytest.param(
        "replicationcontrollers",
        "ReplicationController",
        {
            "spec": {
                "replicas": 0,
                "selector": {"a": "b"},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": IMAGE}]},
                },
            }
        },
        id="replication controller",
        marks=pytest.mark.conformance("ResourceQuota, object count quota, replicationController"),
    ),
]


@pytest.mark.parametrize(("plural", "kind", "body"), COUNTED)
def test_objects_are_counted_and_given_back(rest: Rest, base: str, plural: str, kind: str, body: Any) -> None:
    eventually(lambda: rest("GET", f"{base}/configmaps/kube-root-ca.crt").status_code == 200, "the root CA is there")
    before = len(rest.ok("GET", f"{base}/{plural}")["items"])
    path = quota(rest, base, {plural: str(before + 1)})
    used(rest, path, **{plural: str(before)})
    rest.ok("POST", f"{base}/{plural}", {"metadata": {"name": "one"}, **body})
    used(rest, path, **{plural: str(before + 1)})
    rest.refused(403, "POST", f"{base}/{plural}", {"metadata": {"name": "two"}, **body})
    rest.ok("DELETE", f"{base}/{plural}/one")
    used(rest, path, **{plural: str(before)})


@pytest.mark.conformance("ResourceQuota, object count quota, replicaSet")
def test_replica_sets_are_counted(rest: Rest, base: str) -> None:
    apps = base.replace("/api/v1", "/apis/apps/v1")
    path = quota(rest, base, {"count/replicasets.apps": "1"})
    used(rest, path, count__replicasets_apps="0")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": IMAGE}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    rest.ok("POST", f"{apps}/replicasets", {"metadata": {"name": "one"}, "spec": spec})
    used(rest, path, count__replicasets_apps="1")
    rest.refused(403, "POST", f"{apps}/replicasets", {"metadata": {"name": "two"}, "spec": spec})
    rest.ok("DELETE", f"{apps}/replicasets/one")
    used(rest, path, count__replicasets_apps="0")


@pytest.mark.conformance("ResourceQuota, object count quota, service")
def test_services_are_counted_by_what_they_take(rest: Rest, base: str) -> None:
    path = quota(rest, base, {"services": "10", "services.nodeports": "1", "services.loadbalancers": "1"})
    ports = [{"port": 80}]
    rest.ok("POST", f"{base}/services", {"metadata": {"name": "a"}, "spec": {"ports": ports}})
    rest.ok("POST", f"{base}/services", {"metadata": {"name": "b"}, "spec": {"type": "NodePort", "ports": ports}})
    used(rest, path, services="2", services_nodeports="1", services_loadbalancers="0")
    body = {"metadata": {"name": "c"}, "spec": {"type": "LoadBalancer", "ports": ports}}
    assert "services.nodeports" in rest.refused(403, "POST", f"{base}/services", body)["message"]
    rest.ok("DELETE", f"{base}/services/a")
    rest.ok("DELETE", f"{base}/services/b")
    used(rest, path, services="0", services_nodeports="0", services_loadbalancers="0")


@pytest.mark.conformance("ResourceQuota, object count quota, pod")
def test_pods_are_counted_by_what_they_ask_for(rest: Rest, base: str) -> None:
    hard = {
        "pods": "5", "requests.cpu": "1", "requests.memory": "500Mi", "requests.ephemeral-storage": "50Gi",
        f"requests.{EXTENDED}": "3",
    }  # fmt: skip
    path = quota(rest, base, hard)
    asked = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", EXTENDED: "2"}
    rest.ok("POST", f"{base}/pods", pod("one", {"requests": asked, "limits": {EXTENDED: "2"}}))
    wanted = {
        "pods": "1", "requests.cpu": "500m", "requests.memory": "252Mi", "requests.ephemeral-storage": "30Gi",
        f"requests.{EXTENDED}": "2",
    }  # fmt: skip
    eventually(lambda: rest.ok("GET", path)["status"]["used"] == wanted, "all is counted")
    more = {"cpu": "600m", "memory": "100Mi", "ephemeral-storage": "1Gi"}
    rest.refused(403, "POST", f"{base}/pods", pod("two", {"requests": more}))
    refused = rest.refused(
        403,
        "POST",
        f"{base}/pods",
        pod("three", {"requests": {**more, "cpu": "1m", EXTENDED: "2"}, "limits": {EXTENDED: "2"}}),
    )
    assert f"requests.{EXTENDED}=2" in refused["message"]
    found = rest.ok("GET", f"{base}/pods/one")
    found["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "100m"
    rest.refused(422, "PUT", f"{base}/pods/one", found)
    rest.ok("DELETE", f"{base}/pods/one")
    used(rest, path, pods="0", requests_cpu="0")


@pytest.mark.conformance("ResourceQuota, quota scope, BestEffort and NotBestEffort scope")
def test_scopes_of_best_effort(rest: Rest, base: str) -> None:
    best = quota(rest, base, {"pods": "5"}, "best", ("BestEffort",))
    other = quota(rest, base, {"pods": "5"}, "other", ("NotBestEffort",))
    resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}
    for name, asked, counts in (("b", None, ("1", "0")), ("n", resources, ("0", "1"))):
        rest.ok("POST", f"{base}/pods", pod(name, asked))
        used(rest, best, pods=counts[0])
        used(rest, other, pods=counts[1])
        rest.ok("DELETE", f"{base}/pods/{name}")
        used(rest, best, pods="0")
        used(rest, other, pods="0")


@pytest.mark.conformance("ResourceQuota, quota scope, Terminating and NotTerminating scope")
def test_scopes_of_ending(rest: Rest, base: str) -> None:
    hard = {"pods": "5", "requests.cpu": "1", "limits.cpu": "1"}
    ending = quota(rest, base, hard, "ending", ("Terminating",))
    lasting = quota(rest, base, hard, "lasting", ("NotTerminating",))
    resources = {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}
    for name, more, (path, other) in (
        ("l", {}, (lasting, ending)),
        ("e", {"activeDeadlineSeconds": 3600}, (ending, lasting)),
    ):
        rest.ok("POST", f"{base}/pods", pod(name, resources, **more))
        used(rest, path, pods="1", requests_cpu="500m", limits_cpu="1")
        used(rest, other, pods="0", requests_cpu="0", limits_cpu="0")
        rest.ok("DELETE", f"{base}/pods/{name}")
        used(rest, path, pods="0", requests_cpu="0")


@pytest.mark.conformance("ResourceQuota, update and delete", "ResourceQuota, manage lifecycle of a ResourceQuota")
def test_a_quota_is_changed_and_deleted(rest: Rest, base: str) -> None:
    path = quota(rest, base, {"cpu": "1", "memory": "500Mi"})

    def update() -> bool:
        found = rest.ok("GET", path)
        found["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
        return rest("PUT", path, found).status_code == 200

    eventually(update, "an update that nobody comes between")
    eventually(lambda: rest.ok("GET", path)["status"]["hard"] == {"cpu": "2", "memory": "1Gi"}, "it is told as hard")
    patched = rest.patch(path, {"metadata": {"labels": {"of": "a-test"}}, "spec": {"hard": {"memory": "750Mi"}}})
    assert patched["spec"]["hard"] == {"cpu": "2", "memory": "750Mi"}
    assert len(rest.ok("GET", "/api/v1/resourcequotas?labelSelector=of%3Da-test")["items"]) == 1
    rest.ok("DELETE", f"{base}/resourcequotas?labelSelector=of%3Da-test")
    rest.gone(path)


@pytest.mark.conformance("LimitRange, resources")
def test_a_limit_range_fills_in_and_bounds(rest: Rest, base: str) -> None:
    limit = {
        "type": "Container",
        "min": {"cpu": "50m", "memory": "100Mi"},
        "max": {"cpu": "500m", "memory": "500Mi"},
        "default": {"cpu": "500m", "memory": "500Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "200Mi"},
    }
    made = rest.ok("POST", f"{base}/limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [limit]}})
    assert made["spec"]["limits"] == [limit]

    def filled(resources: dict[str, Any] | None) -> Any:
        body = pod("p", resources)
        return rest.ok("POST", f"{base}/pods?dryRun=All", body)["spec"]["containers"][0]["resources"]

    eventually(lambda: filled(None) == {"limits": limit["default"], "requests": limit["defaultRequest"]}, "defaults")
    assert filled({"requests": {"cpu": "100m"}}) == {
        "limits": limit["default"],
        "requests": {"cpu": "100m", "memory": "200Mi"},
    }
    for requests, message in (
        ({"cpu": "10m"}, "minimum cpu usage per Container is 50m, but request is 10m"),
        ({"cpu": "600m"}, "maximum cpu usage per Container is 500m"),
    ):
        refused = rest("POST", f"{base}/pods", pod("p", {"requests": requests, "limits": requests}))
        assert refused.status_code == 403
        assert message in refused.json()["message"]
    changed = {**limit, "min": {"cpu": "9m", "memory": "49Mi"}}
    rest.patch(f"{base}/limitranges/l", {"spec": {"limits": [changed]}})
    eventually(lambda: filled({"requests": {"cpu": "10m"}})["requests"]["cpu"] == "10m", "the new bound counts")
