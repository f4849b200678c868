"""The condition ``Dangling`` of FlowSchemas: whether the priority level that they name is there."""

from __future__ import annotations

from datetime import datetime

import structlog

from apiserver.bootstrap.ensure import SERVER, ensure_all
from apiserver.core import Core, Operation
from apiserver.handlers.update import prepare
from apiserver.storage.store import StoreError
from apiserver.writes import guaranteed_update
from minikube_py.api.errors import ApiError, NotFound
from minikube_py.api.meta import Object
from minikube_py.api.resources import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS, Resource
from minikube_py.api.times import format_time

RETRY_SECONDS = 5.0
MANAGER = "api-priority-and-fairness-config-consumer-v1"
log = structlog.get_logger("apiserver")


async def keep_dangling_told(core: Core, resource: Resource) -> None:
    """Puts the conditions right whenever an object of ``resource`` (either kind) changes, until cancelled."""
    cache = core.caches[resource]
    while True:
        try:
            await cache.wait_fresh(RETRY_SECONDS)
            with cache.subscribe(cache.revision) as changes:
                await tell_dangling(core)
                while True:
                    await changes.take(None)
                    await tell_dangling(core)
        except (ApiError, StoreError) as error:
            log.info("Could not tell which FlowSchemas dangle, trying again", error=str(error))
            await core.clock.sleep(RETRY_SECONDS)


async def tell_dangling(core: Core) -> None:
    """Writes the condition of each FlowSchema that tells another state than the present one."""
    levels = core.caches[PRIORITY_LEVEL_CONFIGURATIONS]
    now = core.clock.now()
    writes = []
    for item in core.caches[FLOW_SCHEMAS].list().items:
        schema = item.object
        found = levels.get(_level_of(schema)) is not None
        if told(schema, found, now) is not schema:
            writes.append(_tell(core, item.name, now))
    await ensure_all(writes)


async def _tell(core: Core, name: str, now: datetime) -> None:
    operation = Operation(core, SERVER, FLOW_SCHEMAS, "", name, "status", field_manager=MANAGER)

    async def transform(old: Object) -> Object:
        found = core.caches[PRIORITY_LEVEL_CONFIGURATIONS].get(_level_of(old)) is not None
        new = told(old, found, now)
        return old if new is old else await prepare(operation, new, old)

    try:
        await guaranteed_update(operation, transform)
    except NotFound:
        return


def _level_of(schema: Object) -> str:
    return str(((schema.get("spec") or {}).get("priorityLevelConfiguration") or {}).get("name", ""))


def told(schema: Object, found: bool, now: datetime) -> Object:
    """The FlowSchema with its condition; itself where that is told already. Pure."""
    level = _level_of(schema)
    status, reason = ("False", "Found") if found else ("True", "NotFound")
    exists = "it exists" if found else "there is no such object"
    message = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and {exists}'
    conditions = [dict(each) for each in (schema.get("status") or {}).get("conditions") or []]
    present = next((each for each in conditions if each.get("type") == "Dangling"), None)
    if present is None:
        present = {"type": "Dangling"}
        conditions.append(present)
    wanted = {"status": status, "reason": reason, "message": message}
    if wanted.items() <= present.items():
        return schema
    if present.get("status") != status:
        present["lastTransitionTime"] = format_time(now)
    present |= wanted
    return {**schema, "status": {**(schema.get("status") or {}), "conditions": conditions}}
