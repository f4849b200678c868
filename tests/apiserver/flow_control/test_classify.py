from __future__ import annotations

import pytest

from apiserver.context import RequestInfo, UserInfo
from apiserver.flow_control.classify import classify, distinguish, schemas_of
from apiserver.flow_control.defaults import FLOW_SCHEMAS

SCHEMAS = schemas_of(FLOW_SCHEMAS)
ADMIN = UserInfo("admin", groups=("system:masters", "system:authenticated"))
ALICE = UserInfo("alice", groups=("system:authenticated",))
NOBODY = UserInfo("system:anonymous", groups=("system:unauthenticated",))
NODE = UserInfo("system:node:n", groups=("system:nodes", "system:authenticated"))
MANAGER = UserInfo("system:kube-controller-manager", groups=("system:authenticated",))
ACCOUNT = UserInfo("system:serviceaccount:default:robot", groups=("system:serviceaccounts", "system:authenticated"))
SYSTEM_ACCOUNT = UserInfo(
    "system:serviceaccount:kube-system:robot", groups=("system:serviceaccounts", "system:authenticated")
)


def on(verb: str, plural: str, *, group: str = "", namespace: str = "default", subresource: str = "") -> RequestInfo:
    return RequestInfo("/x", verb, True, group, "v1", namespace, plural, "n", subresource)


@pytest.mark.parametrize(
    ("user", "info", "name", "flow"),
    [
        pytest.param(ADMIN, on("create", "pods"), "exempt", "", id="an administrator is exempt"),
        pytest.param(ALICE, on("create", "pods"), "global-default", "alice", id="anybody else by name"),
        pytest.param(NOBODY, RequestInfo("/healthz", "get"), "probes", "", id="a probe"),
        pytest.param(
            NOBODY, RequestInfo("/api", "get"), "global-default", "system:anonymous", id="anonymous discovery"
        ),
        pytest.param(NODE, on("get", "secrets"), "system-nodes", "system:node:n", id="a kubelet"),
        pytest.param(
            NODE,
            on("update", "nodes", namespace="", subresource="status"),
            "system-node-high",
            "system:node:n",
            id="a node's status",
        ),
        pytest.param(
            NODE,
            on("update", "leases", group="coordination.k8s.io"),
            "system-node-high",
            "system:node:n",
            id="a node's heartbeat",
        ),
        pytest.param(
            MANAGER,
            on("update", "leases", group="coordination.k8s.io"),
            "system-leader-election",
            "system:kube-controller-manager",
            id="leader election",
        ),
        pytest.param(
            MANAGER, on("create", "pods"), "kube-controller-manager", "default", id="a controller by namespace"
        ),
        pytest.param(ACCOUNT, on("get", "pods"), "service-accounts", ACCOUNT.name, id="a service account"),
        pytest.param(
            SYSTEM_ACCOUNT, on("get", "pods"), "kube-system-service-accounts", "default", id="one of kube-system"
        ),
    ],
)
def test_the_default_schemas(user: UserInfo, info: RequestInfo, name: str, flow: str) -> None:
    schema = classify(SCHEMAS, user, info)
    assert schema is not None
    assert (schema.name, distinguish(schema, user, info)) == (name, flow)


def test_nothing_matches_where_there_is_no_schema() -> None:
    assert classify([], ALICE, on("get", "pods")) is None
