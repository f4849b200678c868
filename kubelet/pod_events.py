"""Events of pods and their containers."""

from __future__ import annotations

from typing import Protocol

from kubelet.pod import container_field_path
from minikube_py.api.meta import Object


class Recorder(Protocol):
    """The part of :class:`minikube_py.runtime.events.EventRecorder` that is used here."""

    def event(self, obj: Object, event_type: str, reason: str, message: str) -> None:
        """Sends an event without waiting."""
        ...


class PodEvents:
    """Records events with the ``involvedObject`` that upstream gives them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def pod(self, pod: Object, event_type: str, reason: str, message: str) -> None:
        """An event of the pod."""
        self._recorder.event(pod, event_type, reason, message)

    def container(self, pod: Object, container: Object, event_type: str, reason: str, message: str) -> None:
        """An event of one container, whose ``fieldPath`` names it."""
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": pod["metadata"],
            "fieldPath": container_field_path(pod, container["name"]),
        }
        self._recorder.event(reference, event_type, reason, message)
