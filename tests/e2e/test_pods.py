"""What a pod's spec says happens: init containers, probes, restarts, volumes, environment, termination."""

from __future__ import annotations

import time

import pytest
from harness import Cluster, eventually
from pod_helpers import IMAGE, create, events, reaches, shell, status


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("pods") as name:
        cluster.kubectl("create", "configmap", "conf", "--from-literal=key=value", "--from-literal=OTHER=x", "-n", name)
        cluster.kubectl("create", "secret", "generic", "hidden", "--from-literal=pass=word", "-n", name)
        yield name


def test_init_containers_run_in_order_before_the_others(cluster: Cluster, namespace: str):
    mount = [{"name": "shared", "mountPath": "/shared"}]
    create(
        cluster, namespace, "initialized",
        volumes=[{"name": "shared", "emptyDir": {}}],
        initContainers=[
            {**shell(f"echo {n} >>/shared/order", volumeMounts=mount), "name": f"init-{n}"} for n in (1, 2)
        ],
        containers=[shell("cat /shared/order; sleep 600", volumeMounts=mount)],
    )  # fmt: skip
    found = reaches(cluster, namespace, "initialized", "Running")
    eventually(lambda: cluster.kubectl("logs", "initialized", "-n", namespace) == "1\n2\n", "both ran")
    assert [one["state"]["terminated"]["reason"] for one in found["initContainerStatuses"]] == ["Completed"] * 2


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [
        pytest.param("Never", 0, "Succeeded", id="a success that is not restarted"),
        pytest.param("Never", 3, "Failed", id="a failure that is not restarted"),
        pytest.param("OnFailure", 0, "Succeeded", id="a success under OnFailure"),
    ],
)
def test_a_pod_that_ends_has_its_phase(cluster: Cluster, namespace: str, policy: str, code: int, phase: str):
    name = f"ends-{policy.lower()}-{code}"
    create(cluster, namespace, name, restartPolicy=policy, containers=[shell(f"exit {code}")])
    found = reaches(cluster, namespace, name, phase)
    assert found["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code


def test_a_crashing_container_backs_off(cluster: Cluster, namespace: str):
    create(cluster, namespace, "crashing", containers=[shell("echo crash; exit 1")])
    eventually(
        lambda: (
            status(cluster, namespace, "crashing")["containerStatuses"][0]["state"]["waiting"]["reason"]
            == "CrashLoopBackOff"
        ),
        "it backs off",
    )
    assert "CrashLoopBackOff" in cluster.kubectl("get", "pod", "crashing", "-n", namespace)
    eventually(
        lambda: any(
            event["reason"] == "BackOff"
            and "Back-off restarting failed container c in pod crashing" in event["message"]
            for event in events(cluster, namespace, "crashing")
        ),
        "the event tells of it",
    )


def test_a_failing_liveness_probe_restarts_the_container(cluster: Cluster, namespace: str):
    probe = {"exec": {"command": ["test", "-e", "/tmp/alive"]}, "periodSeconds": 1, "failureThreshold": 1}
    script = "touch /tmp/alive; sleep 4; rm /tmp/alive; sleep 600"
    create(
        cluster, namespace, "unhealthy", containers=[shell(script, livenessProbe=probe | {"initialDelaySeconds": 1})]
    )
    eventually(
        lambda: status(cluster, namespace, "unhealthy")["containerStatuses"][0]["restartCount"] >= 1, "it restarts"
    )
    told = events(cluster, namespace, "unhealthy")
    assert any(e["reason"] == "Unhealthy" and "Liveness probe failed" in e["message"] for e in told)
    assert any(e["message"] == "Container c failed liveness probe, will be restarted" for e in told)


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param({"httpGet": {"path": "/", "port": 8080}}, id="http"),
        pytest.param({"tcpSocket": {"port": 8080}}, id="tcp"),
        pytest.param({"exec": {"command": ["true"]}}, id="exec"),
    ],
)
def test_readiness_by_each_handler(cluster: Cluster, namespace: str, handler: dict):
    name = f"ready-{next(iter(handler)).lower()}"
    container = {"name": "c", "image": IMAGE, "readinessProbe": {**handler, "periodSeconds": 1}}
    create(cluster, namespace, name, containers=[{**container, "startupProbe": {**handler, "periodSeconds": 1}}])
    cluster.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "-n", namespace, "--timeout=60s")


