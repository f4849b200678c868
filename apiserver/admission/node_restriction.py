"""NodeRestriction: a kubelet writes its own node and the pods bound to it, and cannot raise itself.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/noderestriction``; the messages are its.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.mountable_secrets import refers_to_secrets
from apiserver.admission.plugin import Action, Attributes, Plugin
from apiserver.authz.node import references
from minikube_py.api.errors import ApiError, forbidden, not_found
from minikube_py.api.meta import (
    Object,
    annotations_of,
    join_key,
    labels_of,
    metadata,
    name_of,
    owner_references,
    uid_of,
)
from minikube_py.api.resources import NODES, PODS

_USER_PREFIX = "system:node:"
_GROUP = "system:nodes"
_MIRROR = "kubernetes.io/config.mirror"
_LEASE_NAMESPACE = "kube-node-lease"
_PROTECTED_LABEL_DOMAIN = "node-restriction.kubernetes.io"
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
_OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.kubernetes.io/region",
        "failure-domain.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    }
)
_OWN_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_CLAIM_STATUS = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")
"""What of a claim's status a kubelet reports."""


class NodeRestriction(Plugin):
    """Looks at writes of kubelets only."""

    name = "NodeRestriction"
    validates = True
    kinds = frozenset(
        {
            ("", "nodes"),
            ("", "pods"),
            ("", "persistentvolumeclaims"),
            ("", "serviceaccounts"),
            ("coordination.k8s.io", "leases"),
            ("storage.k8s.io", "csinodes"),
        }
    )
    actions: ClassVar[frozenset[Action]] = frozenset({"CREATE", "UPDATE", "DELETE"})

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for what a kubelet may not write."""
        operation = attributes.operation
        if _GROUP not in operation.user.groups or not operation.user.name.startswith(_USER_PREFIX):
            return
        node = operation.user.name.removeprefix(_USER_PREFIX)
        if not node:
            raise _refused(attributes, f'could not determine node from user "{operation.user.name}"')
        match operation.resource.plural:
            case "nodes":
                _check_node(attributes, node)
            case "pods":
                _check_pods(attributes, node)
            case "persistentvolumeclaims":
                _check_claim(attributes, node)
            case "serviceaccounts":
                if operation.subresource == "token" and attributes.action == "CREATE":
                    _check_token(attributes, node)
            case "leases":
                if operation.namespace != _LEASE_NAMESPACE:
                    raise _refused(attributes, f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace')
                _check_own_name(attributes, node, "can only access node lease")
            case "csinodes":
                _check_own_name(attributes, node, "can only access CSINode")


def _refused(attributes: Attributes, cause: str) -> ApiError:
    operation = attributes.operation
    return forbidden(operation.resource.group, operation.resource.plural, operation.name, cause)


def _check_own_name(attributes: Attributes, node: str, told: str) -> None:
    name = attributes.operation.name or name_of(attributes.obj or {})
    if name != node:
        raise _refused(attributes, f"{told} with the same name as the requesting node")


def _check_node(attributes: Attributes, node: str) -> None:
    name = attributes.operation.name or name_of(attributes.obj or {})
    if name != node:
        raise _refused(attributes, f'node "{node}" is not allowed to modify node "{name}"')
    new, old = attributes.obj or {}, attributes.old
    spec = new.get("spec") or {}
    if attributes.action == "CREATE":
        if spec.get("configSource") is not None:
            raise _refused(attributes, f'node "{node}" is not allowed to create pods with a non-nil configSource')
        wrong = sorted(protected_labels(labels_of(new), {}))
        if wrong:
            listed = ", ".join(wrong)
            raise _refused(attributes, f'node "{node}" is not allowed to set the following labels: {listed}')
    elif attributes.action == "UPDATE":
        before = (old or {}).get("spec") or {}
        source = spec.get("configSource")
        if source is not None and source != before.get("configSource"):
            cause = f'node "{node}" is not allowed to update configSource to a new non-nil configSource'
            raise _refused(attributes, cause)
        if (spec.get("taints") or []) != (before.get("taints") or []):
            raise _refused(attributes, f'node "{node}" is not allowed to modify taints')
        wrong = sorted(protected_labels(labels_of(new), labels_of(old or {})))
        if wrong:
            raise _refused(attributes, f"is not allowed to modify labels: {', '.join(wrong)}")


def protected_labels(new: dict[str, str], old: dict[str, str]) -> set[str]:
    """The labels that changed and that a kubelet may not set on itself."""
    changed = {key for key in {*new, *old} if new.get(key) != old.get(key)}
    return {key for key in changed if not _may_set(key)}


def _may_set(label: str) -> bool:
    domain, slash, _ = label.partition("/")
    if not slash or label in _OWN_LABELS:
        return True
    if _within(domain, _PROTECTED_LABEL_DOMAIN):
        return False
    if any(_within(domain, own) for own in _OWN_LABEL_DOMAINS):
        return True
    return not any(_within(domain, reserved) for reserved in _KUBERNETES_DOMAINS)


def _within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")


def _check_pods(attributes: Attributes, node: str) -> None:
    match attributes.operation.subresource, attributes.action:
        case "", "CREATE":
            _check_mirror_pod(attributes, attributes.obj or {}, node)
        case "", "DELETE":
            _check_bound(attributes, attributes.old or {}, f'node "{node}" can only delete pods', node)
        case "", action:
            cause = f'unexpected operation "{action}", node "{node}" can only create and delete mirror pods'
            raise _refused(attributes, cause)
        case "status", "UPDATE":
            _check_pod_status(attributes, node)
        case "eviction", "CREATE":
            operation = attributes.operation
            name = operation.name or name_of(attributes.obj or {})
            _check_bound(attributes, _pod(attributes, name), f"node {node} can only evict pods", node)
        case "status" | "eviction", action:
            raise _refused(attributes, f'unexpected operation "{action}"')
        case subresource, _:
            cause = f"unexpected pod subresource \"{subresource}\", only 'status' and 'eviction' are allowed"
            raise _refused(attributes, cause)


def _pod(attributes: Attributes, name: str) -> Object:
    operation = attributes.operation
    cached = operation.core.caches[PODS].get(join_key(operation.namespace, name))
    if cached is None:
        raise not_found("", "pods", name)
    return cached.object


def _check_bound(attributes: Attributes, pod: Object, told: str, node: str) -> None:
    if (pod.get("spec") or {}).get("nodeName") != node:
        raise _refused(attributes, f"{told} with spec.nodeName set to itself")


def _check_pod_status(attributes: Attributes, node: str) -> None:
    new, old = attributes.obj or {}, attributes.old or {}
    _check_bound(attributes, old, f'node "{node}" can only update pod status for pods', node)
    if labels_of(new) != labels_of(old):
        raise _refused(attributes, f'node "{node}" cannot update labels through pod status')
    claims, before = ((pod.get("status") or {}).get("resourceClaimStatuses") or [] for pod in (new, old))
    if claims != before:
        raise _refused(attributes, f'node "{node}" cannot update resource claim statues')


def _check_mirror_pod(attributes: Attributes, pod: Object, node: str) -> None:
    spec = pod.get("spec") or {}
    if _MIRROR not in annotations_of(pod):
        raise _refused(
            attributes, f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods'
        )
    _check_bound(attributes, pod, f'node "{node}" can only create pods', node)
    _check_owner(attributes, pod, node)
    refers = f'node "{node}" can not create pods that reference'
    if spec.get("serviceAccountName"):
        raise _refused(attributes, f"{refers} a service account")
    if refers_to_secrets(pod):
        raise _refused(attributes, f"{refers} secrets")
    kinds = {kind for kind, name in references(pod) if name}
    if "configmaps" in kinds:
        raise _refused(attributes, f"{refers} configmaps")
    volumes = spec.get("volumes") or ()
    for volume in volumes:
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("clusterTrustBundle") is not None:
                raise _refused(attributes, f"{refers} clustertrustbundles")
    if any(volume.get("persistentVolumeClaim") is not None for volume in volumes):
        raise _refused(attributes, f"{refers} persistentvolumeclaims")


def _check_owner(attributes: Attributes, pod: Object, node: str) -> None:
    """A mirror pod is owned by the node, so that it goes when the node goes."""
    owners, told = owner_references(pod), f'node "{node}" can only create pods with'
    if len(owners) > 1:
        raise _refused(attributes, f"{told} a single owner reference set to itself")
    owner = owners[0] if owners else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        raise _refused(attributes, f"{told} an owner reference set to itself")
    if not owner.get("controller"):
        raise _refused(attributes, f"{told} a controller owner reference set to itself")
    if owner.get("blockOwnerDeletion"):
        raise _refused(attributes, f'node "{node}" must not set blockOwnerDeletion on an owner reference')
    cached = attributes.operation.core.caches[NODES].get(node)
    if cached is None:
        raise not_found("", "nodes", node)
    uid = uid_of(cached.object)
    if owner.get("uid") != uid:
        raise _refused(attributes, f"node {node} UID mismatch: expected {owner.get('uid', '')} got {uid}")


def _check_claim(attributes: Attributes, node: str) -> None:
    if attributes.operation.subresource != "status":
        raise _refused(attributes, "may only update PVC status")
    new, old = (_without_report(claim) for claim in (attributes.obj or {}, attributes.old or {}))
    if new != old:
        cause = f'node "{node}" is not allowed to update fields other than status.capacity and status.conditions'
        raise _refused(attributes, cause)


def _without_report(claim: Object) -> Object:
    meta = {key: value for key, value in metadata(claim).items() if key not in ("resourceVersion", "managedFields")}
    status = {key: value for key, value in (claim.get("status") or {}).items() if key not in _CLAIM_STATUS}
    return {**claim, "metadata": meta, "status": status}


def _check_token(attributes: Attributes, node: str) -> None:
    """A kubelet asks for tokens only of accounts of pods that run on it, and bound to them."""
    reference = ((attributes.obj or {}).get("spec") or {}).get("boundObjectRef") or {}
    is_pod = (reference.get("apiVersion"), reference.get("kind")) == ("v1", "Pod")
    if not is_pod or not reference.get("name"):
        raise _refused(attributes, "node requested token not bound to a pod")
    if not reference.get("uid"):
        raise _refused(attributes, "node requested token with a pod binding without a uid")
    pod = _pod(attributes, reference["name"])
    if uid_of(pod) != reference["uid"]:
        raise _refused(
            attributes,
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    if (pod.get("spec") or {}).get("nodeName") != node:
        raise _refused(attributes, "node requested token bound to a pod scheduled on a different node")
