from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources
from minikube_py.api.resources import Resource

META = {"name": "x", "namespace": "d"}
GLOBAL = {"name": "x"}


def errors_of(resource: Resource, obj: dict[str, Any]) -> list[str]:
    strategy = strategy_for(resource)
    obj = {"metadata": META if resource.namespaced else GLOBAL, **obj}
    return [str(error) for error in strategy.validate(strategy.default(obj))]


def update_errors(resource: Resource, new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    strategy = strategy_for(resource)
    meta = {"metadata": META if resource.namespaced else GLOBAL}
    return [
        str(error) for error in strategy.validate_update(strategy.default(meta | new), strategy.default(meta | old))
    ]


def deployment(**spec: Any) -> dict[str, Any]:
    return {
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
            **spec,
        }
    }


def service(**spec: Any) -> dict[str, Any]:
    return {"spec": {"ports": [{"port": 80}], **spec}}


GOOD: list[tuple[Resource, dict[str, Any]]] = [
    (resources.DEPLOYMENTS, deployment()),
    (resources.REPLICA_SETS, deployment()),
    (resources.SERVICES, service()),
    (resources.SERVICES, service(type="ExternalName", externalName="a.example.", ports=[])),
    (resources.SERVICES, service(clusterIP="None", clusterIPs=["None"], ports=[])),
    (resources.CONFIG_MAPS, {"data": {"a.b": "c"}, "binaryData": {"d": "eA=="}}),
    (resources.SECRETS, {"stringData": {"a": "b"}}),
    (resources.SERVICE_ACCOUNTS, {}),
    (resources.NAMESPACES, {}),
    (resources.NODES, {"spec": {"taints": [{"key": "a/b", "effect": "NoSchedule"}], "podCIDR": "10.244.0.0/24"}}),
    (resources.EVENTS, {"involvedObject": {"namespace": "d"}}),
    (resources.LEASES, {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}}),
    (resources.ENDPOINTS, {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
    (
        resources.ENDPOINT_SLICES,
        {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]},
    ),
    (resources.ROLES, {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
    (resources.CLUSTER_ROLES, {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]}),
    (
        resources.CLUSTER_ROLE_BINDINGS,
        {
            "metadata": {"name": "system:a:b"},
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "User", "name": "u"}],
        },
    ),
    (
        resources.ROLE_BINDINGS,
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "d"}],
        },
    ),
]


@pytest.mark.parametrize(("resource", "obj"), GOOD, ids=lambda value: getattr(value, "kind", ""))
def test_a_good_object_has_no_errors(resource: Resource, obj: dict[str, Any]) -> None:
    assert errors_of(resource, obj) == []


