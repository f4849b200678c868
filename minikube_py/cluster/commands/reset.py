"""``minikube-py reset``: remove everything the cluster made on this host, and nothing else."""

from __future__ import annotations

from pathlib import Path

from minikube_py.cluster.commands.down import stop_supervisor
from minikube_py.cluster.failures import SettingsError
from minikube_py.cluster.host import Host
from minikube_py.cluster.progress import Steps
from minikube_py.cluster.settings import stored_settings


def reset(data_dir: Path) -> None:
    """Stops and removes containers, rules, devices, mounts and at last the data directory; harmless to repeat.

    Raises SettingsError for a directory that holds something else than a cluster, and DockerUnreachable before
    anything is stopped.
    """
    settings = stored_settings(data_dir)
    if settings is None:
        if data_dir.exists() and any(data_dir.iterdir()):
            raise SettingsError(f"{data_dir} is not a cluster's directory (no cluster.yaml in it): nothing was removed")
        print(f"Nothing to remove: no cluster in {data_dir}.")
        return
    steps = Steps()
    with Host(settings) as host:
        with steps.step("Processes stopped"):
            stop_supervisor(data_dir)
        with steps.step("Containers removed"):
            host.remove_containers()
        with steps.step("Network rules and devices removed"):
            host.remove_pod_networks()
            host.remove_rules()
            host.remove_devices()
        with steps.step(f"{data_dir} removed"):
            host.unmount_volumes()
            host.remove_data()
