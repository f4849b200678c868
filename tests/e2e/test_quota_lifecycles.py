"""What a ResourceQuota captures of the life of each kind: a real API server, etcd and the quota controller."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from api_rig import ApiRig, running
from harness import eventually
from quota_helpers import start_controllers

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
MERGE = "application/merge-patch+json"
pytestmark = pytest.mark.etcd
_numbers = itertools.count()


class Namespace:
    """A namespace of one's own on a rig."""

    def __init__(self, rig: ApiRig) -> None:
        self.rig = rig
        self.name = f"quota-{next(_numbers)}"
        self.ok("POST", "/api/v1/namespaces", {"metadata": {"name": self.name}})
        account = self.path("serviceaccounts/default")
        eventually(lambda: rig.request("GET", account)[0] == 200, "there is an account", timeout=20)

    def path(self, rest: str, prefix: str = "/api/v1") -> str:
        return f"{prefix}/namespaces/{self.name}/{rest}"

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        status, _, answer = self.rig.request(method, path, body, **options)
        assert status < 300, answer
        return answer

    def make_quota(self, name: str, hard: dict[str, str], **spec: Any) -> None:
        labels = {"made-by": self.name}
        self.ok(
            "POST",
            self.path("resourcequotas"),
            {"metadata": {"name": name, "labels": labels}, "spec": {"hard": hard, **spec}},
        )
        eventually(lambda: self.status(name).get("hard") == hard, f"status of {name}", timeout=20)

    def status(self, name: str = "q") -> Any:
        return self.ok("GET", self.path(f"resourcequotas/{name}")).get("status") or {}

    def expect(self, used: dict[str, str], name: str = "q") -> None:
        def is_used() -> bool:
            shown = self.status(name)["used"]
            return all(shown[key] == amount for key, amount in used.items())

        eventually(is_used, f"{name} shows {used}", timeout=20)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiRig]:
    with running(tmp_path_factory.mktemp("quota")) as started:
        start_controllers(started)
        yield started


@pytest.fixture
def namespace(rig: ApiRig) -> Namespace:
    return Namespace(rig)


def workload(**spec: Any) -> Any:
    return {"replicas": 0, "template": TEMPLATE, **spec}


@pytest.mark.parametrize(
    ("plural", "prefix", "body", "used"),
    [
        pytest.param(
            "configmaps",
            "/api/v1",
            {},
            {"configmaps": 1},
            id="configmap",
            marks=pytest.mark.conformance("ResourceQuota, object count quota, configmap"),
        ),
        pytest.param(
            "secrets",
            "/api/v1",
            {},
            {"secrets": 1},
            id="secret",
            marks=pytest.mark.conformance("ResourceQuota, object count quota, secret"),
        ),
        pytest.param(
            "services",
            "/api/v1",
            {"spec": {"type": "NodePort", "ports": [{"port": 80}]}},
            {"services": 1, "services.nodeports": 1, "services.loadbalancers": 0},
            id="service",
            marks=pytest.mark.conformance("ResourceQuota, object count quota, service"),
        ),
        pytest.param(
            "replicationcontrollers",
            "/api/v1",
            {"spec": workload(selector={"a": "b"})},
            {"replicationcontrollers": 1},
            id="replication controller",
            marks=pytest.mark.conformance("ResourceQuota, object count quota, replicationController"),
        ),
        pytest.param(
            "replicasets",
            "/apis/apps/v1",
            {"spec": workload(selector={"matchLabels": {"a": "b"}})},
            {"count/replicasets.apps": 1},
            id="replica set",
            marks=pytest.mark.conformance("ResourceQuota, object count quota, replicaSet"),
        ),
        pytest.param(
            "persistentvolumeclaims",
            "/api/v1",
            {
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "gold",
                    "resources": {"requests": {"storage": "1Gi"}},
                }
            },
            {"persistentvolumeclaims": 1, "gold.storageclass.storage.k8s.io/persistentvolumeclaims": 1},
            id="claim by storage class",
        ),
    ],
)
@pytest.mark.conformance("ResourceQuota, object count quota, resourcequotas")
def test_the_life_of_an_object(namespace: Namespace, plural: str, prefix: str, body: Any, used: dict[str, int]) -> None:
    namespace.make_quota("q", {**dict.fromkeys(used, "10"), "resourcequotas": "1"})
    namespace.expect({"resourcequotas": "1"})
    before = {name: int(amount) for name, amount in namespace.status()["used"].items()}
    namespace.ok("POST", namespace.path(plural, prefix), {"metadata": {"name": "x"}, **body})
    namespace.expect({name: str(before[name] + amount) for name, amount in used.items()})
    # A replication controller leaves its dependents behind by default, and waits until they are told so.
    namespace.ok("DELETE", namespace.path(f"{plural}/x?propagationPolicy=Background", prefix))
    if plural == "persistentvolumeclaims":
        patch = {"metadata": {"finalizers": None}}
        namespace.ok("PATCH", namespace.path(f"{plural}/x", prefix), patch, content_type=MERGE)
    namespace.expect({name: str(before[name]) for name in used})


