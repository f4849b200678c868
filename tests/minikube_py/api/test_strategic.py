import copy
from typing import Any

import pytest

from minikube_py.api.patch import MalformedPatch, PatchError, PatchNotApplicable, strategic_merge_patch
from minikube_py.api.schema import Schemas

DEPLOYMENT = "io.k8s.api.apps.v1.Deployment"
POD_SPEC = "io.k8s.api.core.v1.PodSpec"
A, B, C = ({"name": name, "image": name} for name in "abc")


def test_kubectl_set_image(schemas: Schemas) -> None:
    doc = {"spec": {"template": {"spec": {"containers": [A, B], "dnsPolicy": "Default"}}}}
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
                    "containers": [{"image": "new", "name": "b"}],
                }
            }
        }
    }
    patched = strategic_merge_patch(doc, patch, schemas, DEPLOYMENT)
    containers = [A, {"name": "b", "image": "new"}]
    assert patched == {"spec": {"template": {"spec": {"containers": containers, "dnsPolicy": "Default"}}}}


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        pytest.param({"containers": [A, B]}, {"containers": [{"name": "b", "tty": True}]},
                     {"containers": [A, {**B, "tty": True}]}, id="an item is merged by its key"),
        pytest.param({"containers": [A]}, {"containers": [B]}, {"containers": [B, A]},
                     id="a new item comes first, as upstream"),
        pytest.param({"containers": [A, B]}, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": [B]},
                     id="an item is deleted"),
        pytest.param({"containers": [A, B]}, {"containers": [{"$patch": "replace"}, C]}, {"containers": [C]},
                     id="a list is replaced"),
        pytest.param({"containers": [A, B, C]},
                     {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}, {"containers": [B, C, A]},
                     id="the order alone is set"),
        pytest.param({"containers": [A, B]},
                     {"$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}], "containers": [C]},
                     {"containers": [B, C, A]}, id="an item is added in its place"),
        pytest.param({}, {"$setElementOrder/containers": [{"name": "a"}], "containers": [A]}, {"containers": [A]},
                     id="a list is added with its order"),
        pytest.param({"containers": [A, B]},
                     {"$setElementOrder/containers": [{"name": "b"}],
                      "containers": [{"$patch": "delete", "name": "a"}]},
                     {"containers": [B]}, id="kubectl apply removes an item"),
        pytest.param({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]},
                     id="an atomic list is replaced"),
        pytest.param({"nodeSelector": {"a": "1", "b": "2"}}, {"nodeSelector": {"a": None, "c": "3"}},
                     {"nodeSelector": {"b": "2", "c": "3"}}, id="a map is merged"),
        pytest.param({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"$patch": "replace", "c": "3"}},
                     {"nodeSelector": {"c": "3"}}, id="a map is replaced"),
        pytest.param({"securityContext": {"runAsUser": 1}}, {"securityContext": {"$patch": "delete"}},
                     {"securityContext": {}}, id="a map is emptied"),
        pytest.param({"volumes": [{"name": "v", "emptyDir": {}}]},
                     {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]},
                     {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}, id="other keys are dropped"),
        pytest.param({"dnsPolicy": "Default"}, {"dnsPolicy": None}, {}, id="null deletes"),
        pytest.param({}, {"dnsPolicy": None, "nodeSelector": {"a": None, "b": "1"}}, {"nodeSelector": {"b": "1"}},
                     id="null deletes what is not there"),
        pytest.param({}, {"containers": [{"name": "a", "$patch": "delete"}]}, {"containers": []},
                     id="a deletion from nothing"),
        pytest.param({"hostname": "a"}, {"hostname": "b"}, {"hostname": "b"}, id="a value is replaced"),
        pytest.param({"unknown": [1]}, {"unknown": [2]}, {"unknown": [2]}, id="an unknown list is replaced"),
    ],
)  # fmt: skip
def test_pod_spec(schemas: Schemas, doc: Any, patch: Any, result: Any) -> None:
    before, patch_before = copy.deepcopy(doc), copy.deepcopy(patch)
    assert strategic_merge_patch(doc, patch, schemas, POD_SPEC) == result
    assert (doc, patch) == (before, patch_before)


@pytest.mark.parametrize(
    ("doc", "patch", "result"),
    [
        pytest.param(["x"], {"finalizers": ["y"]}, ["y", "x"], id="merged"),
        pytest.param(["x", "y"], {"$deleteFromPrimitiveList/finalizers": ["x"]}, ["y"], id="one is deleted"),
        pytest.param(["x", "y"], {"$setElementOrder/finalizers": ["y", "x"]}, ["y", "x"], id="ordered"),
        pytest.param(
            ["x", "y"],
            {"$deleteFromPrimitiveList/finalizers": ["x"], "$setElementOrder/finalizers": ["y", "z"], "finalizers": ["z"]},  # noqa: E501
            ["y", "z"], id="kubectl apply adds one and removes one",
        ),
    ],
)  # fmt: skip
def test_lists_of_text(schemas: Schemas, doc: Any, patch: Any, result: Any) -> None:
    patched = strategic_merge_patch(
        {"finalizers": doc}, patch, schemas, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    )
    assert patched == {"finalizers": result}


def test_service_ports_are_merged_by_port(schemas: Schemas) -> None:
    doc = {"spec": {"ports": [{"port": 80, "nodePort": 30000}]}}
    patched = strategic_merge_patch(
        doc, {"spec": {"ports": [{"port": 80, "name": "x"}]}}, schemas, "io.k8s.api.core.v1.Service"
    )
    assert patched == {"spec": {"ports": [{"port": 80, "nodePort": 30000, "name": "x"}]}}


def test_conditions_are_merged_by_type(schemas: Schemas) -> None:
    doc = {"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}]}}
    patch = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    patched = strategic_merge_patch(doc, patch, schemas, "io.k8s.api.core.v1.Pod")
    assert patched["status"]["conditions"] == [
        {"type": "Ready", "status": "True"},
        {"type": "Initialized", "status": "True"},
    ]


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        pytest.param({"$patch": "merge"}, MalformedPatch, id="unknown directive"),
        pytest.param({"containers": [{"image": "x"}]}, PatchNotApplicable, id="no merge key"),
        pytest.param({"containers": [{"name": "a", "$patch": "merge"}]}, MalformedPatch, id="merge in a list"),
        pytest.param({"containers": ["a"]}, MalformedPatch, id="a list of text"),
        pytest.param({"containers": [{"name": {}}]}, MalformedPatch, id="a merge key that is an object"),
        pytest.param({"$setElementOrder/containers": "a"}, MalformedPatch, id="an order that is no list"),
        pytest.param({"$setElementOrder/containers": [{"name": "a"}], "containers": [B]}, MalformedPatch,
                     id="an item that the order lacks"),
        pytest.param({"$deleteFromPrimitiveList/containers": "a"}, MalformedPatch, id="a deletion that is no list"),
        pytest.param({"$retainKeys": ["a"], "hostname": "b"}, MalformedPatch, id="a key that is not retained"),
        pytest.param([], MalformedPatch, id="no object"),
    ],
)  # fmt: skip
def test_errors(schemas: Schemas, patch: Any, error: type[PatchError]) -> None:
    with pytest.raises(error):
        strategic_merge_patch({"containers": [A]}, patch, schemas, POD_SPEC)
