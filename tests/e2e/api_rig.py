"""A real etcd and a real API server on it, and nothing else; and what tests do to them."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
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
import yaml
from harness import MINIKUBE_PY, eventually, free_ports

from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.cluster.pki import ensure_pki
from minikube_py.cluster.settings import ClusterSettings

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@dataclass
class ApiRig:
    """An etcd member and an API server; ``etcd_name`` and ``peer_port`` make up the identity of etcd's cluster."""

    directory: Path
    api_port: int
    etcd_port: int
    peer_port: int
    etcd_name: str = "m"
    etcd_arguments: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Makes keys, certificates and the API server's settings file."""
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
            **self.settings,
        }
        (self.directory / "apiserver.yaml").write_text(yaml.safe_dump(config))
        self.tls = client_tls(self.directory / "admin.conf", self.directory)

    def start(self, name: str, command: list[str]) -> None:
        """Starts a process that logs into the directory."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def start_etcd(self) -> None:
        """Starts etcd on the data that are there."""
        client = f"http://127.0.0.1:{self.etcd_port}"
        command = ["etcd", f"--name={self.etcd_name}", f"--data-dir={self.directory}/etcd", "--log-level=error"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        command += [f"--listen-peer-urls={self.peer}", f"--initial-advertise-peer-urls={self.peer}"]
        command += [f"--initial-cluster={self.etcd_name}={self.peer}", *self.etcd_arguments]
        self.start("etcd", command)

    @property
    def peer(self) -> str:
        """The URL that etcd knows itself by."""
        return f"http://127.0.0.1:{self.peer_port}"

    def start_api_server(self) -> None:
        """Starts the API server and waits until it is ready."""
        self.start("apiserver", [str(MINIKUBE_PY), "apiserver", "--config", str(self.directory / "apiserver.yaml")])
        eventually(lambda: self.request("GET", "/readyz")[0] == 200, "the API server is ready", timeout=30)

    def stop(self, name: str) -> int:
        """Ends a process that :meth:`start` started; its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(5)

    def kill(self, name: str) -> None:
        """Ends it as a crash would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(5)

    def workers(self) -> list[int]:
        """The process ids of the API server's workers."""
        parent = self.processes["apiserver"].pid
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

    def etcdctl(self, *words: str) -> str:
        """What etcdctl prints."""
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

    def restore(self, snapshot: Path, *words: str) -> None:
        """Puts the snapshot in the place of etcd's data; etcd must not run."""
        shutil.rmtree(self.directory / "etcd")
        command = ["etcdctl", "snapshot", "restore", str(snapshot), f"--data-dir={self.directory}/etcd"]
        command += [f"--name={self.etcd_name}", f"--initial-cluster={self.etcd_name}={self.peer}"]
        command += [f"--initial-advertise-peer-urls={self.peer}", *words]
        subprocess.run(command, check=True, capture_output=True, timeout=30, env={**os.environ, "ETCDCTL_API": "3"})

    def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", timeout: float = 40
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers in lower case and body, over a connection of its own; OSError where nothing answers."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.api_port}{path}",
            method=method,
            data=None if body is None else orjson.dumps(body),
            headers={"Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.tls) as answer:
                content, status, headers = answer.read(), answer.status, answer.headers
        except urllib.error.HTTPError as error:
            content, status, headers = error.read(), error.code, error.headers
        is_json = headers.get("content-type", "").startswith("application/json")
        return status, {k.lower(): v for k, v in headers.items()}, orjson.loads(content) if is_json else content

    @contextlib.contextmanager
    def stuck_etcd(self) -> Iterator[None]:
        """Has etcd answer nothing meanwhile."""
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


@contextlib.contextmanager
def running(directory: Path, **settings: Any) -> Iterator[ApiRig]:
    """A rig with both processes running, ended with the block."""
    rig = ApiRig(directory, *free_ports(3), settings=settings)
    rig.prepare()
    try:
        rig.start_etcd()
        rig.start_api_server()
        yield rig
    finally:
        for name in sorted(rig.processes):
            rig.stop(name)