def test_environment_from_every_source(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "environment",
        restartPolicy="Never",
        containers=[
            {
                "name": "c",
                "image": IMAGE,
                "command": ["sh", "-c", 'env; echo args "$@"', "sh"],
                "args": ["$(LITERAL)", "$$(LITERAL)", "$(NO_SUCH)"],
                "resources": {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}},
                "envFrom": [{"configMapRef": {"name": "conf"}, "prefix": "CM_"}],
                "env": [
                    {"name": "LITERAL", "value": "one"},
                    {"name": "EXPANDED", "value": "$(LITERAL)-two"},
                    {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "pass"}}},
                    {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['run']"}}},
                    {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
                ],
            }
        ],
    )  # fmt: skip
    reaches(cluster, namespace, "environment", "Succeeded")
    lines = cluster.kubectl("logs", "environment", "-n", namespace).splitlines()
    expected = {
        "LITERAL=one", "EXPANDED=one-two", "FROM_SECRET=word", "LABEL=environment", f"MEMORY={64 * 1024**2}",
        "CM_key=value", "CM_OTHER=x", "KUBERNETES_SERVICE_HOST=10.202.0.1", "args one $(LITERAL) $(NO_SUCH)",
    }  # fmt: skip
    assert expected <= set(lines)


def test_volumes_of_every_kind(cluster: Cluster, namespace: str, tmp_path):
    (tmp_path / "file").write_text("from the host")
    item = {"key": "key", "path": "deep/er", "mode": 0o600}
    create(
        cluster, namespace, "volumes",
        volumes=[
            {"name": "conf", "configMap": {"name": "conf", "items": [item]}},
            {"name": "hidden", "secret": {"secretName": "hidden"}},
            {"name": "host", "hostPath": {"path": str(tmp_path), "type": "Directory"}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
            {"name": "down", "downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                {"path": "note", "fieldRef": {"fieldPath": "metadata.annotations['note']"}},
            ]}},
        ],
        containers=[shell("sleep 600", volumeMounts=[
            {"name": volume, "mountPath": f"/v/{volume}"} for volume in ("conf", "hidden", "host", "memory", "down")
        ] + [{"name": "conf", "mountPath": "/v/sub", "subPath": "deep/er"}])],
    )  # fmt: skip
    reaches(cluster, namespace, "volumes", "Running")

    def inside(command: str) -> str:
        return cluster.kubectl("exec", "volumes", "-n", namespace, "--", "sh", "-c", command)

    assert inside("cat /v/conf/deep/er") == "value"
    assert inside("stat -Lc %a /v/conf/deep/er") == "600\n"
    assert inside("cat /v/hidden/pass") == "word"
    assert inside("cat /v/host/file") == "from the host"
    assert inside("cat /v/sub") == "value"
    assert inside("cat /v/down/note") == "here"
    assert 'run="volumes"' in inside("cat /v/down/labels")
    assert "tmpfs" in inside("grep /v/memory /proc/mounts")
    token = inside("cat /var/run/secrets/kubernetes.io/serviceaccount/token")
    assert token.count(".") == 2
    cluster.kubectl("patch", "cm", "conf", "-p", '{"data":{"key":"changed"}}', "-n", namespace)
    eventually(lambda: inside("cat /v/conf/deep/er") == "changed", "the file follows the ConfigMap", timeout=90)
    cluster.kubectl("patch", "cm", "conf", "-p", '{"data":{"key":"value"}}', "-n", namespace)


