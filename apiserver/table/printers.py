"""Which kind is shown by which printer, and the two functions the Table envelope is built from."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from apiserver.table import (
    access,
    autoscaling,
    batch,
    components,
    config,
    endpoints,
    events,
    networking,
    nodes,
    pods,
    rbac,
    scheduling,
    services,
    storage,
    volumes,
    workloads,
)
from apiserver.table.columns import CREATED_AT, NAME, Describe, Printer
from minikube_py.api.meta import Object, metadata, name_of
from minikube_py.api.resources import Resource


def _no_description(definition: str, field: str) -> str:
    return ""


def _default_cells(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), metadata(obj).get("creationTimestamp", "")]


_DEFAULT = Printer((NAME, CREATED_AT), _default_cells)


@cache
def _printers() -> dict[tuple[str, str], Printer]:
    modules = (
        access,
        autoscaling,
        batch,
        components,
        config,
        endpoints,
        events,
        networking,
        nodes,
        pods,
        rbac,
        scheduling,
        services,
        storage,
        volumes,
        workloads,
    )
    return {key: printer for module in modules for key, printer in module.PRINTERS.items()}


def printer_for(resource: Resource) -> Printer:
    """The printer of a kind; upstream's default one (Name, Created At) where it has none of its own."""
    return _printers().get((resource.group, resource.kind), _DEFAULT)


def columns(resource: Resource, describe: Describe = _no_description) -> list[Object]:
    """The Table's ``columnDefinitions``; ``describe`` gives the documentation of schema fields."""
    return [column.definition(describe) for column in printer_for(resource).columns]


def row(resource: Resource, obj: Object, now: datetime) -> list[Any]:
    """The cells of one object, typed as upstream's (counts are integers), wide columns included."""
    return printer_for(resource).cells(obj, now)


def conditions(resource: Resource, obj: Object) -> list[Object]:
    """The row's ``conditions``: a finished Pod is marked Completed; empty for anything else."""
    return pods.row_conditions(obj) if resource.kind == "Pod" and not resource.group else []
