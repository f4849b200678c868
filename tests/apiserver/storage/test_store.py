import pytest

from apiserver.storage.store import prefix_end, resource_prefix, storage_key
from minikube_py.api.resources import DEPLOYMENTS, NODES, PODS


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        pytest.param("/registry/", b"/registry0", id="the next byte"),
        pytest.param("", b"\0", id="all keys have no end"),
        pytest.param("é", b"\xc3\xaa", id="more than one byte"),
    ],
)
def test_prefix_end(prefix, end):
    assert prefix_end(prefix) == end


def test_keys():
    assert resource_prefix(DEPLOYMENTS) == "/registry/apps/deployments/"
    assert storage_key(PODS, "default", "p") == "/registry/core/pods/default/p"
    assert storage_key(NODES, "", "n") == "/registry/core/nodes/n"
