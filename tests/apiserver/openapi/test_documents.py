from __future__ import annotations

from typing import Any

import orjson
import pytest

from apiserver.openapi import OpenApi
from apiserver.openapi.documents import GNOSTIC
from minikube_py.api.resources import BUILT_IN
from minikube_py.api.schema import Schemas

TABLE = BUILT_IN.presented(32)
CONTAINER = "io.k8s.api.core.v1.Container"


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    return OpenApi(TABLE, Schemas())


def document(openapi: OpenApi, path: str) -> dict[str, Any]:
    found = openapi.v3(path)
    assert found is not None
    loaded: dict[str, Any] = orjson.loads(found.body)
    return loaded


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_the_index_names_every_group_version_with_a_stable_hash(openapi: OpenApi) -> None:
    paths = openapi.index()["paths"]
    assert set(paths) == {row.prefix.removeprefix("/") for row in TABLE.rows}
    url = paths["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    assert len(url.partition("=")[2]) == 128
    assert OpenApi(TABLE, Schemas()).index() == openapi.index()
    assert OpenApi(TABLE, Schemas("1.31")).index() != openapi.index()


def test_what_is_not_served_has_no_document(openapi: OpenApi) -> None:
    assert openapi.v3("apis/nope/v1") is None


@pytest.mark.parametrize("path", sorted({row.prefix.removeprefix("/") for row in TABLE.rows}))
def test_every_reference_leads_somewhere(openapi: OpenApi, path: str) -> None:
    found = document(openapi, path)
    schemas = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert references(found) <= schemas


def test_v3_schemas_are_as_upstreams(openapi: OpenApi) -> None:
    schemas = document(openapi, "api/v1")["components"]["schemas"]
    container = schemas[CONTAINER]
    assert container["type"] == "object"
    assert container["properties"]["name"]["type"] == "string"
    assert container["properties"]["resources"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.api.core.v1.ResourceRequirements"}
    ]
    env = container["properties"]["env"]
    assert env["x-kubernetes-patch-merge-key"] == "name"
    assert env["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.EnvVar"}
    assert schemas["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"] == [
        {"group": "", "kind": "Pod", "version": "v1"}
    ]
    assert "enum" not in schemas["io.k8s.api.core.v1.Pod"]["properties"]["kind"]
    int_or_string = schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert int_or_string["oneOf"] == [{"type": "integer"}, {"type": "string"}]


def test_patches_tell_kubectl_of_field_validation_and_dry_run(openapi: OpenApi) -> None:
    item = document(openapi, "apis/apps/v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert {parameter["name"] for parameter in item["patch"]["parameters"]} >= {"fieldValidation", "dryRun"}
    assert item["patch"]["x-kubernetes-action"] == "patch"
    assert item["patch"]["x-kubernetes-group-version-kind"] == {"group": "apps", "kind": "Deployment", "version": "v1"}
    assert {parameter["name"] for parameter in item["parameters"]} == {"name", "namespace", "pretty"}


@pytest.mark.parametrize(
    ("path", "method", "operation_id"),
    [
        ("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces"),
        ("/api/v1/namespaces/{namespace}/pods", "get", "listCoreV1NamespacedPod"),
        ("/api/v1/namespaces/{namespace}/pods", "post", "createCoreV1NamespacedPod"),
        ("/api/v1/namespaces/{namespace}/pods", "delete", "deleteCoreV1CollectionNamespacedPod"),
        ("/api/v1/namespaces/{namespace}/pods/{name}", "put", "replaceCoreV1NamespacedPod"),
        ("/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog"),
        ("/api/v1/namespaces/{namespace}/pods/{name}/exec", "post", "connectCoreV1PostNamespacedPodExec"),
        ("/api/v1/nodes/{name}/status", "patch", "patchCoreV1NodeStatus"),
    ],
)
def test_operation_ids_are_upstreams(openapi: OpenApi, path: str, method: str, operation_id: str) -> None:
    assert document(openapi, "api/v1")["paths"][path][method]["operationId"] == operation_id


def test_v2_is_whole(openapi: OpenApi) -> None:
    found = orjson.loads(openapi.v2().body)
    assert found["swagger"] == "2.0"
    assert references(found) <= {f"#/definitions/{name}" for name in found["definitions"]}
    assert found["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale" in found["paths"]


def fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """The fields of one protobuf message, undecoded."""

    def varint(position: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = data[position]
            value |= (byte & 0x7F) << shift
            position, shift = position + 1, shift + 7
            if byte < 0x80:
                return value, position

    found: list[tuple[int, bytes | int]] = []
    position = 0
    while position < len(data):
        key, position = varint(position)
        value, position = varint(position)
        if key & 7 == 2:
            found.append((key >> 3, data[position : position + value]))
            position += value
        else:
            assert key & 7 == 0
            found.append((key >> 3, value))
    return found


def test_v2_protobuf_holds_every_definition(openapi: OpenApi) -> None:
    answer = openapi.v2_protobuf()
    assert answer.content_type == GNOSTIC
    top = dict(fields(answer.body))
    assert top[1] == b"2.0"
    definitions = top[9]
    assert isinstance(definitions, bytes)
    named = [dict(fields(entry)) for number, entry in fields(definitions) if number == 1 and isinstance(entry, bytes)]
    names = [entry[1].decode() for entry in named if isinstance(entry[1], bytes)]
    assert names == list(orjson.loads(openapi.v2().body)["definitions"])
    pod = named[names.index("io.k8s.api.core.v1.Pod")][2]
    assert isinstance(pod, bytes)
    extension = next(value for number, value in fields(pod) if number == 31)
    assert isinstance(extension, bytes)
    assert extension.startswith(b"\x0a\x1fx-kubernetes-group-version-kind")


def test_documents_are_kept(openapi: OpenApi) -> None:
    assert openapi.v3("api/v1") is openapi.v3("api/v1")
    first, second = openapi.v2(), openapi.v2_protobuf()
    assert first.etag != second.etag


@pytest.mark.parametrize("minor", [25, 29, 37], ids=lambda minor: f"1.{minor}")
def test_a_version_documents_what_it_presents(minor: int) -> None:
    table = BUILT_IN.presented(minor)
    openapi = OpenApi(table, Schemas(f"1.{minor}"))
    for prefix in {row.prefix for row in table.rows}:
        found = document(openapi, prefix.removeprefix("/"))
        assert references(found) <= {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
        rows = [row for row in table.rows if row.prefix == prefix]
        collections = {f"{prefix}/{'namespaces/{namespace}/' if row.namespaced else ''}{row.plural}" for row in rows}
        assert collections <= set(found["paths"])
        kinds = {
            (kind["group"], kind["version"], kind["kind"])
            for schema in found["components"]["schemas"].values()
            for kind in schema.get("x-kubernetes-group-version-kind", ())
        }
        assert {(row.group, row.version, row.kind) for row in rows} <= kinds


def test_every_subresource_has_a_path(openapi: OpenApi) -> None:
    for row in TABLE.rows:
        paths = document(openapi, row.prefix.removeprefix("/"))["paths"]
        for subresource in row.subresources:
            found = [path for path in paths if path.endswith(f"/{row.plural}/{{name}}/{subresource.name}")]
            assert found, f"{row.qualified}/{subresource.name}"


def test_a_proxy_is_a_connection_with_and_without_a_path(openapi: OpenApi) -> None:
    paths = document(openapi, "api/v1")["paths"]
    whole = paths["/api/v1/nodes/{name}/proxy/{path}"]
    assert whole["put"]["operationId"] == "connectCoreV1PutNodeProxyWithPath"
    assert whole["put"]["x-kubernetes-action"] == "connect"
    assert [parameter["name"] for parameter in whole["parameters"]] == ["name", "pretty", "path"]
    assert paths["/api/v1/nodes/{name}/proxy"]["get"]["operationId"] == "connectCoreV1GetNodeProxy"
    assert "requestBody" not in whole["patch"]
