"""The printers of ConfigMap, Secret and ServiceAccount."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, Column, Printer, age, documented
from minikube_py.api.meta import Object, name_of

CONFIG_MAP_COLUMNS = (NAME, Column("Data", documented("core.v1.ConfigMap", "data")), AGE)
SECRET_COLUMNS = (
    NAME,
    Column("Type", documented("core.v1.Secret", "type")),
    Column("Data", documented("core.v1.Secret", "data")),
    AGE,
)
SERVICE_ACCOUNT_COLUMNS = (NAME, Column("Secrets", documented("core.v1.ServiceAccount", "secrets")), AGE)


def config_map_cells(config_map: Object, now: datetime) -> list[Any]:
    """Name, number of keys, age."""
    keys = len(config_map.get("data") or {}) + len(config_map.get("binaryData") or {})
    return [name_of(config_map), keys, age(config_map, now)]


def secret_cells(secret: Object, now: datetime) -> list[Any]:
    """Name, type, number of keys, age."""
    return [name_of(secret), secret.get("type", ""), len(secret.get("data") or {}), age(secret, now)]


def service_account_cells(account: Object, now: datetime) -> list[Any]:
    """Name, number of secrets, age."""
    return [name_of(account), len(account.get("secrets") or []), age(account, now)]


PRINTERS = {
    ("", "ConfigMap"): Printer(CONFIG_MAP_COLUMNS, config_map_cells),
    ("", "Secret"): Printer(SECRET_COLUMNS, secret_cells),
    ("", "ServiceAccount"): Printer(SERVICE_ACCOUNT_COLUMNS, service_account_cells),
}
