"""Which Secrets a pod refers to, and whether its ServiceAccount lets it; pure.

An account that is annotated ``kubernetes.io/enforce-mountable-secrets: "true"`` lets its pods refer only to the Secrets
that it lists. The messages are those of ``k8s.io/kubernetes/plugin/pkg/admission/serviceaccount``.
"""

from __future__ import annotations

from collections.abc import Iterator

from minikube_py.api.meta import Object, annotations_of, name_of

ENFORCE = "kubernetes.io/enforce-mountable-secrets"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


def enforces(account: Object) -> bool:
    """Whether the account limits what its pods refer to."""
    return annotations_of(account).get(ENFORCE) in _TRUE


def violation(pod: Object, account: Object) -> str:
    """The first reference of a new pod that its account does not allow, in words; empty where there is none."""
    spec = pod.get("spec") or {}
    allowed = {secret.get("name") for secret in account.get("secrets") or ()}
    suffix = f"is not allowed because service account {name_of(account)} does not reference that secret"
    for volume in spec.get("volumes") or ():
        if volume.get("secret") is not None and (secret := volume["secret"].get("secretName", "")) not in allowed:
            return f'volume with secret.secretName="{secret}" {suffix}'
    for field, word in (("initContainers", "init container"), ("containers", "container")):
        for source, secret in _environment(spec, field, word):
            if secret not in allowed:
                return f'{source} referencing secret.secretName="{secret}" {suffix}'
    pulled = {secret.get("name") for secret in account.get("imagePullSecrets") or ()}
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if secret.get("name") not in pulled:
            return (
                f'imagePullSecrets[{index}].name="{secret.get("name", "")}" is not allowed because service account '
                f"{name_of(account)} does not reference that imagePullSecret"
            )
    return ""


def ephemeral_violation(pod: Object, account: Object) -> str:
    """As :func:`violation`, of the pod's ephemeral containers."""
    allowed = {secret.get("name") for secret in account.get("secrets") or ()}
    for source, secret in _environment(pod.get("spec") or {}, "ephemeralContainers", "ephemeral container"):
        if secret not in allowed:
            return (
                f'{source} referencing secret.secretName="{secret}" is not allowed because service account '
                f"{name_of(account)} does not reference that secret"
            )
    return ""


def _environment(spec: Object, field: str, word: str) -> Iterator[tuple[str, str]]:
    """Where containers take their environment from a Secret, in words, and from which."""
    for container in spec.get(field) or ():
        name = container.get("name", "")
        for variable in container.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference is not None:
                yield f"{word} {name} with envVar {variable.get('name', '')}", reference.get("name", "")
        for source in container.get("envFrom") or ():
            if source.get("secretRef") is not None:
                yield f"{word} {name} with envFrom", source["secretRef"].get("name", "")


_VOLUMES_WITH_SECRET = {
    "azureFile": "secretName",
    "cephfs": "secretRef",
    "cinder": "secretRef",
    "flexVolume": "secretRef",
    "rbd": "secretRef",
    "scaleIO": "secretRef",
    "secret": "secretName",
    "iscsi": "secretRef",
    "storageos": "secretRef",
    "csi": "nodePublishSecretRef",
}


def refers_to_secrets(pod: Object) -> bool:
    """Whether a pod refers to any Secret."""
    spec = pod.get("spec") or {}
    if spec.get("imagePullSecrets"):
        return True
    for field in ("initContainers", "containers", "ephemeralContainers"):
        if any(True for _ in _environment(spec, field, "")):
            return True
    for volume in spec.get("volumes") or ():
        if any((volume.get(kind) or {}).get(field) for kind, field in _VOLUMES_WITH_SECRET.items()):
            return True
        if any(source.get("secret") for source in (volume.get("projected") or {}).get("sources") or ()):
            return True
    return False


def uses_token_projection(pod: Object) -> bool:
    """Whether a pod asks for a service-account token as a file."""
    return any(
        source.get("serviceAccountToken") is not None
        for volume in (pod.get("spec") or {}).get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    )
