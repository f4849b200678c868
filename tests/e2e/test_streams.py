"""Logs in every form, attaching, copying, running once: what passes through the API server to the kubelet."""

from __future__ import annotations

import datetime
import hashlib
import os
import pty
import re
import subprocess
import termios
import time
from pathlib import Path

import pytest
from harness import Cluster, eventually
from kubectls import KUBECTLS
from pod_helpers import IMAGE, create, inside, ready, shell


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("streams") as name:
        create(cluster, name, "talks", containers=[shell("for n in 1 2 3 4; do echo line $n; done; sleep 600")])
        create(cluster, name, "box", containers=[shell("sleep 600")])
        ready(cluster, name, "talks")
        ready(cluster, name, "box")
        yield name


@pytest.mark.parametrize(
    ("flags", "printed"),
    [
        pytest.param(["--tail=2"], "line 3\nline 4\n", id="the last lines"),
        pytest.param(["--tail=0"], "", id="no line"),
        pytest.param(["--limit-bytes=10"], "line 1\nlin", id="the first bytes"),
        pytest.param(["--since=1h"], "line 1\nline 2\nline 3\nline 4\n", id="an hour"),
        pytest.param(["--since-time=2099-01-01T00:00:00Z"], "", id="a time to come"),
        pytest.param(
            ["-l", "run=talks", "--tail=1", "--prefix"], "[pod/talks/c] line 4\n", id="by label with a prefix"
        ),
    ],
)
def test_logs_by_flag(cluster: Cluster, namespace: str, flags: list[str], printed: str):
    target = [] if "-l" in flags else ["talks"]
    eventually(lambda: "line 4" in cluster.kubectl("logs", "talks", "-n", namespace), "all is written")
    assert cluster.kubectl("logs", *target, "-n", namespace, *flags) == printed


def test_logs_since_a_moment_leave_out_what_was_before(cluster: Cluster, namespace: str):
    create(cluster, namespace, "ticks", containers=[shell("echo early; sleep 3; echo late; sleep 600")])
    eventually(lambda: "late" in cluster.kubectl("logs", "ticks", "-n", namespace), "the late line", timeout=30)
    stamped = cluster.kubectl("logs", "ticks", "--timestamps", "-n", namespace).splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z late", stamped[1])
    moment = datetime.datetime.fromisoformat(stamped[1].split()[0][:19] + "+00:00") - datetime.timedelta(seconds=1)
    since = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert cluster.kubectl("logs", "ticks", f"--since-time={since}", "-n", namespace) == "late\n"


def test_attach_passes_input_and_output(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "reads",
        containers=[shell("while read line; do echo heard $line; done; echo the end", stdin=True, stdinOnce=True)],
        restartPolicy="Never",
    )  # fmt: skip
    ready(cluster, namespace, "reads")
    done = cluster.run_kubectl("attach", "-i", "reads", "-n", namespace, stdin="one\ntwo\n")
    assert "heard one\nheard two\n" in done.stdout, done.stderr
    eventually(
        lambda: cluster.get("pod", "reads", "-n", namespace)["status"]["phase"] == "Succeeded", "its input has ended"
    )
    assert "the end" in cluster.kubectl("logs", "reads", "-n", namespace)


def test_run_once_with_a_terminal_and_remove(cluster: Cluster, namespace: str):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["kubectl", "run", "once", "-it", "--rm", "--restart=Never", f"--image={IMAGE}", "-n", namespace, "--", "sh"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=cluster.environment,
        start_new_session=True,
    )
    os.close(follower)
    seen = b""
    try:
        # kubectl wait gives up at once on a pod that kubectl run has not created yet.
        eventually(lambda: cluster.get("pod", "once", "-n", namespace), "the pod is created")
        ready(cluster, namespace, "once")
        os.write(leader, b"echo $((6*7))-is-it; exit\n")
        deadline = time.monotonic() + 30
        while b'pod "once" deleted' not in seen and time.monotonic() < deadline:
            try:
                seen += os.read(leader, 1024)
            except OSError:
                break
        assert b"42-is-it" in seen, seen
        assert b'pod "once" deleted' in seen, seen
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
        os.close(leader)
    assert "NotFound" in cluster.kubectl_fails("get", "pod", "once", "-n", namespace)


def test_run_once_and_remove_prints_what_it_said(cluster: Cluster, namespace: str):
    printed = cluster.kubectl(
        "run", "brief", "-i", "--rm", "--restart=Never", f"--image={IMAGE}", "-n", namespace, "--",
        "sh", "-c", "sleep 1; echo said",
    )  # fmt: skip
    assert "said" in printed
    assert 'pod "brief" deleted' in printed


@pytest.mark.parametrize("binary", KUBECTLS)
def test_exec_keeps_its_streams_apart_and_tells_the_exit_code(cluster: Cluster, namespace: str, binary: str):
    script = "read x; echo out $x; echo error >&2; cat; exit 7"
    done = cluster.run_kubectl(
        "exec", "-i", "box", "-n", namespace, "--", "sh", "-c", script, stdin="first\nsecond\n", binary=binary
    )
    assert (done.returncode, done.stdout) == (7, "out first\nsecond\n")
    assert done.stderr.startswith("error\n")
    assert "command terminated with exit code 7" in done.stderr


@pytest.mark.parametrize("binary", KUBECTLS)
def test_a_hundred_megabytes_go_there_and_back(cluster: Cluster, namespace: str, binary: str):
    sent = os.urandom(1_000_000) * 100
    before = {name: _resident_bytes(cluster, name) for name in ("apiserver", "kubelet")}
    done = subprocess.run(
        [binary, "exec", "-i", "box", "-n", namespace, "--", "cat"],
        input=sent, capture_output=True, timeout=120, check=True, env=cluster.environment,
    )  # fmt: skip
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(sent).digest()
    for name, resident in before.items():
        assert _resident_bytes(cluster, name) - resident < 32_000_000, name


