"""VolumeBinding: what a pod asks of storage and devices that this cluster does not have.

PersistentVolumeClaims and ResourceClaims are not served yet, so none that a pod names can exist; the pod waits with
the message that upstream gives for a claim that is missing.
"""

from __future__ import annotations

from minikube_py.api.meta import name_of
from scheduler.plugins.plugin import ClusterEvent, Plugin
from scheduler.pod_info import PodInfo
from scheduler.snapshot import Snapshot


class VolumeBinding(Plugin):
    """Rejects pods whose claims can't be found."""

    name = "VolumeBinding"

    def reject(self, pod: PodInfo, snapshot: Snapshot) -> str | None:
        """Names the first claim that is missing."""
        for volume in pod.spec.get("volumes") or ():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim:
                return f'persistentvolumeclaim "{claim}" not found'
            if volume.get("ephemeral"):
                claim = f"{name_of(pod.pod)}-{volume.get('name', '')}"
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{claim}"'
        for claim in pod.spec.get("resourceClaims") or ():
            return f'resourceclaim "{claim.get("resourceClaimName") or claim.get("name", "")}" not found'
        return None

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """Nothing that happens to nodes and pods brings a claim."""
        return False
