"""What must be there before a cluster can start, each check with the remedy for when it is not."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from minikube_py.cluster.settings import ClusterSettings
from proxy.node import ROUTE_PROTOCOL

NEEDED_DISK_BYTES = 1024**3
OLDEST_DOCKER = (20, 10)
PLUGIN_DIRECTORIES = (Path("/opt/cni/bin"), Path("/usr/lib/cni"))
NEEDED_PLUGINS = ("bridge", "host-local", "loopback", "portmap")
PROGRAMS = {
    "etcd": "etcd-server",
    "nft": "nftables",
    "ip": "iproute2",
    "conntrack": "conntrack",
}
NFT_PROBE = """
table ip minikube-py-probe {
  chain a { reject; }
  map m { type ipv4_addr . inet_proto . inet_service : verdict; }
  chain b { type nat hook prerouting priority dstnat; dnat to numgen random mod 2 map { 0 : 192.0.2.2 }; }
  chain c { type nat hook postrouting priority srcnat; masquerade; }
}
"""
COMMAND_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """Something missing: what, and how to get it. ``fatal`` is False for what the cluster can do without."""

    message: str
    remedy: str
    fatal: bool = True


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=COMMAND_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def check(settings: ClusterSettings, *, running: bool) -> list[Problem]:
    """Every problem at once; ``running`` says that our own processes hold the ports already."""
    if os.geteuid() != 0:
        return [Problem("minikube-py must run as root", "run it with sudo")]
    problems = [*_programs(), *_docker(settings), *_kernel(), *_disk(settings.data_dir)]
    if not running:
        problems += [*_ports(settings), *taken_networks(settings, _host_routes())]
    return problems


def _programs() -> Iterator[Problem]:
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            yield Problem(f"the program {program} is missing", f"apt-get install {package}")
    for plugin in NEEDED_PLUGINS:
        if not any((directory / plugin).exists() for directory in PLUGIN_DIRECTORIES):
            directories = " or ".join(str(directory) for directory in PLUGIN_DIRECTORIES)
            yield Problem(
                f"the CNI plugin {plugin} is not in {directories}", "apt-get install containernetworking-plugins"
            )


def _docker(settings: ClusterSettings) -> Iterator[Problem]:
    scheme, _, path = settings.docker_host.partition("://")
    if scheme != "unix":
        yield Problem(
            f"docker host {settings.docker_host} is not a unix socket",
            "the kubelet enters the network namespaces of containers, so Docker must run on this host: use unix://PATH",
        )
        return
    start = "systemctl start docker, or apt-get install docker.io"
    try:
        connection = _UnixConnection(path)
        connection.request("GET", "/version")
        version = json.loads(connection.getresponse().read())
        connection.close()
    except (OSError, ValueError) as error:
        yield Problem(f"Docker does not answer at {path}: {error}", start)
        return
    number = str(version.get("Version", "0.0"))
    try:
        parts = tuple(int(part) for part in number.split(".")[:2])
    except ValueError:
        parts = OLDEST_DOCKER
    if parts < OLDEST_DOCKER:
        yield Problem(f"Docker {number} is too old", "install Docker 20.10 or newer")


def _succeeds(*command: str, stdin: str = "") -> str | None:
    """None where the command succeeds, otherwise what it said."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")


def _kernel() -> Iterator[Problem]:
    if shutil.which("nft"):
        said = _succeeds("nft", "-c", "-f", "-", stdin=NFT_PROBE)
        if said is not None:
            yield Problem(
                f"the kernel refuses our nftables rules: {said.splitlines()[0]}",
                "load nf_tables, nft_nat, nft_masq, nft_reject_ipv4 and nft_numgen, or use a kernel that has them",
            )
    if shutil.which("ip"):
        link = f"mkpy{os.getpid() % 100000}"
        for kind, arguments in (("bridge", ()), ("veth", ("peer", "name", f"{link}p"))):
            said = _succeeds("ip", "link", "add", link, "type", kind, *arguments)
            if said is not None:
                yield Problem(f"the kernel makes no {kind} device: {said}", f"modprobe {kind}")
            else:
                _succeeds("ip", "link", "delete", link)
    if "overlay" not in Path("/proc/filesystems").read_text() and _succeeds("modprobe", "overlay") is not None:
        yield Problem(
            "the kernel has no overlay file system", "modprobe overlay; Docker is slow without it", fatal=False
        )


def _disk(data_dir: Path) -> Iterator[Problem]:
    existing = data_dir
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < NEEDED_DISK_BYTES:
        yield Problem(
            f"only {free // 1024**2} MiB are free for {data_dir}",
            f"free at least {NEEDED_DISK_BYTES // 1024**2} MiB, or choose another --data-dir",
        )


def _ports(settings: ClusterSettings) -> Iterator[Problem]:
    for what, (address, port) in settings.ports().items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    yield Problem(
                        f"port {port} ({what}) is already in use{_holder(port)}",
                        f"stop what uses it, or choose another with --{what}-port",
                    )
                else:
                    yield Problem(
                        f"port {port} ({what}) can't be bound on {address}: {error.strerror}",
                        "give an address of this host with --node-ip",
                    )


def _host_routes() -> list[dict[str, str]]:
    """The host's IPv4 routes, as ``ip -json route`` tells them; empty where it can't."""
    try:
        done = subprocess.run(
            ("ip", "-4", "-json", "route", "show"),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
        return list(json.loads(done.stdout or "[]"))
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []


def taken_networks(settings: ClusterSettings, routes: list[dict[str, str]]) -> Iterator[Problem]:
    """Every route of somebody else's that overlaps the cluster's networks; pods there would be out of reach. Pure.

    A fallback route of a proxy of ours may be left over from a crash; a bridge that is not this cluster's is not.
    """
    for flag, cidr in (("--pod-cidr", settings.pod_cidr), ("--service-cidr", settings.service_cidr)):
        wanted = ipaddress.ip_network(cidr)
        for route in routes:
            target = route.get("dst", "default")
            ours = route.get("dev") == settings.bridge or str(route.get("protocol")) == str(ROUTE_PROTOCOL)
            if target == "default" or ours:
                continue
            if ipaddress.ip_network(target, strict=False).overlaps(wanted):
                where = f" on {route['dev']}" if "dev" in route else ""
                yield Problem(
                    f"the network {cidr} overlaps a route of this host: {target}{where}",
                    f"choose another network with {flag}",
                )


def _holder(port: int) -> str:
    """`` by NAME (pid N)`` of the process that listens on the port, where ``ss`` tells."""
    try:
        done = subprocess.run(
            ("ss", "-Hltnp", f"sport = :{port}"),
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    _, found, rest = done.stdout.partition('users:(("')
    if not found:
        return ""
    name, _, tail = rest.partition('"')
    pid = tail.partition("pid=")[2].partition(",")[0]
    return f" by {name} (pid {pid})"
