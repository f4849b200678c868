"""Defaults of PersistentVolume and PersistentVolumeClaim."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled, within
from minikube_py.api.meta import Object

_AZURE_DISK: Object = {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared"}
_SCALE_IO: Object = {"storageMode": "ThinProvisioned", "fsType": "xfs"}
_RBD: Object = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}


def default_persistent_volume(volume: Object) -> Object:
    """A volume that is kept when released, holds a file system, and names what its source leaves open."""
    return within(volume, "spec", _default_spec)


def default_persistent_volume_claim(claim: Object) -> Object:
    """A claim to a file system."""
    return within(claim, "spec", default_persistent_volume_claim_spec)


def default_persistent_volume_claim_spec(spec: Object) -> Object:
    """The spec of a claim, also of one in a template."""
    return filled(spec, {"volumeMode": "Filesystem"})


def default_inline_volume(attachment: Object) -> Object:
    """A VolumeAttachment whose inline volume, if any, has the defaults of a PersistentVolume."""

    def default_source(source: Object) -> Object:
        return within(source, "inlineVolumeSpec", _default_spec)

    return within(attachment, "spec", lambda spec: within(spec, "source", default_source))


def _default_spec(spec: Object) -> Object:
    spec = filled(spec, {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
    spec = within(spec, "hostPath", lambda source: source if source.get("type") is not None else {**source, "type": ""})
    spec = within(spec, "iscsi", lambda source: filled(source, {"iscsiInterface": "default"}))
    spec = within(spec, "rbd", lambda source: filled(source, _RBD))
    spec = within(spec, "azureDisk", _default_azure_disk)
    return within(spec, "scaleIO", lambda source: filled(source, _SCALE_IO))


def _default_azure_disk(source: Object) -> Object:
    return filled(source, {**_AZURE_DISK, "readOnly": False})
