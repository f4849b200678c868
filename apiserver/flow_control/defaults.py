"""The FlowSchemas and PriorityLevelConfigurations that every server starts with, as data.

Follows ``k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap``.
"""

from __future__ import annotations

from minikube_py.api.meta import Object

API_VERSION = "flowcontrol.apiserver.k8s.io/v1"
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
_ALL = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _accounts(*names: str) -> list[Object]:
    return [{"kind": "ServiceAccount", "serviceAccount": {"name": n, "namespace": "kube-system"}} for n in names]


def _resources(verbs: str, group: str, resources: str, *, namespaces: str = "*", cluster_scope: bool = False) -> Object:
    rule: Object = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return rule | ({"clusterScope": True} if cluster_scope else {}) | {"namespaces": namespaces.split()}


def _schema(name: str, level: str, precedence: int, by: str, subjects: list[Object], rules: Object) -> Object:
    spec: Object = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if by:
        spec["distinguisherMethod"] = {"type": by}
    spec["rules"] = [{"subjects": subjects, **rules}]
    return _object("FlowSchema", name, spec)


def _level(name: str, shares: int, lendable: int, queues: int, hand_size: int) -> Object:
    response: Object = {"type": "Reject"}
    if queues:
        queuing = {"queues": queues, "handSize": hand_size, "queueLengthLimit": 50}
        response = {"type": "Queue", "queuing": queuing}
    limited = {"nominalConcurrencyShares": shares, "limitResponse": response, "lendablePercent": lendable}
    return _object("PriorityLevelConfiguration", name, {"type": "Limited", "limited": limited})


def _object(kind: str, name: str, spec: Object) -> Object:
    meta = {"name": name, "annotations": {AUTO_UPDATE: "true"}}
    return {"kind": kind, "apiVersion": API_VERSION, "metadata": meta, "spec": spec}


_LEASES = _resources("get create update", "coordination.k8s.io", "leases")
_NODE_RULES = {
    "resourceRules": [
        _resources("*", "", "nodes nodes/status", cluster_scope=True),
        _resources("*", "coordination.k8s.io", "leases"),
    ]
}
_HEALTH_RULES = {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]}
_ENDPOINT_RULES = {"resourceRules": [_resources("get create update", "", "endpoints")]}

FLOW_SCHEMAS: tuple[Object, ...] = (
    _schema("exempt", "exempt", 1, "", _groups("system:masters"), _ALL),
    _schema("probes", "exempt", 2, "", _groups(*_EVERYBODY), _HEALTH_RULES),
    _schema(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        [*_users(_MANAGER, _SCHEDULER), *_accounts("*")],
        {"resourceRules": [_LEASES]},
    ),
    _schema(
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        [*_users(_MANAGER), *_accounts("endpoint-controller", "endpointslicemirroring-controller")],
        _ENDPOINT_RULES,
    ),
    _schema("workload-leader-election", "leader-election", 200, "ByUser", _accounts("*"), {"resourceRules": [_LEASES]}),
    _schema("system-node-high", "node-high", 400, "ByUser", _groups("system:nodes"), _NODE_RULES),
    _schema("system-nodes", "system", 500, "ByUser", _groups("system:nodes"), _ALL),
    _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", _users(_MANAGER), _ALL),
    _schema("kube-scheduler", "workload-high", 800, "ByNamespace", _users(_SCHEDULER), _ALL),
    _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _accounts("*"), _ALL),
    _schema("service-accounts", "workload-low", 9000, "ByUser", _groups("system:serviceaccounts"), _ALL),
    _schema("global-default", "global-default", 9900, "ByUser", _groups(*_EVERYBODY), _ALL),
    _schema("catch-all", "catch-all", 10000, "ByUser", _groups(*_EVERYBODY), _ALL),
)
PRIORITY_LEVELS: tuple[Object, ...] = (
    _object(
        "PriorityLevelConfiguration",
        "exempt",
        {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    ),
    _level("catch-all", 5, 0, 0, 0),
    _level("system", 30, 33, 64, 6),
    _level("node-high", 40, 25, 64, 6),
    _level("leader-election", 10, 0, 16, 4),
    _level("workload-high", 40, 50, 128, 6),
    _level("workload-low", 100, 90, 128, 6),
    _level("global-default", 20, 50, 128, 6),
)
