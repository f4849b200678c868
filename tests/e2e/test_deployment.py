"""The second example: a Deployment with configuration, rolled, undone and scaled under load."""

from __future__ import annotations

import re
import threading
import time

import pytest
from harness import REPOSITORY, Cluster, eventually, http_get

MANIFEST = str(REPOSITORY / "deploy/examples/web.yaml")


@pytest.fixture(scope="module")
def web(cluster: Cluster):
    with cluster.namespace("web-example") as namespace:
        cluster.kubectl("apply", "-n", namespace, "-f", MANIFEST)
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s")
        yield namespace


class Load:
    """Asks a URL without pause, every request on a connection of its own, and counts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self.answers: dict[str, int] = {}
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._stop.is_set() and sum(self.answers.values()) < 20000:
            try:
                text = http_get(self._url, timeout=5).strip()
                self.answers[text] = self.answers.get(text, 0) + 1
            except OSError as error:
                self.failures.append(f"{time.strftime('%X')} {error}")
            time.sleep(0.005)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)


def service_url(cluster: Cluster, namespace: str) -> str:
    return f"http://{cluster.get('service', 'web', '-n', namespace)['spec']['clusterIP']}/"


def test_configuration_arrives_as_environment_and_files(cluster: Cluster, web: str):
    printed = cluster.kubectl(
        "exec", "-n", web, "deployment/web", "--", "sh", "-c",
        "echo $GREETING; echo $PASSWORD; echo $POD_NAME; cat /etc/web/index.html /etc/web-secret/password; "
        "stat -Lc %a /etc/web-secret/password",
    )  # fmt: skip
    greeting, password, name, *files = printed.splitlines()
    assert greeting == "Hello from the ConfigMap"
    assert password == "correct-horse-battery-staple"
    assert name.startswith("web-")
    assert files == ["Hello from a file", "correct-horse-battery-staple400"]


def test_get_deployment_shows_three_ready(cluster: Cluster, web: str):
    row = cluster.kubectl("get", "deployment", "web", "-n", web, "--no-headers").split()
    assert row[:4] == ["web", "3/3", "3", "3"]


def test_rolling_to_a_new_image_fails_no_request(cluster: Cluster, web: str):
    with Load(service_url(cluster, web)) as load:
        cluster.kubectl("set", "image", "-n", web, "deployment/web", "web=minikube-py/hello:2")
        told = cluster.kubectl("rollout", "status", "-n", web, "deployment/web", "--timeout=120s")
        time.sleep(1)
    assert 'deployment "web" successfully rolled out' in told
    assert load.failures == []
    assert set(load.answers) == {"Hello from version 1", "Hello from version 2"}
    assert http_get(service_url(cluster, web)).strip() == "Hello from version 2"


def test_history_and_undo_go_back_without_a_failed_request(cluster: Cluster, web: str):
    history = cluster.kubectl("rollout", "history", "-n", web, "deployment/web")
    assert re.findall(r"^(\d+)\s", history, re.MULTILINE) == ["1", "2"]
    with Load(service_url(cluster, web)) as load:
        assert "rolled back" in cluster.kubectl("rollout", "undo", "-n", web, "deployment/web")
        cluster.kubectl("rollout", "status", "-n", web, "deployment/web", "--timeout=120s")
        time.sleep(1)
    assert load.failures == []
    assert http_get(service_url(cluster, web)).strip() == "Hello from version 1"
    history = cluster.kubectl("rollout", "history", "-n", web, "deployment/web")
    assert re.findall(r"^(\d+)\s", history, re.MULTILINE) == ["2", "3"]


def test_restart_replaces_every_pod(cluster: Cluster, web: str):
    before = {pod["metadata"]["uid"] for pod in cluster.get("pods", "-n", web)["items"]}
    cluster.kubectl("rollout", "restart", "-n", web, "deployment/web")
    cluster.kubectl("rollout", "status", "-n", web, "deployment/web", "--timeout=120s")
    after = {
        pod["metadata"]["uid"]
        for pod in cluster.get("pods", "-n", web)["items"]
        if not pod["metadata"].get("deletionTimestamp")
    }
    assert len(after) == 3
    assert not before & after


def test_scaling_follows_up_and_down(cluster: Cluster, web: str):
    assert "scaled" in cluster.kubectl("scale", "-n", web, "deployment/web", "--replicas=5")
    cluster.kubectl("rollout", "status", "-n", web, "deployment/web", "--timeout=90s")
    slices = cluster.get("endpointslices", "-n", web, "-l", "kubernetes.io/service-name=web")["items"]
    ready = [end for one in slices for end in one["endpoints"] if end["conditions"]["ready"]]
    assert len(ready) == 5
    cluster.kubectl("scale", "-n", web, "deployment/web", "--replicas=1")
    eventually(lambda: len(cluster.get("pods", "-n", web)["items"]) == 1, "one pod is left")


def test_deleting_the_deployment_collects_its_garbage(cluster: Cluster, web: str):
    cluster.kubectl("delete", "deployment", "web", "-n", web)
    eventually(lambda: not cluster.get("replicasets,pods", "-n", web)["items"], "replica sets and pods are gone")
