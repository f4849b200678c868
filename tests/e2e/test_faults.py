"""Faults: any component is killed, Docker's containers live on, nothing is lost."""

from __future__ import annotations

import os
import signal

import orjson
import pytest
from harness import Cluster, docker, eventually, http_get

COMPONENTS = ("etcd", "apiserver", "controller-manager", "scheduler", "kubelet", "proxy", "dns")


def deploy(cluster: Cluster, namespace: str) -> str:
    cluster.kubectl("create", "deployment", "app", "--image=minikube-py/hello:1", "--replicas=2", "-n", namespace)
    cluster.kubectl("expose", "deployment", "app", "--port=80", "--target-port=8080", "-n", namespace)
    cluster.kubectl("rollout", "status", "deployment/app", "-n", namespace, "--timeout=90s")
    address = cluster.get("service", "app", "-n", namespace)["spec"]["clusterIP"]
    return f"http://{address}/"


def containers(cluster: Cluster, namespace: str) -> set[str]:
    pods = cluster.get("pods", "-n", namespace)["items"]
    return {status["containerID"] for pod in pods for status in pod["status"]["containerStatuses"]}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_component_heals_and_nothing_is_lost(cluster: Cluster, component: str):
    with cluster.namespace(f"kill-{component}") as namespace:
        url = deploy(cluster, namespace)
        before = containers(cluster, namespace)
        cluster.kubectl("create", "configmap", "kept", "--from-literal=a=1", "-n", namespace)
        cluster.kill(component)
        # The cluster works again: an object is still there, a new pod is scheduled, run, exposed and found.
        eventually(
            lambda: cluster.run_kubectl("get", "configmap", "kept", "-n", namespace).returncode == 0,
            "the API server answers",
        )
        cluster.kubectl("scale", "deployment/app", "--replicas=3", "-n", namespace)
        cluster.kubectl("rollout", "status", "deployment/app", "-n", namespace, "--timeout=120s")
        assert before < containers(cluster, namespace)
        assert "Hello from version 1" in eventually(lambda: http_get(url), "the Service answers")
        pod = cluster.get("pods", "-n", namespace)["items"][0]["metadata"]["name"]
        eventually(
            lambda: (
                "Hello"
                in cluster.kubectl("exec", pod, "-n", namespace, "--", "wget", "-qO-", f"http://app.{namespace}/")
            ),
            "DNS answers",
        )


def test_a_restarted_kubelet_adopts_pods_and_restarts_no_container(cluster: Cluster):
    with cluster.namespace("adopt") as namespace:
        deploy(cluster, namespace)
        before = containers(cluster, namespace)
        running = set(docker("ps", "-q").split())
        cluster.kill("kubelet")
        cluster.kubectl("scale", "deployment/app", "--replicas=3", "-n", namespace)
        cluster.kubectl("rollout", "status", "deployment/app", "-n", namespace, "--timeout=120s")
        assert before < containers(cluster, namespace)
        assert running <= set(docker("ps", "-q").split())
        pods = cluster.get("pods", "-n", namespace)["items"]
        assert {status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]} == {0}


def test_up_again_changes_nothing_that_runs(cluster: Cluster):
    before = {name: process["pid"] for name, process in cluster.processes().items()}
    cluster.up()
    assert {name: process["pid"] for name, process in cluster.processes().items()} == before


def test_status_tells_that_all_is_well(cluster: Cluster):
    eventually(lambda: cluster.minikube_py("status", check=False).returncode == 0, "status is good")
    done = cluster.minikube_py("status")
    for component in COMPONENTS:
        assert component in done.stdout
    assert "is Ready" in done.stdout


def test_down_and_up_keep_the_data_and_bring_the_pods_back(cluster: Cluster):
    with cluster.namespace("down-up") as namespace:
        url = deploy(cluster, namespace)
        cluster.minikube_py("down")
        assert docker("ps", "-q", "--filter", f"label=io.minikube-py.kubelet={cluster.data_dir}/kubelet") == ""
        cluster.up()
        cluster.kubectl("rollout", "status", "deployment/app", "-n", namespace, "--timeout=120s")
        assert "Hello from version 1" in eventually(lambda: http_get(url), "the Service answers")


@pytest.mark.parametrize("component", COMPONENTS)
def test_logs_prints_a_components_log(cluster: Cluster, component: str):
    assert cluster.minikube_py("logs", component, "--tail=5").stdout


def works(cluster: Cluster, namespace: str, url: str, replicas: int) -> None:
    """Whatever happened: the Service answers, and a new pod is scheduled, run and counted."""
    assert "Hello from version 1" in eventually(lambda: http_get(url), "the Service answers")
    cluster.kubectl("scale", "deployment/app", f"--replicas={replicas}", "-n", namespace)
    cluster.kubectl("rollout", "status", "deployment/app", "-n", namespace, "--timeout=120s")


def test_all_components_killed_at_once_heal(cluster: Cluster):
    with cluster.namespace("kill-all") as namespace:
        url = deploy(cluster, namespace)
        before = containers(cluster, namespace)
        killed = cluster.processes()
        for process in killed.values():
            os.kill(process["pid"], signal.SIGKILL)
        eventually(
            lambda: all(
                now["pid"] and now["restarts"] > killed[name]["restarts"] for name, now in cluster.processes().items()
            ),
            "all are started again",
        )
        eventually(lambda: cluster.run_kubectl("get", "--raw", "/readyz").returncode == 0, "the API server is ready")
        works(cluster, namespace, url, 3)
        assert before < containers(cluster, namespace)


def test_after_a_killed_supervisor_up_heals(cluster: Cluster):
    """Its processes end with it; the pods run on, and are adopted."""
    with cluster.namespace("kill-supervisor") as namespace:
        url = deploy(cluster, namespace)
        before = containers(cluster, namespace)
        state = orjson.loads((cluster.data_dir / "run" / "supervisor.json").read_bytes())
        os.kill(state["pid"], signal.SIGKILL)
        eventually(lambda: cluster.minikube_py("status", check=False).returncode == 1, "status tells of it")
        cluster.up()
        works(cluster, namespace, url, 3)
        assert before < containers(cluster, namespace)
        eventually(lambda: cluster.minikube_py("status", check=False).returncode == 0, "status is good")


def test_a_stopped_etcd_heals(cluster: Cluster):
    """Stopped as by a lost network: it holds its connections and does not answer."""
    pid = cluster.processes()["etcd"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = cluster.run_kubectl("get", "configmaps", "--request-timeout=3s")
        assert done.returncode != 0
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: cluster.run_kubectl("get", "configmaps").returncode == 0, "the API server answers")
    eventually(lambda: cluster.minikube_py("status", check=False).returncode == 0, "status is good")