BAD: list[tuple[str, Resource, dict[str, Any], str]] = [
    (
        "selector that does not match",
        resources.DEPLOYMENTS,
        deployment(selector={"matchLabels": {"app": "y"}}),
        'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ),
    ("no selector", resources.DEPLOYMENTS, deployment(selector=None), "spec.selector: Required value"),
    (
        "empty selector",
        resources.REPLICA_SETS,
        deployment(selector={}),
        "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ),
    (
        "negative replicas",
        resources.DEPLOYMENTS,
        deployment(replicas=-1),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    (
        "no room to roll",
        resources.DEPLOYMENTS,
        deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ),
    (
        "percentage above a hundred",
        resources.DEPLOYMENTS,
        deployment(strategy={"rollingUpdate": {"maxUnavailable": "101%"}}),
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ),
    (
        "rolling update of a recreation",
        resources.DEPLOYMENTS,
        deployment(strategy={"type": "Recreate", "rollingUpdate": {}}),
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    (
        "template that ends",
        resources.DEPLOYMENTS,
        deployment(
            template={
                "metadata": {"labels": {"app": "x"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
            }
        ),
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ),
    (
        "service name",
        resources.SERVICES,
        {"metadata": {"name": "1a", "namespace": "d"}, **service()},
        'metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters or '
        "'-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ),
    ("no ports", resources.SERVICES, service(ports=[]), "spec.ports: Required value"),
    (
        "unnamed ports",
        resources.SERVICES,
        service(ports=[{"port": 1}, {"port": 2}]),
        "spec.ports[0].name: Required value",
    ),
    (
        "port twice",
        resources.SERVICES,
        service(ports=[{"port": 1, "name": "a"}, {"port": 1, "name": "b"}]),
        'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}',
    ),
    (
        "node port of a cluster IP",
        resources.SERVICES,
        service(ports=[{"port": 1, "nodePort": 30000}]),
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ),
    (
        "cluster IP",
        resources.SERVICES,
        service(clusterIP="10.0.0"),
        'spec.clusterIPs[0]: Invalid value: "10.0.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ),
    (
        "headless load balancer",
        resources.SERVICES,
        service(type="LoadBalancer", clusterIP="None"),
        "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services",
    ),
    ("no external name", resources.SERVICES, service(type="ExternalName"), "spec.externalName: Required value"),
    (
        "service type",
        resources.SERVICES,
        service(type="Internal"),
        'spec.type: Unsupported value: "Internal": supported values: "ClusterIP", "ExternalName", "LoadBalancer", '
        '"NodePort"',
    ),
    (
        "target port",
        resources.SERVICES,
        service(ports=[{"port": 1, "targetPort": "much-too-long-a-name"}]),
        'spec.ports[0].targetPort: Invalid value: "much-too-long-a-name": must be no more than 15 characters',
    ),
    (
        "config key",
        resources.CONFIG_MAPS,
        {"data": {"a/b": "c"}},
        "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or "
        "'.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ),
    (
        "key in both maps",
        resources.CONFIG_MAPS,
        {"data": {"a": "c"}, "binaryData": {"a": "eA=="}},
        'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ),
    (
        "more than a mebibyte",
        resources.CONFIG_MAPS,
        {"data": {"a": "x" * (1024 * 1024 + 1)}},
        "[]: Too long: may not be more than 1048576 bytes",
    ),
    (
        "certificate without key",
        resources.SECRETS,
        {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}},
        "data[tls.key]: Required value",
    ),
    (
        "event elsewhere",
        resources.EVENTS,
        {"involvedObject": {"namespace": "other"}},
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ),
    (
        "lease duration",
        resources.LEASES,
        {"spec": {"leaseDurationSeconds": 0}},
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    ),
    (
        "namespace name",
        resources.NAMESPACES,
        {"metadata": {"name": "a.b"}},
        'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of lower case alphanumeric '
        "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
        "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ),
    (
        "taint effect",
        resources.NODES,
        {"spec": {"taints": [{"key": "a", "effect": "No"}]}},
        'spec.taints[0].effect: Unsupported value: "No": supported values: "NoExecute", "NoSchedule", '
        '"PreferNoSchedule"',
    ),
    (
        "loopback endpoint",
        resources.ENDPOINTS,
        {"subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 80}]}]},
        'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, '
        "::1/128)",
    ),
    (
        "address of the other family",
        resources.ENDPOINT_SLICES,
        {"addressType": "IPv6", "endpoints": [{"addresses": ["10.0.0.1"]}]},
        'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
    ),
    (
        "role without verbs",
        resources.ROLES,
        {"rules": [{"apiGroups": [""], "resources": ["pods"]}]},
        "rules[0].verbs: Required value: verbs must contain at least one value",
    ),
    (
        "subject's kind",
        resources.ROLE_BINDINGS,
        {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "Robot", "name": "x"}]},
        'subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ),
    (
        "label value",
        resources.SERVICE_ACCOUNTS,
        {"metadata": {**META, "labels": {"a": "-"}}},
        'metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric '
        "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ),
    (
        "annotations too large",
        resources.SERVICE_ACCOUNTS,
        {"metadata": {**META, "annotations": {"a": "x" * 262144}}},
        "metadata.annotations: Too long: may not be more than 262144 bytes",
    ),
    (
        "two controllers",
        resources.SERVICE_ACCOUNTS,
        {
            "metadata": {
                **META,
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": name, "controller": True} for name in "ab"
                ],
            }
        },
        'Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/b',
    ),
    (
        "bare finalizer",
        resources.SERVICE_ACCOUNTS,
        {"metadata": {**META, "finalizers": ["mine"]}},
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully '
        "qualified",
    ),
    (
        "namespace of a global object",
        resources.NODES,
        {"metadata": {**META}},
        "metadata.namespace: Forbidden: not allowed on this type",
    ),
]


@pytest.mark.parametrize(("resource", "obj", "error"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_one_error(resource: Resource, obj: dict[str, Any], error: str) -> None:
    assert any(found.endswith(error) for found in errors_of(resource, obj)), errors_of(resource, obj)


UPDATES: list[tuple[str, Resource, dict[str, Any], dict[str, Any], str]] = [
    (
        "selector",
        resources.DEPLOYMENTS,
        deployment(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
        deployment(),
        "field is immutable",
    ),
    ("secret type", resources.SECRETS, {"type": "a/b"}, {}, 'type: Invalid value: "a/b": field is immutable'),
    (
        "frozen config map",
        resources.CONFIG_MAPS,
        {"immutable": True, "data": {"a": "2"}},
        {"immutable": True, "data": {"a": "1"}},
        "data: Forbidden: field is immutable when `immutable` is set",
    ),
    (
        "frozen secret thawed",
        resources.SECRETS,
        {},
        {"immutable": True},
        "immutable: Forbidden: field is immutable when `immutable` is set",
    ),
    (
        "cluster IP",
        resources.SERVICES,
        service(clusterIP="10.96.0.8", clusterIPs=["10.96.0.8"]),
        service(clusterIP="10.96.0.7", clusterIPs=["10.96.0.7"]),
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
    ),
    (
        "pod CIDR",
        resources.NODES,
        {"spec": {"podCIDR": "10.244.1.0/24"}},
        {"spec": {"podCIDR": "10.244.0.0/24"}},
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ),
    (
        "role of a binding",
        resources.ROLE_BINDINGS,
        {"roleRef": {"kind": "Role", "name": "s"}},
        {"roleRef": {"kind": "Role", "name": "r"}},
        "cannot change roleRef",
    ),
    (
        "address type",
        resources.ENDPOINT_SLICES,
        {"addressType": "IPv6"},
        {"addressType": "IPv4"},
        'addressType: Invalid value: "IPv6": field is immutable',
    ),
]


@pytest.mark.parametrize(
    ("resource", "new", "old", "error"), [case[1:] for case in UPDATES], ids=[case[0] for case in UPDATES]
)
def test_what_may_not_change(resource: Resource, new: dict[str, Any], old: dict[str, Any], error: str) -> None:
    assert any(found.endswith(error) for found in update_errors(resource, new, old))
    assert update_errors(resource, copy.deepcopy(old), old) == []


def test_a_node_may_be_given_a_cidr_and_be_cordoned() -> None:
    new = {"spec": {"podCIDR": "10.244.0.0/24", "unschedulable": True}}
    assert update_errors(resources.NODES, new, {"spec": {}}) == []


def test_load_balancer_status_only_where_there_is_one() -> None:
    strategy = strategy_for(resources.SERVICES)
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}
    plain = {"metadata": META, "spec": {"type": "ClusterIP"}}
    balanced = {"metadata": META, "spec": {"type": "LoadBalancer"}}
    assert strategy.validate_status_update(balanced | {"status": status}, balanced) == []
    (error,) = strategy.validate_status_update(plain | {"status": status}, plain)
    assert error.field == "status.loadBalancer.ingress"


def test_deployment_status_counts_agree() -> None:
    strategy = strategy_for(resources.DEPLOYMENTS)
    old = {"metadata": META, "status": {"collisionCount": 2}}
    new = {"metadata": META, "status": {"replicas": 1, "readyReplicas": 2, "collisionCount": 1}}
    assert [error.field for error in strategy.validate_status_update(new, old)] == [
        "status.readyReplicas",
        "status.collisionCount",
    ]
