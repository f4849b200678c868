"""Puts the default roles and bindings into the store, and adds what is missing from them at each start.

As upstream, a rule or subject that somebody added is kept, and an object annotated ``autoupdate: "false"`` is left
alone. The rules of a role that gathers others are its controller's.
"""

from __future__ import annotations

from functools import partial

from apiserver.bootstrap import policy
from apiserver.bootstrap.ensure import ensure, ensure_all
from apiserver.core import Core
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

_KEY = next(iter(policy.AUTO_UPDATE))


async def ensure_roles(core: Core) -> None:
    """Creates or completes every default role and binding."""
    await ensure_all(
        ensure(core, resource, wanted, partial(reconciled, wanted=wanted, field=field))
        for resource, field, objects in (
            (CLUSTER_ROLES, "rules", policy.cluster_roles()),
            (CLUSTER_ROLE_BINDINGS, "subjects", policy.cluster_role_bindings()),
            (ROLES, "rules", policy.roles()),
            (ROLE_BINDINGS, "subjects", policy.role_bindings()),
        )
        for wanted in objects
    )


def reconciled(old: Object, wanted: Object, field: str) -> Object:
    """The stored object with what is missing of ``field``. Pure."""
    if annotations_of(old).get(_KEY) == "false":
        return old
    if "aggregationRule" in wanted:
        return old if old.get("aggregationRule") else {**old, "aggregationRule": wanted["aggregationRule"]}
    present = old.get(field) or []
    missing = [entry for entry in wanted.get(field) or () if entry not in present]
    return {**old, field: [*present, *missing]} if missing else old
