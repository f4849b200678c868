"""A second Docker and a second cluster beside the shared one, for tests that stop them; and a host's traces."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness import HELLO_IMAGES, PORTS, REPOSITORY, Cluster, eventually, free_ports

OTHER_POD_CIDR = "10.203.0.0/16"
OTHER_SERVICE_CIDR = "10.204.0.0/16"
OTHER_NODE_PORT_RANGE = "30500-30999"


@dataclass
class Dockerd:
    """A Docker Engine of the test's own below a directory, with no network of its own."""

    directory: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def host(self) -> str:
        """Where it answers."""
        return f"unix://{self.directory}/docker.sock"

    def docker(self, *words: str) -> str:
        """What the docker client prints; it must succeed."""
        done = subprocess.run(
            ["docker", "-H", self.host, *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def start(self) -> None:
        """Returns when it answers."""
        with open(self.directory / "dockerd.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={self.directory}/data",
                    f"--exec-root={self.directory}/exec",
                    f"--pidfile={self.directory}/docker.pid",
                    f"--host={self.host}",
                    "--bridge=none",
                    "--iptables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(lambda: self.docker("version"), "the second Docker answers", timeout=30)

    def stop(self) -> None:
        """Ends it, and with it its containers, as a stopped service does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None


@contextlib.contextmanager
def dockerd() -> Iterator[Dockerd]:
    """A running engine that is gone afterwards, with the images of the tests."""
    directory = Path(tempfile.mkdtemp(prefix="minikube-py-dockerd-"))
    engine = Dockerd(directory)
    try:
        engine.start()
        for name, text in HELLO_IMAGES.items():
            subprocess.run(
                [str(REPOSITORY / "deploy/images.sh"), name, text],
                check=True,
                capture_output=True,
                env={**os.environ, "DOCKER_HOST": engine.host},
            )
        yield engine
    finally:
        engine.stop()
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (place := mount.split()[1]).startswith(f"{directory}/"):
                subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def other_cluster(data_dir: Path, docker_host: str) -> Iterator[Cluster]:
    """A second cluster that is up, and reset afterwards."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    flags = [
        f"--pod-cidr={OTHER_POD_CIDR}",
        f"--service-cidr={OTHER_SERVICE_CIDR}",
        f"--node-port-range={OTHER_NODE_PORT_RANGE}",
        f"--docker-host={docker_host}",
        *(f"--{name}-port={port}" for name, port in ports.items()),
    ]
    running = Cluster(data_dir, flags, ports)
    try:
        running.up()
        running.node_ip = running.get("nodes")["items"][0]["status"]["addresses"][0]["address"]
        yield running
    finally:
        running.minikube_py("reset", check=False)


def _printed(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.splitlines()


def traces(data_dir: Path, engine: Dockerd) -> dict[str, list[str]]:
    """What a host shows of a cluster: devices, routes, rules, containers, mounts, processes, network namespaces.

    Other clusters on the host (the shared one of the tests among them) come and go; their traces are left out.
    """
    own = hashlib.sha256(str(data_dir).encode()).hexdigest()[:6]
    links = _printed("ip", "-o", "link")
    bridges = {name for line in links for name in re.findall(r"\b(cni[0-9a-f]{6})\b", line) if name != f"cni{own}"}
    others = bridges | {line.split()[1].split("@")[0].rstrip(":") for line in links if bridges & set(line.split())}
    addresses = _printed("ip", "-o", "-4", "addr")
    networks = {f"{'.'.join(line.split()[3].split('.')[:2])}." for line in addresses if line.split()[1] in bridges}

    def kept(lines: Iterable[str]) -> list[str]:
        plain = (re.sub(r"\[\d+:\d+\]|packets \d+ bytes \d+", "", line) for line in lines)
        return sorted(line for line in plain if not any(other in line for other in others | networks))

    def words(entry: Path) -> str:
        with contextlib.suppress(OSError):
            return entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""

    return {
        "links": kept(line.split(":")[1] for line in links),
        "addresses": kept(" ".join(line.split()[1:4]) for line in _printed("ip", "-o", "addr")),
        "routes": kept(_printed("ip", "route", "show", "table", "all")),
        "routing rules": _printed("ip", "rule"),
        # The tables and built-in chains of iptables stay once anybody has used it; Docker's own chains are not ours,
        # and a chain of a pod's host port is somebody else's unless it leads to a pod of this cluster.
        "iptables": kept(
            line
            for line in _printed("iptables-save")
            if re.match(r"-A|:.* -", line)
            and "docker" not in line.lower()
            and ("CNI-" not in line or OTHER_POD_CIDR.removesuffix("0.0/16") in line)
        ),
        "nftables": [
            line
            for line in _printed("nft", "list", "tables")
            if line.endswith(own) or not re.search(r"minikube-py-[0-9a-f]{6}$| ip (nat|filter|mangle)$", line)
        ],
        "namespaces": _printed("ip", "netns"),
        "containers": sorted(engine.docker("ps", "-aq").split()),
        "volumes": sorted(engine.docker("volume", "ls", "-q").split()),
        "networks": sorted(engine.docker("network", "ls", "-q").split()),
        "mounts": sorted(
            line.split()[1]
            for line in Path("/proc/mounts").read_text().splitlines()
            if line.split()[1].startswith((str(data_dir), str(engine.directory)))
        ),
        "processes": sorted(
            command for entry in Path("/proc").glob("[0-9]*/cmdline") if str(data_dir) in (command := words(entry))
        ),
    }
