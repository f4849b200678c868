"""The union of the authorizers."""

from __future__ import annotations

from apiserver.authz.attributes import Attributes, attributes_of, forbidden
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import Rbac
from apiserver.context import RequestContext
from apiserver.metrics import Metrics

MASTERS = "system:masters"
"""The group that may do everything, whatever roles there are."""


class Authorizer:
    """Asks the Node authorizer, then RBAC."""

    def __init__(self, node: NodeAuthorizer, rbac: Rbac, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self.rbac = rbac

    def allows(self, attributes: Attributes) -> tuple[bool, str]:
        """Whether the user may, and a reason where there is one."""
        if MASTERS in attributes.user.groups:
            return True, ""
        allowed, reason = self._node.allows(attributes)
        if allowed:
            self._metrics.decided("Node")
            return True, ""
        granted = self.rbac.allowed_by(attributes)
        if granted is None:
            return False, reason
        self._metrics.decided("RBAC")
        return True, granted

    def check(self, ctx: RequestContext) -> None:
        """Refuses what the request's user may not do. Raises Forbidden."""
        if MASTERS in ctx.user.groups:
            allowed, reason = True, ""
        else:
            attributes = attributes_of(ctx)
            allowed, reason = self.allows(attributes)
        if ctx.audit is not None:
            ctx.audit.annotate("authorization.k8s.io/decision", "allow" if allowed else "forbid")
            ctx.audit.annotate("authorization.k8s.io/reason", reason)
        if not allowed:
            raise forbidden(attributes, reason)
