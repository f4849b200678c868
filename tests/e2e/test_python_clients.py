"""The official Python clients, as their users use them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import kubernetes
import kubernetes_asyncio
import pytest
from harness import Cluster, eventually
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.stream import stream
from pod_helpers import IMAGE, create, ready, shell

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": IMAGE}]},
        },
    },
}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("python-clients") as name:
        yield name


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[kubernetes.client.ApiClient]:
    with kubernetes.config.new_client_from_config(str(cluster.data_dir / "admin.conf")) as client:
        yield client


class TestKubernetes:
    def test_typed_objects_make_their_way_there_and_back(self, api: Any, namespace: str) -> None:
        core = kubernetes.client.CoreV1Api(api)
        meta = kubernetes.client.V1ObjectMeta(name="typed", labels={"a": "b"})
        made = core.create_namespaced_config_map(
            namespace, kubernetes.client.V1ConfigMap(metadata=meta, data={"k": "v"})
        )
        made.data["k"] = "w"
        replaced = core.replace_namespaced_config_map("typed", namespace, made)
        assert replaced.data == {"k": "w"}
        with pytest.raises(ApiException) as conflict:
            core.replace_namespaced_config_map("typed", namespace, made)
        assert (conflict.value.status, conflict.value.reason) == (409, "Conflict")
        patched = core.patch_namespaced_config_map("typed", namespace, {"data": {"x": "y"}})
        assert patched.data == {"k": "w", "x": "y"}
        assert [item.metadata.name for item in core.list_namespaced_config_map(namespace, label_selector="a=b").items]
        assert core.delete_namespaced_config_map("typed", namespace)["status"] == "Success"

    def test_pages(self, api: Any, namespace: str) -> None:
        core = kubernetes.client.CoreV1Api(api)
        for number in range(5):
            core.create_namespaced_secret(namespace, {"metadata": {"name": f"s{number}", "labels": {"page": "yes"}}})
        names, token = [], None
        while True:
            page = core.list_namespaced_secret(namespace, label_selector="page=yes", limit=2, _continue=token)
            assert len(page.items) <= 2
            names += [item.metadata.name for item in page.items]
            token = page.metadata._continue
            if not token:
                break
        assert names == [f"s{number}" for number in range(5)]

    def test_a_watch_tells_of_a_deployment_becoming_available(self, api: Any, namespace: str) -> None:
        apps = kubernetes.client.AppsV1Api(api)
        watch = kubernetes.watch.Watch()
        since = apps.list_namespaced_deployment(namespace).metadata.resource_version
        apps.create_namespaced_deployment(namespace, DEPLOYMENT)
        seen = []
        for event in watch.stream(
            apps.list_namespaced_deployment, namespace, resource_version=since, timeout_seconds=60
        ):
            seen.append(event["type"])
            if event["object"].status.available_replicas:
                watch.stop()
        assert seen[0] == "ADDED"
        assert set(seen[1:]) == {"MODIFIED"}

    def test_scale_and_status_and_deletion_in_the_foreground(self, api: Any, namespace: str) -> None:
        apps = kubernetes.client.AppsV1Api(api)
        body = {**DEPLOYMENT, "metadata": {"name": "scaled"}}
        apps.create_namespaced_deployment(namespace, body)
        apps.patch_namespaced_deployment_scale("scaled", namespace, {"spec": {"replicas": 0}})
        # As upstream, a zero is left out of a Scale.
        assert not apps.read_namespaced_deployment_scale("scaled", namespace).spec.replicas
        eventually(
            lambda: apps.read_namespaced_deployment_status("scaled", namespace).status.observed_generation == 2,
            "the controller has seen the scale",
        )
        apps.delete_namespaced_deployment("scaled", namespace, propagation_policy="Foreground")
        eventually(
            lambda: "scaled" not in [d.metadata.name for d in apps.list_namespaced_deployment(namespace).items],
            "the deployment is gone",
        )

    def test_exec_and_logs(self, cluster: Cluster, api: Any, namespace: str) -> None:
        create(cluster, namespace, "box", containers=[shell("echo ready; sleep 600")])
        ready(cluster, namespace, "box")
        core = kubernetes.client.CoreV1Api(api)
        said = stream(
            core.connect_get_namespaced_pod_exec,
            "box",
            namespace,
            command=["sh", "-c", "echo out; echo err >&2; exit 3"],
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        said.run_forever(timeout=20)
        assert (said.read_stdout(), said.read_stderr(), said.returncode) == ("out\n", "err\n", 3)
        assert core.read_namespaced_pod_log("box", namespace) == "ready\n"

    def test_the_dynamic_client_discovers_and_applies(self, api: Any, namespace: str) -> None:
        config_maps = DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"k": "v"}}
        applied = config_maps.server_side_apply(body=body, namespace=namespace, field_manager="one")
        assert applied.metadata.managedFields[0].manager == "one"
        body["data"] = {"k": "w"}
        with pytest.raises(kubernetes.dynamic.exceptions.ConflictError):
            config_maps.server_side_apply(body=body, namespace=namespace, field_manager="two")
        forced = config_maps.server_side_apply(
            body=body, namespace=namespace, field_manager="two", force_conflicts=True
        )
        assert forced.data.k == "w"

    def test_create_from_yaml(self, api: Any, namespace: str, tmp_path: Any) -> None:
        path = tmp_path / "things.yaml"
        path.write_text(
            "apiVersion: v1\nkind: Service\nmetadata: {name: y}\nspec: {ports: [{port: 80}]}\n---\n"
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: y}\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n"
            "    spec:\n      template:\n        spec:\n          restartPolicy: Never\n"
            "          containers: [{name: c, image: i}]\n"
        )
        kubernetes.utils.create_from_yaml(api, str(path), namespace=namespace)
        batch = kubernetes.client.BatchV1Api(api)
        assert batch.read_namespaced_cron_job("y", namespace).spec.concurrency_policy == "Allow"

    def test_what_is_wrong_is_told(self, api: Any, namespace: str) -> None:
        core = kubernetes.client.CoreV1Api(api)
        with pytest.raises(ApiException) as invalid:
            core.create_namespaced_service(namespace, {"metadata": {"name": "Bad_Name"}, "spec": {}})
        assert invalid.value.status == 422
        assert "metadata.name" in invalid.value.body


class TestKubernetesAsyncio:
    async def test_many_at_once_and_a_watch_that_sees_them_all(self, cluster: Cluster, namespace: str) -> None:
        await kubernetes_asyncio.config.load_kube_config(str(cluster.data_dir / "admin.conf"))
        async with kubernetes_asyncio.client.ApiClient() as api:
            core = kubernetes_asyncio.client.CoreV1Api(api)
            listed = await core.list_namespaced_config_map(namespace)
            names = {f"many-{number}" for number in range(20)}

            async def make(name: str) -> None:
                await core.create_namespaced_config_map(namespace, {"metadata": {"name": name}, "data": {"k": name}})

            await asyncio.gather(*(make(name) for name in names))
            seen = set()
            async with kubernetes_asyncio.watch.Watch().stream(
                core.list_namespaced_config_map,
                namespace,
                resource_version=listed.metadata.resource_version,
                timeout_seconds=30,
            ) as events:
                async for event in events:
                    seen.add(event["object"].metadata.name)
                    if seen >= names:
                        break
            await core.delete_collection_namespaced_config_map(
                namespace, field_selector="metadata.name!=kube-root-ca.crt"
            )
            left = await core.list_namespaced_config_map(namespace)
            assert names.isdisjoint({item.metadata.name for item in left.items})

    async def test_exec_over_a_websocket(self, cluster: Cluster, namespace: str) -> None:
        create(cluster, namespace, "async-box", containers=[shell("sleep 600")])
        ready(cluster, namespace, "async-box")
        await kubernetes_asyncio.config.load_kube_config(str(cluster.data_dir / "admin.conf"))
        async with kubernetes_asyncio.stream.WsApiClient() as api:
            core = kubernetes_asyncio.client.CoreV1Api(api)
            said = await core.connect_get_namespaced_pod_exec(
                "async-box", namespace, command=["echo", "hello"], stdout=True, stderr=True, stdin=False, tty=False
            )
        assert said == "hello\n"
