"""What the host is: read once from the kernel and the system's files."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}
_SOME_ADDRESS_BEYOND = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The host's size and names. Memory and storage in bytes."""

    cpus: int
    memory_bytes: int
    storage_bytes: int
    machine_id: str
    system_uuid: str
    boot_id: str
    kernel_version: str
    os_image: str
    architecture: str


def read_host_facts(root_directory: str, etc: str = "/etc", proc: str = "/proc", sys: str = "/sys") -> HostFacts:
    """The facts of this host (blocking); what cannot be read is empty."""
    machine_id = _text(f"{etc}/machine-id") or _text("/var/lib/dbus/machine-id")
    file_system = os.statvfs(root_directory)
    return HostFacts(
        cpus=len(os.sched_getaffinity(0)) or os.cpu_count() or 1,
        memory_bytes=_memory(proc),
        storage_bytes=file_system.f_blocks * file_system.f_frsize,
        machine_id=machine_id,
        system_uuid=_text(f"{sys}/class/dmi/id/product_uuid") or machine_id,
        boot_id=_text(f"{proc}/sys/kernel/random/boot_id"),
        kernel_version=platform.release(),
        os_image=_os_image(etc),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
    )


def default_address() -> str:
    """The address that this host speaks from to the world; no packet is sent. Raises OSError where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOME_ADDRESS_BEYOND)
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostbyname(socket.gethostname())


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _memory(proc: str) -> int:
    for line in _text(f"{proc}/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _os_image(etc: str) -> str:
    for line in _text(f"{etc}/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip().strip('"')
    return "Unknown"
