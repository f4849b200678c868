import pytest

from controllers.actions import Emit, Patch
from controllers.service_load_balancer.sync import EXCLUDED_NODE, Observation, reserved_ports, sync
from minikube_py.api.meta import Object


def node(address: str, ready: str = "True", **labels: str) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    status = {"conditions": conditions, "addresses": [{"type": "InternalIP", "address": address}]}
    return {"metadata": {"name": address, "labels": labels}, "status": status}


def service(
    name: str = "web",
    *addresses: str,
    spec: Object | None = None,
    port: int = 80,
    created: str = "2026-01-01T00:00:00Z",
) -> Object:
    ingress = [{"ip": address, "ipMode": "VIP"} for address in addresses]
    return {
        "metadata": {"name": name, "namespace": "default", "uid": name, "creationTimestamp": created},
        "spec": {"type": "LoadBalancer", "ports": [{"port": port, "protocol": "TCP"}], **(spec or {})},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


NODES = (node("192.0.2.2"), node("192.0.2.1"), node("192.0.2.3", "Unknown"), node("192.0.2.4", **{EXCLUDED_NODE: ""}))
LATER = "2026-01-02T00:00:00Z"


def outcome(observed: Object, nodes: tuple[Object, ...], *others: Object) -> tuple[list[str], list[str] | None]:
    """The reasons of the events, and the addresses written, if any were."""
    actions = sync(Observation(observed, nodes, (observed, *others)))
    reasons = [action.reason for action in actions if isinstance(action, Emit)]
    patches = [action for action in actions if isinstance(action, Patch)]
    if not patches:
        return reasons, None
    (patch,) = patches
    assert patch.subresource == "status"
    ingress = patch.patch["status"]["loadBalancer"]["ingress"] or []
    assert all(item["ipMode"] == "VIP" for item in ingress)
    return reasons, [item["ip"] for item in ingress]


@pytest.mark.parametrize(
    ("observed", "others", "expected"),
    [
        pytest.param(
            service(),
            (),
            (["EnsuringLoadBalancer", "EnsuredLoadBalancer"], ["192.0.2.1", "192.0.2.2"]),
            id="a new one gets the ready nodes",
        ),
        pytest.param(service("web", "192.0.2.1", "192.0.2.2"), (), ([], None), id="one that is right is left alone"),
        pytest.param(
            service("web", "192.0.2.9"),
            (),
            (["UpdatedLoadBalancer"], ["192.0.2.1", "192.0.2.2"]),
            id="nodes have come and gone",
        ),
        pytest.param(
            service("web", "192.0.2.1", spec={"type": "ClusterIP"}),
            (),
            (["DeletingLoadBalancer", "DeletedLoadBalancer"], []),
            id="another type loses its addresses",
        ),
        pytest.param(service(spec={"type": "ClusterIP"}), (), ([], None), id="another type is nobody's business"),
        pytest.param(
            service("web", "198.51.100.1", spec={"loadBalancerClass": "example.com/x"}),
            (),
            ([], None),
            id="a class is somebody else's",
        ),
        pytest.param(
            service(created=LATER), (service("old"),), (["SyncLoadBalancerFailed"], None), id="the older gets the port"
        ),
        pytest.param(
            service(),
            (service("new", "192.0.2.1", created=LATER),),
            (["SyncLoadBalancerFailed"], None),
            id="who has the port keeps it",
        ),
        pytest.param(
            service(created=LATER),
            (service("old", port=81),),
            (["EnsuringLoadBalancer", "EnsuredLoadBalancer"], ["192.0.2.1", "192.0.2.2"]),
            id="another port is no obstacle",
        ),
    ],
)
def test_sync(observed: Object, others: tuple[Object, ...], expected: tuple[list[str], list[str] | None]) -> None:
    assert outcome(observed, NODES, *others) == expected


def test_without_nodes_the_addresses_go() -> None:
    assert outcome(service("web", "192.0.2.1"), ()) == (["UnAvailableLoadBalancer"], [])


def test_the_obstacle_is_named() -> None:
    observed = service(created=LATER)
    (action,) = sync(Observation(observed, NODES, (observed, service("old"))))
    assert isinstance(action, Emit)
    assert action.message == (
        "Error syncing load balancer: failed to ensure load balancer: "
        "port 80/TCP of the nodes belongs to Service default/old"
    )


@pytest.mark.parametrize(
    ("port", "owner"),
    [pytest.param(6443, "the API server", id="API server"), pytest.param(10250, "the kubelet", id="kubelet")],
)
def test_the_ports_of_the_cluster_itself_are_refused(port: int, owner: str) -> None:
    observed = service("web", "192.0.2.1", port=port)
    kubelet = {**NODES[0], "status": {**NODES[0]["status"], "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}}
    reserved = reserved_ports((kubelet,), ({"ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]},))
    failed, patch = sync(Observation(observed, NODES, (observed,), reserved))
    assert isinstance(failed, Emit)
    assert isinstance(patch, Patch)
    assert failed.reason == "SyncLoadBalancerFailed"
    assert failed.message.endswith(f"port {port}/TCP of the nodes belongs to {owner}")
    assert patch.patch["status"]["loadBalancer"]["ingress"] is None


def test_who_is_refused_a_port_of_the_cluster_keeps_nobody_from_another() -> None:
    greedy = service("greedy", spec={"ports": [{"port": 80}, {"port": 6443}]})
    observed = service(created=LATER)
    actions = sync(Observation(observed, NODES, (observed, greedy), {("TCP", 6443): "the API server"}))
    assert [action.reason for action in actions if isinstance(action, Emit)] == [
        "EnsuringLoadBalancer",
        "EnsuredLoadBalancer",
    ]
