"""Refuses pods, warns of pods and of workloads, and of the pods that a stricter namespace would refuse."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import CREATE_OR_UPDATE, Action, Attributes, Plugin
from apiserver.admission.pod_security.policy import PRIVILEGED, LevelVersion, Policy, is_stricter, policy_of
from apiserver.admission.pod_security.registry import violations
from apiserver.core import Core, Operation
from minikube_py.api.errors import FieldError, forbidden, invalid
from minikube_py.api.meta import Object, annotations_of, controller_of, labels_of, metadata, name_of
from minikube_py.api.resources import NAMESPACES, PODS

MAX_PODS = 3000
MAX_SECONDS = 1.0
"""How many pods of a namespace are looked at, and for how long, when its labels change."""
_TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "replicationcontrollers"): ("spec", "template"),
    ("", "podtemplates"): ("template",),
    ("apps", "replicasets"): ("spec", "template"),
    ("apps", "deployments"): ("spec", "template"),
    ("apps", "statefulsets"): ("spec", "template"),
    ("apps", "daemonsets"): ("spec", "template"),
    ("batch", "jobs"): ("spec", "template"),
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
_IGNORED_SUBRESOURCES = frozenset(
    {"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status", "resize"}
)
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_AUDIT = "pod-security.kubernetes.io/"
"""The prefix of what is told in the audit log."""
_Read = tuple[Policy, tuple[FieldError, ...]]


class PodSecurity(Plugin):
    """Looks at namespaces, pods and workloads; free in a namespace without its labels. Exempts nothing."""

    name = "PodSecurity"
    validates = True
    kinds = frozenset({("", "namespaces"), ("", "pods"), *_TEMPLATES})
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    def __init__(self) -> None:
        self._policies: Derived[_Read] = Derived(NAMESPACES, lambda obj: policy_of(labels_of(obj)))

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a pod that its namespace refuses, Invalid for labels that make no sense; warns."""
        operation, obj = attributes.operation, attributes.obj
        if obj is None:
            return
        match operation.resource.plural:
            case "namespaces":
                if not operation.subresource:
                    _check_namespace(operation, obj, attributes.old)
            case "pods":
                if operation.subresource not in _IGNORED_SUBRESOURCES:
                    await self._check_pod(operation, obj, attributes.old)
            case _:
                if not operation.subresource:
                    await self._check_template(operation, obj)

    async def _policy(self, operation: Operation) -> _Read:
        found = await self._policies.get(operation.core, "", operation.namespace)
        return found or (Policy(), ())

    async def _check_pod(self, operation: Operation, pod: Object, old: Object | None) -> None:
        policy, errors = await self._policy(operation)
        if policy == _OPEN or (old is not None and not is_significant(pod, old)):
            return
        meta, spec = metadata(pod), pod.get("spec") or {}
        operation.annotate(_AUDIT + "enforce-policy", str(policy.enforce))
        _audit(operation, policy.audit, errors, meta, spec)
        refused = _violated(operation, policy.enforce, meta, spec)
        if refused:
            raise forbidden("", "pods", operation.name, f"violates {refused}")
        _warn(operation, policy.warn, meta, spec)

    async def _check_template(self, operation: Operation, obj: Object) -> None:
        policy, errors = await self._policy(operation)
        if policy.warn.level == policy.audit.level == PRIVILEGED:
            return
        template: Object | None = obj
        for field in _TEMPLATES[operation.resource.group, operation.resource.plural]:
            template = (template or {}).get(field)
        if template is not None:
            _audit(operation, policy.audit, errors, metadata(template), template.get("spec") or {})
            _warn(operation, policy.warn, metadata(template), template.get("spec") or {})


_OPEN = Policy()


def _minor(core: Core) -> int:
    return int(core.settings.version[1])


def _violated(operation: Operation, asked: LevelVersion, meta: Object, spec: Object) -> str:
    """What of a level a pod violates, in words; empty where it violates nothing."""
    found = violations(asked, meta, spec, _minor(operation.core))
    return f'PodSecurity "{asked}": {", ".join(map(str, found))}' if found else ""


