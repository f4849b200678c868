"""``pods/ephemeralcontainers``, ``pods/resize`` and ``namespaces/finalize`` as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.settings import Settings

PODS = "/api/v1/namespaces/default/pods"
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"kubernetes_version": "1.33"})


@pytest.fixture
async def pods(api: Any) -> Any:
    spec = {
        "containers": [{"name": "c", "image": "i", "resources": RESOURCES}],
        "initContainers": [{"name": "init", "image": "i", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}],
    }
    await api.ok("POST", PODS, {"metadata": {"name": "p"}, "spec": spec})
    return api


def debugger(name: str = "d", image: str = "busybox", **fields: Any) -> dict[str, Any]:
    return {"spec": {"ephemeralContainers": [{"name": name, "image": image, **fields}]}}


class TestEphemeralContainers:
    path = f"{PODS}/p/ephemeralcontainers"

    async def test_they_are_added_one_by_one(self, pods: Any) -> None:
        pod = await pods.ok("PATCH", self.path, debugger(targetContainerName="c"), headers=STRATEGIC)
        assert [item["name"] for item in pod["spec"]["ephemeralContainers"]] == ["d"]
        pod = await pods.ok("PATCH", self.path, debugger("e"), headers=STRATEGIC)
        assert {item["name"] for item in pod["spec"]["ephemeralContainers"]} == {"d", "e"}
        assert (await pods.ok("GET", self.path))["spec"] == pod["spec"]

    async def test_nothing_else_changes(self, pods: Any) -> None:
        before = await pods.ok("GET", f"{PODS}/p")
        sent = {**before, "metadata": {**before["metadata"], "labels": {"a": "b"}}}
        sent["spec"] = {**before["spec"], "nodeName": "n", **debugger()["spec"]}
        after = await pods.ok("PUT", self.path, sent)
        assert "labels" not in after["metadata"]
        assert "nodeName" not in after["spec"]
        assert len(after["spec"]["ephemeralContainers"]) == 1

    @pytest.mark.parametrize(
        ("containers", "message"),
        [
            pytest.param([], 'existing ephemeral containers "d" may not be removed', id="removed"),
            pytest.param(
                [{"name": "d", "image": "o"}], 'existing ephemeral containers "d" may not be changed', id="changed"
            ),
        ],
    )
    async def test_they_stay_as_they_are(self, pods: Any, containers: list[Any], message: str) -> None:
        pod = await pods.ok("PATCH", self.path, debugger(), headers=STRATEGIC)
        pod["spec"]["ephemeralContainers"] = containers
        answer = await pods("PUT", self.path, pod)
        assert answer.status == 422
        assert f"spec.ephemeralContainers: Forbidden: {message}" in answer.message

    async def test_one_is_validated(self, pods: Any) -> None:
        answer = await pods("PATCH", self.path, debugger("c"), headers=STRATEGIC)
        assert answer.status == 422
        assert 'spec.ephemeralContainers[0].name: Duplicate value: "c"' in answer.message

    async def test_of_a_pod_that_is_not_there(self, pods: Any) -> None:
        answer = await pods("PATCH", f"{PODS}/q/ephemeralcontainers", debugger(), headers=STRATEGIC)
        assert (answer.status, answer.message) == (404, 'pods "q" not found')


def resized(**resources: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "resources": resources}]}}


class TestResize:
    path = f"{PODS}/p/resize"

    async def test_cpu_and_memory_change(self, pods: Any) -> None:
        pod = await pods.ok("PATCH", self.path, resized(requests={"cpu": "1500m"}), headers=STRATEGIC)
        assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1500m", "memory": "1Gi"}

    async def test_the_rest_of_what_is_sent_is_not_looked_at(self, pods: Any) -> None:
        patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "other"}]}}
        pod = await pods.ok("PATCH", self.path, patch, headers=STRATEGIC)
        assert pod["spec"]["containers"][0]["image"] == "i"
        assert "labels" not in pod["metadata"]

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            pytest.param(
                resized(limits={"memory": "1Gi"}),
                "spec.containers[0].resources.limits[memory]: Forbidden: memory limits cannot be decreased unless "
                "resizePolicy is RestartContainer",
                id="less memory",
            ),
            pytest.param(
                resized(limits={"cpu": None}),
                "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
                id="a limit removed",
            ),
            pytest.param(
                resized(requests={"cpu": "2", "memory": "2Gi"}),
                "Pod QOS Class may not change as a result of resizing",
                id="another class of service",
            ),
            pytest.param(
                resized(limits={"ephemeral-storage": "1Gi"}),
                "spec: Forbidden: only cpu and memory resources are mutable",
                id="storage",
            ),
            pytest.param(
                {"spec": {"initContainers": [{"name": "init", "resources": {"limits": {"cpu": "3"}}}]}},
                "spec: Forbidden: resources for non-sidecar init containers are immutable",
                id="an init container",
            ),
        ],
    )
    async def test_what_may_not_be_resized(self, pods: Any, patch: dict[str, Any], message: str) -> None:
        answer = await pods("PATCH", self.path, patch, headers=STRATEGIC)
        assert answer.status == 422
        assert message in answer.message


class TestFinalize:
    async def test_the_last_finalizer_removes_a_namespace(self, api: Any) -> None:
        await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
        await api.ok("DELETE", "/api/v1/namespaces/n")
        sent = {"metadata": {"name": "n"}, "spec": {"finalizers": []}, "status": {"phase": "Active"}}
        answer = await api.ok("PUT", "/api/v1/namespaces/n/finalize", sent)
        assert answer["status"]["phase"] == "Terminating", "the status stays"
        assert (await api("GET", "/api/v1/namespaces/n")).status == 404

    async def test_a_finalizer_has_a_sound_name(self, api: Any) -> None:
        await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
        sent = {"metadata": {"name": "n"}, "spec": {"finalizers": ["Mine"]}}
        answer = await api("PUT", "/api/v1/namespaces/n/finalize", sent)
        assert answer.status == 422
        assert answer.message.endswith("name is neither a standard finalizer name nor is it fully qualified")
