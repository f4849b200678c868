"""What is accepted but deserves a ``Warning`` header: deprecated names, definitions that hide each other.

Follows ``k8s.io/kubernetes/pkg/api/pod`` and ``…/api/node``; texts are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.deprecated import NODE_LABELS, VOLUME_SOURCES
from minikube_py.api import names
from minikube_py.api.meta import Object, annotations_of, name_of
from minikube_py.api.quantity import Quantity

_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_APP_ARMOR_CONTAINER = "container.apparmor.security.beta.kubernetes.io/"
_USE_SECCOMP_FIELD = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_BYTES = ("memory", "ephemeral-storage")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_ADDRESS_ANNOTATION = "service.kubernetes.io/topology-aware-hints"


def pod(obj: Object) -> Iterator[str]:
    """The warnings about a Pod."""
    if messages := _label_messages(obj):
        yield (
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label "
            f"is recommended: [{' '.join(messages)}]"
        )
    yield from _pod("", obj)


def pod_template(path: str, template: Object) -> Iterator[str]:
    """The warnings about a pod template that stands at ``path``."""
    return _pod(f"{path}.", template)


def name_in_pod_names(obj: Object) -> Iterator[str]:
    """The warning about a workload's name that makes no good host names of its pods."""
    if messages := _label_messages(obj):
        yield (
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS "
            f"label is recommended: [{' '.join(messages)}]"
        )


def service(obj: Object) -> Iterator[str]:
    """The warnings about a Service."""
    if _ADDRESS_ANNOTATION in annotations_of(obj):
        yield (
            f"annotation {_ADDRESS_ANNOTATION} is deprecated, please use service.kubernetes.io/topology-mode instead"
        )
    spec = obj.get("spec") or {}
    if spec.get("clusterIP") == "None":
        for key in ("loadBalancerIP", "externalIPs"):
            if spec.get(key):
                yield f"spec.{key} is ignored when creating a headless service"
        if spec.get("sessionAffinity") not in (None, "None"):
            yield "spec.SessionAffinity is ignored when creating a headless service"


def node_selector_term(path: str, term: Object, *, with_values: bool) -> Iterator[str]:
    """Deprecated labels in a term of a node's selection, and, ``with_values``, values that no label can have."""
    for index, expression in enumerate(term.get("matchExpressions") or []):
        here, key = f"{path}.matchExpressions[{index}]", expression.get("key") or ""
        if key in NODE_LABELS:
            yield f"{here}.key: {key} is {NODE_LABELS[key]}"
        for position, value in enumerate(expression.get("values") or [] if with_values else ()):
            for message in names.label_value(value):
                yield f"{here}.values[{position}]: {value} is invalid, {message}"


def _label_messages(obj: Object) -> list[str]:
    name = name_of(obj)
    return names.dns1123_label(name) if name else []


def _pod(prefix: str, obj: Object) -> Iterator[str]:
    spec, annotations, path = obj.get("spec") or {}, annotations_of(obj), f"{prefix}spec"
    yield from _scheduling(path, spec)
    for key, text in _ANNOTATIONS.items() if annotations else ():
        if key in annotations:
            yield f"{prefix}metadata.annotations[{key}]: {text}"
    yield from _volumes(f"{path}.volumes", spec.get("volumes") or [])
    yield from _repeated(f"{path}.hostAliases", spec.get("hostAliases") or [], "ip")
    yield from _repeated(f"{path}.imagePullSecrets", spec.get("imagePullSecrets") or [], "name")
    for index, secret in enumerate(spec.get("imagePullSecrets") or []):
        if not secret.get("name"):
            yield f'{path}.imagePullSecrets[{index}].name: invalid empty name ""'
    yield from _fractional(f"{path}.overhead", spec.get("overhead") or {})
    if annotations:
        yield from _profiles(prefix, spec, annotations)
    for here, container in _containers(path, spec):
        resources = container.get("resources") or {}
        for key in ("limits", "requests"):
            if resources.get(key):
                yield from _fractional(f"{here}.resources.{key}", resources[key])
        if container.get("env"):
            yield from _hidden_variables(f"{here}.env", container["env"])
    yield from _ports(path, spec)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        detail = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{path}.terminationGracePeriodSeconds: {detail}"


def _containers(path: str, spec: Object) -> Iterator[tuple[str, Object]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(key) or ()):
            yield f"{path}.{key}[{index}]", container


