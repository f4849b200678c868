"""Whatever a client sends, the answer is a Status that tells what is wrong with it: never a 5xx."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
DOWNWARD = {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}
POD_SPEC: dict[str, Any] = {
    "containers": [
        {
            "name": "c",
            "image": "busybox",
            "command": ["sleep"],
            "env": [
                {"name": "A", "value": "b"},
                {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2}},
            "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
            "readinessProbe": {"exec": {"command": ["true"]}},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
            "securityContext": {"runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
    ],
    "initContainers": [{"name": "i", "image": "busybox", "restartPolicy": "Always"}],
    "volumes": [
        {"name": "v", "configMap": {"name": "m", "items": [{"key": "a", "path": "b"}], "defaultMode": 420}},
        {"name": "e", "emptyDir": {"sizeLimit": "1Gi"}},
        {
            "name": "p",
            "projected": {
                "sources": [{"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}]
            },
        },
    ],
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}],
    "nodeSelector": {"a": "b"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
            }
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "k", "labelSelector": {"matchLabels": {"a": "b"}}}}
            ]
        },
    },
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}],
    "securityContext": {"fsGroup": 1, "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}]},
    "dnsConfig": {"nameservers": ["192.0.2.1"], "options": [{"name": "ndots", "value": "2"}]},
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a"]}],
    "terminationGracePeriodSeconds": 30,
    "restartPolicy": "Always",
}
META: dict[str, Any] = {
    "name": "x",
    "labels": {"app": "x"},
    "annotations": {"a": "b"},
    "finalizers": ["example.com/f"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "u", "controller": True}],
}
VALID: dict[str, tuple[str, dict[str, Any]]] = {
    "Pod": (PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": POD_SPEC}),
    "Service": (
        SERVICES,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": META,
            "spec": {
                "type": "LoadBalancer",
                "selector": {"app": "x"},
                "ports": [{"name": "a", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "x"}],
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}},
                "externalIPs": ["192.0.2.9"],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Local",
                "loadBalancerSourceRanges": ["192.0.2.0/24"],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        },
    ),
    "Deployment": (
        DEPLOYMENTS,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": META,
            "spec": {
                "replicas": 1,
                "selector": {
                    "matchLabels": {"app": "x"},
                    "matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}],
                },
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
                "template": {"metadata": {"labels": {"app": "x"}}, "spec": POD_SPEC},
            },
            "status": {"replicas": 1, "conditions": [{"type": "Available", "status": "True"}]},
        },
    ),
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**40,
    1.5,
    1e308,
    "",
    "-",
    "\u0000",
    "\ud7ff\U0001f600",
    "999999999999999999999999Ei",
    "1e-99",
    "%",
    "101%",
    "x" * 300,
    [],
    [None],
    [[]],
    ["", ""],
    {},
    {"": ""},
    {"a": {}},
    {"a": None},
]
BROKEN = [b"", b"\xff\xfe", b"\xc3", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 5000, b"{" * 90]
bounded = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
kinds = st.sampled_from(sorted(VALID))
patches = st.sampled_from(["application/merge-patch+json", "application/strategic-merge-patch+json"])


def paths_of(value: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inner for path in paths_of(item, (*here, key)))]


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copied = copy.copy(value)
    copied[path[0]] = changed(copied[path[0]], path[1:], new)
    return copied


PATHS = {kind: paths_of(obj) for kind, (_, obj) in VALID.items()}


async def check(api: Any, kind: str, body: bytes, content_type: str = "application/json") -> None:
    path = VALID[kind][0]
    for method, target in (("POST", path), ("PUT", f"{path}/x"), ("PUT", f"{path}/x/status")):
        answer = await api(method, f"{target}?fieldValidation=Strict", body, headers={"content-type": content_type})
        assert answer.status < 500, (method, target, answer.body)
        if answer.status >= 400:
            assert answer.json["kind"] == "Status"
            assert answer.json["message"]


@pytest.mark.parametrize("kind", sorted(VALID))
async def test_the_objects_are_valid_before_they_are_spoilt(api: Any, kind: str) -> None:
    path, obj = VALID[kind]
    await api.ok("POST", path, obj)


@bounded
@given(data=st.data(), kind=kinds, odd=st.sampled_from(ODD))
async def test_a_wrong_value_anywhere(api: Any, data: st.DataObject, kind: str, odd: Any) -> None:
    obj = changed(VALID[kind][1], data.draw(st.sampled_from(PATHS[kind])), odd)
    await check(api, kind, json.dumps(obj).encode())


@bounded
@given(data=st.data(), kind=kinds)
async def test_bytes_that_are_broken(api: Any, data: st.DataObject, kind: str) -> None:
    body = orjson.dumps(VALID[kind][1])
    at = data.draw(st.integers(0, len(body)))
    inserted = data.draw(
        st.sampled_from(
            [b"", b"\xff\xfe", b"\xc3", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 5000, b"{" * 90]
        )
        | st.binary(max_size=4)
    )
    skipped = data.draw(st.sampled_from([0, 1, 5, len(body)]))
    media_types = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
    await check(api, kind, body[:at] + inserted + body[at + skipped :], data.draw(st.sampled_from(media_types)))


@bounded
@given(data=st.data(), kind=kinds, odd=st.sampled_from(ODD), media_type=patches)
async def test_a_patch_with_a_wrong_value_anywhere(
    api: Any, data: st.DataObject, kind: str, odd: Any, media_type: str
) -> None:
    path, obj = VALID[kind]
    if (await api("GET", f"{path}/x")).status == 404:
        await api.ok("POST", path, obj)
    for target in (f"{path}/x", f"{path}/x/status"):
        body = json.dumps(changed(obj, data.draw(st.sampled_from(PATHS[kind])), odd)).encode()
        answer = await api("PATCH", target, body, headers={"content-type": media_type})
        assert answer.status < 500, (target, answer.body)


@bounded
@given(data=st.data(), kind=kinds, odd=st.sampled_from(ODD))
async def test_a_json_patch_with_a_wrong_value_anywhere(api: Any, data: st.DataObject, kind: str, odd: Any) -> None:
    path, obj = VALID[kind]
    if (await api("GET", f"{path}/x")).status == 404:
        await api.ok("POST", path, obj)
    at = "/" + "/".join(map(str, data.draw(st.sampled_from(PATHS[kind]))))
    operation = {"op": data.draw(st.sampled_from(["add", "replace", "remove", "test", "copy", "move"])), "path": at}
    operation |= {"value": odd, "from": data.draw(st.sampled_from(["/spec", "/metadata", at, "", "x"]))}
    body = json.dumps([operation]).encode()
    answer = await api("PATCH", f"{path}/x", body, headers={"content-type": "application/json-patch+json"})
    assert answer.status < 500, (operation, answer.body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000, id="lists without end"),
        pytest.param(b'{"a":' * 100_000, id="objects without end"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="objects in objects"),
        pytest.param(b'{"metadata":{"name":"x"},"spec":' + b"[" * 3000 + b"]" * 3000 + b"}", id="lists in lists"),
        pytest.param(b'{"metadata":{"name":"x"},"spec":{"containers":NaN}}', id="NaN"),
        pytest.param(b'{"metadata":{"name":"\xff"}}', id="no UTF-8"),
        pytest.param(b'{"metadata":{"name":"\\ud800"}}', id="half a surrogate pair"),
        pytest.param(b'{"spec":{"terminationGracePeriodSeconds":1' + b"0" * 10_000 + b"}}", id="a huge number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="nothing"),
    ],
)
@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
    ],
)
async def test_bodies_made_to_hurt(api: Any, body: bytes, media_type: str) -> None:
    for kind in sorted(VALID):
        await check(api, kind, body, media_type)
