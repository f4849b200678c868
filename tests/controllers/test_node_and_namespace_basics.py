"""The wiring of the controllers that every cluster needs before its first pod, on the fake API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.context import ControllerContext
from controllers.node_ipam.controller import NodeIpamController
from controllers.root_ca_publisher import RootCaPublisher
from controllers.service_account import ServiceAccountController
from controllers.settings import Settings
from minikube_py.api.errors import InternalError
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONFIG_MAPS, NAMESPACES, NODES, SERVICE_ACCOUNTS
from minikube_py.client.fake import FakeClient
from minikube_py.runtime.clock import FakeClock, settle
from minikube_py.runtime.informer import Informers
from minikube_py.runtime.tasks import Tasks


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock)


@pytest.fixture
async def running(clock: FakeClock, client: FakeClient, tmp_path: Path) -> AsyncIterator[ControllerContext]:
    (tmp_path / "ca.crt").write_text("PEM")
    settings = Settings(
        kubeconfig="none", root_ca_file=str(tmp_path / "ca.crt"), cluster_cidr="10.0.0.0/23", node_cidr_mask_size=24
    )
    context = ControllerContext(client, Informers(client, clock), clock, settings)
    for controller in (ServiceAccountController, RootCaPublisher, NodeIpamController):
        controller(context)
    tasks = Tasks()
    context.informers.start(tasks)
    await context.informers.wait_synced(5)
    context.start(tasks)
    yield context
    await tasks.cancel_all()


def node(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


async def test_a_namespace_is_made_ready_for_pods_and_kept_so(running: ControllerContext, client: FakeClient) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": "shop"}, "status": {"phase": "Active"}})
    await settle()
    assert client.object(SERVICE_ACCOUNTS, "default", "shop") is not None
    published = client.object(CONFIG_MAPS, "kube-root-ca.crt", "shop")
    assert published is not None
    assert published["data"] == {"ca.crt": "PEM"}

    await client.update(CONFIG_MAPS, {**published, "data": {}})
    await client.delete(SERVICE_ACCOUNTS, "default", "shop")
    await settle()
    restored = client.object(CONFIG_MAPS, "kube-root-ca.crt", "shop")
    assert restored is not None
    assert restored["data"] == {"ca.crt": "PEM"}
    assert client.object(SERVICE_ACCOUNTS, "default", "shop") is not None

    await client.delete(CONFIG_MAPS, "kube-root-ca.crt", "shop")
    await settle()
    assert client.object(CONFIG_MAPS, "kube-root-ca.crt", "shop") is not None


async def test_every_node_gets_a_network_of_its_own(
    running: ControllerContext, client: FakeClient, clock: FakeClock
) -> None:
    client.fail_next("patch", NODES, InternalError("cut off"))
    for name in ("one", "two", "three"):
        await client.create(NODES, node(name))
    await clock.run(1)
    networks = [(found.get("spec") or {}).get("podCIDR", "") for found in client.objects(NODES)]
    assert sorted(networks) == ["", "10.0.0.0/24", "10.0.1.0/24"]

    (waiting,) = (n["metadata"]["name"] for n in client.objects(NODES) if not (n.get("spec") or {}).get("podCIDR"))
    (first,) = (n for n in client.objects(NODES) if (n.get("spec") or {}).get("podCIDR") == "10.0.0.0/24")
    await client.delete(NODES, first["metadata"]["name"])
    await clock.run(1)
    served = client.object(NODES, waiting)
    assert served is not None
    assert served["spec"]["podCIDRs"] == ["10.0.0.0/24"]
