"""The strategies of ConfigMap, Secret and ServiceAccount."""

from __future__ import annotations

import base64
from typing import ClassVar

from apiserver.strategies import warnings
from apiserver.strategies.base import Strategy, StrategyContext
from apiserver.strategies.defaults.config import default_secret
from apiserver.validation import config as validation
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object


class ConfigMapStrategy(Strategy):
    """A ConfigMap."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new ConfigMap."""
        return list(validation.config_map(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a ConfigMap."""
        return list(validation.config_map_update(new, old))


class SecretStrategy(Strategy):
    """A Secret, whose write-only ``stringData`` is merged into ``data``."""

    def default(self, obj: Object) -> Object:
        """The type, and ``stringData`` encoded."""
        return default_secret(_with_string_data(obj))

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new Secret."""
        return list(validation.secret(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a Secret."""
        return list(validation.secret_update(new, old))


class ServiceAccountStrategy(Strategy):
    """A ServiceAccount, whose secrets are kept by name only."""

    returns_deleted_object: ClassVar[bool] = True

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """References to secrets reduced to names."""
        return _with_bare_secrets(super().prepare_for_create(obj, ctx))

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """References to secrets reduced to names."""
        return _with_bare_secrets(super().prepare_for_update(new, old, ctx))

    def validate(self, obj: Object) -> list[FieldError]:
        """Everything about a new ServiceAccount."""
        return list(validation.service_account(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What may change of a ServiceAccount."""
        return list(validation.service_account_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """An annotation that is on its way out."""
        return list(warnings.service_account(obj))


def _with_string_data(secret: Object) -> Object:
    plain = secret.get("stringData")
    if "stringData" not in secret:
        return secret
    encoded = {key: base64.b64encode((value or "").encode()).decode() for key, value in (plain or {}).items()}
    merged = {key: value for key, value in secret.items() if key != "stringData"}
    return {**merged, "data": {**(secret.get("data") or {}), **encoded}} if encoded else merged


def _with_bare_secrets(account: Object) -> Object:
    secrets = account.get("secrets")
    if not secrets:
        return account
    return {**account, "secrets": [{"name": secret["name"]} if secret.get("name") else {} for secret in secrets]}
