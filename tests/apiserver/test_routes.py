from __future__ import annotations

import pytest

from apiserver.context import Query
from apiserver.routes import request_info
from minikube_py.api.resources import BUILT_IN


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        pytest.param("GET", "/api/v1/pods", ("list", "", "v1", "", "pods", "", ""), id="all pods"),
        pytest.param(
            "GET", "/api/v1/namespaces/a/pods", ("list", "", "v1", "a", "pods", "", ""), id="pods of a namespace"
        ),
        pytest.param("GET", "/api/v1/pods?watch=1", ("watch", "", "v1", "", "pods", "", ""), id="a watch"),
        pytest.param("GET", "/api/v1/pods?watch=false", ("list", "", "v1", "", "pods", "", ""), id="no watch"),
        pytest.param("GET", "/api/v1/namespaces/a/pods/p", ("get", "", "v1", "a", "pods", "p", ""), id="one pod"),
        pytest.param(
            "POST",
            "/api/v1/namespaces/a/pods/p/binding",
            ("create", "", "v1", "a", "pods", "p", "binding"),
            id="a subresource",
        ),
        pytest.param("GET", "/api/v1/namespaces", ("list", "", "v1", "", "namespaces", "", ""), id="namespaces"),
        pytest.param(
            "PUT", "/api/v1/namespaces/a", ("update", "", "v1", "a", "namespaces", "a", ""), id="one namespace"
        ),
        pytest.param(
            "PUT",
            "/api/v1/namespaces/a/finalize",
            ("update", "", "v1", "a", "namespaces", "a", "finalize"),
            id="a namespace's subresource",
        ),
        pytest.param(
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            ("deletecollection", "apps", "v1", "a", "deployments", "", ""),
            id="a collection to delete",
        ),
        pytest.param(
            "PATCH",
            "/apis/apps/v1/namespaces/a/deployments/d",
            ("patch", "apps", "v1", "a", "deployments", "d", ""),
            id="a patch",
        ),
    ],
)
def test_a_resource_request(method: str, target: str, expected: tuple[str, ...]) -> None:
    path, _, query = target.partition("?")
    info = request_info(method, path, Query(query.encode()), BUILT_IN)
    assert info.is_resource
    assert info.resource is not None
    found = (info.verb, info.group, info.version, info.namespace, info.plural, info.name, info.subresource)
    assert found == expected


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/healthz", "/api/v1/watch/pods"]
)
def test_anything_else_is_a_path(path: str) -> None:
    info = request_info("GET", path, Query(b""), BUILT_IN)
    assert (info.is_resource, info.path, info.verb) == (False, path, "get")
