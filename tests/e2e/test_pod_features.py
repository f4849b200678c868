"""What a pod's spec says happens: networks of its own or the host's, names, namespaces, volumes' owners, sidecars."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from harness import API_ADDRESS, DNS_ADDRESS, Cluster, eventually, free_ports, http_get
from pod_helpers import IMAGE, container, create, events, inside, reaches, ready, shell, status

HOST_RESOLVERS = [
    line.split()[1] for line in Path("/etc/resolv.conf").read_text().splitlines() if line.startswith("nameserver")
]


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("features") as name:
        yield name


@pytest.mark.parametrize(
    ("spec", "nameservers", "contains"),
    [
        pytest.param({}, [DNS_ADDRESS], "ndots:5", id="ClusterFirst"),
        pytest.param({"hostNetwork": True}, HOST_RESOLVERS[:3], "", id="ClusterFirst on the host's network"),
        pytest.param(
            {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
            [DNS_ADDRESS],
            "features.svc.cluster.local svc.cluster.local cluster.local",
            id="ClusterFirstWithHostNet",
        ),
        pytest.param({"dnsPolicy": "Default"}, HOST_RESOLVERS[:3], "", id="Default"),
        pytest.param(
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["192.0.2.53"],
                    "searches": ["example.test"],
                    "options": [{"name": "timeout", "value": "1"}, {"name": "rotate"}],
                },
            },
            ["192.0.2.53"],
            "search example.test\nnameserver 192.0.2.53\noptions timeout:1 rotate\n",
            id="None with a configuration",
        ),
        pytest.param(
            {"dnsConfig": {"searches": ["example.test"], "options": [{"name": "ndots", "value": "2"}]}},
            [DNS_ADDRESS],
            "options ndots:2",
            id="ClusterFirst with additions",
        ),
    ],
)
def test_resolver_by_dns_policy(
    cluster: Cluster, namespace: str, request: pytest.FixtureRequest, spec: dict, nameservers: list, contains: str
):
    name = "dns-" + "".join(c if c.isalnum() else "-" for c in request.node.callspec.id.lower())
    create(cluster, namespace, name, containers=[shell("sleep 600")], **spec)
    ready(cluster, namespace, name)
    text = inside(cluster, namespace, name, "cat /etc/resolv.conf")
    assert [line.split()[1] for line in text.splitlines() if line.startswith("nameserver")] == nameservers
    assert contains in text
    cluster.kubectl("delete", "pod", name, "-n", namespace, "--wait=false")


def test_a_pod_on_the_hosts_network_has_its_address_and_names(cluster: Cluster, namespace: str):
    port = free_ports(1)[0]
    create(
        cluster, namespace, "on-host",
        hostNetwork=True,
        dnsPolicy="ClusterFirstWithHostNet",
        containers=[
            {
                "name": "c",
                "image": IMAGE,
                "command": ["httpd", "-f", "-p", f"{port}", "-h", "/www"],
                "ports": [{"containerPort": port}],
                "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
            }
        ],
    )  # fmt: skip
    ready(cluster, namespace, "on-host")
    found = status(cluster, namespace, "on-host")
    assert found["podIP"] == found["hostIP"] == cluster.node_ip
    assert "Hello" in http_get(f"http://{cluster.node_ip}:{port}/")
    assert inside(cluster, namespace, "on-host", "hostname").strip() == socket.gethostname()
    answer = inside(cluster, namespace, "on-host", "nslookup kubernetes.default.svc.cluster.local")
    assert API_ADDRESS in answer


def test_a_host_port_leads_to_the_pod(cluster: Cluster, namespace: str):
    port = free_ports(1)[0]
    container = {"name": "c", "image": IMAGE, "ports": [{"containerPort": 8080, "hostPort": port}]}
    create(cluster, namespace, "host-port", containers=[container])
    ready(cluster, namespace, "host-port")
    assert "Hello" in eventually(lambda: http_get(f"http://{cluster.node_ip}:{port}/"), "the host's port answers")
    create(cluster, namespace, "second", containers=[container])
    eventually(
        lambda: any("didn't have free ports" in event["message"] for event in events(cluster, namespace, "second")),
        "a second pod of that port does not fit",
    )
    cluster.kubectl("delete", "pod", "host-port", "second", "-n", namespace)
    with pytest.raises(OSError, match="refused"):
        http_get(f"http://{cluster.node_ip}:{port}/")


def test_host_aliases_and_hostname_are_in_hosts(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "named",
        hostname="other",
        subdomain="sub",
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["seven", "seven.test"]}],
        containers=[shell("sleep 600")],
    )  # fmt: skip
    ready(cluster, namespace, "named")
    hosts = [line.split() for line in inside(cluster, namespace, "named", "cat /etc/hosts").splitlines()]
    assert ["192.0.2.7", "seven", "seven.test"] in hosts
    address = status(cluster, namespace, "named")["podIP"]
    assert [address, "other.sub.features.svc.cluster.local", "other"] in hosts
    assert inside(cluster, namespace, "named", "hostname") == "other\n"


def test_containers_share_processes_where_asked(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "shared",
        shareProcessNamespace=True,
        containers=[{**shell("exec sleep 601"), "name": "a"}, {**shell("exec sleep 602"), "name": "b"}],
    )  # fmt: skip
    ready(cluster, namespace, "shared")
    listed = cluster.kubectl("exec", "shared", "-c", "b", "-n", namespace, "--", "ps")
    assert "sleep 601" in listed
    assert "sleep 602" in listed
    assert "pause" in listed


def test_containers_share_the_network_and_exec_chooses_one(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "two",
        containers=[{"name": "web", "image": IMAGE}, {**shell("sleep 600"), "name": "other", "env": [
            {"name": "WHO", "value": "other"}
        ]}],
    )  # fmt: skip
    ready(cluster, namespace, "two")
    execute = ("exec", "two", "-n", namespace, "-c", "other", "--", "sh", "-c")
    assert cluster.kubectl(*execute, "echo $WHO") == "other\n"
    assert "Hello" in cluster.kubectl(*execute, "wget -qO- http://localhost:8080/")
    assert "sleep 600" in cluster.kubectl(*execute, "ps")
    assert "httpd" not in cluster.kubectl(*execute, "ps")
    done = cluster.run_kubectl("exec", "two", "-n", namespace, "--", "hostname")
    assert 'Defaulted container "web" out of: web, other' in done.stderr
    said = cluster.kubectl_fails("exec", "two", "-n", namespace, "-c", "none", "--", "true")
    assert "container none is not valid for pod two" in said


def test_sub_path_of_an_expression_and_the_volumes_group(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "grouped",
        securityContext={"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000},
        volumes=[{"name": "data", "emptyDir": {}}],
        containers=[
            {**shell("echo mine >/logs/file; sleep 600"), "name": "a",
             "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
             "volumeMounts": [{"name": "data", "mountPath": "/logs", "subPathExpr": "of-$(POD)"}]},
            {**shell("sleep 600"), "name": "b", "volumeMounts": [{"name": "data", "mountPath": "/all"}]},
        ],
    )  # fmt: skip
    ready(cluster, namespace, "grouped")

    def run(script: str) -> str:
        return cluster.kubectl("exec", "grouped", "-n", namespace, "-c", "b", "--", "sh", "-c", script)

    assert eventually(lambda: run("cat /all/of-grouped/file"), "the file is there") == "mine\n"
    assert run("stat -c %g /all") == "2000\n"
    assert run("id -u; id -G").split() == ["1000", "1000", "2000"]
    assert run("touch /all/new && stat -c %u:%g /all/new") == "1000:2000\n"


def test_a_sidecar_starts_first_and_does_not_hold_the_pod(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "sidecar",
        restartPolicy="Never",
        volumes=[{"name": "v", "emptyDir": {}}],
        initContainers=[
            {
                **shell("trap 'exit 0' TERM; touch /v/up; while true; do sleep 0.1; done"),
                "name": "side",
                "restartPolicy": "Always",
                "startupProbe": {"exec": {"command": ["test", "-e", "/v/up"]}, "periodSeconds": 1},
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }
        ],
        containers=[shell("test -e /v/up && echo the sidecar was first; sleep 1",
                          volumeMounts=[{"name": "v", "mountPath": "/v"}])],
    )  # fmt: skip
    found = reaches(cluster, namespace, "sidecar", "Succeeded")
    assert cluster.kubectl("logs", "sidecar", "-c", "c", "-n", namespace) == "the sidecar was first\n"
    assert "terminated" in found["initContainerStatuses"][0]["state"]


def test_the_termination_message_is_kept(cluster: Cluster, namespace: str):
    create(
        cluster, namespace, "last-words",
        restartPolicy="Never",
        containers=[
            {**shell("echo -n from the file >/dev/termination-log; exit 4"), "name": "file"},
            {**shell("echo from the log; exit 5"), "name": "log", "terminationMessagePolicy": "FallbackToLogsOnError"},
        ],
    )  # fmt: skip
    reaches(cluster, namespace, "last-words", "Failed")
    ended = {
        one["name"]: one["state"]["terminated"] for one in status(cluster, namespace, "last-words")["containerStatuses"]
    }
    assert (ended["file"]["message"], ended["file"]["exitCode"]) == ("from the file", 4)
    assert (ended["log"]["message"].strip(), ended["log"]["exitCode"]) == ("from the log", 5)


def test_environment_from_the_downward_api(cluster: Cluster, namespace: str):
    fields = ("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "status.podIP", "status.hostIP")
    variables = [{"name": field.replace(".", "_"), "valueFrom": {"fieldRef": {"fieldPath": field}}} for field in fields]
    variables += [
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    resources = {"requests": {"cpu": "50m"}, "limits": {"memory": "32Mi"}}
    create(
        cluster, namespace, "downward",
        restartPolicy="Never",
        containers=[shell("env", env=variables, resources=resources)],
    )  # fmt: skip
    reaches(cluster, namespace, "downward", "Succeeded")
    pod = cluster.get("pod", "downward", "-n", namespace)
    lines = cluster.kubectl("logs", "downward", "-n", namespace).splitlines()
    expected = {
        "metadata_name=downward", f"metadata_namespace={namespace}", f"metadata_uid={pod['metadata']['uid']}",
        f"spec_nodeName={pod['spec']['nodeName']}", f"status_podIP={pod['status']['podIP']}",
        f"status_hostIP={cluster.node_ip}", "CPU=50", "MEMORY=32",
    }  # fmt: skip
    assert expected <= set(lines)


@contextmanager
def grpc_health() -> Iterator[tuple[int, dict[str, int]]]:
    """A health service on all addresses of the host: its port, and the status it gives by service name."""
    statuses: dict[str, int] = {"": 2}

    def check(request: bytes, _context: grpc.ServicerContext) -> bytes:
        return bytes([8, statuses[request[2:].decode()]])

    handler = grpc.method_handlers_generic_handler(
        "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("0.0.0.0:0")
    server.start()
    try:
        yield port, statuses
    finally:
        server.stop(0).wait()


def test_a_grpc_probe_asks_the_health_service(cluster: Cluster, namespace: str):
    """The pod is on the host's network, so that the probe reaches a server of the test's."""
    with grpc_health() as (port, statuses):
        statuses["ready"] = 2
        probe = {"grpc": {"port": port, "service": "ready"}, "periodSeconds": 1}
        create(cluster, namespace, "grpc", hostNetwork=True, containers=[shell("sleep 600", readinessProbe=probe)])
        eventually(
            lambda: any(
                "Readiness probe failed" in event["message"] and "NOT_SERVING" in event["message"]
                for event in events(cluster, namespace, "grpc")
            ),
            "the probe fails",
        )
        statuses["ready"] = 1
        ready(cluster, namespace, "grpc")
        cluster.kubectl("delete", "pod", "grpc", "-n", namespace)


def test_a_startup_probe_holds_the_others_back(cluster: Cluster, namespace: str):
    always_fails = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    begun = {"exec": {"command": ["test", "-e", "/tmp/begun"]}, "periodSeconds": 1, "failureThreshold": 60}
    create(
        cluster, namespace, "slow",
        containers=[shell("sleep 600", livenessProbe=always_fails, startupProbe=begun)],
    )  # fmt: skip
    reaches(cluster, namespace, "slow", "Running")
    eventually(
        lambda: any("Startup probe failed" in event["message"] for event in events(cluster, namespace, "slow")),
        "the startup probe fails",
    )
    found = container(cluster, namespace, "slow")
    assert (found["started"], found["ready"], found["restartCount"]) == (False, False, 0)
    inside(cluster, namespace, "slow", "touch /tmp/begun")
    eventually(lambda: container(cluster, namespace, "slow")["restartCount"] >= 1, "liveness counts from now on")
    cluster.kubectl("delete", "pod", "slow", "-n", namespace)
