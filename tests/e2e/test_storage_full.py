"""A full etcd, and one that does not answer, behind a real API server: told, survived, healed by the book."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from harness import MINIKUBE_PY, eventually, free_ports

from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.cluster.pki import ensure_pki
from minikube_py.cluster.settings import ClusterSettings

QUOTA_BYTES = 4 * 1024 * 1024
VALUE = "x" * 200_000
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
NO_SPACE = "etcdserver: mvcc: database space exceeded"
pytestmark = pytest.mark.etcd


@dataclass
class Server:
    """An etcd with a tiny quota and an API server on it; nothing else."""

    directory: Path
    api_port: int
    etcd_port: int
    peer_port: int
    tls: ssl.SSLContext = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def prepare(self) -> None:
        settings = ClusterSettings(data_dir=self.directory, node_ip="127.0.0.1", api_port=self.api_port)
        ensure_pki(settings, datetime.datetime.now(datetime.UTC))
        pki = self.directory / "pki"
        config = {
            "etcd_servers": [f"http://127.0.0.1:{self.etcd_port}"],
            "bind_address": "127.0.0.1",
            "secure_port": self.api_port,
            "tls_cert_file": str(pki / "apiserver.crt"),
            "tls_private_key_file": str(pki / "apiserver.key"),
            "client_ca_file": str(pki / "ca.crt"),
            "service_account_key_file": str(pki / "sa.pub"),
            "service_account_signing_key_file": str(pki / "sa.key"),
        }
        (self.directory / "apiserver.yaml").write_text(yaml.safe_dump(config))
        self.tls = client_tls(self.directory / "admin.conf", self.directory)

    def start(self, name: str, command: list[str]) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        command = ["etcd", "--name=m", f"--data-dir={self.directory}/etcd", f"--quota-backend-bytes={QUOTA_BYTES}"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}", "--log-level=error"]
        command += [
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=m={peer}",
        ]
        self.start("etcd", command)

    def start_api_server(self) -> None:
        self.start("apiserver", [str(MINIKUBE_PY), "apiserver", "--config", str(self.directory / "apiserver.yaml")])
        eventually(lambda: self.request("GET", "/readyz")[0] == 200, "the API server is ready", timeout=30)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    def etcdctl(self, *words: str) -> str:
        done = subprocess.run(
            ["etcdctl", f"--endpoints=http://127.0.0.1:{self.etcd_port}", *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "ETCDCTL_API": "3"},
        )
        assert done.returncode == 0, f"etcdctl {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        """Status, headers in lower case and body; OSError where nothing answers in 40 s."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.api_port}{path}",
            method=method,
            data=None if body is None else orjson.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=40, context=self.tls) as answer:
                content, status, headers = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            content, status, headers = error.read(), error.code, error.headers
        is_json = headers.get("content-type", "").startswith("application/json")
        return status, {k.lower(): v for k, v in headers.items()}, orjson.loads(content) if is_json else content

    def create(self, name: str, value: str = "") -> tuple[int, dict[str, str], Any]:
        return self.request("POST", CONFIG_MAPS, {"metadata": {"name": name}, "data": {"v": value}})

    def names(self) -> set[str]:
        status, _, answer = self.request("GET", CONFIG_MAPS)
        assert status == 200, answer
        return {item["metadata"]["name"] for item in answer["items"]}

    @contextlib.contextmanager
    def stuck_etcd(self) -> Iterator[None]:
        process = self.processes["etcd"]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)


def client_tls(kubeconfig: Path, directory: Path) -> ssl.SSLContext:
    """TLS as the kubeconfig's user."""
    config = KubeConfig.load(str(kubeconfig))
    files = {"ca": config.ca_data, "crt": config.client_certificate_data, "key": config.client_key_data}
    for suffix, data in files.items():
        (directory / f"client.{suffix}").write_bytes(data or b"")
    context = ssl.create_default_context(cafile=str(directory / "client.ca"))
    context.load_cert_chain(directory / "client.crt", directory / "client.key")
    return context


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, *free_ports(3))
    server.prepare()
    try:
        server.start_etcd()
        server.start_api_server()
        yield server
    finally:
        for name in reversed(list(server.processes)):
            server.stop(name)


def test_a_full_etcd_is_told_survived_and_healed(server: Server) -> None:
    stored = set()
    for number in range(100):
        status, _, answer = server.create(f"big-{number}", VALUE)
        if status != 201:
            break
        stored.add(f"big-{number}")
    assert len(stored) > 5
    assert (status, answer["reason"], answer["message"]) == (500, "InternalError", NO_SPACE)

    # Whatever was acknowledged is there, and can be read, found and watched.
    assert server.names() == stored
    status, _, read = server.request("GET", f"{CONFIG_MAPS}/big-0")
    assert (status, read["data"]["v"]) == (200, VALUE)
    assert server.create("small")[0] == 500

    # Deleting works while etcd is full; by itself that gives nothing back.
    assert server.request("DELETE", f"{CONFIG_MAPS}/big-0")[0] == 200
    stored.discard("big-0")
    assert server.create("small")[0] == 500

    # A server that starts on a full etcd serves what there is.
    server.stop("apiserver")
    server.start_api_server()
    assert server.names() == stored

    # The steps of docs/operations.md.
    for name in sorted(stored)[:10]:
        assert server.request("DELETE", f"{CONFIG_MAPS}/{name}")[0] == 200
        stored.discard(name)
    [status_of_member] = orjson.loads(server.etcdctl("endpoint", "status", "--write-out=json"))
    server.etcdctl("compact", str(status_of_member["Status"]["header"]["revision"]))
    server.etcdctl("defrag")
    server.etcdctl("alarm", "disarm")
    eventually(lambda: server.create("small")[0] in (201, 409), "writes go on", timeout=20)
    assert server.names() == stored | {"small"}
    assert server.request("GET", "/readyz")[0] == 200


def test_an_etcd_that_does_not_answer_fails_requests_and_hangs_none(server: Server) -> None:
    assert server.create("before")[0] == 201
    with server.stuck_etcd():
        for method, path, body in (
            ("GET", CONFIG_MAPS, None),
            ("GET", f"{CONFIG_MAPS}/before", None),
            ("POST", CONFIG_MAPS, {"metadata": {"name": "lost"}}),
            ("DELETE", f"{CONFIG_MAPS}/before", None),
        ):
            status, headers, answer = server.request(method, path, body)
            assert status in (500, 503, 504), (method, path, answer)
            assert answer["kind"] == "Status"
            assert headers["retry-after"] == "1"
        status, _, listed = server.request("GET", f"{CONFIG_MAPS}?resourceVersion=0")
        assert (status, [item["metadata"]["name"] for item in listed["items"]]) == (200, ["before"])
        assert server.request("GET", "/readyz")[0] == 500
        assert server.request("GET", "/livez/ping")[0] == 200
    eventually(lambda: server.request("GET", CONFIG_MAPS)[0] == 200, "the API server goes on", timeout=20)
    eventually(lambda: server.create("after")[0] in (201, 409), "writes go on", timeout=20)
