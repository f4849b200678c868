"""Making pods and what makes pods, for the tests of workloads, Services and scheduling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import eventually
from rest import Rest, Watched

IMAGE, NEWER_IMAGE = "minikube-py/hello:1", "minikube-py/hello:2"
NO_IMAGE = "minikube-py/none-such:1"
CONDITION = {"type": "Told", "status": "True", "reason": "Test", "message": "told by a test"}
SCALE = {"kind": "Scale", "apiVersion": "autoscaling/v1"}


def pod_spec(image: str = IMAGE, **more: Any) -> dict[str, Any]:
    """One container that serves on port 8080; it has a second to leave."""
    return {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": image, **more}]}


class Workloads:
    """One namespace's workloads; the label ``app`` of each is its name."""

    def __init__(self, rest: Rest, namespace: str) -> None:
        self.rest = rest
        self.namespace = namespace
        core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
        self.all_pods, self.controllers = f"{core}/pods", f"{core}/replicationcontrollers"
        self.services = f"{core}/services"
        self.deployments, self.sets = f"{apps}/deployments", f"{apps}/replicasets"

    def pod(self, name: str, app: str = "", **spec: Any) -> Any:
        """Creates a pod."""
        body = {"metadata": {"name": name, "labels": {"app": app or name}}, "spec": {**pod_spec(), **spec}}
        return self.rest.ok("POST", self.all_pods, body)

    def replication_controller(self, name: str, replicas: int, spec: dict[str, Any] | None = None) -> Any:
        """Creates a replication controller of pods with that spec."""
        body = self._body(name, replicas, spec or pod_spec(), selector={"app": name})
        return self.rest.ok("POST", self.controllers, body)

    def replica_set(self, name: str, replicas: int, image: str = IMAGE) -> Any:
        """Creates a replica set."""
        return self.rest.ok("POST", self.sets, self._of_apps(name, replicas, image))

    def deployment(self, name: str, replicas: int, image: str = IMAGE, **spec: Any) -> Any:
        """Creates a deployment."""
        return self.rest.ok("POST", self.deployments, self._of_apps(name, replicas, image, **spec))

    def _of_apps(self, name: str, replicas: int, image: str, **spec: Any) -> dict[str, Any]:
        return self._body(name, replicas, pod_spec(image), selector={"matchLabels": {"app": name}}, **spec)

    def _body(self, name: str, replicas: int, pod: dict[str, Any], **spec: Any) -> dict[str, Any]:
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        labels = {"app": name}
        return {
            "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": replicas, "template": template, **spec},
        }

    def pods(self, app: str) -> list[dict[str, Any]]:
        """The pods of that label, those that are ending too."""
        return list(self.rest.ok("GET", f"{self.all_pods}?labelSelector=app%3D{app}")["items"])

    def running(self, app: str) -> list[dict[str, Any]]:
        """The pods of that label that run and are not being deleted."""
        return [
            pod
            for pod in self.pods(app)
            if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
        ]

    def all_running(self, app: str, count: int) -> list[dict[str, Any]]:
        """The pods of that label, once so many run and there are no others."""
        return eventually(
            lambda: len(self.pods(app)) == count and len(pods := self.running(app)) == count and pods,
            f"{count} pods of {app} run",
        )

    def no_pods(self, app: str) -> None:
        """Returns when no pod has the label."""
        eventually(lambda: not self.pods(app), f"the pods of {app} are gone")

    def replica_sets(self, app: str) -> list[dict[str, Any]]:
        """The replica sets of that label."""
        return list(self.rest.ok("GET", f"{self.sets}?labelSelector=app%3D{app}")["items"])

    def available(self, name: str, replicas: int) -> Any:
        """The deployment, once its roll-out is complete with so many."""

        def complete() -> Any:
            found = self.rest.ok("GET", f"{self.deployments}/{name}")
            status = found["status"]
            counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
            return counts == {replicas} and status["observedGeneration"] == found["metadata"]["generation"] and found

        return eventually(complete, f"{name} is rolled out with {replicas}")


def changed(rest: Rest, path: str, change: Callable[[dict[str, Any]], object]) -> Any:
    """Updates what is there, again where a controller came between."""

    def update() -> Any:
        obj = rest.ok("GET", path)
        change(obj)
        answer = rest("PUT", path, obj)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return eventually(update, "an update that nobody comes between")


def scales(work: Workloads, path: str) -> None:
    """Reads, updates and patches the scale of what has one replica; it has four then."""
    scale = work.rest.ok("GET", f"{path}/scale")
    assert scale.items() >= SCALE.items()
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (1, 1)
    assert scale["status"]["selector"] == f"app={path.rpartition('/')[2]}"
    scale["metadata"].pop("resourceVersion")
    scale["spec"]["replicas"] = 2
    assert work.rest.ok("PUT", f"{path}/scale", scale)["spec"]["replicas"] == 2
    assert work.rest.ok("GET", path)["spec"]["replicas"] == 2
    assert work.rest.patch(f"{path}/scale", {"spec": {"replicas": 4}})["spec"]["replicas"] == 4
    assert work.rest.ok("GET", path)["spec"]["replicas"] == 4


def has_status(work: Workloads, path: str) -> None:
    """Reads, updates and patches a status; a watch and later reads see each change."""
    name = path.rpartition("/")[2]
    read = work.rest.ok("GET", f"{path}/status")
    with work.rest.watch(f"{path.rpartition('/')[0]}?labelSelector=app%3D{name}") as watched:

        def tell(found: dict[str, Any]) -> None:
            conditions = found["status"].get("conditions") or []
            found["status"]["conditions"] = [*conditions, {**CONDITION, "type": "Updated"}]

        updated = changed(work.rest, f"{path}/status", tell)
        assert updated["metadata"]["uid"] == read["metadata"]["uid"]
        _seen(watched, "Updated")
        assert "Updated" in _types(work.rest.ok("GET", f"{path}/status"))
        work.rest.patch(f"{path}/status", {"status": {"conditions": [{**CONDITION, "type": "Patched"}]}})
        _seen(watched, "Patched")
        assert "Patched" in _types(work.rest.ok("GET", path))


def _types(obj: dict[str, Any]) -> list[str]:
    return [condition["type"] for condition in obj["status"].get("conditions") or []]


def _seen(watched: Watched, condition: str) -> None:
    watched.until(lambda events: any(condition in _types(event["object"]) for event in events), f"{condition} is seen")
