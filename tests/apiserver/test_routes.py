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
    ("path", "expected"),
    [
        pytest.param("/api/v1/watch/pods", ("", "pods", ""), id="all namespaces"),
        pytest.param("/api/v1/watch/namespaces/a/pods", ("a", "pods", ""), id="one namespace"),
        pytest.param("/api/v1/watch/namespaces/a/pods/p", ("a", "pods", "p"), id="one object"),
        pytest.param("/api/v1/watch/namespaces", ("", "namespaces", ""), id="namespaces"),
        pytest.param("/api/v1/watch/namespaces/a", ("a", "namespaces", "a"), id="one namespace object"),
        pytest.param("/apis/apps/v1/watch/deployments", ("", "deployments", ""), id="another group"),
    ],
)
def test_a_watch_by_its_old_path(path: str, expected: tuple[str, ...]) -> None:
    info = request_info("GET", path, Query(b""), BUILT_IN)
    assert (info.is_resource, info.verb) == (True, "watch")
    assert info.resource is not None
    assert (info.namespace, info.plural, info.name) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api"),
        ("GET", "/api/v1"),
        ("GET", "/apis/apps"),
        ("GET", "/apis/apps/v1"),
        ("GET", "/healthz"),
        ("GET", "/api/v1/watch"),
        ("GET", "/api/v1/watch/namespaces/a/pods/p/status"),
        ("DELETE", "/api/v1/watch/namespaces/a/pods/p"),
    ],
)
def test_anything_else_is_a_path(method: str, path: str) -> None:
    info = request_info(method, path, Query(b""), BUILT_IN)
    assert (info.is_resource, info.path, info.verb) == (False, path, method.lower())
