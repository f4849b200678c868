"""ServiceAccount: gives a pod its account, and the account's token, CA and namespace as files.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/serviceaccount``. Which Secrets an account lets a pod refer to is in
:mod:`apiserver.admission.mountable_secrets`.
"""

from __future__ import annotations

from random import Random
from typing import ClassVar

from apiserver.admission.lookup import Derived, eventually, whole
from apiserver.admission.mountable_secrets import (
    enforces,
    ephemeral_violation,
    refers_to_secrets,
    uses_token_projection,
    violation,
)
from apiserver.admission.plugin import CREATE_OR_UPDATE, PODS_ONLY, Action, Attributes, Plugin
from apiserver.core import Operation
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.names import generate_name
from minikube_py.api.resources import SERVICE_ACCOUNTS

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607
"""Upstream asks for an hour and seven seconds, to tell tokens of this volume from others."""
DEFAULT_WAIT_SECONDS = 1.5
"""How long a pod waits for the account ``default``, which a controller makes in new namespaces."""
_VOLUME_PREFIX = "kube-api-access-"
_MIRROR = "kubernetes.io/config.mirror"


class ServiceAccount(Plugin):
    """Changes pods that are created, a mirror pod excepted; checks pods and added ephemeral containers."""

    name = "ServiceAccount"
    mutates = True
    validates = True
    kinds = PODS_ONLY
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    def __init__(self) -> None:
        self._accounts: Derived[Object] = Derived(SERVICE_ACCOUNTS, whole)

    async def mutate(self, attributes: Attributes) -> None:
        """Changes pods that are created. Raises Forbidden where the account does not exist."""
        pod = attributes.obj
        if not attributes.is_for("pods") or attributes.action != "CREATE" or pod is None:
            return
        if _MIRROR in annotations_of(pod):
            _check_mirror_pod(attributes.operation, pod)
            return
        spec = pod.get("spec") or {}
        name = spec.get("serviceAccountName") or "default"
        account = await self._account(attributes.operation, name)
        pod = {**pod, "spec": {**spec, "serviceAccountName": name, "serviceAccount": name}}
        if should_mount(pod, account):
            pod = with_token(pod, attributes.operation.core.random)
        secrets = account.get("imagePullSecrets")
        if secrets and not pod["spec"].get("imagePullSecrets"):
            pod = {**pod, "spec": {**pod["spec"], "imagePullSecrets": secrets}}
        attributes.obj = pod

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for Secrets that the account does not let its pods refer to."""
        pod, operation = attributes.obj, attributes.operation
        if pod is None:
            return
        if attributes.is_for("pods", subresource="ephemeralcontainers"):
            account = await self._account(operation, (pod.get("spec") or {}).get("serviceAccountName") or "default")
            refused = ephemeral_violation(pod, account) if enforces(account) else ""
        elif attributes.is_for("pods") and attributes.action == "CREATE":
            if _MIRROR in annotations_of(pod):
                _check_mirror_pod(operation, pod)
                return
            name = (pod.get("spec") or {}).get("serviceAccountName")
            if not name:
                cause = f"no service account specified for pod {operation.namespace}/{operation.name}"
                raise _forbidden(operation, cause)
            account = await self._account(operation, name)
            refused = violation(pod, account) if enforces(account) else ""
        else:
            return
        if refused:
            raise _forbidden(operation, refused)

    async def _account(self, operation: Operation, name: str) -> Object:
        core, namespace = operation.core, operation.namespace
        account = await self._accounts.get(core, namespace, name)
        if account is None and name == "default":
            account = await eventually(
                core, SERVICE_ACCOUNTS, lambda: self._accounts.known(core, namespace, name), DEFAULT_WAIT_SECONDS
            )
        if account is not None:
            return account
        missing = f'serviceaccount "{name}" not found'
        raise _forbidden(operation, f"error looking up service account {operation.namespace}/{name}: {missing}")


def _check_mirror_pod(operation: Operation, pod: Object) -> None:
    if (pod.get("spec") or {}).get("serviceAccountName"):
        raise _forbidden(operation, "a mirror pod may not reference service accounts")
    if refers_to_secrets(pod):
        raise _forbidden(operation, "a mirror pod may not reference secrets")
    if uses_token_projection(pod):
        raise _forbidden(operation, "a mirror pod may not use ServiceAccountToken volume projections")


def _forbidden(operation: Operation, cause: str) -> Forbidden:
    return forbidden("", "pods", operation.name, cause)


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
