"""The strategies of LimitRange and ResourceQuota."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.defaults.quota import default_limit_range
from apiserver.strategies.ruled import RuledStrategy, Rules, StatusWithMetadata
from apiserver.validation import quota as validation
from minikube_py.api.meta import Object


class LimitRangeStrategy(RuledStrategy):
    """A LimitRange, which a PUT may create."""

    allow_create_on_update: ClassVar[bool] = True
    rules: ClassVar[Rules] = Rules(validation.limit_range, validation.limit_range_update, default=default_limit_range)


class ResourceQuotaStrategy(StatusWithMetadata):
    """A ResourceQuota, whose use is counted by its controller and by admission."""

    returns_deleted_object: ClassVar[bool] = True
    initial_status: ClassVar[Object | None] = {}
    rules: ClassVar[Rules] = Rules(
        validation.resource_quota, validation.resource_quota_update, validation.resource_quota_status_update
    )
