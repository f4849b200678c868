from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apiserver.audit.policy import InvalidAuditPolicy, Policy, decide, load
from apiserver.context import RequestInfo, UserInfo

ALICE = UserInfo("alice", groups=("staff", "system:authenticated"))
POD = RequestInfo("/x", "get", True, "", "v1", "default", "pods", "p")
LOG = RequestInfo("/x", "get", True, "", "v1", "default", "pods", "p", "log")
NODE = RequestInfo("/x", "get", True, "", "v1", "", "nodes", "n")
HEALTH = RequestInfo("/healthz/etcd", "get")
CATCH_ALL = {"level": "Metadata"}


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    return Policy.model_validate({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules)} | more)


@pytest.mark.parametrize(
    ("rule", "info", "matches"),
    [
        pytest.param({}, POD, True, id="an empty rule matches everything"),
        pytest.param({"users": ["alice"]}, POD, True, id="a user"),
        pytest.param({"users": ["bob"]}, POD, False, id="another user"),
        pytest.param({"userGroups": ["staff"]}, POD, True, id="a group"),
        pytest.param({"userGroups": ["others"]}, POD, False, id="another group"),
        pytest.param({"verbs": ["list"]}, POD, False, id="another verb"),
        pytest.param({"resources": [{"group": ""}]}, POD, True, id="a whole group"),
        pytest.param({"resources": [{"group": "apps"}]}, POD, False, id="another group of kinds"),
        pytest.param({"resources": [{"resources": ["pods"]}]}, LOG, False, id="a kind is not its subresource"),
        pytest.param({"resources": [{"resources": ["pods/log"]}]}, LOG, True, id="a subresource"),
        pytest.param({"resources": [{"resources": ["pods/*"]}]}, LOG, True, id="any subresource"),
        pytest.param({"resources": [{"resources": ["*/log"]}]}, LOG, True, id="a subresource of any kind"),
        pytest.param({"resources": [{"resources": ["pods/*"]}]}, POD, False, id="a subresource is not its kind"),
        pytest.param({"resources": [{"resources": ["pods"], "resourceNames": ["q"]}]}, POD, False, id="another object"),
        pytest.param({"namespaces": ["default"]}, POD, True, id="a namespace"),
        pytest.param({"namespaces": [""]}, NODE, True, id="no namespace"),
        pytest.param({"namespaces": ["default"]}, HEALTH, False, id="a path has no namespace"),
        pytest.param({"nonResourceURLs": ["/healthz*"]}, HEALTH, True, id="a prefix of paths"),
        pytest.param({"nonResourceURLs": ["/healthz*"]}, POD, False, id="a resource is no path"),
    ],
)
def test_rules(rule: dict[str, Any], info: RequestInfo, matches: bool) -> None:
    decided = decide(policy({"level": "Request", **rule}, CATCH_ALL), ALICE, info)
    assert decided.level == ("Request" if matches else "Metadata")


def test_nothing_is_recorded_where_no_rule_matches() -> None:
    assert decide(policy({"level": "Request", "users": ["bob"]}), ALICE, POD).level == "None"


def test_omissions_of_rule_and_policy_add_up() -> None:
    rule = {"level": "Request", "omitStages": ["Panic"], "omitManagedFields": False}
    decided = decide(policy(rule, omitStages=["RequestReceived"], omitManagedFields=True), ALICE, POD)
    assert decided.omit_stages == {"Panic", "RequestReceived"}
    assert not decided.omit_managed_fields


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("rules: [", "expected", id="no YAML"),
        pytest.param("kind: Policy", "apiVersion", id="no version"),
        pytest.param("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: []}", "rules", id="no rules"),
        pytest.param(
            "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}]}", r"rules\.0\.level", id="no level"
        ),
    ],
)
def test_a_policy_that_is_wrong(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(InvalidAuditPolicy, match=problem):
        load(str(path))
