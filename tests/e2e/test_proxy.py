"""Requests that the API server passes on to nodes, pods and services, and ``kubectl proxy`` before it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from harness import Cluster, http_get
from pod_helpers import create, ready, shell

METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
ANSWER = r"""
read -r line; method=${line%% *}; length=0
while IFS= read -r header; do
  header=$(printf %s "$header" | tr -d '\r'); [ -n "$header" ] || break
  case "$header" in
    [Cc]ontent-[Ll]ength:*) length=${header#*: };;
    [Uu]pgrade:*) upgrade=${header#*: };;
    [Aa]uthorization:*) echo leaked >&2; secret=yes;;
    [Ii]mpersonate-*) secret=yes;;
  esac
done
if [ -n "$upgrade" ]; then
  printf 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n' "$upgrade"; exec cat
fi
[ "$length" = 0 ] || body=$(head -c "$length")
set -- $line
case "$2" in
  /away*) printf 'HTTP/1.1 302 Found\r\nLocation: /there?a=b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'; exit;;
  /page*) type=text/html; text='<html><a href="/there">there</a></html>';;
  *) type=application/json
     text=$(printf '{"method":"%s","target":"%s","body":"%s","secret":"%s"}' "$method" "$2" "$body" "$secret");;
esac
printf 'HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' $type ${#text}
[ $method = HEAD ] || printf %s "$text"
"""


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("proxy") as name:
        server = shell('printf %s "$ANSWER" > /answer; exec nc -ll -p 8080 -e sh /answer')
        server |= {"env": [{"name": "ANSWER", "value": ANSWER}], "ports": [{"containerPort": 8080}]}
        create(cluster, name, "web", containers=[server])
        ready(cluster, name, "web")
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"run": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        }
        cluster.kubectl("create", "-n", name, "-f", "-", stdin=orjson.dumps(service).decode())
        cluster.kubectl("wait", "-n", name, "--for=jsonpath={.endpoints[0].conditions.ready}=true",
                        "endpointslice", "-l", "kubernetes.io/service-name=web", "--timeout=30s")  # fmt: skip
        yield name


@contextlib.contextmanager
def kubectl_proxy(cluster: Cluster, *flags: str) -> Iterator[str]:
    """Yields where it listens, as it says."""
    process = subprocess.Popen(
        ["kubectl", "proxy", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=cluster.environment,
    )
    try:
        assert process.stdout is not None
        found = re.match(r"Starting to serve on (.+)", process.stdout.readline())
        assert found
        yield found[1]
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def local(cluster: Cluster) -> Iterator[str]:
    with kubectl_proxy(cluster, "--port=0") as address:
        yield address


def send(local: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
    """Status, Location and body of an answer through kubectl proxy."""
    connection = http.client.HTTPConnection(local, timeout=20)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    result = answer.status, answer.headers.get("Location", ""), answer.read()
    connection.close()
    return result


TARGETS = [
    "pods/web",
    "pods/web:8080",
    "pods/http:web:8080",
    "services/web:80",
    "services/web:http",
    "services/http:web:80",
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.conformance("Proxy, validate Proxy responses", "Proxy, validate ProxyWithPath responses")
def test_every_method_reaches_pods_and_services(local: str, namespace: str, target: str):
    for method in METHODS:
        path = f"/api/v1/namespaces/{namespace}/{target}/proxy/some/path%20x?method={method}&b=c"
        sent = b"sent" if method in ("PATCH", "POST", "PUT") else None
        status, _, body = send(local, method, path, sent)
        assert status == 200, (method, body)
        if method == "HEAD":
            assert body == b""
            continue
        answer = orjson.loads(body)
        assert answer == {
            "method": method,
            "target": f"/some/path%20x?method={method}&b=c",
            "body": "sent" if sent else "",
            "secret": "",
        }


def test_a_path_without_a_slash_is_sent_to_the_one_with_it(local: str, namespace: str):
    path = f"/api/v1/namespaces/{namespace}/pods/web/proxy"
    assert send(local, "GET", f"{path}?a=b")[:2] == (301, f"{path}/?a=b")
    assert orjson.loads(send(local, "POST", f"{path}?a=b")[2])["target"] == "/?a=b"


def test_redirects_and_links_lead_through_the_proxy(local: str, namespace: str):
    path = f"/api/v1/namespaces/{namespace}/services/web:http/proxy"
    assert send(local, "GET", f"{path}/away")[:2] == (302, f"{path}/there?a=b")
    assert send(local, "GET", f"{path}/page")[2].decode() == f'<html><a href="{path}/there">there</a></html>'


def test_an_upgraded_connection_is_passed_on(local: str, namespace: str):
    host, port = local.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        path = f"/api/v1/namespaces/{namespace}/pods/web/proxy/"
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {local}\r\nConnection: Upgrade\r\nUpgrade: parrot\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1000)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"upgrade: parrot" in head.lower()
        connection.sendall(b"say this")
        assert connection.recv(100) == b"say this"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        pytest.param("pods/nobody/proxy/", 404, 'pods "nobody" not found', id="no such pod"),
        pytest.param("pods/web:81/proxy/", 503, "connect: connection refused", id="a port nobody listens on"),
        pytest.param("services/web:81/proxy/", 503, 'no service port 81 found for service "web"', id="no such port"),
        pytest.param("services/ftp:web:80/proxy/", 400, 'invalid service request "ftp:web:80"', id="a strange scheme"),
    ],
)
def test_what_cannot_be_reached_is_told(local: str, namespace: str, path: str, status: int, message: str):
    answered, _, body = send(local, "GET", f"/api/v1/namespaces/{namespace}/{path}")
    assert answered == status
    assert message in orjson.loads(body)["message"]


def test_a_raw_get_reads_through_a_service(cluster: Cluster, namespace: str):
    raw = f"/api/v1/namespaces/{namespace}/services/web:80/proxy/here"
    assert orjson.loads(cluster.kubectl("get", "--raw", raw))["target"] == "/here"


@pytest.mark.conformance("Proxy, logs service endpoint")
def test_a_nodes_kubelet_is_reached(cluster: Cluster):
    name = cluster.get("nodes")["items"][0]["metadata"]["name"]
    port = cluster.ports["kubelet"]
    for node in (name, f"{name}:{port}"):
        assert cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/healthz") == "ok"
        assert "<html" in cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/logs/")
    pods = orjson.loads(cluster.kubectl("get", "--raw", f"/api/v1/nodes/{name}/proxy/pods"))
    assert pods["kind"] == "PodList"


@pytest.mark.conformance("Kubectl, proxy port zero")
def test_kubectl_proxy_takes_a_free_port(local: str):
    assert "v1" in orjson.loads(http_get(f"http://{local}/api"))["versions"]


@pytest.mark.conformance("Kubectl, proxy socket")
def test_kubectl_proxy_listens_on_a_unix_socket(cluster: Cluster, tmp_path: Path):
    path = tmp_path / "proxy.sock"
    with kubectl_proxy(cluster, f"--unix-socket={path}") as address:
        assert address == str(path)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            deadline = time.monotonic() + 10
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            connection.connect(str(path))
            connection.sendall(b"GET /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            received = b""
            while piece := connection.recv(65536):
                received += piece
    assert "v1" in orjson.loads(received.partition(b"\r\n\r\n")[2])["versions"]


def test_who_may_not_proxy_is_refused(cluster: Cluster, namespace: str):
    raw = f"/api/v1/namespaces/{namespace}/pods/web/proxy/"
    said = cluster.kubectl_fails("get", "--raw", raw, "--as=somebody")
    assert 'cannot get resource "pods/proxy"' in said
