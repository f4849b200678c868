from __future__ import annotations

import asyncio
import io
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

BUSYBOX_IMAGE = "minikube-py-test/busybox:1"
_APPLETS = ("sh", "cat", "sleep", "echo", "true", "false", "id", "stty", "hostname", "env", "ps", "wc", "nc", "ip")


def docker_host() -> str:
    return os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


def busybox_tar() -> bytes:
    binary = Path("/bin/busybox").read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(binary), 0o755
        tar.addfile(entry, io.BytesIO(binary))
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()


@pytest.fixture
async def docker_runtime(tmp_path: Path) -> AsyncIterator[object]:
    """A DockerRuntime of its own owner and bridge, with a busybox image; leaves nothing on the engine or the host."""
    from kubelet.cni.network import PodNetwork
    from kubelet.docker import DockerRuntime
    from kubelet.docker.client import DockerClient
    from kubelet.docker.images import Images

    if not os.path.exists(docker_host().removeprefix("unix://")):  # noqa: ASYNC240
        pytest.skip(f"no Docker Engine at {docker_host()}")
    name = uuid4().hex[:8]
    client = DockerClient(docker_host())
    await Images(client).load_root_filesystem(BUSYBOX_IMAGE, busybox_tar(), ['CMD ["sh"]'])
    await client.close()
    network = PodNetwork(
        configuration_directory=str(tmp_path / "net.d"), state_directory=str(tmp_path / "cni"), bridge=f"t-{name}"
    )
    runtime = DockerRuntime(network, owner=f"test-{name}", docker_host=docker_host())
    await runtime.update_pod_cidr("10.199.7.0/24")
    try:
        yield runtime
    finally:
        for pod in await runtime.list_pods():
            for container in pod.containers:
                await runtime.remove_container(container.id)
            for sandbox in pod.sandboxes:
                await runtime.remove_sandbox(sandbox.id)
        await runtime.close()
        removing = await asyncio.create_subprocess_exec("ip", "link", "delete", f"t-{name}", stderr=subprocess.DEVNULL)
        await removing.wait()
