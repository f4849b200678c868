"""What the endpoint asks of those who keep the pods."""

from __future__ import annotations

from typing import Protocol

from minikube_py.api.meta import Object


class PodSource(Protocol):
    """The pods of this node, each with the newest status that the kubelet has come to (written to the API or not)."""

    def get_pod(self, namespace: str, name: str) -> Object | None:
        """The pod, or None where it is not on this node. Not to be changed."""
        ...

    def list_pods(self) -> list[Object]:
        """Every pod of this node. Not to be changed."""
        ...
