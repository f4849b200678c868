from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controllers.main import run_controllers
from controllers.settings import Settings
from minikube_py.api.resources import CONFIG_MAPS, DEPLOYMENTS, NODES, SERVICE_ACCOUNTS, Resource
from minikube_py.client.protocol import ConnectionFailed, ObjectList
from minikube_py.runtime.tasks import Tasks


async def test_all_controllers_run_together(harness, tmp_path: Path):
    root_ca = tmp_path / "ca.crt"
    root_ca.write_text("certificate")
    settings = Settings(kubeconfig="", root_ca_file=str(root_ca))
    tasks = Tasks()
    tasks.start("controllers", run_controllers(settings, harness.client, harness.clock))
    await harness.settle()
    (config_map,) = harness.client.objects(CONFIG_MAPS)
    (service_account,) = harness.client.objects(SERVICE_ACCOUNTS)
    assert config_map["data"] == {"ca.crt": "certificate"}
    assert service_account["metadata"]["name"] == "default"
    assert harness.client.object(NODES, "node-1")["spec"]["podCIDR"] == "10.244.0.0/24"
    await tasks.cancel_all()
    assert all(not task.get_name().startswith(("informer", "replicaset")) for task in asyncio.all_tasks())


async def test_a_certificate_that_can_not_be_read_is_told(harness, tmp_path: Path):
    settings = Settings(kubeconfig="", root_ca_file=str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError, match="missing"):
        await run_controllers(settings, harness.client, harness.clock)


async def test_a_controller_does_not_wait_for_what_others_watch(harness, monkeypatch: pytest.MonkeyPatch):
    list_really = harness.client.list

    async def list_all_but_deployments(resource: Resource, *args: Any, **kwargs: Any) -> ObjectList:
        if resource is DEPLOYMENTS:
            raise ConnectionFailed("not now")
        return await list_really(resource, *args, **kwargs)

    monkeypatch.setattr(harness.client, "list", list_all_but_deployments)
    tasks = Tasks()
    tasks.start("controllers", run_controllers(Settings(kubeconfig=""), harness.client, harness.clock))
    await harness.settle()
    assert harness.client.object(NODES, "node-1")["spec"]["podCIDR"] == "10.244.0.0/24"
    await tasks.cancel_all()
