"""The union of the authorizers."""

from __future__ import annotations

from apiserver.authz.attributes import Attributes, attributes_of, forbidden
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import Rbac
from apiserver.context import RequestContext

MASTERS = "system:masters"
"""The group that may do everything, whatever roles there are."""


class Authorizer:
    """Asks the Node authorizer, then RBAC."""

    def __init__(self, node: NodeAuthorizer, rbac: Rbac) -> None:
        self._node = node
        self.rbac = rbac

    def allows(self, attributes: Attributes) -> tuple[bool, str]:
        """Whether the user may, and a reason where there is one."""
        if MASTERS in attributes.user.groups:
            return True, ""
        allowed, reason = self._node.allows(attributes)
        if allowed or self.rbac.allows(attributes):
            return True, ""
        return False, reason

    def check(self, ctx: RequestContext) -> None:
        """Refuses what the request's user may not do. Raises Forbidden."""
        if MASTERS in ctx.user.groups:
            return
        attributes = attributes_of(ctx)
        allowed, reason = self.allows(attributes)
        if not allowed:
            raise forbidden(attributes, reason)