def test_a_pod_speaks_to_the_api_with_its_token(cluster: Cluster, namespace: str):
    create(cluster, namespace, "speaks", containers=[shell("sleep 600")])
    reaches(cluster, namespace, "speaks", "Running")
    directory = "/var/run/secrets/kubernetes.io/serviceaccount"
    token = cluster.kubectl("exec", "speaks", "-n", namespace, "--", "cat", f"{directory}/token")
    who = cluster.run_kubectl("auth", "whoami", "-o", "json", f"--token={token}")
    namespace_file = cluster.kubectl("exec", "speaks", "-n", namespace, "--", "cat", f"{directory}/namespace")
    assert namespace_file == namespace
    assert "BEGIN CERTIFICATE" in cluster.kubectl("exec", "speaks", "-n", namespace, "--", "cat", f"{directory}/ca.crt")
    assert who.returncode == 0, who.stderr


def test_a_missing_configmap_holds_the_pod_until_it_appears(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "waits",
        volumes=[{"name": "late", "configMap": {"name": "late"}}],
        containers=[shell("echo $(cat /late/key); sleep 600", volumeMounts=[{"name": "late", "mountPath": "/late"}])],
    )  # fmt: skip
    eventually(
        lambda: any(
            e["reason"] == "FailedMount" and 'configmap "late" not found' in e["message"]
            for e in events(cluster, namespace, "waits")
        ),
        "the event names the ConfigMap",
    )
    assert "ContainerCreating" in cluster.kubectl("get", "pod", "waits", "-n", namespace)
    cluster.kubectl("create", "configmap", "late", "--from-literal=key=at-last", "-n", namespace)
    reaches(cluster, namespace, "waits", "Running")
    eventually(lambda: cluster.kubectl("logs", "waits", "-n", namespace) == "at-last\n", "it reads the file")


def test_an_unschedulable_pod_says_why_and_is_tried_again(cluster: Cluster, namespace: str):
    create(cluster, namespace, "picky", nodeSelector={"disk": "fast"}, containers=[shell("sleep 600")])
    condition = eventually(
        lambda: next(c for c in status(cluster, namespace, "picky")["conditions"] if c["type"] == "PodScheduled"),
        "it has the condition",
    )
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert condition["message"].startswith(
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    )
    assert any(e["reason"] == "FailedScheduling" for e in events(cluster, namespace, "picky"))
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    cluster.kubectl("label", "node", node, "disk=fast")
    try:
        reaches(cluster, namespace, "picky", "Running")
    finally:
        cluster.kubectl("label", "node", node, "disk-")


def test_pre_stop_runs_within_the_grace_period(cluster: Cluster, namespace: str, tmp_path):
    create(
        cluster, namespace, "leaves",
        terminationGracePeriodSeconds=20,
        volumes=[{"name": "host", "hostPath": {"path": str(tmp_path)}}],
        containers=[shell(
            "trap 'echo term >>/host/log; exit 0' TERM; while true; do sleep 0.1; done",
            volumeMounts=[{"name": "host", "mountPath": "/host"}],
            lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "sleep 1; echo stopping >>/host/log"]}}},
        )],
    )  # fmt: skip
    reaches(cluster, namespace, "leaves", "Running")
    begun = time.monotonic()
    cluster.kubectl("delete", "pod", "leaves", "-n", namespace)
    assert time.monotonic() - begun < 15
    assert (tmp_path / "log").read_text() == "stopping\nterm\n"


def test_resources_give_class_and_limits(cluster: Cluster, namespace: str):
    limits = {"cpu": "200m", "memory": "64Mi"}
    create(cluster, namespace, "guaranteed", containers=[shell("sleep 600", resources={"limits": limits})])
    found = reaches(cluster, namespace, "guaranteed", "Running")
    assert found["qosClass"] == "Guaranteed"
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    printed = cluster.kubectl("exec", "guaranteed", "-n", namespace, "--", "sh", "-c", script)
    assert printed.strip() == str(64 * 1024**2)


def test_a_container_over_its_memory_is_killed_for_it(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "hungry",
        restartPolicy="Never",
        containers=[shell("tail /dev/zero", resources={"limits": {"memory": "16Mi"}})],
    )  # fmt: skip
    found = reaches(cluster, namespace, "hungry", "Failed")
    assert found["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"