def _scheduling(path: str, spec: Object) -> Iterator[str]:
    for key in spec.get("nodeSelector") or ():
        if key in NODE_LABELS:
            yield f"{path}.nodeSelector[{key}]: {NODE_LABELS[key]}"
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or []):
        here, key = f"{path}.topologySpreadConstraints[{index}]", constraint.get("topologyKey") or ""
        if key in NODE_LABELS:
            yield f"{here}.topologyKey: {key} is {NODE_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{here}.labelSelector: {_NO_SELECTOR}"
    affinity = spec.get("affinity") or {}
    node, here = affinity.get("nodeAffinity") or {}, f"{path}.affinity.nodeAffinity"
    for index, term in enumerate((node.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []):
        yield from node_selector_term(f"{here}.{_REQUIRED}.nodeSelectorTerms[{index}]", term, with_values=False)
    for index, weighted in enumerate(node.get(_PREFERRED) or []):
        term = weighted.get("preference") or {}
        yield from node_selector_term(f"{here}.{_PREFERRED}[{index}].preference", term, with_values=True)
    for kind in ("podAffinity", "podAntiAffinity"):
        terms, here = affinity.get(kind) or {}, f"{path}.affinity.{kind}"
        for index, term in enumerate(terms.get(_REQUIRED) or []):
            if term.get("labelSelector") is None:
                yield f"{here}.{_REQUIRED}[{index}].labelSelector: {_NO_SELECTOR}"
        for index, weighted in enumerate(terms.get(_PREFERRED) or []):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{here}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NO_SELECTOR}"


def _volumes(path: str, volumes: list[Object]) -> Iterator[str]:
    for index, volume in enumerate(volumes):
        for key in VOLUME_SOURCES.keys() & volume.keys():
            shown, message = VOLUME_SOURCES[key]
            yield f"{path}[{index}].{shown}: {message}"
        if "gitRepo" in volume:
            yield f"{path}[{index}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    token_paths = {
        source["serviceAccountToken"].get("path") or ""
        for volume in volumes
        for source in (volume.get("projected") or {}).get("sources") or []
        if source.get("serviceAccountToken") is not None
    }
    if not token_paths:
        return
    for index, volume in enumerate(volumes):
        for source in (volume.get("projected") or {}).get("sources") or []:
            for key, shown in (("configMap", "configMap"), ("secret", "secrets"), ("downwardAPI", "downwardAPI")):
                for position, item in enumerate((source.get(key) or {}).get("items") or []):
                    target = item.get("path") or ""
                    if target in token_paths:
                        here = f"{path}[{index}].projected.sources.{shown}[{position}]"
                        yield f'{here}: has duplicated path with ServiceAccountToken "{target}"'


def _repeated(path: str, items: list[Object], key: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        value = item.get(key) or ""
        if value in seen:
            yield f'{path}[{index}].{key}: duplicate {key} "{value}"'
        seen.add(value)


def _fractional(path: str, amounts: Object) -> Iterator[str]:
    for name in _BYTES:
        if name in amounts and Quantity.parse(amounts[name]).milli() % 1000:
            yield f'{path}[{name}]: fractional byte value "{amounts[name]}" is invalid, must be an integer'


def _profiles(prefix: str, spec: Object, annotations: dict[str, str]) -> Iterator[str]:
    context, base = spec.get("securityContext") or {}, f"{prefix}metadata.annotations"
    if _SECCOMP_POD in annotations and context.get("seccompProfile") is None:
        yield f"{base}[{_SECCOMP_POD}]: {_USE_SECCOMP_FIELD}"
    for _, container in _containers(f"{prefix}spec", spec):
        own = container.get("securityContext") or {}
        key = f"{_SECCOMP_CONTAINER}{container.get('name')}"
        if key in annotations and own.get("seccompProfile") is None:
            yield f"{base}[{key}]: {_USE_SECCOMP_FIELD}"
        key = f"{_APP_ARMOR_CONTAINER}{container.get('name')}"
        if key in annotations and own.get("appArmorProfile") is None and context.get("appArmorProfile") is None:
            yield f'{base}[{key}]: deprecated since v1.30; use the "appArmorProfile" field instead'


def _hidden_variables(path: str, variables: list[Object]) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable.get("name") or "", variable.get("value") or ""
        # A value that refers to the earlier one continues it.
        continues = f"$({name})" in value and value != f"$({name})" and variable.get("valueFrom") is None
        if name in seen and not continues:
            detail = f'hides previous definition of "{name}", which may be dropped when using apply'
            yield f"{path}[{index}]: {detail}"
        seen.add(name)


def _ports(path: str, spec: Object) -> Iterator[str]:
    known: dict[tuple[int, str], list[tuple[str, Object]]] = {}
    for base, container in _containers(path, spec):
        for index, port in enumerate(container.get("ports") or ()):
            here = f"{base}.ports[{index}]"
            key = (port.get("containerPort") or 0, port.get("protocol") or "")
            others = known.setdefault(key, [])
            for other_path, other in others:
                if relation := _relation(port, other):
                    yield f"{here}: {relation} port definition with {other_path}"
            others.append((here, port))


def _relation(port: Object, other: Object) -> str:
    """How two definitions of one container port stand to each other; empty where they do not clash."""
    address, host_port = port.get("hostIP") or "", port.get("hostPort") or 0
    other_address, other_host_port = other.get("hostIP") or "", other.get("hostPort") or 0
    if (address, host_port) == (other_address, other_host_port):
        return "duplicate"
    if not host_port or not other_host_port:
        return "overlapping"
    if host_port == other_host_port and bool(address) != bool(other_address):
        return "dangerously ambiguous"
    return ""
