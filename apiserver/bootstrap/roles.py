"""Puts the default roles and bindings into the store, and adds what is missing from them at each start.

As upstream, a rule or subject that somebody added is kept, and an object annotated ``autoupdate: "false"`` is left
alone.
"""

from __future__ import annotations

from functools import partial

from apiserver.bootstrap.ensure import ensure
from apiserver.bootstrap.policy import (
    AUTO_UPDATE,
    cluster_role,
    cluster_role_binding,
)
from apiserver.bootstrap.policy import CLUSTER_ROLE_BINDINGS as BINDING_DATA
from apiserver.bootstrap.policy import CLUSTER_ROLES as ROLE_DATA
from apiserver.core import Core
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES

_KEY = next(iter(AUTO_UPDATE))


async def ensure_roles(core: Core) -> None:
    """Creates or completes every default role and binding."""
    for name in ROLE_DATA:
        role = cluster_role(name)
        await ensure(core, CLUSTER_ROLES, role, partial(reconciled, wanted=role, field="rules"))
    for name in BINDING_DATA:
        binding = cluster_role_binding(name)
        await ensure(core, CLUSTER_ROLE_BINDINGS, binding, partial(reconciled, wanted=binding, field="subjects"))


def reconciled(old: Object, wanted: Object, field: str) -> Object:
    """The stored object with what is missing of ``field``. Pure."""
    if annotations_of(old).get(_KEY) == "false":
        return old
    present = old.get(field) or []
    missing = [entry for entry in wanted.get(field) or () if entry not in present]
    return {**old, field: [*present, *missing]} if missing else old
