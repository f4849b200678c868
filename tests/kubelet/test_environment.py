from __future__ import annotations

import base64

import pytest

from kubelet.environment import ConfigurationError, Sources, environment, references, service_variables
from kubelet.field_path import PodAddresses
from minikube_py.api.meta import Object

from .pods import container, pod


def config_map(**data: str) -> Object:
    return {"metadata": {"name": "settings"}, "data": data}


def secret(**data: str) -> Object:
    return {"metadata": {"name": "word"}, "data": {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}}


SOURCES = Sources(
    config_maps={"settings": config_map(x="1", **{"a=b": "2"})},
    secrets={"word": secret(pass_="s")},
    service_variables={"SVC": "10.0.0.1", "X": "overridden"},
    addresses=PodAddresses(("10.1.0.2",), ("192.168.0.1",)),
    allocatable={"cpu": "2", "memory": "1Gi"},
)


def variable(name: str, **value_from: Object) -> Object:
    return {"name": name, "valueFrom": value_from}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"name": "X", "value": "v"}, "v", id="a literal wins over a service variable"),
        pytest.param({"name": "X", "value": "$(SVC):80"}, "10.0.0.1:80", id="a literal sees service variables"),
        pytest.param(variable("X", configMapKeyRef={"name": "settings", "key": "x"}), "1", id="a ConfigMap key"),
        pytest.param(variable("X", secretKeyRef={"name": "word", "key": "pass_"}), "s", id="a Secret key"),
        pytest.param(variable("X", fieldRef={"fieldPath": "metadata.name"}), "p", id="the pod's name"),
        pytest.param(variable("X", fieldRef={"fieldPath": "status.podIP"}), "10.1.0.2", id="the pod's address"),
        pytest.param(variable("X", fieldRef={"fieldPath": "status.hostIP"}), "192.168.0.1", id="the host's address"),
        pytest.param(variable("X", fieldRef={"fieldPath": "spec.nodeName"}), "node-1", id="the node"),
        pytest.param(
            variable("X", resourceFieldRef={"resource": "limits.cpu"}), "2", id="a limit that is not set is the node's"
        ),
        pytest.param(
            variable("X", resourceFieldRef={"resource": "requests.memory", "divisor": "1Mi"}),
            "64",
            id="a request in its divisor",
        ),
    ],
)
def test_one_variable(entry: Object, expected: str) -> None:
    spec = container(env=[entry], resources={"requests": {"memory": "64Mi"}})
    assert environment(pod("p", spec), spec, SOURCES).variables["X"] == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(
            variable("X", configMapKeyRef={"name": "none", "key": "x"}), 'configmap "none" not found', id="no ConfigMap"
        ),
        pytest.param(
            variable("X", configMapKeyRef={"name": "settings", "key": "y"}),
            "couldn't find key y in ConfigMap ns/settings",
            id="no key in the ConfigMap",
        ),
        pytest.param(
            variable("X", secretKeyRef={"name": "none", "key": "x"}), 'secret "none" not found', id="no Secret"
        ),
        pytest.param(
            variable("X", fieldRef={"fieldPath": "spec.colour"}),
            "unsupported fieldPath: spec.colour",
            id="no such field",
        ),
    ],
)
def test_what_cannot_be_resolved_is_named(entry: Object, message: str) -> None:
    spec = container(env=[entry])
    with pytest.raises(ConfigurationError, match="^" + message.replace("(", r"\(")):
        environment(pod("p", spec), spec, SOURCES)


def test_an_optional_reference_leaves_the_variable_out() -> None:
    spec = container(env=[variable("Y", configMapKeyRef={"name": "none", "key": "x", "optional": True})])
    assert "Y" not in environment(pod("p", spec), spec, SOURCES).variables


def test_env_from_adds_every_valid_key_and_tells_of_the_others() -> None:
    spec = container(envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "P_"}])
    result = environment(pod("p", spec), spec, SOURCES)
    assert result.variables["P_x"] == "1"
    assert result.skipped == (("ns/settings of type ConfigMap", ("P_a=b",)),)


def test_references_are_found_in_env_and_env_from() -> None:
    spec = container(
        env=[variable("A", secretKeyRef={"name": "s", "key": "k"})], envFrom=[{"configMapRef": {"name": "c"}}]
    )
    found = references([spec])
    assert (found.config_maps, found.secrets) == ({"c"}, {"s"})


def service(name: str, namespace: str, address: str = "10.0.0.1") -> Object:
    ports = [{"name": "http-web", "port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address, "ports": ports}}


def test_service_variables_are_those_of_docker_links() -> None:
    found = service_variables([service("my-svc", "ns")], "ns", enable_service_links=True)
    assert found == {
        "MY_SVC_SERVICE_HOST": "10.0.0.1",
        "MY_SVC_SERVICE_PORT": "80",
        "MY_SVC_SERVICE_PORT_HTTP_WEB": "80",
        "MY_SVC_PORT": "tcp://10.0.0.1:80",
        "MY_SVC_PORT_80_TCP": "tcp://10.0.0.1:80",
        "MY_SVC_PORT_80_TCP_PROTO": "tcp",
        "MY_SVC_PORT_80_TCP_PORT": "80",
        "MY_SVC_PORT_80_TCP_ADDR": "10.0.0.1",
        "MY_SVC_PORT_53_UDP": "udp://10.0.0.1:53",
        "MY_SVC_PORT_53_UDP_PROTO": "udp",
        "MY_SVC_PORT_53_UDP_PORT": "53",
        "MY_SVC_PORT_53_UDP_ADDR": "10.0.0.1",
    }


@pytest.mark.parametrize(
    ("links", "names"),
    [
        pytest.param(True, {"KUBERNETES", "MINE"}, id="with service links"),
        pytest.param(False, {"KUBERNETES"}, id="without service links"),
    ],
)
def test_the_kubernetes_service_is_always_there_and_headless_ones_never(links: bool, names: set[str]) -> None:
    services = [
        service("kubernetes", "default"),
        service("mine", "ns"),
        service("headless", "ns", "None"),
        service("other", "elsewhere"),
    ]
    found = service_variables(services, "ns", enable_service_links=links)
    assert {name.partition("_SERVICE_HOST")[0] for name in found if name.endswith("_SERVICE_HOST")} == names
