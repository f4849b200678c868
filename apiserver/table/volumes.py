"""The printers of PersistentVolume and PersistentVolumeClaim."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, Column, Printer, age, documented
from minikube_py.api.meta import Object, annotations_of, is_deleting, name_of

UNSET = "<unset>"
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}

VOLUME_COLUMNS = (
    NAME,
    Column("Capacity", documented("core.v1.PersistentVolumeSpec", "capacity")),
    Column("Access Modes", documented("core.v1.PersistentVolumeSpec", "accessModes")),
    Column("Reclaim Policy", documented("core.v1.PersistentVolumeSpec", "persistentVolumeReclaimPolicy")),
    Column("Status", documented("core.v1.PersistentVolumeStatus", "phase")),
    Column("Claim", documented("core.v1.PersistentVolumeSpec", "claimRef")),
    Column("StorageClass", "StorageClass of the pv"),
    Column("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
    Column("Reason", documented("core.v1.PersistentVolumeStatus", "reason")),
    AGE,
    Column("VolumeMode", documented("core.v1.PersistentVolumeSpec", "volumeMode"), priority=1),
)

CLAIM_COLUMNS = (
    NAME,
    Column("Status", documented("core.v1.PersistentVolumeClaimStatus", "phase")),
    Column("Volume", documented("core.v1.PersistentVolumeClaimSpec", "volumeName")),
    Column("Capacity", documented("core.v1.PersistentVolumeClaimStatus", "capacity")),
    Column("Access Modes", documented("core.v1.PersistentVolumeClaimStatus", "accessModes")),
    Column("StorageClass", "StorageClass of the pvc"),
    Column("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
    AGE,
    Column("VolumeMode", documented("core.v1.PersistentVolumeClaimSpec", "volumeMode"), priority=1),
)


def volume_cells(volume: Object, now: datetime) -> list[Any]:
    """Name, capacity, access modes, reclaim policy, status, claim, classes, reason, age, volume mode."""
    spec, status = volume.get("spec") or {}, volume.get("status") or {}
    claim = spec.get("claimRef")
    return [
        name_of(volume),
        (spec.get("capacity") or {}).get("storage") or "0",
        access_modes(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""),
        "Terminating" if is_deleting(volume) else status.get("phase", ""),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_of(volume),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age(volume, now),
        spec.get("volumeMode") or UNSET,
    ]


def claim_cells(claim: Object, now: datetime) -> list[Any]:
    """Name, status, volume, capacity, access modes, classes, age, volume mode."""
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    bound = bool(spec.get("volumeName"))
    return [
        name_of(claim),
        "Terminating" if is_deleting(claim) else status.get("phase", ""),
        spec.get("volumeName", ""),
        ((status.get("capacity") or {}).get("storage") or "0") if bound else "",
        access_modes(status.get("accessModes") or ()) if bound else "",
        _class_of(claim),
        spec.get("volumeAttributesClassName") or UNSET,
        age(claim, now),
        spec.get("volumeMode") or UNSET,
    ]


def access_modes(modes: Iterable[str]) -> str:
    """``RWO,ROX,RWX,RWOP``: those given, each once, in that order."""
    given = set(modes)
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in given)


def _class_of(obj: Object) -> str:
    beta = annotations_of(obj).get(_BETA_CLASS)
    return beta if beta is not None else (obj.get("spec") or {}).get("storageClassName") or ""


PRINTERS = {
    ("", "PersistentVolume"): Printer(VOLUME_COLUMNS, volume_cells),
    ("", "PersistentVolumeClaim"): Printer(CLAIM_COLUMNS, claim_cells),
}
