"""The founding walk-through, with stock kubectl: the Pod and Service of deploy/examples/hello-node.yaml."""

from __future__ import annotations

import re
import subprocess
import time

import pytest
from harness import NODE_PORTS, POD_CIDR, REPOSITORY, Cluster, eventually, http_get

MANIFEST = str(REPOSITORY / "deploy/examples/hello-node.yaml")


@pytest.fixture(scope="module")
def hello(cluster: Cluster):
    watch = subprocess.Popen(
        ["kubectl", "get", "pods", "-w", "--no-headers"],
        stdout=subprocess.PIPE,
        text=True,
        env=cluster.environment,
    )
    time.sleep(1)
    try:
        cluster.kubectl("create", "-f", MANIFEST)
        cluster.kubectl("wait", "pod/hello-node", "--for=condition=Ready", "--timeout=60s")
        time.sleep(0.5)
    finally:
        watch.terminate()
    printed = watch.communicate(timeout=10)[0]
    yield printed
    cluster.run_kubectl("delete", "-f", MANIFEST, "--ignore-not-found")


def test_get_pods_passes_through_container_creating_to_running(cluster: Cluster, hello: str):
    states = [re.split(r"\s{2,}", line.strip()) for line in hello.splitlines() if line.startswith("hello-node")]
    assert [row[2] for row in states if row[1] == "0/1"][:1] == ["Pending"]
    assert "ContainerCreating" in [row[2] for row in states]
    assert (states[-1][1], states[-1][2]) == ("1/1", "Running")


def test_get_wide_names_address_and_node(cluster: Cluster, hello: str):
    header, row = cluster.kubectl("get", "pods", "hello-node", "-o", "wide").splitlines()
    assert header.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    assert node in row
    assert f" {POD_CIDR.removesuffix('0.0/16')}" in row


def test_describe_shows_the_events_in_order(cluster: Cluster, hello: str):
    described = cluster.kubectl("describe", "pod", "hello-node")
    events = described[described.index("Events:") :]
    reasons = [line.split()[1] for line in events.splitlines()[3:] if line.strip()]
    wanted = ["Scheduled", "Pulled", "Created", "Started"]
    assert [reason for reason in reasons if reason in wanted] == wanted
    assert "Successfully assigned default/hello-node to" in events
    assert re.search(r"Ready\s+True", described)


def test_the_service_answers_at_its_cluster_ip(cluster: Cluster, hello: str):
    address = cluster.get("service", "hello-node")["spec"]["clusterIP"]
    assert http_get(f"http://{address}:8080/").strip() == "Hello World!"


def test_the_service_answers_at_its_node_port(cluster: Cluster, hello: str):
    port = cluster.get("service", "hello-node")["spec"]["ports"][0]["nodePort"]
    assert port in NODE_PORTS
    assert http_get(f"http://{cluster.node_ip}:{port}/").strip() == "Hello World!"


def test_the_service_answers_at_its_load_balancer_address(cluster: Cluster, hello: str):
    ingress = eventually(
        lambda: cluster.get("service", "hello-node")["status"]["loadBalancer"]["ingress"], "an address"
    )
    assert ingress[0]["ip"] == cluster.node_ip
    assert http_get(f"http://{cluster.node_ip}:8080/").strip() == "Hello World!"


@pytest.mark.parametrize(
    "name",
    ["hello-node", "hello-node.default", "hello-node.default.svc", "hello-node.default.svc.cluster.local"],
)
def test_the_service_answers_a_pod_that_asks_by_name(cluster: Cluster, hello: str, name: str):
    assert "Hello World!" in cluster.kubectl("exec", "hello-node", "--", "wget", "-qO-", f"http://{name}:8080/")


def test_logs_show_what_the_container_wrote(cluster: Cluster, hello: str):
    assert "Serving on port 8080" in cluster.kubectl("logs", "hello-node")


def test_logs_follow_what_is_added(cluster: Cluster, hello: str):
    follow = subprocess.Popen(
        ["kubectl", "logs", "-f", "--tail=0", "hello-node"],
        stdout=subprocess.PIPE,
        text=True,
        env=cluster.environment,
    )
    try:
        time.sleep(1)
        cluster.kubectl("exec", "hello-node", "--", "sh", "-c", "echo marker-in-the-log > /proc/1/fd/1")
        assert follow.stdout is not None
        assert any("marker-in-the-log" in line for line in follow.stdout)
    finally:
        follow.terminate()
        follow.wait(10)


def test_exec_shows_the_processes(cluster: Cluster, hello: str):
    assert "httpd" in cluster.kubectl("exec", "hello-node", "--", "ps")


def test_exec_returns_the_commands_exit_code(cluster: Cluster, hello: str):
    done = cluster.run_kubectl("exec", "hello-node", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "err" in done.stderr


def test_exec_passes_stdin_through(cluster: Cluster, hello: str):
    text = "".join(f"line {number}\n" for number in range(20000))
    assert cluster.kubectl("exec", "-i", "hello-node", "--", "cat", stdin=text) == text


def test_a_killed_process_is_started_again_and_its_log_kept(cluster: Cluster, hello: str):
    before = cluster.get("pod", "hello-node")["status"]["containerStatuses"][0]
    cluster.kubectl("exec", "hello-node", "--", "sh", "-c", "echo written-before-the-end >/proc/1/fd/1; killall httpd")
    after = eventually(
        lambda: next(
            (
                status
                for status in cluster.get("pod", "hello-node")["status"]["containerStatuses"]
                if status["restartCount"] == before["restartCount"] + 1 and status["ready"]
            ),
            None,
        ),
        "the container is restarted and ready",
    )
    assert after["containerID"] != before["containerID"]
    assert after["lastState"]["terminated"]["containerID"] == before["containerID"]
    assert "written-before-the-end" in cluster.kubectl("logs", "--previous", "hello-node")
    row = cluster.kubectl("get", "pod", "hello-node", "--no-headers").split()
    assert row[3] == str(after["restartCount"])


def test_delete_removes_pod_and_service(cluster: Cluster, hello: str):
    address = cluster.get("service", "hello-node")["spec"]["clusterIP"]
    assert 'pod "hello-node" deleted' in cluster.kubectl("delete", "-f", MANIFEST)
    assert "NotFound" in cluster.kubectl_fails("get", "pod", "hello-node")
    assert "NotFound" in cluster.kubectl_fails("get", "service", "hello-node")

    def rejected() -> bool:
        try:
            http_get(f"http://{address}:8080/", timeout=1)
        except TimeoutError:
            return False
        except OSError as error:
            return "refused" in str(error) or "unreachable" in str(error).lower()
        return False

    eventually(rejected, "the released ClusterIP is rejected on the host")
