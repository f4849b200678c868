"""What a kubelet may do: its own node and lease, the pods bound to it, and what those pods refer to.

Follows ``k8s.io/kubernetes/plugin/pkg/auth/authorizer/node``; relations are looked up in the pods' watch cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apiserver.authz.attributes import Attributes
from apiserver.authz.rbac import Rule
from apiserver.context import UserInfo
from apiserver.storage.cache import WatchCache
from minikube_py.api.meta import Object, join_key, name_of
from minikube_py.api.resources import PERSISTENT_VOLUMES, PODS, VOLUME_ATTACHMENTS, Resource

NODE_GROUP = "system:nodes"
NODE_USER_PREFIX = "system:node:"
_READ = ("get", "list", "watch")
_READ_ONE = frozenset(
    {
        ("", "persistentvolumeclaims"),
        ("", "persistentvolumes"),
        ("storage.k8s.io", "volumeattachments"),
        ("resource.k8s.io", "resourceclaims"),
    }
)
_LEASE_NAMESPACE = "kube-node-lease"


def _rule(verbs: tuple[str, ...], group: str, *resources: str) -> Rule:
    return Rule.of({"verbs": verbs, "apiGroups": [group], "resources": resources})


_ANY_NODE = (
    _rule(("create",), "authentication.k8s.io", "tokenreviews"),
    _rule(("create",), "authorization.k8s.io", "subjectaccessreviews", "localsubjectaccessreviews"),
    _rule(_READ, "", "services"),
    _rule(_READ, "discovery.k8s.io", "endpointslices"),
    _rule(_READ, "node.k8s.io", "runtimeclasses"),
    _rule(_READ, "storage.k8s.io", "csidrivers"),
    _rule(("create", "patch", "update"), "", "events"),
    _rule(("create", "get", "list", "watch"), "certificates.k8s.io", "certificatesigningrequests"),
    _rule(("create",), "", "nodes"),
    _rule(("create", "delete"), "", "pods"),
    _rule(("create",), "", "pods/eviction"),
    _rule(("get",), "", "endpoints"),
)


def node_name_of(user: UserInfo) -> str:
    """The node that a user is the kubelet of, or the empty string."""
    if NODE_GROUP not in user.groups or not user.name.startswith(NODE_USER_PREFIX):
        return ""
    return user.name.removeprefix(NODE_USER_PREFIX)


class NodeAuthorizer:
    """Answers for kubelets; has no opinion on anybody else."""

    def __init__(self, caches: Mapping[Resource, WatchCache]) -> None:
        self._pods = caches[PODS]
        self._volumes = caches[PERSISTENT_VOLUMES]
        self._attachments = caches[VOLUME_ATTACHMENTS]

    def allows(self, attributes: Attributes) -> tuple[bool, str]:
        """Whether the kubelet may, and why not where that is worth saying."""
        node = node_name_of(attributes.user)
        if not node or attributes.path:
            return False, ""
        key = (attributes.group, attributes.plural)
        if any(rule.allows(attributes) for rule in _ANY_NODE):
            return True, ""
        if key == ("", "nodes"):
            return self._own_node(attributes, node)
        if key == ("coordination.k8s.io", "leases"):
            return self._own_lease(attributes, node)
        if key == ("", "pods"):
            return self._own_pod(attributes, node)
        if key in (("", "secrets"), ("", "configmaps")):
            if attributes.verb not in _READ or attributes.subresource:
                return False, ""
            return self._referred_to(attributes, node)
        if key in _READ_ONE:
            return self._get_one(attributes, node)
        if key == ("storage.k8s.io", "csinodes"):
            return self._own_csi_node(attributes, node)
        if key == ("", "serviceaccounts"):
            if attributes.resource == "serviceaccounts" and attributes.verb == "get":
                return self._referred_to(attributes, node)
            if attributes.subresource == "token" and attributes.verb == "create":
                return self._referred_to(attributes, node)
        return False, ""

    def _own_node(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        if attributes.name and attributes.name != node:
            return False, f"node '{node}' cannot read '{attributes.name}', only its own Node object"
        if attributes.verb in _READ:
            return bool(attributes.name), "can only read its own Node object"
        return attributes.verb in ("update", "patch") and attributes.subresource in ("", "status"), ""

    def _own_lease(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        if attributes.namespace != _LEASE_NAMESPACE:
            return False, f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace'
        if attributes.verb == "create" and not attributes.name:
            return True, ""
        if attributes.verb not in ("get", "create", "update", "patch", "delete"):
            return False, "can only get, create, update, patch, or delete a node lease"
        return attributes.name == node, "can only access node lease with the same name as the requesting node"

    def _own_pod(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        if attributes.verb in ("list", "watch") and not attributes.subresource and attributes.node_name:
            return attributes.node_name == node, "can only list/watch pods with spec.nodeName field selector"
        readable = attributes.verb in ("get", "list", "watch") and attributes.subresource in ("", "status")
        writable = attributes.verb in ("update", "patch") and attributes.subresource == "status"
        if not attributes.name or not (readable or writable):
            return False, "can only list/watch pods with spec.nodeName field selector"
        pod = self._pods.get(join_key(attributes.namespace, attributes.name))
        if pod is None:
            # It may be gone already, which the kubelet has to be told as "not found".
            return True, ""
        bound = pod.fields.get("spec.nodeName", "") == node
        return bound, _no_relationship(node)

    def _get_one(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        status = attributes.plural == "persistentvolumeclaims" and attributes.subresource == "status"
        if attributes.subresource and not status:
            return False, "cannot get subresource"
        verbs = ("get", "update", "patch") if status else ("get",)
        if attributes.verb not in verbs or not attributes.name:
            return False, "can only get individual resources of this type"
        if attributes.plural == "volumeattachments":
            attachment = self._attachments.get(attributes.name)
            spec = attachment.object.get("spec") or {} if attachment is not None else {}
            return spec.get("nodeName") == node, _no_relationship(node)
        if attributes.plural == "persistentvolumes":
            volume = self._volumes.get(attributes.name)
            claim = (volume.object.get("spec") or {}).get("claimRef") or {} if volume is not None else {}
            wanted = ("persistentvolumeclaims", claim.get("name", ""))
            return self._some_pod_refers_to(wanted, claim.get("namespace", ""), node)
        return self._referred_to(attributes, node)

    def _own_csi_node(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        if attributes.subresource:
            return False, "cannot authorize CSINode subresources"
        if attributes.verb not in ("get", "create", "update", "patch", "delete"):
            return False, "can only get, create, update, patch, or delete a CSINode"
        if attributes.verb == "create" and not attributes.name:
            return True, ""
        return attributes.name == node, "can only access CSINode with the same name as the requesting node"

    def _referred_to(self, attributes: Attributes, node: str) -> tuple[bool, str]:
        if not attributes.name:
            return False, "can only read namespaced object of this type"
        return self._some_pod_refers_to((attributes.plural, attributes.name), attributes.namespace, node)

    def _some_pod_refers_to(self, wanted: tuple[str, str], namespace: str, node: str) -> tuple[bool, str]:
        for pod in self._pods.list(namespace).items if namespace else ():
            if pod.fields.get("spec.nodeName", "") == node and wanted in set(references(pod.object)):
                return True, ""
        return False, _no_relationship(node)


def _no_relationship(node: str) -> str:
    return f"no relationship found between node '{node}' and this object"


def references(pod: Object) -> Iterator[tuple[str, str]]:
    """``(plural, name)`` of everything in its namespace that a pod refers to and its kubelet may read."""
    spec = pod.get("spec") or {}
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", spec["serviceAccountName"]
    for entry in spec.get("imagePullSecrets") or ():
        yield "secrets", entry.get("name", "")
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            yield from _of_container(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)
        if volume.get("ephemeral") is not None:
            yield "persistentvolumeclaims", f"{name_of(pod)}-{volume.get('name', '')}"
    for claim in spec.get("resourceClaims") or ():
        yield "resourceclaims", claim.get("resourceClaimName", "")
    for claim in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        yield "resourceclaims", claim.get("resourceClaimName", "")


def _of_container(container: Object) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        yield "configmaps", (source.get("configMapRef") or {}).get("name", "")
        yield "secrets", (source.get("secretRef") or {}).get("name", "")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "configmaps", (source.get("configMapKeyRef") or {}).get("name", "")
        yield "secrets", (source.get("secretKeyRef") or {}).get("name", "")


def _of_volume(volume: Object) -> Iterator[tuple[str, str]]:
    yield "persistentvolumeclaims", (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
    yield "configmaps", (volume.get("configMap") or {}).get("name", "")
    yield "secrets", (volume.get("secret") or {}).get("secretName", "")
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield "configmaps", (source.get("configMap") or {}).get("name", "")
        yield "secrets", (source.get("secret") or {}).get("name", "")
