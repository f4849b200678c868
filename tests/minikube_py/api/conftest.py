import pytest

from minikube_py.api.schema import Schemas


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    return Schemas()
