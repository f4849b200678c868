import pytest

from controllers.actions import Create, Update
from controllers.root_ca_publisher.sync import DESCRIPTION, Observation, sync
from minikube_py.api.meta import Object

NAMESPACE: Object = {"metadata": {"name": "shop"}, "status": {"phase": "Active"}}


def config_map(data: Object, **annotations: str) -> Object:
    metadata = {"name": "kube-root-ca.crt", "namespace": "shop", "resourceVersion": "7", "annotations": annotations}
    return {"metadata": metadata, "data": data}


PUBLISHED = config_map({"ca.crt": "PEM"}, **{"kubernetes.io/description": DESCRIPTION})


def test_a_namespace_without_it_gets_the_config_map() -> None:
    (action,) = sync(Observation(NAMESPACE, None, "PEM"))
    assert isinstance(action, Create)
    assert action.obj["data"] == {"ca.crt": "PEM"}
    assert action.obj["metadata"]["name"] == "kube-root-ca.crt"
    assert action.obj["metadata"]["namespace"] == "shop"
    assert action.ignore_existing


@pytest.mark.parametrize(
    "present",
    [
        pytest.param(config_map({"ca.crt": "other"}), id="another certificate"),
        pytest.param(config_map({"ca.crt": "PEM", "more": "x"}), id="more than the certificate"),
        pytest.param(config_map({"ca.crt": "PEM"}), id="no description"),
    ],
)
def test_what_was_changed_is_put_right(present: Object) -> None:
    (action,) = sync(Observation(NAMESPACE, present, "PEM"))
    assert isinstance(action, Update)
    assert action.obj == PUBLISHED


def test_other_annotations_are_kept() -> None:
    (action,) = sync(Observation(NAMESPACE, config_map({}, team="blue"), "PEM"))
    assert isinstance(action, Update)
    assert action.obj["metadata"]["annotations"]["team"] == "blue"


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(Observation(NAMESPACE, PUBLISHED, "PEM"), id="as it should be"),
        pytest.param(Observation(None, None, "PEM"), id="the namespace is gone"),
        pytest.param(
            Observation({**NAMESPACE, "status": {"phase": "Terminating"}}, None, "PEM"), id="the namespace terminates"
        ),
    ],
)
def test_nothing_to_do(observation: Observation) -> None:
    assert sync(observation) == ()
