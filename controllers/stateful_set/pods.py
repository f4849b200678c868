"""The pods of a StatefulSet: their identity, and how they stand; pure."""

from __future__ import annotations

from datetime import datetime

from controllers.pod_availability import is_available
from controllers.replica_set.sync import pod_from_template
from controllers.revisions import REVISION_LABEL, template_of
from controllers.stateful_set import spec
from controllers.stateful_set.volume_claims import claim_name
from minikube_py.api.meta import Object, is_deleting, labels_of, metadata, name_of
from minikube_py.api.pods import is_ready, phase

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"


def new_pod(stateful_set: Object, revision: Object, ordinal: int) -> Object:
    """The pod of that ordinal, to be created from the revision's template."""
    pod = pod_from_template(template_of(revision), stateful_set)
    name = f"{name_of(stateful_set)}-{ordinal}"
    meta = pod["metadata"]
    del meta["generateName"]
    meta["name"] = name
    meta["labels"] = {**(meta.get("labels") or {}), **_identity(name, ordinal), REVISION_LABEL: name_of(revision)}
    pod["spec"]["hostname"] = name
    if stateful_set["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = stateful_set["spec"]["serviceName"]
    volumes = _volumes(stateful_set, pod, ordinal)
    if volumes:
        pod["spec"]["volumes"] = volumes
    return pod


def conforming(stateful_set: Object, pod: Object, ordinal: int) -> Object | None:
    """The pod with the labels and volumes of its ordinal, or None where it has them."""
    labels = {**labels_of(pod), **_identity(name_of(pod), ordinal)}
    missing = _own_volumes(stateful_set, ordinal)
    present = (pod.get("spec") or {}).get("volumes") or []
    has_volumes = all(_has_claim(present, volume) for volume in missing)
    if labels == labels_of(pod) and has_volumes:
        return None
    changed = {**pod, "metadata": {**metadata(pod), "labels": labels}}
    if not has_volumes:
        changed["spec"] = {**pod["spec"], "volumes": _volumes(stateful_set, pod, ordinal)}
    return changed


def revision_of(pod: Object) -> str:
    """The name of the revision that the pod was made from."""
    return labels_of(pod).get(REVISION_LABEL, "")


def is_running_and_ready(pod: Object) -> bool:
    """Whether the pod runs and its ``Ready`` condition is true, being deleted or not."""
    return phase(pod) == "Running" and is_ready(pod)


def is_healthy(stateful_set: Object, pod: Object | None, now: datetime) -> bool:
    """Whether there is a pod, that runs, has been ready for long enough, and is not being deleted."""
    return (
        pod is not None
        and not is_deleting(pod)
        and is_running_and_ready(pod)
        and is_available(pod, spec.min_ready_seconds(stateful_set), now)
    )


def _identity(name: str, ordinal: int) -> dict[str, str]:
    return {POD_NAME_LABEL: name, POD_INDEX_LABEL: str(ordinal)}


def _own_volumes(stateful_set: Object, ordinal: int) -> list[Object]:
    return [
        {
            "name": name_of(template),
            "persistentVolumeClaim": {"claimName": claim_name(stateful_set, template, ordinal)},
        }
        for template in spec.claim_templates(stateful_set)
    ]


def _volumes(stateful_set: Object, pod: Object, ordinal: int) -> list[Object]:
    """The volumes of the claims, before those of the template that have other names."""
    own = _own_volumes(stateful_set, ordinal)
    names = {volume["name"] for volume in own}
    return own + [volume for volume in pod["spec"].get("volumes") or [] if volume["name"] not in names]


def _has_claim(volumes: list[Object], wanted: Object) -> bool:
    claimed = wanted["persistentVolumeClaim"]["claimName"]
    return any(
        volume["name"] == wanted["name"] and (volume.get("persistentVolumeClaim") or {}).get("claimName") == claimed
        for volume in volumes
    )
