"""What a namespace's ServiceAccounts need next; pure."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.actions import Create
from minikube_py.api.meta import Object, is_deleting, name_of
from minikube_py.api.resources import SERVICE_ACCOUNTS

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Observation:
    """A namespace, and whether it has its ServiceAccount ``default``."""

    namespace: Object | None
    has_default: bool


def is_active(namespace: Object) -> bool:
    """Whether objects may be made in the namespace."""
    phase = (namespace.get("status") or {}).get("phase") or "Active"
    return phase == "Active" and not is_deleting(namespace)


def sync(observation: Observation) -> tuple[Create, ...]:
    """Create what is missing in a namespace that is active."""
    namespace = observation.namespace
    if namespace is None or observation.has_default or not is_active(namespace):
        return ()
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": DEFAULT, "namespace": name_of(namespace)},
    }
    return (Create(SERVICE_ACCOUNTS, account, ignore_existing=True),)
