"""What a cluster has made on this host outside its own processes, and taking it away again.

Everything is recognised by a name or label that carries this cluster's identity, so that a second cluster, and
whatever else uses Docker and nftables on the host, is left alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kubelet.docker import labels
from minikube_py.cluster.failures import DockerUnreachable
from minikube_py.cluster.preflight import PLUGIN_DIRECTORIES
from minikube_py.cluster.settings import ClusterSettings

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


COMMAND_TIMEOUT_SECONDS = 30
STOP_GRACE_SECONDS = 5
PARALLEL_STOPS = 16


def connect_docker(settings: ClusterSettings) -> DockerClient:
    """A client of the cluster's Docker. Raises DockerUnreachable."""
    import docker
    from docker.errors import DockerException

    try:
        return docker.DockerClient(base_url=settings.docker_host, timeout=COMMAND_TIMEOUT_SECONDS)
    except DockerException as error:
        raise DockerUnreachable(
            f"Docker at {settings.docker_host} does not answer: start it, then run this again ({error})"
        ) from error


class Host:
    """One cluster's traces on this host. Every method may be repeated and finds nothing the second time."""

    def __init__(self, settings: ClusterSettings) -> None:
        """Raises DockerUnreachable."""
        self._settings = settings
        self._docker = connect_docker(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._docker.close()

    def _containers(self, *, everything: bool) -> list[Container]:
        """The cluster's containers, those of applications before the pause containers that hold their network."""
        label = f"{labels.OWNER}={self._settings.data_dir / 'kubelet'}"
        found = self._docker.containers.list(all=everything, filters={"label": label}, ignore_removed=True)
        return sorted(found, key=lambda c: c.labels.get(labels.KIND) == labels.SANDBOX)

    def stop_containers(self) -> None:
        """Stops every container of the cluster, with five seconds of grace."""
        from concurrent.futures import ThreadPoolExecutor

        from docker.errors import NotFound

        def stop(container: Container) -> None:
            with contextlib.suppress(NotFound):
                container.stop(timeout=STOP_GRACE_SECONDS)

        with ThreadPoolExecutor(PARALLEL_STOPS) as pool:
            list(pool.map(stop, self._containers(everything=False)))

    def remove_containers(self) -> None:
        """Kills and removes every container of the cluster."""
        from docker.errors import NotFound

        for container in self._containers(everything=True):
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)

    def remove_rules(self) -> None:
        """Removes the proxy's table, routes and FORWARD rules."""
        import asyncio

        from proxy.cleanup import cleanup

        settings = self._settings
        asyncio.run(
            cleanup(table_name=settings.nft_table, cluster_cidr=settings.pod_cidr, service_cidr=settings.service_cidr)
        )

    def remove_pod_networks(self) -> None:
        """Has the CNI plugins take back what they gave the pods, which must not run any more."""
        import asyncio

        from kubelet.cni.cleanup import cleanup

        directory = self._settings.data_dir / "cni"
        if directory.exists():
            asyncio.run(
                cleanup(
                    configuration_directory=str(directory / "net.d"),
                    state_directory=str(directory),
                    plugin_directories=[str(plugins) for plugins in PLUGIN_DIRECTORIES],
                )
            )

    def remove_devices(self) -> None:
        """Removes the pod bridge; the ends of pods' links go with their containers."""
        _run("ip", "link", "delete", self._settings.bridge)

    def unmount_volumes(self) -> None:
        """Unmounts what the kubelet mounted below the data directory, innermost first."""
        below = f"{self._settings.data_dir}/"
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for mount in sorted((m.encode().decode("unicode_escape") for m in mounts), key=len, reverse=True):
            if mount.startswith(below):
                _run("umount", "--lazy", mount)

    def remove_data(self) -> None:
        """Removes the data directory, or only what is in it where the directory itself is a mount point."""
        data_dir = self._settings.data_dir
        if os.path.ismount(data_dir):
            for entry in data_dir.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        else:
            shutil.rmtree(data_dir)


def _run(*command: str) -> None:
    """Runs a command whose failure means that there was nothing to remove."""
    subprocess.run(command, capture_output=True, timeout=COMMAND_TIMEOUT_SECONDS, check=False)
