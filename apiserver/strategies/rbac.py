"""The strategies of Role, ClusterRole, RoleBinding and ClusterRoleBinding."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import Strategy
from apiserver.strategies.defaults.rbac import default_binding
from apiserver.validation import rbac as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object


class RoleStrategy(Strategy):
    """A Role."""

    allow_create_on_update: ClassVar[bool] = True

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Role."""
        return list(validation.role(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Role."""
        return list(validation.role_update(new, old))


class ClusterRoleStrategy(Strategy):
    """A ClusterRole."""

    allow_create_on_update: ClassVar[bool] = True

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new ClusterRole."""
        return list(validation.cluster_role(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a ClusterRole."""
        return list(validation.cluster_role_update(new, old))


class RoleBindingStrategy(Strategy):
    """A RoleBinding."""

    allow_create_on_update: ClassVar[bool] = True

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return default_binding(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new RoleBinding."""
        return list(validation.role_binding(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a RoleBinding."""
        return list(validation.role_binding_update(new, old))


class ClusterRoleBindingStrategy(Strategy):
    """A ClusterRoleBinding."""

    allow_create_on_update: ClassVar[bool] = True

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return default_binding(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new ClusterRoleBinding."""
        return list(validation.cluster_role_binding(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a ClusterRoleBinding."""
        return list(validation.cluster_role_binding_update(new, old))
