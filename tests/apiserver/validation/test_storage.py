from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources
from minikube_py.api.resources import Resource

SC, VAC = resources.STORAGE_CLASSES, resources.VOLUME_ATTRIBUTES_CLASSES
VA, DRIVER, NODE = resources.VOLUME_ATTACHMENTS, resources.CSI_DRIVERS, resources.CSI_NODES
CAPACITY = resources.CSI_STORAGE_CAPACITIES
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def attachment(**spec: Any) -> dict[str, Any]:
    source = {"persistentVolumeName": "v"}
    return {"spec": {"attacher": "a.b", "nodeName": "n", "source": source, **spec}}


def driver(**fields: Any) -> dict[str, Any]:
    return {"spec": {"drivers": [{"name": "a.b", "nodeID": "n", **fields}]}}


INLINE = {"csi": {"driver": "a.b", "volumeHandle": "h"}, "accessModes": ["ReadWriteOnce"]}

GOOD = [
    pytest.param(SC, {"provisioner": "kubernetes.io/no-provisioner"}, id="a class"),
    pytest.param(VAC, {"driverName": "a.b", "parameters": {"iops": "1"}}, id="a class of attributes"),
    pytest.param(VA, attachment(), id="an attachment"),
    pytest.param(VA, attachment(source={"inlineVolumeSpec": INLINE}), id="an attachment of an inline volume"),
    pytest.param(DRIVER, {"spec": {}}, id="a driver"),
    pytest.param(NODE, driver(topologyKeys=["a/b"], allocatable={"count": 1}), id="a node with a driver"),
    pytest.param(CAPACITY, {"storageClassName": "s", "capacity": "1Gi"}, id="a capacity"),
]
BAD = [
    pytest.param(SC, {"provisioner": ""}, ["Required provisioner: Required value"], id="no provisioner"),
    pytest.param(
        SC,
        {"provisioner": "p", "reclaimPolicy": "Recycle", "volumeBindingMode": "Late"},
        [
            'NotSupported reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
            'NotSupported volumeBindingMode: Unsupported value: "Late": supported values: "Immediate", '
            '"WaitForFirstConsumer"',
        ],
        id="an unknown policy and mode",
    ),
    pytest.param(
        SC,
        {"provisioner": "p", "allowedTopologies": [{"matchLabelExpressions": [{"key": "k", "values": []}]}]},
        ["Required allowedTopologies[0].matchLabelExpressions[0].values: Required value"],
        id="a topology without values",
    ),
    pytest.param(
        SC,
        {"provisioner": "p", "parameters": {"a": "x" * 262144}},
        ["TooLong parameters: Too long: may not be more than 262144 bytes"],
        id="large parameters",
    ),
    pytest.param(
        VAC,
        {"driverName": "a.b"},
        ["Required parameters: Required value: must contain at least one key/value pair"],
        id="no parameters",
    ),
    pytest.param(
        VA,
        attachment(source={}),
        ["Required spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
        id="no source",
    ),
    pytest.param(
        VA,
        attachment(source={"inlineVolumeSpec": {**INLINE, "capacity": {"storage": "1"}}}),
        [
            "Forbidden spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of "
            "inline volumes"
        ],
        id="an inline volume with a capacity",
    ),
    pytest.param(
        VA, attachment(nodeName="N"), [f'Invalid spec.nodeName: Invalid value: "N": {SUBDOMAIN}'], id="a bad node"
    ),
    pytest.param(
        DRIVER,
        {
            "spec": {
                "fsGroupPolicy": "x",
                "tokenRequests": [{"audience": "a", "expirationSeconds": 1}, {"audience": "a"}],
            }
        },
        [
            'NotSupported spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", '
            '"ReadWriteOnceWithFSType"',
            "Invalid spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than "
            "10 minutes",
            'Duplicate spec.tokenRequests[1].audience: Duplicate value: "a"',
        ],
        id="a bad policy and bad tokens",
    ),
    pytest.param(NODE, driver(nodeID=""), ["Required spec.drivers[0].nodeID: Required value"], id="no node ID"),
    pytest.param(
        NODE,
        driver(topologyKeys=["a", "a"]),
        ['Duplicate spec.drivers[0]: Duplicate value: "a"'],
        id="a topology key twice",
    ),
    pytest.param(
        CAPACITY,
        {"storageClassName": "s", "capacity": "-1"},
        ['Invalid capacity: Invalid value: "-1": must be greater than or equal to 0'],
        id="a negative capacity",
    ),
]
CHANGES = [
    pytest.param(
        SC,
        {"provisioner": "b", "parameters": {"x": "y"}, "reclaimPolicy": "Retain", "volumeBindingMode": "Immediate"},
        {"provisioner": "a", "volumeBindingMode": "WaitForFirstConsumer"},
        [
            "Forbidden parameters: Forbidden: updates to parameters are forbidden.",
            "Forbidden provisioner: Forbidden: updates to provisioner are forbidden.",
            "Forbidden reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
            'Invalid volumeBindingMode: Invalid value: "Immediate": field is immutable',
        ],
        id="all of a class",
    ),
    pytest.param(
        SC, {"provisioner": "a", "allowVolumeExpansion": True}, {"provisioner": "a"}, [], id="a class that lets grow"
    ),
    pytest.param(
        NODE,
        driver(nodeID="other"),
        driver(),
        ['Invalid spec.drivers: Invalid value: {"name":"a.b","nodeID":"other"}: field is immutable'],
        id="a driver's node ID",
    ),
    pytest.param(
        CAPACITY,
        {"storageClassName": "t", "capacity": "2"},
        {"storageClassName": "s", "capacity": "1"},
        ['Invalid storageClassName: Invalid value: "t": field is immutable'],
        id="a capacity's class",
    ),
    pytest.param(
        DRIVER,
        {"spec": {"attachRequired": False}},
        {"spec": {}},
        ["Invalid spec.attachedRequired: Invalid value: false: field is immutable"],
        id="whether a driver attaches",
    ),
]


@pytest.mark.parametrize(("resource", "obj"), GOOD)
def test_nothing_is_wrong(rules: Any, resource: Resource, obj: dict[str, Any]) -> None:
    assert rules.create(resource, obj) == []


@pytest.mark.parametrize(("resource", "obj", "expected"), BAD)
def test_every_error_is_told(rules: Any, short: Any, resource: Resource, obj: Any, expected: list[str]) -> None:
    assert short(rules.create(resource, obj)) == expected


@pytest.mark.parametrize(("resource", "new", "old", "expected"), CHANGES)
def test_what_may_change(rules: Any, short: Any, resource: Resource, new: Any, old: Any, expected: list[str]) -> None:
    assert short(rules.update(resource, new, old)) == expected


def test_defaults(rules: Any) -> None:
    made = rules.created(SC, {"provisioner": "p"})
    assert (made["reclaimPolicy"], made["volumeBindingMode"]) == ("Delete", "Immediate")
    assert rules.created(DRIVER, {"spec": {}})["spec"] == {
        "attachRequired": True,
        "podInfoOnMount": False,
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "requiresRepublish": False,
        "seLinuxMount": False,
        "volumeLifecycleModes": ["Persistent"],
    }
    assert rules.created(VA, attachment())["status"] == {"attached": False}
