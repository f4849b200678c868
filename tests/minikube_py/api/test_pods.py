from typing import Any

import pytest

from minikube_py.api import pods


def container(name: str = "c", requests: Any = None, limits: Any = None, **fields: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}, **fields}


def pod(*containers: Any, init: Any = (), **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), "initContainers": list(init), **spec}}


@pytest.mark.parametrize(
    ("given", "cpu"),
    [
        pytest.param(pod(container(requests={"cpu": "1"}), container(requests={"cpu": "500m"})), 1500, id="sum"),
        pytest.param(pod(container(requests={"cpu": "1"}), init=[container(requests={"cpu": "3"})]), 3000, id="init"),
        pytest.param(
            pod(container(requests={"cpu": "1"}), init=[container(requests={"cpu": "1"}, restartPolicy="Always")]),
            2000,
            id="a sidecar runs beside",
        ),
        pytest.param(
            pod(
                container(requests={"cpu": "1"}),
                init=[container(requests={"cpu": "1"}, restartPolicy="Always"), container(requests={"cpu": "2"})],
            ),
            3000,
            id="an init step runs beside earlier sidecars",
        ),
        pytest.param(pod(container(requests={"cpu": "1"}), overhead={"cpu": "250m"}), 1250, id="overhead"),
        pytest.param(pod(container(limits={"cpu": "2"})), 2000, id="a limit stands for a missing request"),
        pytest.param(pod(container()), None, id="nothing"),
    ],
)
def test_requests(given: dict[str, Any], cpu: int | None) -> None:
    amount = pods.requests(given).get("cpu")
    assert (amount.milli() if amount is not None else None) == cpu


def test_limits() -> None:
    given = pod(container(limits={"memory": "1Gi"}), overhead={"memory": "1Mi", "cpu": "1"})
    assert {name: str(amount) for name, amount in pods.limits(given).items()} == {"memory": "1025Mi"}


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("given", "qos"),
    [
        pytest.param(pod(container()), "BestEffort", id="nothing asked"),
        pytest.param(pod(container(requests=BOTH, limits=BOTH)), "Guaranteed", id="requests equal limits"),
        pytest.param(pod(container(limits=BOTH)), "Guaranteed", id="limits only"),
        pytest.param(pod(container(requests=BOTH)), "Burstable", id="requests only"),
        pytest.param(pod(container(requests=BOTH, limits=BOTH), container()), "Burstable", id="one asks nothing"),
        pytest.param(pod(container(limits=BOTH), init=[container()]), "Burstable", id="init containers count"),
        pytest.param(pod(container(requests={"cpu": "0"})), "BestEffort", id="zero is nothing"),
        pytest.param(pod(container(requests={"nvidia.com/gpu": "1"})), "BestEffort", id="other resources"),
    ],
)
def test_qos_class(given: dict[str, Any], qos: str) -> None:
    assert pods.qos_class(given) == qos


def test_standing() -> None:
    assert pods.is_ready({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    assert pods.is_terminal({"status": {"phase": "Failed"}})
    assert not pods.is_active({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert pods.host_network(pod(hostNetwork=True))
    assert [c["name"] for c in pods.all_containers(pod(container("b"), init=[container("a")]))] == ["a", "b"]