def _resident_bytes(cluster: Cluster, component: str) -> int:
    status = Path(f"/proc/{cluster.processes()[component]['pid']}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("binary", KUBECTLS)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param(["nobody"], 'pods "nobody" not found', id="no such pod"),
        pytest.param(["box", "-c", "other"], "container other is not valid for pod box", id="no such container"),
    ],
)
def test_an_exec_that_cannot_be_is_told(cluster: Cluster, namespace: str, binary: str, target: list[str], message: str):
    done = cluster.run_kubectl("exec", *target, "-n", namespace, "--", "true", binary=binary)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize("binary", KUBECTLS)
def test_a_terminal_has_the_size_of_ours(cluster: Cluster, namespace: str, binary: str):
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (33, 101))
    process = subprocess.Popen(
        [binary, "exec", "-it", "box", "-n", namespace, "--", "sh", "-c",
         "until [ \"$(stty size)\" = '33 101' ]; do sleep 0.1; done; tty; exit 5"],
        stdin=follower, stdout=follower, stderr=follower, env=cluster.environment, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    try:
        assert process.wait(30) == 5
        assert b"/dev/pts/" in os.read(leader, 4096)
    finally:
        process.kill()
        process.wait(10)
        os.close(leader)


@pytest.mark.parametrize("binary", KUBECTLS)
def test_a_followed_log_comes_line_by_line(cluster: Cluster, namespace: str, binary: str):
    name = f"counts-{abs(hash(binary))}"
    create(cluster, namespace, name, containers=[shell("n=0; while sleep 0.3; do n=$((n+1)); echo $n; done")])
    ready(cluster, namespace, name)
    process = subprocess.Popen(
        [binary, "logs", "-f", name, "-n", namespace], stdout=subprocess.PIPE, text=True, env=cluster.environment
    )
    try:
        assert process.stdout is not None
        came = [(int(process.stdout.readline()), time.monotonic()) for _ in range(8)]
        assert [number for number, _ in came] == list(range(1, 9))
        assert came[-1][1] - came[-4][1] > 0.6, "the last lines came one by one"
    finally:
        process.kill()
        process.communicate(timeout=10)


def web_socket(cluster: Cluster, path: str, protocol: str) -> list[bytes]:
    """The messages that come over a WebSocket to its end."""
    client = pytest.importorskip("websocket")
    config = pytest.importorskip("kubernetes").config.new_client_from_config(cluster.environment["KUBECONFIG"])
    settings = config.configuration
    connection = client.create_connection(
        settings.host.replace("https:", "wss:") + path,
        subprotocols=[protocol],
        sslopt={"ca_certs": settings.ssl_ca_cert, "certfile": settings.cert_file, "keyfile": settings.key_file},
        timeout=20,
    )
    assert connection.subprotocol == protocol
    messages = []
    while message := connection.recv():
        messages.append(message)
    return messages


@pytest.mark.conformance("Pods, remote command execution over websocket")
def test_exec_over_a_web_socket_without_a_client_of_ours(cluster: Cluster, namespace: str):
    path = f"/api/v1/namespaces/{namespace}/pods/box/exec?stderr=1&stdout=1&container=c"
    messages = web_socket(cluster, f"{path}&command=echo&command=remote%20execution%20test", "channel.k8s.io")
    assert all(message[0] == 1 or len(message) == 1 for message in messages)
    assert b"".join(message[1:] for message in messages) == b"remote execution test\n"


@pytest.mark.conformance("Pods, logs from websockets")
def test_logs_over_a_web_socket(cluster: Cluster, namespace: str):
    create(cluster, namespace, "alive", containers=[shell("echo container is alive; sleep 600")])
    eventually(lambda: "alive" in cluster.kubectl("logs", "alive", "-n", namespace), "it has said so")
    messages = web_socket(cluster, f"/api/v1/namespaces/{namespace}/pods/alive/log?container=c", "binary.k8s.io")
    assert b"".join(messages) == b"container is alive\n"


def test_copy_there_and_back(cluster: Cluster, namespace: str, tmp_path: Path):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "small").write_text("a few words\n")
    (source / "deep" / "large").write_bytes(os.urandom(3_000_000))
    cluster.kubectl("cp", str(source), f"{namespace}/box:/tmp/there")
    assert inside(cluster, namespace, "box", "cat /tmp/there/small") == "a few words\n"
    cluster.kubectl("cp", f"{namespace}/box:/tmp/there", str(tmp_path / "back"))
    assert (tmp_path / "back" / "small").read_text() == "a few words\n"
    assert (tmp_path / "back" / "deep" / "large").read_bytes() == (source / "deep" / "large").read_bytes()


def test_a_large_output_arrives_whole(cluster: Cluster, namespace: str):
    printed = inside(cluster, namespace, "box", "seq 1 200000")
    assert printed.splitlines() == [str(number) for number in range(1, 200001)]


def test_exec_in_a_pod_that_has_ended_is_refused(cluster: Cluster, namespace: str):
    create(cluster, namespace, "ended", restartPolicy="Never", containers=[shell("true")])
    eventually(
        lambda: cluster.get("pod", "ended", "-n", namespace)["status"]["phase"] == "Succeeded", "the pod has ended"
    )
    said = cluster.kubectl_fails("exec", "ended", "-n", namespace, "--", "true")
    assert "cannot exec into a container in a completed pod; current phase is Succeeded" in said
