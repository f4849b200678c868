from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

PV, PVC = resources.PERSISTENT_VOLUMES, resources.PERSISTENT_VOLUME_CLAIMS
RWO = ["ReadWriteOnce"]
AFFINITY = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "k", "operator": "Exists"}]}]}}


def volume(**spec: Any) -> dict[str, Any]:
    if not spec.keys() & {"local", "csi", "nfs", "hostPath"}:
        spec["hostPath"] = {"path": "/x"}
    return {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": RWO, **spec}}


def claim(size: str = "1Gi", status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"spec": {"accessModes": RWO, "resources": {"requests": {"storage": size}}, **spec}}
    return made if status is None else {**made, "status": status}


BOUND = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
IMMUTABLE = (
    "Forbidden spec: Forbidden: spec is immutable after creation except resources.requests and "
    "volumeAttributesClassName for bound claims\n"
)


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(volume(), id="a path of the host"),
        pytest.param(volume(local={"path": "/x"}, nodeAffinity=AFFINITY), id="a local one"),
        pytest.param(volume(csi={"driver": "a.b", "volumeHandle": "h"}, volumeMode="Block"), id="a driver's"),
        pytest.param(volume(nfs={"server": "s", "path": "/x"}, storageClassName="c"), id="nfs"),
    ],
)
def test_a_good_volume(rules: Any, obj: dict[str, Any]) -> None:
    assert rules.create(PV, obj) == []


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            {"spec": {}},
            [
                "Required spec.accessModes: Required value",
                "Required spec.capacity: Required value",
                'NotSupported spec.capacity: Unsupported value: {}: supported values: "storage"',
                "Required spec: Required value: must specify a volume type",
            ],
            id="nothing",
        ),
        pytest.param(
            volume(accessModes=["ReadWriteOncePod", "ReadWriteMany", "x"]),
            [
                'NotSupported spec.accessModes: Unsupported value: "x": supported values: "ReadOnlyMany", '
                '"ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
                "Forbidden spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
            ],
            id="modes that exclude each other",
        ),
        pytest.param(
            volume(capacity={"storage": "0"}),
            ['Invalid spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
            id="no room",
        ),
        pytest.param(
            volume(local={"path": "/x/../y"}),
            [
                "Invalid spec.local.path: Invalid value: \"/x/../y\": must not contain '..'",
                "Required spec.nodeAffinity: Required value: Local volume requires node affinity",
            ],
            id="a local path anywhere",
        ),
        pytest.param(
            volume(hostPath={"path": "/"}, persistentVolumeReclaimPolicy="Recycle"),
            [
                "Forbidden spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount "
                "of '/'"
            ],
            id="the root recycled",
        ),
        pytest.param(
            volume(nfs={"server": "s", "path": "x"}, hostPath={"path": "/x"}),
            ["Forbidden spec.nfs: Forbidden: may not specify more than 1 volume type"],
            id="two sources",
        ),
        pytest.param(
            volume(csi={"driver": "a_b"}),
            ["spec.csi.driver", "Required spec.csi.volumeHandle: Required value"],
            id="a bad driver",
        ),
        pytest.param(
            volume(nodeAffinity={}),
            ["Required spec.nodeAffinity.required: Required value: must specify required node constraints"],
            id="an empty affinity",
        ),
    ],
)
def test_a_bad_volume(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    found = short(rules.create(PV, obj))
    assert len(found) == len(expected)
    assert all(want in got for want, got in zip(expected, found, strict=True)), found


def test_a_volume_keeps_its_source(rules: Any, short: Any) -> None:
    errors = short(rules.update(PV, volume(hostPath={"path": "/y"}), volume()))
    assert errors == [
        "Forbidden spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
        '- hostPath.path: "/x"\n+ hostPath.path: "/y"\n'
    ]
    errors = short(rules.update(PV, volume(volumeMode="Block", accessModes=["ReadWriteMany"]), volume()))
    assert errors == ['Invalid volumeMode: Invalid value: "Block": field is immutable']


def test_a_volume_may_be_given_a_secret_to_expand(rules: Any) -> None:
    csi = {"driver": "a.b", "volumeHandle": "h"}
    secret = {"controllerExpandSecretRef": {"name": "s", "namespace": "d"}}
    assert rules.update(PV, volume(csi={**csi, **secret}), volume(csi=csi)) == []


def test_a_new_volume(rules: Any) -> None:
    made = rules.created(PV, volume())
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert made["spec"]["hostPath"] == {"path": "/x", "type": ""}
    assert made["status"] == {"phase": "Pending", "lastPhaseTransitionTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(claim(), [], id="a claim"),
        pytest.param(
            {"spec": {}},
            [
                "Required spec.accessModes: Required value: at least 1 access mode is required",
                "Required spec.resources[storage]: Required value",
            ],
            id="nothing",
        ),
        pytest.param(
            claim("0", volumeMode="x"),
            [
                'Invalid spec.resources[storage]: Invalid value: "0": must be greater than zero',
                'NotSupported spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"',
            ],
            id="no room in an unknown mode",
        ),
        pytest.param(
            claim(dataSourceRef={"kind": "Pod", "name": ""}),
            [
                "Required spec.dataSource.name: Required value",
                "Invalid spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing "
                "the default apiGroup",
                "Required spec.dataSourceRef.name: Required value",
                "Invalid spec.dataSourceRef: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when "
                "referencing the default apiGroup",
            ],
            id="filled by a pod",
        ),
        pytest.param(
            claim(
                dataSource={"kind": "PersistentVolumeClaim", "name": "a"},
                dataSourceRef={"kind": "PersistentVolumeClaim", "name": "b"},
            ),
            ['Invalid spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
            id="two data sources",
        ),
    ],
)
def test_a_claim(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(PVC, obj)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param(claim(volumeName="v"), claim(), [], id="its volume is set once"),
        pytest.param(
            claim(volumeName="w"),
            claim(volumeName="v"),
            [IMMUTABLE + '- volumeName: "v"\n+ volumeName: "w"\n'],
            id="its volume is changed",
        ),
        pytest.param(claim("2Gi", status=BOUND), claim(status=BOUND), [], id="a bound one grows"),
        pytest.param(
            claim("2Gi"),
            claim(),
            [IMMUTABLE + '- resources.requests.storage: "1Gi"\n+ resources.requests.storage: "2Gi"\n'],
            id="one that waits grows",
        ),
        pytest.param(
            claim("1Gi", status=BOUND),
            claim("2Gi", status=BOUND),
            ["Forbidden spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"],
            id="it shrinks to what it has",
        ),
        pytest.param(claim("2Gi", status=BOUND), claim("3Gi", status=BOUND), [], id="it asks for less growth"),
        pytest.param(claim(storageClassName="s"), claim(), [], id="it gets a class"),
        pytest.param(
            claim(storageClassName="t"),
            claim(storageClassName="s"),
            [IMMUTABLE + '- storageClassName: "s"\n+ storageClassName: "t"\n'],
            id="its class is changed",
        ),
    ],
)
def test_a_changed_claim(rules: Any, short: Any, new: Any, old: Any, expected: list[str]) -> None:
    assert short(rules.update(PVC, new, old)) == expected


def test_the_two_data_sources_agree(rules: Any) -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "a"}
    spec = rules.created(PVC, claim(dataSource=source))["spec"]
    assert spec["dataSource"] == spec["dataSourceRef"] == source
    spec = rules.created(PVC, claim(dataSource={"apiGroup": "x.y", "kind": "Z", "name": "a"}))["spec"]
    assert "dataSource" not in spec, "upstream drops what it does not know there"
    made = rules.created(PVC, claim())
    assert made["status"] == {"phase": "Pending"}
    assert made["spec"]["volumeMode"] == "Filesystem"


def test_a_claim_status(rules: Any, short: Any) -> None:
    status = {"allocatedResourceStatuses": {"storage": "x", "cpu": "NodeResizePending"}}
    errors = short(rules.update(PVC, claim(status=status), claim(status=BOUND), "status"))
    assert [error.split(":")[0] for error in errors] == [
        "NotSupported status.allocatedResourceStatus",
        "NotSupported status.allocatedResourceStatus",
    ]
