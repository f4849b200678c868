"""ServiceAccount: gives a pod its account, and the account's token, CA and namespace as files.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/serviceaccount``.
"""

from __future__ import annotations

from random import Random

from apiserver.admission.plugin import Attributes, Plugin
from apiserver.core import Operation
from apiserver.storage.encoding import decode
from apiserver.storage.store import storage_key
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object, annotations_of, join_key
from minikube_py.api.names import generate_name
from minikube_py.api.resources import SERVICE_ACCOUNTS

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607
"""Upstream asks for an hour and seven seconds, to tell tokens of this volume from others."""
_VOLUME_PREFIX = "kube-api-access-"
_MIRROR = "kubernetes.io/config.mirror"


class ServiceAccount(Plugin):
    """Changes pods that are created; a mirror pod has no account."""

    name = "ServiceAccount"
    mutates = True

    async def mutate(self, attributes: Attributes) -> None:
        """Changes pods that are created. Raises Forbidden where the account does not exist."""
        pod = attributes.obj
        if not attributes.is_for("pods") or attributes.action != "CREATE" or pod is None:
            return
        operation = attributes.operation
        if _MIRROR in annotations_of(pod):
            return
        spec = pod.get("spec") or {}
        name = spec.get("serviceAccountName") or "default"
        account = await _account(operation, name)
        pod = {**pod, "spec": {**spec, "serviceAccountName": name, "serviceAccount": name}}
        if should_mount(pod, account):
            pod = with_token(pod, operation.core.random)
        secrets = account.get("imagePullSecrets")
        if secrets and not pod["spec"].get("imagePullSecrets"):
            pod = {**pod, "spec": {**pod["spec"], "imagePullSecrets": secrets}}
        attributes.obj = pod


async def _account(operation: Operation, name: str) -> Object:
    cached = operation.core.caches[SERVICE_ACCOUNTS].get(join_key(operation.namespace, name))
    if cached is not None:
        return cached.object
    found = await operation.core.store.get(storage_key(SERVICE_ACCOUNTS, operation.namespace, name))
    if found is None:
        raise _missing(operation, name)
    return decode(found.value, found.revision)


def _missing(operation: Operation, name: str) -> Forbidden:
    return forbidden(
        "",
        "pods",
        operation.name,
        f'error looking up service account {operation.namespace}/{name}: serviceaccount "{name}" not found',
    )


def should_mount(pod: Object, account: Object) -> bool:
    """Whether the pod gets the token's volume: the pod decides before the account does."""
    wanted = (pod.get("spec") or {}).get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken")
    return wanted is not False


def with_token(pod: Object, random: Random) -> Object:
    """The pod with the token's volume, mounted where a container has nothing mounted there yet. Pure but for chance."""
    spec = pod["spec"]
    volumes = list(spec.get("volumes") or ())
    present = next((v["name"] for v in volumes if v.get("name", "").startswith(_VOLUME_PREFIX)), None)
    name = present or generate_name(_VOLUME_PREFIX, random)
    mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
    changed: Object = {}
    for kind in ("initContainers", "containers"):
        containers = [_mounted(container, mount) for container in spec.get(kind) or ()]
        if any(new is not old for new, old in zip(containers, spec.get(kind) or (), strict=True)):
            changed[kind] = containers
    if not changed:
        return pod
    if present is None:
        changed["volumes"] = [*volumes, _volume(name)]
    return {**pod, "spec": {**spec, **changed}}


def _mounted(container: Object, mount: Object) -> Object:
    mounts = container.get("volumeMounts") or []
    if any(present.get("mountPath") == MOUNT_PATH for present in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}


def _volume(name: str) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [namespace]}},
            ],
            "defaultMode": 420,
        },
    }
