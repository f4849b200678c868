"""FlowSchemas say whether the level that they name is there."""

from __future__ import annotations

import asyncio
from typing import Any

from apiserver.bootstrap.dangling import keep_dangling_told
from minikube_py.api.resources import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from minikube_py.runtime.tasks import Tasks

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"


async def condition_of(api: Any, name: str) -> Any:
    [condition] = (await api.ok("GET", f"{FLOW}/flowschemas/{name}"))["status"]["conditions"]
    return condition["status"], condition["reason"], condition["message"]


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_the_condition_follows_schemas_and_levels(api: Any) -> None:
    tasks = Tasks()
    for row in (FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS):
        tasks.start(row.plural, keep_dangling_told(api.core, row))
    await settle()
    message = 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" and it exists'
    assert await condition_of(api, "exempt") == ("False", "Found", message)

    schema = {"metadata": {"name": "mine"}, "spec": {"priorityLevelConfiguration": {"name": "later"}}}
    await api.ok("POST", f"{FLOW}/flowschemas", schema)
    await settle()
    message = 'This FlowSchema references the PriorityLevelConfiguration object named "later" and'
    assert await condition_of(api, "mine") == ("True", "NotFound", f"{message} there is no such object")

    level = {
        "metadata": {"name": "later"},
        "spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}},
    }
    await api.ok("POST", f"{FLOW}/prioritylevelconfigurations", level)
    await settle()
    assert await condition_of(api, "mine") == ("False", "Found", f"{message} it exists")
    await tasks.cancel_all()
