import json
from typing import Any

import pytest

from minikube_py.api.fields import Code
from minikube_py.api.schema import PatchField, Schemas, UnknownVersion, patch_field

POD_SPEC = "io.k8s.api.core.v1.PodSpec"


def pruned(schemas: Schemas, api_version: str, kind: str, obj: Any) -> Any:
    checked = schemas.decode_check(api_version, kind, obj)
    assert (checked.type_errors, checked.unknown) == ([], [])
    return checked.pruned


def in_container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", **fields}]}}


def test_kinds_are_found_by_api_version(schemas: Schemas) -> None:
    assert schemas.definition_name("apps/v1", "Deployment") == "io.k8s.api.apps.v1.Deployment"
    assert schemas.definition_name("v1", "Deployment") is None
    assert schemas.definition_name("apps/v1", "DeleteOptions") == "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(25, 38)])
def test_every_definition_of_every_version_compiles(version: str) -> None:
    schemas = Schemas(version)
    for name in schemas.names():
        schemas.fields(name)
        schemas.type_of(name)


def test_a_version_that_is_not_held_is_refused() -> None:
    with pytest.raises(UnknownVersion, match=r'"1\.7"; supported versions: 1\.25, .*1\.37'):
        Schemas("1.7")


def test_definitions_are_those_of_openapi_v2(schemas: Schemas) -> None:
    port = schemas.definition("io.k8s.api.core.v1.ServicePort")
    assert port["properties"]["port"]["type"] == "integer"
    assert port["properties"]["targetPort"]["$ref"] == "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"
    assert "enum" not in schemas.definition("io.k8s.api.core.v1.Pod")["properties"]["kind"]
    assert schemas.definition("io.k8s.apimachinery.pkg.api.resource.Quantity")["type"] == "string"
    assert schemas.definition("nothing") == {}


def test_fields_by_path(schemas: Schemas) -> None:
    field = schemas.field("io.k8s.api.apps.v1.Deployment", "spec.template.spec.containers")
    assert field is not None
    assert (field.type.code, field.list_type, field.list_map_keys) == (Code.LIST, "map", ("name",))
    assert schemas.field("io.k8s.api.apps.v1.Deployment", "spec.template.spec.containers.image") is not None
    assert schemas.field("io.k8s.api.apps.v1.Deployment", "spec.nothing") is None


def test_patch_metadata(schemas: Schemas) -> None:
    volumes = patch_field(schemas, schemas.type_of(POD_SPEC), "volumes")
    assert (volumes.strategies, volumes.merge_key) == (("merge", "retainKeys"), "name")
    assert volumes.type is not None
    assert volumes.type.definition == "io.k8s.api.core.v1.Volume"
    assert patch_field(schemas, schemas.type_of(POD_SPEC), "nothing") == PatchField()