def pod(name: str, requests: Any = None, limits: Any = None, **spec: Any) -> Any:
    resources = {"requests": requests or {}, "limits": limits or {}}
    container = {"name": "c", "image": "x", "resources": resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


@pytest.mark.conformance("ResourceQuota, object count quota, pod")
def test_the_life_of_a_pod(namespace: Namespace) -> None:
    extended = "example.com/dongle"
    hard = {"cpu": "1", "memory": "500Mi", "ephemeral-storage": "50Gi", f"requests.{extended}": "3", "pods": "5"}
    namespace.make_quota("q", hard)
    wanted = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", extended: "2"}
    namespace.ok("POST", namespace.path("pods"), pod("a", wanted, {extended: "2"}))
    used = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi", f"requests.{extended}": "2", "pods": "1"}
    namespace.expect(used)
    for more in ({"cpu": "600m", "memory": "100Mi"}, {"cpu": "500m", "memory": "100Mi", extended: "2"}):
        limits = {key: amount for key, amount in more.items() if key == extended}
        status, _, answer = namespace.rig.request("POST", namespace.path("pods"), pod("b", more, limits))
        assert (status, "exceeded quota: q" in answer["message"]) == (403, True)
    live = namespace.ok("GET", namespace.path("pods/a"))
    live["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "100m"
    assert namespace.rig.request("PUT", namespace.path("pods/a"), live)[0] == 422
    namespace.expect(used)
    namespace.ok("DELETE", namespace.path("pods/a?gracePeriodSeconds=0"))
    namespace.expect(dict.fromkeys(used, "0"))


def check_scopes(namespace: Namespace, one: str, other: str, pods: dict[str, Any]) -> None:
    """Each pod is captured by the quota of its scope and by no other."""
    for scope in (one, other):
        namespace.make_quota(scope.lower(), {"pods": "5"}, scopes=[scope])
    for scope, body in pods.items():
        namespace.ok("POST", namespace.path("pods"), body)
        namespace.expect({"pods": "1"}, scope.lower())
        namespace.expect({"pods": "0"}, (one if scope == other else other).lower())
        namespace.ok("DELETE", namespace.path(f"pods/{body['metadata']['name']}?gracePeriodSeconds=0"))
        namespace.expect({"pods": "0"}, scope.lower())


@pytest.mark.conformance("ResourceQuota, quota scope, BestEffort and NotBestEffort scope")
def test_best_effort(namespace: Namespace) -> None:
    resources = {"cpu": "500m", "memory": "200Mi"}
    pods = {"BestEffort": pod("a"), "NotBestEffort": pod("b", resources, resources)}
    check_scopes(namespace, "BestEffort", "NotBestEffort", pods)


@pytest.mark.conformance("ResourceQuota, quota scope, Terminating and NotTerminating scope")
def test_terminating(namespace: Namespace) -> None:
    resources = {"cpu": "500m", "memory": "200Mi"}
    pods = {
        "NotTerminating": pod("a", resources, resources),
        "Terminating": pod("b", resources, resources, activeDeadlineSeconds=3600),
    }
    check_scopes(namespace, "Terminating", "NotTerminating", pods)


@pytest.mark.conformance("ResourceQuota, update and delete")
def test_a_quota_is_updated_and_deleted(namespace: Namespace) -> None:
    namespace.make_quota("q", {"cpu": "1", "memory": "500Mi"})
    live = namespace.ok("GET", namespace.path("resourcequotas/q"))
    live["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
    assert namespace.ok("PUT", namespace.path("resourcequotas/q"), live)["spec"]["hard"] == live["spec"]["hard"]
    eventually(lambda: namespace.status()["hard"] == live["spec"]["hard"], "the status follows", timeout=20)
    namespace.ok("DELETE", namespace.path("resourcequotas/q"))
    assert namespace.rig.request("GET", namespace.path("resourcequotas/q"))[0] == 404


@pytest.mark.conformance("ResourceQuota, manage lifecycle of a ResourceQuota")
def test_quotas_are_patched_listed_and_deleted_together(namespace: Namespace) -> None:
    namespace.make_quota("q", {"cpu": "1", "memory": "500Mi"})
    query = f"?labelSelector=made-by%3D{namespace.name}"
    assert len(namespace.ok("GET", f"/api/v1/resourcequotas{query}")["items"]) == 1
    patch = {"metadata": {"labels": {"x": "y"}}, "spec": {"hard": {"memory": "750Mi"}}}
    patched = namespace.ok("PATCH", namespace.path("resourcequotas/q"), patch, content_type=MERGE)
    assert patched["metadata"]["labels"]["x"] == "y"
    assert patched["spec"]["hard"] == {"cpu": "1", "memory": "750Mi"}
    namespace.ok("DELETE", namespace.path(f"resourcequotas{query}"))
    assert namespace.ok("GET", f"/api/v1/resourcequotas{query}")["items"] == []


@pytest.mark.conformance("ResourceQuota, apply changes to a ResourceQuota status")
def test_a_status_is_written_and_put_right(namespace: Namespace) -> None:
    namespace.make_quota("q", {"cpu": "500m", "memory": "500Mi"})
    status, path = namespace.path("resourcequotas/q/status"), namespace.path("resourcequotas/q")

    def is_as_specified() -> bool:
        live = namespace.ok("GET", status)
        return bool(live["status"]["hard"] == live["spec"]["hard"])

    live = namespace.ok("GET", path)
    live["status"]["hard"] = {"cpu": "1", "memory": "1Gi"}
    assert namespace.ok("PUT", status, live)["status"]["hard"] == {"cpu": "1", "memory": "1Gi"}
    eventually(is_as_specified, "the controller puts the status right", timeout=20)
    spec = {"spec": {"hard": {"cpu": "1", "memory": "1Gi"}}}
    assert namespace.ok("PATCH", path, spec, content_type=MERGE)["spec"] == spec["spec"]
    eventually(is_as_specified, "the status follows", timeout=20)
    patched = namespace.ok("PATCH", status, {"status": {"hard": {"cpu": "2"}}}, content_type=MERGE)
    assert (patched["status"]["hard"]["cpu"], patched["spec"]) == ("2", spec["spec"])
    eventually(is_as_specified, "the controller puts it right again", timeout=20)
    assert namespace.ok("GET", path)["spec"] == spec["spec"]
