"""What the API server's benchmark starts: an etcd, API servers and a bare uvicorn app, all on free ports."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from minikube_py.client.kubeconfig import KubeConfig
from minikube_py.cluster.pki import ensure_pki
from minikube_py.cluster.settings import ClusterSettings

MINIKUBE_PY = Path(sys.executable).with_name("minikube-py")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class NotStarted(RuntimeError):
    """A process that the benchmark needs ended, or does not answer."""


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Rig:
    """A directory with a PKI and an administrator's certificate, and the processes started there."""

    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = ClusterSettings(data_dir=self.directory, node_ip="127.0.0.1")
        ensure_pki(settings, datetime.datetime.now(datetime.UTC))
        admin = KubeConfig.load(str(self.directory / "admin.conf"))
        self.certificate, self.key = self.directory / "admin.crt", self.directory / "admin.key"
        self.certificate.write_bytes(admin.client_certificate_data)
        self.key.write_bytes(admin.client_key_data)
        self.ca = self.directory / "pki" / "ca.crt"

    def client_flags(self) -> list[str]:
        """The flags that make apibench show the administrator's certificate."""
        return ["--cacert", str(self.ca), "--cert", str(self.certificate), "--key", str(self.key)]

    def start(self, name: str, command: list[str], *, niceness: int = 0) -> subprocess.Popen[bytes]:
        """Starts a process whose output goes into a file of that name."""
        prefix = ["nice", "-n", str(niceness)] if niceness else []
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([*prefix, *command], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def start_etcd(self, name: str = "etcd") -> tuple[subprocess.Popen[bytes], str]:
        """An etcd with an empty data directory; its process and address."""
        client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        command = [shutil.which("etcd") or "etcd", f"--name={name}", f"--data-dir={self.directory / name}"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        command += [f"--initial-cluster={name}={peer}", "--log-level=error"]
        process = self.start(name, command)
        self._await(process, f"{client}/health", name)
        return process, client

    def start_api_server(self, etcd: str, workers: int = 1) -> tuple[subprocess.Popen[bytes], str]:
        """An API server on an etcd; its process and address."""
        name, port, pki = f"apiserver-{workers}", free_port(), self.directory / "pki"
        settings = {
            "etcd_servers": [etcd],
            "bind_address": "127.0.0.1",
            "secure_port": port,
            "tls_cert_file": str(pki / "apiserver.crt"),
            "tls_private_key_file": str(pki / "apiserver.key"),
            "client_ca_file": str(self.ca),
            "service_account_key_file": str(pki / "sa.pub"),
            "service_account_signing_key_file": str(pki / "sa.key"),
        }
        if workers > 1:
            settings["workers"] = workers
        configuration = self.directory / f"{name}.yaml"
        configuration.write_text(yaml.safe_dump(settings))
        process = self.start(name, [str(MINIKUBE_PY), "apiserver", "--config", str(configuration)])
        address = f"https://127.0.0.1:{port}"
        self._await(process, f"{address}/readyz", name)
        return process, address

    def start_bare_uvicorn(self) -> tuple[subprocess.Popen[bytes], str]:
        """The bare application under the same certificate; its process and address."""
        port, pki = free_port(), self.directory / "pki"
        script = Path(__file__).with_name("bare_uvicorn.py")
        files = [str(pki / "apiserver.crt"), str(pki / "apiserver.key")]
        process = self.start("bare-uvicorn", [sys.executable, str(script), str(port), *files])
        address = f"https://127.0.0.1:{port}"
        self._await(process, f"{address}/readyz", "bare-uvicorn")
        return process, address

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ends one process and waits for it."""
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process in self.processes:
            self.processes.remove(process)

    def close(self) -> None:
        """Ends every process, the last first."""
        for process in reversed(tuple(self.processes)):
            self.stop(process)

    def _await(self, process: subprocess.Popen[bytes], url: str, name: str) -> None:
        tls = ssl.create_default_context(cafile=str(self.ca))
        tls.load_cert_chain(self.certificate, self.key)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=2, context=tls if url.startswith("https") else None).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        log = (self.directory / f"{name}.log").read_text(errors="replace")[-2000:]
        raise NotStarted(f"{name} does not answer at {url}; its log ends:\n{log}")


@contextlib.contextmanager
def rig(directory: Path) -> Iterator[Rig]:
    """A rig whose processes end with the block."""
    made = Rig(directory)
    try:
        yield made
    finally:
        made.close()
