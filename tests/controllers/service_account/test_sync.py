import pytest

from controllers.actions import Create
from controllers.service_account.sync import Observation, sync
from minikube_py.api.meta import Object
from minikube_py.api.resources import SERVICE_ACCOUNTS

DEFAULT = Create(
    SERVICE_ACCOUNTS,
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}},
    ignore_existing=True,
)


def namespace(phase: str = "Active", **metadata: str) -> Object:
    return {"metadata": {"name": "shop", **metadata}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("observation", "actions"),
    [
        pytest.param(Observation(namespace(), False), (DEFAULT,), id="an active namespace gets its account"),
        pytest.param(Observation(namespace(), True), (), id="an account that is there is left alone"),
        pytest.param(Observation(namespace("Terminating"), False), (), id="a terminating namespace gets none"),
        pytest.param(
            Observation(namespace(deletionTimestamp="2026-01-01T00:00:00Z"), False), (), id="nor one being deleted"
        ),
        pytest.param(Observation(None, False), (), id="a namespace that is gone needs nothing"),
    ],
)
def test_sync(observation: Observation, actions: tuple[Create, ...]) -> None:
    assert sync(observation) == actions
