"""What a scheduling plugin is, and the changes in the cluster that may help a pod it rejected."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from minikube_py.api.meta import Object
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

MAX_SCORE = 100


class Change(enum.Enum):
    """What has changed."""

    NODE_ADDED = "NodeAdd"
    NODE_UPDATED = "NodeUpdate"
    NODE_DELETED = "NodeDelete"
    POD_ADDED = "AssignedPodAdd"
    POD_UPDATED = "AssignedPodUpdate"
    POD_DELETED = "AssignedPodDelete"


@dataclass(frozen=True, slots=True, eq=False)
class ClusterEvent:
    """One change: the node before and after, or the bound pod before and after."""

    change: Change
    old_node: Object | None = None
    new_node: Object | None = None
    old_pod: PodInfo | None = None
    new_pod: PodInfo | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a node is not feasible. ``resolvable``: removing pods from it could help."""

    reasons: tuple[str, ...]
    resolvable: bool = True


class Plugin:
    """One rule of scheduling: stateless, and pure in every method.

    A plugin overrides what it takes part in. ``weight`` is what its score, of 0 to :data:`MAX_SCORE`, counts.
    """

    name: ClassVar[str]
    weight: ClassVar[int] = 0

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> Any:
        """What the other methods are given as ``state``; computed once for a pod."""
        return None

    def reject(self, pod: PodInfo, snapshot: Snapshot) -> str | None:
        """Why no node at all can take the pod, or None."""
        return None

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Why this node can't take the pod, or None."""
        return None

    def score(self, state: Any, pod: PodInfo, node: NodeInfo) -> float:
        """How good a feasible node is; only the order matters where :meth:`normalize` is overridden."""
        return 0

    def normalize(self, state: Any, pod: PodInfo, scores: Sequence[float]) -> Sequence[float]:
        """The scores of all feasible nodes, brought to 0 … :data:`MAX_SCORE`."""
        return scores

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """Whether the change may make a pod schedulable that this plugin rejected."""
        return True


def scaled_to_highest(scores: Sequence[float], *, reverse: bool = False) -> list[float]:
    """Scores scaled so that the highest is :data:`MAX_SCORE`; with ``reverse`` the lowest raw score is best."""
    highest = max(scores, default=0)
    if highest <= 0:
        return [MAX_SCORE if reverse else 0 for _ in scores]
    scaled = [MAX_SCORE * score // highest for score in scores]
    return [MAX_SCORE - score for score in scaled] if reverse else scaled