@pytest.mark.parametrize(
    ("kind", "obj", "message"),
    [
        pytest.param(
            ("apps/v1", "Deployment"),
            {"spec": {"replicas": "3"}},
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            id="text for a number",
        ),
        pytest.param(
            ("v1", "Pod"),
            in_container(image=5),
            "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string",
            id="a number for text, in a list",
        ),
        pytest.param(
            ("v1", "Pod"),
            {"metadata": {"labels": {"a": True}}},
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
            id="a boolean in a map of text",
        ),
        pytest.param(
            ("v1", "Pod"),
            {"spec": {"containers": {}}},
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
            id="an object for a list",
        ),
        pytest.param(
            ("v1", "Pod"),
            {"spec": []},
            "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec",
            id="a list for an object",
        ),
        pytest.param(
            ("v1", "Pod"),
            {"metadata": {"labels": "x"}},
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            id="text for a map",
        ),
        pytest.param(
            ("v1", "Pod"),
            in_container(ports=[{"containerPort": 1.5}]),
            "json: cannot unmarshal number 1.5 into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
            id="a fraction for an integer",
        ),
        pytest.param(
            ("v1", "Pod"),
            in_container(ports=[{"containerPort": 2**31}]),
            "json: cannot unmarshal number 2147483648 into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
            id="a number that is too large",
        ),
        pytest.param(
            ("v1", "Pod"),
            in_container(resources={"limits": {"cpu": "much"}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            id="a malformed quantity",
        ),
        pytest.param(("v1", "Secret"), {"data": {"a": "a?b="}}, "illegal base64 data at input byte 1", id="no base64"),
        pytest.param(
            ("v1", "Service"),
            {"spec": {"ports": [{"port": 80, "targetPort": False}]}},
            "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
            id="neither a number nor text",
        ),
    ],
)
def test_type_errors_are_those_of_go(schemas: Schemas, kind: tuple[str, str], obj: Any, message: str) -> None:
    assert [error.message for error in schemas.decode_check(*kind, obj).type_errors] == [message]


def test_unknown_fields_are_named_and_pruned(schemas: Schemas) -> None:
    obj = {"spec": {"x": 1, "template": {"spec": {"containers": [{"name": "a"}, {"name": "b", "bogus": {}}]}}}}
    checked = schemas.decode_check("apps/v1", "Deployment", obj)
    assert checked.unknown == ["spec.x", "spec.template.spec.containers[1].bogus"]
    assert checked.pruned == {"spec": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param({"hostNetwork": False}, {}, id="false is absent where Go cannot tell"),
        pytest.param(
            {"automountServiceAccountToken": False}, {"automountServiceAccountToken": False}, id="explicit no"
        ),
        pytest.param({"terminationGracePeriodSeconds": 0}, {"terminationGracePeriodSeconds": 0}, id="explicit zero"),
        pytest.param({"schedulerName": ""}, {}, id="no text"),
        pytest.param({"nodeSelector": {}, "volumes": []}, {}, id="nothing in it"),
        pytest.param({"securityContext": {}}, {"securityContext": {}}, id="an empty object is kept"),
        pytest.param({"nodeName": None, "tolerations": None}, {}, id="null"),
        pytest.param({"nodeSelector": {"a": None}}, {"nodeSelector": {"a": ""}}, id="null in a map"),
        pytest.param({"overhead": {"cpu": 0.5}}, {"overhead": {"cpu": "500m"}}, id="a number as quantity"),
        pytest.param({"overhead": {"cpu": "1000m"}}, {"overhead": {"cpu": "1"}}, id="a quantity is made canonical"),
    ],
)
def test_zero_values(schemas: Schemas, given: Any, kept: Any) -> None:
    assert pruned(schemas, "v1", "Pod", {"spec": given}) == {"spec": kept}


def test_explicit_zero_replicas_survive(schemas: Schemas) -> None:
    assert pruned(schemas, "apps/v1", "Deployment", {"spec": {"replicas": 0}}) == {"spec": {"replicas": 0}}


def test_times(schemas: Schemas) -> None:
    obj = {"metadata": {"creationTimestamp": None, "deletionTimestamp": "2026-11-21T03:07:24.5+02:00"}}
    assert pruned(schemas, "v1", "Pod", obj) == {"metadata": {"deletionTimestamp": "2026-11-21T01:07:24Z"}}
    lease = {"spec": {"renewTime": "2026-11-21T01:07:24Z"}}
    kept = pruned(schemas, "coordination.k8s.io/v1", "Lease", lease)
    assert kept == {"spec": {"renewTime": "2026-11-21T01:07:24.000000Z"}}
    wrong = schemas.decode_check("v1", "Pod", {"metadata": {"deletionTimestamp": "soon"}})
    assert wrong.type_errors[0].message.startswith('parsing time "soon" as "2006-01-02T15:04:05Z07:00"')


def test_the_input_is_not_changed(schemas: Schemas) -> None:
    obj = in_container(bogus=1, resources={"limits": {"cpu": 1}})
    before = json.dumps(obj)
    schemas.decode_check("v1", "Pod", obj)
    assert json.dumps(obj) == before


def test_a_kind_without_definition_is_kept(schemas: Schemas) -> None:
    assert pruned(schemas, "example.com/v1", "Thing", {"a": None}) == {"a": None}
