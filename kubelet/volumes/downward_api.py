"""``downwardAPI`` volumes. Pure."""

from __future__ import annotations

from kubelet.field_path import UnsupportedField, pod_field, resource_field
from kubelet.pod import container_named
from kubelet.volumes.plugin import File, Materials, VolumeError, VolumeReferences, default_mode
from minikube_py.api.meta import Object


class DownwardApiVolume:
    """Fields of the pod as files."""

    directory = "kubernetes.io~downward-api"
    in_memory = True

    def references(self, source: Object) -> VolumeReferences:
        """Nothing but the pod."""
        return VolumeReferences()

    def payload(self, pod: Object, source: Object, materials: Materials) -> dict[str, File]:
        """One file for each item. Raises VolumeError for a field that is not offered."""
        return downward_api_files(pod, source.get("items") or [], materials, default_mode(source))


def downward_api_files(pod: Object, items: list[Object], materials: Materials, mode: int) -> dict[str, File]:
    """The files of a downwardAPI volume or projection. Raises VolumeError."""
    files: dict[str, File] = {}
    for item in items:
        try:
            text = _text(pod, item, materials)
        except UnsupportedField as error:
            raise VolumeError(str(error)) from error
        files[item["path"]] = File(text.encode(), mode if item.get("mode") is None else int(item["mode"]))
    return files


def _text(pod: Object, item: Object, materials: Materials) -> str:
    if item.get("fieldRef"):
        return pod_field(pod, item["fieldRef"]["fieldPath"], materials.addresses)
    reference = item["resourceFieldRef"]
    container = container_named(pod, reference.get("containerName", ""))
    if container is None:
        raise VolumeError(f"container {reference.get('containerName', '')} not found")
    return resource_field(container, reference["resource"], str(reference.get("divisor", "")), materials.allocatable)
