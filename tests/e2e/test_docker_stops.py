"""Docker stops and starts again below a cluster; and ``reset`` leaves the host as it was before ``up``.

The cluster and its Docker are the test's own, beside those that the other tests share.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster, eventually, http_get
from pod_helpers import IMAGE, create, ready, shell, status
from second_host import Dockerd, dockerd, other_cluster, traces


@pytest.fixture(scope="module")
def engine() -> Iterator[Dockerd]:
    with dockerd() as running:
        yield running


@pytest.fixture(scope="module")
def before(engine: Dockerd, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """The second cluster's directory, and the host's traces before it is there."""
    data_dir = tmp_path_factory.mktemp("second") / "data"
    return data_dir, traces(data_dir, engine)


@pytest.fixture(scope="module")
def second(engine: Dockerd, before: tuple[Path, dict[str, list[str]]]) -> Iterator[Cluster]:
    with other_cluster(before[0], engine.host) as running:
        yield running


def node_condition(cluster: Cluster) -> dict[str, str]:
    (node,) = cluster.get("nodes")["items"]
    return next(dict(condition) for condition in node["status"]["conditions"] if condition["type"] == "Ready")


@pytest.fixture(scope="module")
def namespace(second: Cluster) -> str:
    """Pods with data in every place that outlives a container; no test deletes them, ``reset`` must."""
    name = "engine"
    second.kubectl("create", "namespace", name)
    second.kubectl("create", "deployment", "web", f"--image={IMAGE}", "--replicas=2", "-n", name)
    second.kubectl("expose", "deployment", "web", "--type=NodePort", "--port=80", "--target-port=8080", "-n", name)
    create(
        second, name, "keeps",
        volumes=[{"name": "disk", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory"}}],
        containers=[
            {
                **shell(
                    "echo begun >>/disk/starts; echo begun >>/memory/starts; httpd -f -p 8080",
                    ports=[{"containerPort": 8080, "hostPort": 30499}],
                ),
                "volumeMounts": [{"name": "disk", "mountPath": "/disk"}, {"name": "memory", "mountPath": "/memory"}],
            }
        ],
    )  # fmt: skip
    second.kubectl("rollout", "status", "deployment/web", "-n", name, "--timeout=90s")
    ready(second, name, "keeps")
    return name


def test_a_stopped_docker_makes_the_node_not_ready_and_started_again_all_resumes(
    second: Cluster, engine: Dockerd, namespace: str
):
    address = f"http://{second.get('service', 'web', '-n', namespace)['spec']['clusterIP']}/"
    eventually(lambda: "Hello" in http_get(address), "the Service answers")
    engine.stop()
    condition = eventually(
        lambda: (found := node_condition(second))["status"] == "False" and found, "the node is NotReady"
    )
    assert condition["reason"] == "KubeletNotReady"
    assert "container runtime is down" in condition["message"]
    assert "NotReady" in second.kubectl("get", "nodes")
    assert second.minikube_py("status", check=False).returncode == 1
    second.kubectl("scale", "deployment/web", "--replicas=3", "-n", namespace)
    engine.start()
    eventually(lambda: node_condition(second)["status"] == "True", "the node is Ready")
    # Where a container was started again while Docker was stopping, it waits for its back-off.
    second.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=110s")
    assert "Hello" in eventually(lambda: http_get(address), "the Service answers again")
    ready(second, namespace, "keeps")
    assert status(second, namespace, "keeps")["containerStatuses"][0]["restartCount"] >= 1
    for place in ("disk", "memory"):
        starts = second.kubectl("exec", "keeps", "-n", namespace, "--", "cat", f"/{place}/starts")
        assert starts.count("begun\n") >= 2
    eventually(lambda: second.minikube_py("status", check=False).returncode == 0, "status is good")


def test_commands_say_that_docker_does_not_answer(second: Cluster, engine: Dockerd, namespace: str):
    engine.stop()
    try:
        for words in (["image", "ls"], ["reset"]):
            done = second.minikube_py(*words, check=False)
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
            assert f"Docker at {engine.host} does not answer" in done.stderr
        assert (second.data_dir / "admin.conf").exists()
    finally:
        engine.start()
        second.up()


def test_reset_leaves_the_host_as_it_was(second: Cluster, engine: Dockerd, namespace: str, before: tuple):
    data_dir, seen_before = before
    during = traces(data_dir, engine)
    changed = {what for what in seen_before if during[what] != seen_before[what]}
    assert {"links", "routes", "nftables", "containers", "mounts", "processes"} <= changed
    second.minikube_py("reset")
    assert not data_dir.exists()
    after = traces(data_dir, engine)
    assert {what: after[what] for what in after if after[what] != seen_before[what]} == {}
    assert "Nothing to remove" in second.minikube_py("reset").stdout
