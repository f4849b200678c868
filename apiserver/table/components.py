"""The printer of ComponentStatus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import NAME, Column, Printer
from minikube_py.api.meta import Object, name_of

COLUMNS = (
    NAME,
    Column("Status", "Status of the component conditions"),
    Column("Message", "Message of the component conditions"),
    Column("Error", "Error of the component conditions"),
)


def cells(component: Object, now: datetime) -> list[Any]:
    """Name, Healthy or Unhealthy, message, error."""
    for condition in component.get("conditions") or ():
        if condition.get("type") == "Healthy":
            status = "Healthy" if condition.get("status") == "True" else "Unhealthy"
            return [name_of(component), status, condition.get("message", ""), condition.get("error", "")]
    return [name_of(component), "Unknown", "", ""]


PRINTERS = {("", "ComponentStatus"): Printer(COLUMNS, cells)}
