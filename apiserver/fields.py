"""The fields that a ``fieldSelector`` may name, per kind; pure.

Every kind can be selected by ``metadata.name`` and, in a namespace, ``metadata.namespace``; a kind named here by more.
Upstream's ``AddFieldLabelConversionFunc`` and ``ToSelectableFields``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource


@dataclass(frozen=True, slots=True)
class Selectable:
    """The fields of a kind beyond its metadata.

    ``values`` gives all of them of a stored object, empty where unset. ``labels`` are the names that a selector may
    use instead of one of them: of an older version, or of another presentation of the kind.
    """

    values: Callable[[Object], Mapping[str, str]]
    labels: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Fields that only ``labels`` lead to."""

    def path(self, label: str) -> str | None:
        """The field that a label in a selector stands for, or None where there is none."""
        if label in self.labels:
            return self.labels[label]
        return label if label in self.values({}) and label not in self.hidden else None


def _spec(obj: Object) -> Object:
    return obj.get("spec") or {}


def _status(obj: Object) -> Object:
    return obj.get("status") or {}


def _pod(pod: Object) -> Mapping[str, str]:
    spec, status = _spec(pod), _status(pod)
    return {
        "spec.nodeName": spec.get("nodeName") or "",
        "spec.restartPolicy": spec.get("restartPolicy") or "",
        "spec.schedulerName": spec.get("schedulerName") or "",
        "spec.serviceAccountName": spec.get("serviceAccountName") or "",
        "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
        "status.phase": status.get("phase") or "",
        "status.podIP": status.get("podIP") or "",
        "status.podIPs": ",".join(item.get("ip", "") for item in status.get("podIPs") or ()),
        "status.nominatedNodeName": status.get("nominatedNodeName") or "",
    }


def _node(node: Object) -> Mapping[str, str]:
    return {"spec.unschedulable": "true" if _spec(node).get("unschedulable") else "false"}


def _namespace(namespace: Object) -> Mapping[str, str]:
    return {"status.phase": _status(namespace).get("phase") or ""}


def _secret(secret: Object) -> Mapping[str, str]:
    return {"type": secret.get("type") or ""}


def _service(service: Object) -> Mapping[str, str]:
    spec = _spec(service)
    return {"spec.clusterIP": spec.get("clusterIP") or "", "spec.type": spec.get("type") or ""}


def _replicas(obj: Object) -> Mapping[str, str]:
    return {"status.replicas": str(_status(obj).get("replicas") or 0)}


def _job(job: Object) -> Mapping[str, str]:
    return {"status.successful": str(_status(job).get("succeeded") or 0)}


def _signer(obj: Object) -> Mapping[str, str]:
    return {"spec.signerName": _spec(obj).get("signerName") or ""}


def _pod_certificate_request(request: Object) -> Mapping[str, str]:
    spec = _spec(request)
    return {f"spec.{name}": spec.get(name) or "" for name in ("signerName", "podName", "nodeName")}


def _resource_slice(resource_slice: Object) -> Mapping[str, str]:
    spec = _spec(resource_slice)
    return {f"spec.{name}": spec.get(name) or "" for name in ("nodeName", "driver")}


_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _event(event: Object) -> Mapping[str, str]:
    involved, source = event.get("involvedObject") or {}, event.get("source") or {}
    return {f"involvedObject.{key}": involved.get(key) or "" for key in _INVOLVED} | {
        "reason": event.get("reason") or "",
        "reportingComponent": event.get("reportingComponent") or "",
        "source": source.get("component") or event.get("reportingComponent") or "",
        "type": event.get("type") or "",
    }


_NONE = Selectable(lambda _: {})
_EVENTS_V1 = Selectable(
    _event,
    labels={f"regarding.{key}": f"involvedObject.{key}" for key in _INVOLVED}
    | {"reportingController": "reportingComponent"},
    hidden=frozenset({*(f"involvedObject.{key}" for key in _INVOLVED), "reportingComponent", "source"}),
)
_SELECTABLE: dict[tuple[str, str], Selectable] = {
    ("v1", "Event"): Selectable(_event),
    ("v1", "Namespace"): Selectable(_namespace),
    ("v1", "Node"): Selectable(_node),
    ("v1", "Pod"): Selectable(_pod, labels={"spec.host": "spec.nodeName"}),
    ("v1", "ReplicationController"): Selectable(_replicas),
    ("v1", "Secret"): Selectable(_secret),
    ("v1", "Service"): Selectable(_service),
    ("apps/v1", "ReplicaSet"): Selectable(_replicas),
    ("batch/v1", "Job"): Selectable(_job),
    ("certificates.k8s.io/v1", "CertificateSigningRequest"): Selectable(_signer),
    ("certificates.k8s.io/v1", "ClusterTrustBundle"): Selectable(_signer),
    ("certificates.k8s.io/v1", "PodCertificateRequest"): Selectable(_pod_certificate_request),
    ("events.k8s.io/v1", "Event"): _EVENTS_V1,
    ("resource.k8s.io/v1", "ResourceSlice"): Selectable(_resource_slice),
}


def selectable(resource: Resource) -> Selectable:
    """The selectable fields of a kind, as that presentation of it names them."""
    return _SELECTABLE.get((resource.api_version, resource.kind), _NONE)


def unknown_label(resource: Resource, label: str) -> str:
    """What upstream says of a label that is none."""
    if (resource.api_version, resource.kind) in _SELECTABLE:
        return f"field label not supported: {label}"
    return f'"{label}" is not a known field selector: only "metadata.name", "metadata.namespace"'
