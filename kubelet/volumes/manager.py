"""Sets volumes up, keeps those made from API objects fresh, and takes them down."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from kubelet.field_path import PodAddresses
from kubelet.objects import NotYetRead, Reference, ReferencedObjects
from kubelet.tokens import TokenManager
from kubelet.volumes import atomic_writer, mount
from kubelet.volumes.config_map import ConfigMapVolume
from kubelet.volumes.downward_api import DownwardApiVolume
from kubelet.volumes.empty_dir import DIRECTORY as EMPTY_DIR_DIRECTORY
from kubelet.volumes.empty_dir import EmptyDirVolume
from kubelet.volumes.host_path import HostPathVolume
from kubelet.volumes.ownership import set_group
from kubelet.volumes.plugin import Materials, PayloadPlugin, TokenReference, VolumeError
from kubelet.volumes.projected import ProjectedVolume
from kubelet.volumes.secret import SecretVolume
from minikube_py.api.meta import Object, namespace_of, uid_of
from minikube_py.api.resources import CONFIG_MAPS, SECRETS
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("kubelet")

PAYLOAD_PLUGINS: dict[str, PayloadPlugin] = {
    "configMap": ConfigMapVolume(),
    "secret": SecretVolume(),
    "downwardAPI": DownwardApiVolume(),
    "projected": ProjectedVolume(),
}


@dataclass(frozen=True, slots=True)
class VolumeFailure:
    """A volume that could not be set up."""

    volume: str
    message: str


@dataclass(frozen=True, slots=True)
class PodVolumes:
    """A pod's volumes on this host: name → path, what failed, and when a token wants to be renewed."""

    paths: dict[str, Path]
    failures: tuple[VolumeFailure, ...] = ()
    renew_at: datetime | None = None


def volume_references(pod: Object) -> tuple[frozenset[str], frozenset[str]]:
    """The ConfigMaps and Secrets that the pod's volumes read. Pure."""
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for volume in pod["spec"].get("volumes") or []:
        for kind, plugin in PAYLOAD_PLUGINS.items():
            if kind in volume:
                needed = plugin.references(volume[kind])
                config_maps |= needed.config_maps
                secrets |= needed.secrets
    return frozenset(config_maps), frozenset(secrets)


