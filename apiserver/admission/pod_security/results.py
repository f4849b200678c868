"""What a control says of a pod, and the words that controls have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from minikube_py.api.meta import Object


@dataclass(frozen=True, slots=True)
class Violation:
    """One control that a pod violates: which, in a few words, and by what."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


Check = Callable[[Object, Object], Violation | None]
"""A control: judges a pod's metadata and spec; None where it has nothing against them."""


def containers_of(spec: Object) -> Iterator[Object]:
    """Init containers, containers and ephemeral containers, in that order."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()


def security_context(obj: Object) -> Object:
    """The security context of a pod's spec or of a container, or an empty dictionary."""
    context: Object = obj.get("securityContext") or {}
    return context


def nested(obj: Object, *path: str) -> Any:
    """The value at a path of fields, or None."""
    value: Any = obj
    for field in path:
        value = (value or {}).get(field)
    return value


def plural(one: str, many: str, count: int) -> str:
    """The word that goes with a count."""
    return one if count == 1 else many


def quoted(items: Iterable[str]) -> str:
    """``"a", "b"``."""
    return '"' + '", "'.join(items) + '"'


def containers_named(names: list[str]) -> str:
    """``container "c"`` or ``containers "a", "b"``."""
    return f"{plural('container', 'containers', len(names))} {quoted(names)}"


def setters(pod: bool, containers: list[str]) -> str:
    """Who set something wrong: ``pod and container "c"``; empty where nobody did."""
    parts = ["pod"] if pod else []
    if containers:
        parts.append(containers_named(containers))
    return " and ".join(parts)


def is_windows(spec: Object) -> bool:
    """Whether a pod is for Windows, where several controls make no sense."""
    return bool(nested(spec, "os", "name") == "windows")
