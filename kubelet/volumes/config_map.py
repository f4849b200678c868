"""``configMap`` volumes. Pure."""

from __future__ import annotations

import base64

from kubelet.volumes.plugin import File, Materials, VolumeError, VolumeReferences, default_mode
from minikube_py.api.meta import Object


class ConfigMapVolume:
    """The keys of a ConfigMap as files."""

    directory = "kubernetes.io~configmap"
    in_memory = False

    def references(self, source: Object) -> VolumeReferences:
        """The one ConfigMap."""
        return VolumeReferences(config_maps=frozenset({source.get("name", "")}))

    def payload(self, pod: Object, source: Object, materials: Materials) -> dict[str, File]:
        """Every key, or those that ``items`` choose. Raises VolumeError where something not optional is missing."""
        return config_map_files(source, materials, default_mode(source))


def config_map_files(source: Object, materials: Materials, mode: int) -> dict[str, File]:
    """The files of a configMap volume or projection. Raises VolumeError."""
    name = source.get("name", "")
    optional = bool(source.get("optional"))
    found = materials.config_maps.get(name)
    if found is None:
        if optional:
            return {}
        raise VolumeError(f'configmap "{name}" not found')
    data = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    data.update({key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()})
    return chosen_files(
        data, source.get("items"), mode, optional, missing="configmap references non-existent config key: {}"
    )


def chosen_files(
    data: dict[str, bytes], items: list[Object] | None, mode: int, optional: bool, *, missing: str
) -> dict[str, File]:
    """All of ``data``, or the keys that ``items`` map to paths. Raises VolumeError with ``missing`` for a lost key."""
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    files: dict[str, File] = {}
    for item in items:
        key = item["key"]
        if key not in data:
            if optional:
                continue
            raise VolumeError(missing.format(key))
        files[item["path"]] = File(data[key], mode if item.get("mode") is None else int(item["mode"]))
    return files
