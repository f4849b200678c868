"""NodeRestriction: a kubelet writes its own node and the pods bound to it, and cannot raise itself.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/noderestriction``.
"""

from __future__ import annotations

from apiserver.admission.plugin import Attributes, Plugin
from apiserver.authz.node import node_name_of, references
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object, annotations_of, join_key, labels_of, name_of, uid_of
from minikube_py.api.resources import PODS

_MIRROR = "kubernetes.io/config.mirror"
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
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    }
)
_OWN_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")


class NodeRestriction(Plugin):
    """Looks at writes of kubelets only."""

    name = "NodeRestriction"
    validates = True

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for what a kubelet may not write."""
        node = node_name_of(attributes.operation.user)
        if not node:
            return
        if attributes.is_for("nodes") or attributes.is_for("nodes", subresource="status"):
            _check_node(attributes, node)
        elif attributes.is_for("pods"):
            _check_pod(attributes, node)
        elif attributes.is_for("pods", subresource="status"):
            _check_bound(attributes, node, "can only update pod status for pods with spec.nodeName set to itself")
        elif attributes.is_for("serviceaccounts", subresource="token"):
            _check_token(attributes, node)


def _refused(attributes: Attributes, cause: str) -> Forbidden:
    operation = attributes.operation
    return forbidden(operation.resource.group, operation.resource.plural, operation.name, cause)


def _check_node(attributes: Attributes, node: str) -> None:
    name = attributes.operation.name
    if name != node:
        raise _refused(attributes, f'node "{node}" is not allowed to modify node "{name}"')
    if attributes.obj is None:
        raise _refused(attributes, f'node "{node}" is not allowed to delete itself')
    new, old = attributes.obj, attributes.old
    if old is not None and (new.get("spec") or {}).get("taints") != (old.get("spec") or {}).get("taints"):
        raise _refused(attributes, f'node "{node}" is not allowed to modify taints')
    forbidden_labels = sorted(protected_labels(labels_of(new), labels_of(old) if old is not None else {}))
    if forbidden_labels:
        listed = ", ".join(forbidden_labels)
        raise _refused(attributes, f'node "{node}" is not allowed to modify labels: {listed}')


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


def _check_pod(attributes: Attributes, node: str) -> None:
    if attributes.action == "CREATE":
        _check_mirror_pod(attributes, attributes.obj or {}, node)
    elif attributes.action == "DELETE":
        _check_bound(attributes, node, "can only delete pods with spec.nodeName set to itself")
    else:
        raise _refused(attributes, f'node "{node}" can only update pod status')


def _check_mirror_pod(attributes: Attributes, pod: Object, node: str) -> None:
    spec = pod.get("spec") or {}
    if _MIRROR not in annotations_of(pod):
        raise _refused(
            attributes, f'pod does not have "{_MIRROR}" annotation, node "{node}" can only create mirror pods'
        )
    if spec.get("nodeName") != node:
        raise _refused(attributes, f'node "{node}" can only create pods with spec.nodeName set to itself')
    if any(reference for _, reference in references(pod)):
        raise _refused(attributes, f'node "{node}" can not create pods that reference secrets, configmaps or accounts')


def _check_bound(attributes: Attributes, node: str, cause: str) -> None:
    old = attributes.old or {}
    if (old.get("spec") or {}).get("nodeName") != node:
        raise _refused(attributes, f'node "{node}" {cause}')


def _check_token(attributes: Attributes, node: str) -> None:
    """A kubelet asks for tokens only of accounts, and bound to pods, that run on it."""
    operation = attributes.operation
    reference = ((attributes.obj or {}).get("spec") or {}).get("boundObjectRef") or {}
    if reference.get("kind") != "Pod" or not reference.get("uid"):
        raise _refused(attributes, f'node "{node}" requested token not bound to a pod with a uid')
    cached = operation.core.caches[PODS].get(join_key(operation.namespace, reference.get("name", "")))
    pod = cached.object if cached is not None else {}
    spec = pod.get("spec") or {}
    if uid_of(pod) != reference["uid"] or spec.get("nodeName") != node:
        raise _refused(attributes, f'node "{node}" requested token bound to a pod scheduled on a different node')
    if spec.get("serviceAccountName") != operation.name:
        raise _refused(attributes, f'node "{node}" requested token for another account than that of {name_of(pod)}')
