"""A whole cluster for the end-to-end tests: real etcd, real Docker, real nftables, stock kubectl.

It lives in a temporary directory on free ports with networks of its own, beside whatever else runs on the host, and
`minikube-py reset` takes it away at the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[2]
MINIKUBE_PY = Path(sys.executable).with_name("minikube-py")
_NETWORK = int(os.environ.get("E2E_NETWORK", "201"))
"""Two runs on one machine need two numbers, two apart from each other."""
POD_CIDR = f"10.{_NETWORK}.0.0/16"
SERVICE_CIDR = f"10.{_NETWORK + 1}.0.0/16"
API_ADDRESS = f"10.{_NETWORK + 1}.0.1"
DNS_ADDRESS = f"10.{_NETWORK + 1}.0.10"
_FIRST_NODE_PORT = 31500 + 250 * (_NETWORK - 201)
NODE_PORTS = range(_FIRST_NODE_PORT, _FIRST_NODE_PORT + 500)
NODE_PORT_RANGE = f"{NODE_PORTS[0]}-{NODE_PORTS[-1]}"
COMMAND_TIMEOUT = 120.0
HELLO_IMAGES = {
    "minikube-py/hello:1": "Hello from version 1",
    "minikube-py/hello:2": "Hello from version 2",
}
STAND_IN = {"asbubam/hello-node": "Hello World!"}


def eventually(probe: Callable[[], T], what: str, *, timeout: float = 60.0, every: float = 0.1) -> T:
    """The probe's first true result; AssertionError with the last result or failure when time is up."""
    deadline = time.monotonic() + timeout
    last: object = None
    while time.monotonic() < deadline:
        try:
            result = probe()
            if result:
                return result
            last = result
        except (AssertionError, KeyError, IndexError, OSError, subprocess.SubprocessError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"not within {timeout:g} s: {what}; last: {last!r}")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


PORTS = (
    "api",
    "etcd",
    "etcd-peer",
    "kubelet",
    "kubelet-healthz",
    "scheduler",
    "controller-manager",
    "proxy-healthz",
    "proxy-metrics",
    "dns",
    "dns-metrics",
)


@dataclass
class Cluster:
    """A running cluster, and kubectl pointed at it."""

    data_dir: Path
    flags: list[str]
    ports: dict[str, int]
    node_ip: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def minikube_py(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs ``minikube-py WORDS --data-dir …``."""
        done = subprocess.run(
            [str(MINIKUBE_PY), *words, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, f"minikube-py {words}: {done.stdout}\n{done.stderr}"
        return done

    def up(self) -> None:
        self.minikube_py("up", *self.flags)
        self.environment = {**os.environ, "KUBECONFIG": str(self.data_dir / "admin.conf")}

    def run_kubectl(
        self, *words: str, stdin: str | None = None, timeout: float = COMMAND_TIMEOUT, binary: str = "kubectl"
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl, whatever comes of it."""
        return subprocess.run(
            [binary, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            check=False,
        )

    def kubectl(self, *words: str, stdin: str | None = None, timeout: float = COMMAND_TIMEOUT) -> str:
        """What kubectl prints; it must succeed."""
        done = self.run_kubectl(*words, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl_fails(self, *words: str, stdin: str | None = None) -> str:
        """What kubectl says on stderr; it must fail."""
        done = self.run_kubectl(*words, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(words)} succeeded: {done.stdout}"
        return done.stderr

    def get(self, *words: str) -> dict[str, Any]:
        """An object or list as JSON."""
        return dict(orjson.loads(self.kubectl("get", *words, "-o", "json")))

    def processes(self) -> dict[str, dict[str, Any]]:
        """The supervisor's view, by component."""
        state = orjson.loads((self.data_dir / "run" / "supervisor.json").read_bytes())
        return {process["name"]: process for process in state["processes"]}

    def kill(self, component: str) -> None:
        """Sends SIGKILL to a component and waits until the supervisor has started it again."""
        before = self.processes()[component]
        os.kill(before["pid"], signal.SIGKILL)
        eventually(
            lambda: self.processes()[component]["restarts"] > before["restarts"] and self.processes()[component]["pid"],
            f"{component} is started again",
        )

    def logs_tail(self) -> str:
        """The ends of all component logs, for the report of a failure."""
        return "\n".join(
            f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-25:])
            for file in sorted((self.data_dir / "logs").glob("*.log"))
        )

    @contextlib.contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """A namespace that is gone again afterwards."""
        self.kubectl("create", "namespace", name)
        try:
            eventually(
                lambda: self.run_kubectl("get", "serviceaccount", "default", "-n", name).returncode == 0,
                "the namespace has its service account",
            )
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=true", timeout=180)


def docker(*words: str, stdin: str | None = None) -> str:
    """What the docker client prints; it must succeed."""
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def http_get(url: str, timeout: float = 2.0) -> str:
    """The body of a URL as text; OSError where nothing answers or the status is an error."""
    import urllib.request

    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return str(answer.read().decode())
