"""``secret`` volumes. Pure."""

from __future__ import annotations

import base64

from kubelet.volumes.config_map import chosen_files
from kubelet.volumes.plugin import File, Materials, VolumeError, VolumeReferences, default_mode
from minikube_py.api.meta import Object


class SecretVolume:
    """The keys of a Secret as files that are only in memory."""

    directory = "kubernetes.io~secret"
    in_memory = True

    def references(self, source: Object) -> VolumeReferences:
        """The one Secret."""
        return VolumeReferences(secrets=frozenset({source.get("secretName", "")}))

    def payload(self, pod: Object, source: Object, materials: Materials) -> dict[str, File]:
        """Every key, or those that ``items`` choose. Raises VolumeError where something not optional is missing."""
        return secret_files({**source, "name": source.get("secretName", "")}, materials, default_mode(source))


def secret_files(source: Object, materials: Materials, mode: int) -> dict[str, File]:
    """The files of a secret volume or projection (whose ``name`` names the Secret). Raises VolumeError."""
    name = source.get("name", "")
    optional = bool(source.get("optional"))
    found = materials.secrets.get(name)
    if found is None:
        if optional:
            return {}
        raise VolumeError(f'secret "{name}" not found')
    data = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    return chosen_files(data, source.get("items"), mode, optional, missing="references non-existent secret key: {}")
