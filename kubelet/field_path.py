"""The downward API: a pod's own fields and its containers' resources, as text. Pure.

Follows upstream's ``pkg/fieldpath`` and ``pkg/api/v1/resource``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from minikube_py.api.meta import Object, annotations_of, labels_of, metadata
from minikube_py.api.quantity import Quantity

_SUBSCRIPT = re.compile(r"^(metadata\.(?:annotations|labels))\['(.*)'\]$")


class UnsupportedField(ValueError):
    """The field path or resource names nothing that the downward API offers."""


@dataclass(frozen=True, slots=True)
class PodAddresses:
    """What is known of a pod's addresses while its containers are made; ``status`` may not say so yet."""

    pod_ips: tuple[str, ...] = ()
    host_ips: tuple[str, ...] = ()


def pod_field(pod: Object, path: str, addresses: PodAddresses) -> str:
    """The text of ``fieldPath``. Raises UnsupportedField."""
    subscript = _SUBSCRIPT.match(path)
    if subscript:
        values = annotations_of(pod) if subscript[1].endswith("annotations") else labels_of(pod)
        return values.get(subscript[2], "")
    spec = pod.get("spec") or {}
    match path:
        case "metadata.annotations":
            return _map_text(annotations_of(pod))
        case "metadata.labels":
            return _map_text(labels_of(pod))
        case "metadata.name" | "metadata.namespace" | "metadata.uid":
            return str(metadata(pod).get(path.removeprefix("metadata."), ""))
        case "spec.nodeName" | "spec.serviceAccountName":
            return str(spec.get(path.removeprefix("spec."), ""))
        case "status.podIP":
            return addresses.pod_ips[0] if addresses.pod_ips else ""
        case "status.podIPs":
            return ",".join(addresses.pod_ips)
        case "status.hostIP":
            return addresses.host_ips[0] if addresses.host_ips else ""
        case "status.hostIPs":
            return ",".join(addresses.host_ips)
    raise UnsupportedField(f"unsupported fieldPath: {path}")


def _map_text(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(values[key], ensure_ascii=False)}" for key in sorted(values))


def resource_field(container: Object, resource: str, divisor: str, allocatable: Mapping[str, str]) -> str:
    """The number that ``resourceFieldRef`` asks for, rounded up to whole divisors.

    A limit that is not set is the node's allocatable, as upstream; a request that is not set is 0.
    Raises UnsupportedField.
    """
    kind, _, name = resource.partition(".")
    if kind not in ("limits", "requests") or not (
        name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-")
    ):
        raise UnsupportedField(f"unsupported container resource : {resource}")
    resources = container.get("resources") or {}
    text = (resources.get(kind) or {}).get(name)
    if text is None and kind == "limits":
        text = allocatable.get(name)
    if text is None and kind == "requests" and (resources.get("limits") or {}).get(name) is not None:
        text = resources["limits"][name]
    amount = Quantity.parse(text if text is not None else "0")
    unit = Quantity.parse(divisor if divisor not in ("", "0") else "1")
    if name == "cpu":
        quotient = Fraction(amount.milli(), unit.milli() or 1)
    else:
        quotient = Fraction(amount.value(), unit.value() or 1)
    return str(-(-quotient.numerator // quotient.denominator))
