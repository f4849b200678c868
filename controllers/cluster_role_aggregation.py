"""ClusterRole aggregation: a role with an ``aggregationRule`` has the rules of the roles that its selectors name.

Follows ``k8s.io/kubernetes/pkg/controller/clusterroleaggregation``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from controllers.actions import Update
from controllers.perform import Performer
from minikube_py.api.meta import Object, name_of
from minikube_py.api.rbac import aggregated_rules
from minikube_py.api.resources import CLUSTER_ROLES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext


def sync(role: Object, roles: Sequence[Object]) -> tuple[Update, ...]:
    """Gives the role the rules it gathers, where it has others."""
    if not role.get("aggregationRule"):
        return ()
    rules = aggregated_rules(role, roles)
    if rules == (role.get("rules") or []):
        return ()
    return (Update(CLUSTER_ROLES, {**role, "rules": rules}),)


class ClusterRoleAggregation:
    """Works role by role; whatever role changes, each that gathers others is looked at."""

    def __init__(self, context: ControllerContext) -> None:
        self._roles = context.informers.informer(CLUSTER_ROLES)
        self._queue = WorkQueue("ClusterRoleAggregator", context.clock)
        writes = Writes(context.clock, self._roles)
        self._performer = Performer(context.client, writes=writes)
        self._roles.add_handler(self._on_role)
        context.add(
            Controller("clusterrole-aggregation-controller", self._queue, self._reconcile, context.clock, writes=writes)
        )

    def _on_role(self, old: Object | None, new: Object | None) -> None:
        for role in self._roles.list():
            if role.get("aggregationRule"):
                self._queue.add(name_of(role))

    async def _reconcile(self, key: str) -> float | None:
        role = self._roles.get(key)
        return await self._performer.perform(key, sync(role, self._roles.list())) if role is not None else None
