"""The strategies of Endpoints and EndpointSlice."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import Strategy
from apiserver.strategies.defaults import endpoints as defaults
from apiserver.validation import endpoints as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object


class EndpointsStrategy(Strategy):
    """Endpoints, which a PUT may create."""

    allow_create_on_update: ClassVar[bool] = True

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default_endpoints(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about new Endpoints."""
        return list(validation.endpoints(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of Endpoints."""
        return list(validation.endpoints_update(new, old))


class EndpointSliceStrategy(Strategy):
    """An EndpointSlice."""

    def default(self, obj: Object) -> Object:
        """Upstream's defaults."""
        return defaults.default_endpoint_slice(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new EndpointSlice."""
        return list(validation.endpoint_slice(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of an EndpointSlice."""
        return list(validation.endpoint_slice_update(new, old))
