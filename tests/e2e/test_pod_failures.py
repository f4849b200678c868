"""A container that can't be made or run says why, in upstream's words."""

from __future__ import annotations

import re

import pytest
from harness import Cluster, eventually
from pod_helpers import IMAGE, container, create, events, reaches, shell, status


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("failures") as name:
        cluster.kubectl("create", "configmap", "conf", "--from-literal=key=value", "-n", name)
        yield name


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        pytest.param(
            {"image": "minikube-py/none-such:1", "imagePullPolicy": "Never"},
            "ErrImageNeverPull",
            'Container image "minikube-py/none-such:1" is not present with pull policy of Never',
            id="an image that may not be pulled",
        ),
        pytest.param(
            {"image": "Not/An Image"},
            "InvalidImageName",
            'Failed to apply default image tag "Not/An Image": couldn\'t parse image name',
            id="an image name that is none",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "none"}}}]},
            "CreateContainerConfigError",
            "couldn't find key none in ConfigMap failures/conf",
            id="a key that is not in the ConfigMap",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]},
            "CreateContainerConfigError",
            'secret "none" not found',
            id="a Secret that is not there",
        ),
        pytest.param(
            {"securityContext": {"runAsNonRoot": True}},
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
            id="root where it may not be",
        ),
    ],
)
def test_a_waiting_container_names_the_cause(
    cluster: Cluster, namespace: str, spec: dict, reason: str, message: str, request: pytest.FixtureRequest
):
    name = "f-" + request.node.callspec.id.lower().replace(" ", "-")
    create(cluster, namespace, name, containers=[{"name": "c", "image": IMAGE, **spec}])
    waiting = eventually(
        lambda: (found := container(cluster, namespace, name)["state"]["waiting"])["reason"] == reason and found,
        f"it waits for {reason}",
    )
    assert message in waiting["message"]
    assert reason in cluster.kubectl("get", "pod", name, "-n", namespace)
    cluster.kubectl("delete", "pod", name, "-n", namespace, "--wait=false")


def test_a_command_that_is_not_there_cannot_run(cluster: Cluster, namespace: str):
    """The reason and code are those that Kubernetes shows on Docker."""
    create(
        cluster, namespace, "no-command",
        restartPolicy="Never",
        containers=[{"name": "c", "image": IMAGE, "command": ["/no/such"]}],
    )  # fmt: skip
    reaches(cluster, namespace, "no-command", "Failed")
    ended = container(cluster, namespace, "no-command")["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("ContainerCannotRun", 127)
    assert "no such file or directory" in ended["message"]
    told = [event["message"] for event in events(cluster, namespace, "no-command") if event["reason"] == "Failed"]
    assert re.match(r'Error: failed to start container "[0-9a-f]{64}": Error response from daemon: ', told[0])


def test_a_command_that_is_not_there_is_tried_again(cluster: Cluster, namespace: str):
    create(cluster, namespace, "never-runs", containers=[{"name": "c", "image": IMAGE, "command": ["/no/such"]}])

    def waits() -> bool:
        found = container(cluster, namespace, "never-runs")
        assert found["state"]["waiting"]["reason"] in ("RunContainerError", "CrashLoopBackOff")
        return found["restartCount"] == 1 and found["lastState"]["terminated"]["reason"] == "ContainerCannotRun"

    eventually(waits, "it waits after the error")
    cluster.kubectl("delete", "pod", "never-runs", "-n", namespace, "--wait=false")


def test_restarts_are_counted_and_backed_off(cluster: Cluster, namespace: str):
    """The first restart comes at once, the second ten seconds after it."""
    create(cluster, namespace, "counted", containers=[shell("date +%s; exit 1")])

    def waits() -> bool:
        found = container(cluster, namespace, "counted")
        assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        return bool(found["restartCount"] == 1)

    eventually(waits, "the first restart")
    waiting = container(cluster, namespace, "counted")["state"]["waiting"]
    assert waiting["message"].startswith("back-off 10s restarting failed container=c pod=counted_failures(")
    first = int(cluster.kubectl("logs", "counted", "-n", namespace))
    eventually(lambda: container(cluster, namespace, "counted")["restartCount"] == 2, "the second restart", timeout=30)
    second = int(cluster.kubectl("logs", "counted", "-n", namespace))
    assert 9 <= second - first <= 14
    assert "20s" in eventually(
        lambda: container(cluster, namespace, "counted")["state"]["waiting"]["message"], "it waits again"
    )
    cluster.kubectl("delete", "pod", "counted", "-n", namespace, "--wait=false")


def test_a_failing_init_container_holds_the_pod(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "held",
        initContainers=[{**shell("exit 3"), "name": "init"}],
        containers=[shell("sleep 600")],
    )  # fmt: skip

    def row() -> str:
        return cluster.kubectl("get", "pod", "held", "-n", namespace, "--no-headers").split()[2]

    eventually(lambda: row() in ("Init:Error", "Init:CrashLoopBackOff"), "the row tells of it")
    found = status(cluster, namespace, "held")
    assert found["phase"] == "Pending"
    initialized = next(c for c in found["conditions"] if c["type"] == "Initialized")
    assert (initialized["status"], initialized["reason"]) == ("False", "ContainersNotInitialized")
    assert initialized["message"] == "containers with incomplete status: [init]"
    assert found["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    cluster.kubectl("delete", "pod", "held", "-n", namespace, "--wait=false")


def test_a_failing_post_start_hook_kills_the_container(cluster: Cluster, namespace: str):
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "exit 9"]}}}
    create(cluster, namespace, "hooked", containers=[shell("sleep 600", lifecycle=hook)])
    eventually(
        lambda: any(event["reason"] == "FailedPostStartHook" for event in events(cluster, namespace, "hooked")),
        "the event",
    )
    cluster.kubectl("delete", "pod", "hooked", "-n", namespace, "--wait=false")