class VolumeManager:
    """Owns ``<root>/pods/<uid>/volumes``."""

    def __init__(
        self,
        root: Path,
        objects: ReferencedObjects,
        tokens: TokenManager,
        clock: Clock,
        allocatable: Callable[[], dict[str, str]],
    ) -> None:
        self._root = root
        self._objects = objects
        self._tokens = tokens
        self._clock = clock
        self._allocatable = allocatable

    def pod_directory(self, pod_uid: str) -> Path:
        """Where everything of a pod lives on this host."""
        return self._root / "pods" / pod_uid

    async def set_up(self, pod: Object, addresses: PodAddresses) -> PodVolumes:
        """Makes or freshens every volume side by side; failures are in the answer, each for itself."""
        volumes = pod["spec"].get("volumes") or []
        renewals: list[datetime] = []
        results = await asyncio.gather(*(self._set_up(pod, v, addresses, renewals) for v in volumes))
        paths: dict[str, Path] = {}
        failures: list[VolumeFailure] = []
        for volume, result in zip(volumes, results, strict=True):
            if isinstance(result, VolumeFailure):
                failures.append(result)
            else:
                paths[volume["name"]] = result
        return PodVolumes(paths, tuple(failures), min(renewals) if renewals else None)

    async def tear_down(self, pod_uid: str) -> None:
        """Unmounts and deletes everything of a pod. Idempotent. Raises VolumeError."""
        directory = self.pod_directory(pod_uid)
        if directory.exists():
            await asyncio.to_thread(_remove, directory)

    async def unmount(self, pod_uid: str) -> None:
        """Takes the volumes of a pod that is over; what its dead containers' status needs stays. Raises VolumeError."""
        directory = self.pod_directory(pod_uid) / "volumes"
        if directory.exists():
            await asyncio.to_thread(_remove, directory)

    async def _set_up(
        self, pod: Object, volume: Object, addresses: PodAddresses, renewals: list[datetime]
    ) -> Path | VolumeFailure:
        name: str = volume["name"]
        fs_group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
        volumes = self.pod_directory(uid_of(pod)) / "volumes"
        try:
            if "hostPath" in volume:
                return await asyncio.to_thread(HostPathVolume().set_up, pod, dict(volume["hostPath"]), volumes)
            if "emptyDir" in volume:
                directory = volumes / EMPTY_DIR_DIRECTORY / name
                return await asyncio.to_thread(_empty_dir, pod, dict(volume["emptyDir"] or {}), directory, fs_group)
            for kind, plugin in PAYLOAD_PLUGINS.items():
                if kind in volume:
                    source = volume[kind] or {}
                    materials = await self._materials(pod, plugin, source, addresses, renewals)
                    directory = volumes / plugin.directory / name
                    await asyncio.to_thread(self._write, pod, plugin, source, materials, directory, fs_group)
                    return directory
        except (VolumeError, NotYetRead) as error:
            return VolumeFailure(name, str(error))
        except OSError as error:
            return VolumeFailure(name, str(error))
        kinds = ", ".join(sorted(key for key in volume if key != "name"))
        return VolumeFailure(name, f"volume kind {kinds} is not supported by this kubelet")

    async def _materials(
        self, pod: Object, plugin: PayloadPlugin, source: Object, addresses: PodAddresses, renewals: list[datetime]
    ) -> Materials:
        needed = plugin.references(source)
        namespace = namespace_of(pod)

        async def read(resource_names: Sequence[Reference]) -> dict[str, Object]:
            found = {reference.name: await self._objects.get(reference) for reference in resource_names}
            return {name: obj for name, obj in found.items() if obj is not None}

        async def tokens() -> dict[TokenReference, str]:
            held = {reference: await self._tokens.token(pod, reference) for reference in needed.tokens}
            renewals.extend(token.renew_at for token in held.values())
            return {reference: token.text for reference, token in held.items()}

        config_maps, secrets, token_texts = await asyncio.gather(
            read([Reference(CONFIG_MAPS, namespace, name) for name in needed.config_maps]),
            read([Reference(SECRETS, namespace, name) for name in needed.secrets]),
            tokens(),
        )
        return Materials(
            config_maps=config_maps,
            secrets=secrets,
            tokens=token_texts,
            addresses=addresses,
            allocatable=self._allocatable(),
        )

    def _write(
        self,
        pod: Object,
        plugin: PayloadPlugin,
        source: Object,
        materials: Materials,
        directory: Path,
        fs_group: int | None,
    ) -> None:
        payload = plugin.payload(pod, source, materials)
        directory.mkdir(parents=True, exist_ok=True)
        if plugin.in_memory and not directory.is_mount():
            mount.tmpfs(directory, None)
        directory.chmod(0o777)
        atomic_writer.write(directory, payload, self._clock.now(), fs_group)


def _empty_dir(pod: Object, source: Object, directory: Path, fs_group: int | None) -> Path:
    is_new = not (directory.is_mount() if source.get("medium") else directory.exists())
    path = EmptyDirVolume().set_up(pod, source, directory)
    if is_new and fs_group is not None:
        set_group(path, int(fs_group), read_only=False)
    return path


def _remove(directory: Path) -> None:
    volumes = directory if directory.name == "volumes" else directory / "volumes"
    for path in volumes.glob("*/*"):
        if path.is_mount():
            mount.unmount(path)
    shutil.rmtree(directory, ignore_errors=False, onerror=_ignore_missing)


def _ignore_missing(function: Callable[..., object], path: str, info: tuple[type, BaseException, object]) -> None:
    if not issubclass(info[0], FileNotFoundError):
        raise VolumeError(f"failed to remove {path}: {info[1]}")
