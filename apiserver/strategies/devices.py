"""The strategies of the kinds of resource.k8s.io."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.defaults import devices as defaults
from apiserver.strategies.ruled import RuledStrategy, Rules
from apiserver.validation import devices as validation
from minikube_py.api.meta import Object


class ResourceClaimStrategy(RuledStrategy):
    """A ResourceClaim."""

    returns_deleted_object: ClassVar[bool] = True
    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.resource_claim,
        validation.resource_claim_update,
        validation.resource_claim_status_update,
        default=defaults.default_resource_claim,
    )


class ResourceClaimTemplateStrategy(RuledStrategy):
    """A ResourceClaimTemplate."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(
        validation.resource_claim_template,
        validation.resource_claim_template_update,
        default=defaults.default_resource_claim_template,
    )


class DeviceClassStrategy(RuledStrategy):
    """A DeviceClass."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.device_class, validation.device_class_update)


class ResourceSliceStrategy(RuledStrategy):
    """A ResourceSlice."""

    returns_deleted_object: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.resource_slice, validation.resource_slice_update)