def _warn(operation: Operation, asked: LevelVersion, meta: Object, spec: Object) -> None:
    told = _violated(operation, asked, meta, spec)
    if told:
        operation.warn(f"would violate {told}")


def _audit(
    operation: Operation, asked: LevelVersion, errors: tuple[FieldError, ...], meta: Object, spec: Object
) -> None:
    if errors:
        listed = ", ".join(map(str, errors))
        operation.annotate(_AUDIT + "error", f"Failed to parse policy: {listed}")
    told = _violated(operation, asked, meta, spec)
    if told:
        operation.annotate(_AUDIT + "audit-violations", f"would violate {told}")


def _check_namespace(operation: Operation, namespace: Object, old: Object | None) -> None:
    new_policy, errors = policy_of(labels_of(namespace))
    if old is None:
        if errors:
            raise invalid("", "Namespace", operation.name, errors)
        return
    old_policy, old_errors = policy_of(labels_of(old))
    if errors and errors != old_errors:
        raise invalid("", "Namespace", operation.name, errors)
    enforce, before = new_policy.enforce, old_policy.enforce
    if enforce == before or enforce.level == PRIVILEGED:
        return
    if enforce.version == before.version and not is_stricter(enforce.level, before.level):
        return
    pods = operation.core.caches[PODS].list(name_of(namespace)).items
    operation.warn(
        *warnings_of(name_of(namespace), enforce, (cached.object for cached in pods), len(pods), _minor(operation.core))
    )


def warnings_of(namespace: str, enforce: LevelVersion, pods: Iterable[Object], total: int, newest: int) -> list[str]:
    """What a namespace is told of its pods that a new level would refuse; one line for all with the same fault.

    Of the pods of one controller the first stands for all in the order of looking, not in the count.
    """
    deadline = time.monotonic() + MAX_SECONDS
    faults: dict[str, list[str]] = {}
    checked = 0
    for pod in _prioritized(pods):
        if checked >= MAX_PODS or time.monotonic() > deadline:
            break
        checked += 1
        found = violations(enforce, metadata(pod), pod.get("spec") or {}, newest)
        if found:
            faults.setdefault(", ".join(violation.reason for violation in found), []).append(name_of(pod))
    told: list[str] = []
    if checked < total:
        told.append(f"new PodSecurity enforce level only checked against the first {checked} of {total} existing pods")
    if faults:
        told.append(f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{enforce}"')
    return told + sorted(f"{_names(names)}: {fault}" for fault, names in faults.items())


def _prioritized(pods: Iterable[Object]) -> list[Object]:
    """One pod of each controller first, then the others."""
    first: list[Object] = []
    later: list[Object] = []
    seen: set[str] = set()
    for pod in pods:
        owner = (controller_of(pod) or {}).get("uid", "")
        (later if owner and owner in seen else first).append(pod)
        seen.add(owner)
    return first + later


def _names(names: list[str]) -> str:
    others = len(names) - 1
    if not others:
        return names[0]
    return f"{min(names)} (and {others} other {'pod' if others == 1 else 'pods'})"


def is_significant(pod: Object, old: Object) -> bool:
    """Whether an update changes what a level may refuse: images, containers, the seccomp annotations of old."""
    new_annotations, old_annotations = annotations_of(pod), annotations_of(old)
    if new_annotations.get(_SECCOMP_POD) != old_annotations.get(_SECCOMP_POD):
        return True
    spec, before = pod.get("spec") or {}, old.get("spec") or {}

    def changed(new: Object, known: Object) -> bool:
        key = _SECCOMP_CONTAINER + new.get("name", "")
        return new.get("image") != known.get("image") or new_annotations.get(key) != old_annotations.get(key)

    for field in ("containers", "initContainers"):
        new, known = spec.get(field) or [], before.get(field) or []
        if len(new) != len(known) or any(map(changed, new, known)):
            return True
    known_by_name = {container.get("name"): container for container in before.get("ephemeralContainers") or ()}
    for container in spec.get("ephemeralContainers") or ():
        present = known_by_name.get(container.get("name"))
        if present is None or changed(container, present):
            return True
    return False
