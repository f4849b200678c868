"""What is recorded of requests to a server with a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from apiserver.settings import Settings

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitManagedFields": True,
    "rules": [
        {"level": "None", "resources": [{"group": "", "resources": ["serviceaccounts"]}]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "RequestResponse", "resources": [{"group": "", "resources": ["configmaps"]}]},
        {"level": "Metadata", "omitStages": ["RequestReceived"]},
    ],
}


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def settings(settings: Settings, log_path: Path, tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(POLICY))
    return settings.model_copy(update={"audit_policy_file": str(policy), "audit_log_path": str(log_path)})


def events(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


async def test_a_write_with_both_bodies(api: Any, log_path: Path) -> None:
    headers = {"user-agent": "test/1", "audit-id": "my-id"}
    await api.ok("POST", f"{CONFIG_MAPS}?dryRun=All", {"metadata": {"name": "c"}, "data": {"k": "v"}}, headers=headers)
    received, complete = events(log_path)
    assert (received["stage"], received["auditID"], received["userAgent"]) == ("RequestReceived", "my-id", "test/1")
    assert received["requestURI"] == f"{CONFIG_MAPS}?dryRun=All"
    assert received["user"] == {
        "username": "kubernetes-admin",
        "groups": ["system:masters", "system:authenticated"],
    }
    assert complete["stage"] == "ResponseComplete"
    assert complete["responseStatus"] == {"metadata": {}, "code": 201}
    assert complete["objectRef"] == {
        "resource": "configmaps",
        "namespace": "default",
        "apiVersion": "v1",
    }
    assert complete["requestObject"]["data"] == {"k": "v"}
    assert complete["responseObject"]["metadata"]["name"] == "c"
    assert "managedFields" not in complete["responseObject"]["metadata"]
    assert complete["annotations"]["authorization.k8s.io/decision"] == "allow"


async def test_metadata_only_and_a_stage_left_out(api: Any, log_path: Path) -> None:
    await api("GET", "/api/v1/namespaces/default/secrets/none")
    [event] = events(log_path)
    assert (event["level"], event["stage"], event["verb"]) == ("Metadata", "ResponseComplete", "get")
    assert event["responseStatus"]["reason"] == "NotFound"
    assert "responseObject" not in event


async def test_who_may_not(api: Any, log_path: Path) -> None:
    await api("GET", "/api/v1/secrets", user=("alice",))
    [event] = events(log_path)
    assert event["responseStatus"]["code"] == 403
    assert event["annotations"] == {
        "authorization.k8s.io/decision": "forbid",
        "authorization.k8s.io/reason": "",
    }


async def test_by_which_role_one_may(api: Any, log_path: Path) -> None:
    await api.ok("GET", "/api", user=("alice",))
    [event] = events(log_path)
    assert event["annotations"]["authorization.k8s.io/reason"] == (
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group '
        '"system:authenticated"'
    )


async def test_acting_as_somebody_else(api: Any, log_path: Path) -> None:
    await api("GET", "/api", headers={"impersonate-user": "bob"})
    [event] = events(log_path)
    assert event["user"]["username"] == "kubernetes-admin"
    assert event["impersonatedUser"] == {"username": "bob", "groups": ["system:authenticated"]}


async def test_credentials_that_are_wrong(api: Any, log_path: Path) -> None:
    await api("GET", "/api", user=None, headers={"authorization": "Bearer nonsense"})
    [event] = events(log_path)
    assert event["responseStatus"]["code"] == 401


async def test_what_the_policy_leaves_out(api: Any, log_path: Path) -> None:
    await api.ok("GET", "/api/v1/namespaces/default/serviceaccounts")
    assert events(log_path) == []


async def test_a_patch_in_another_form_than_json_and_a_body_that_can_not_be_read(api: Any, log_path: Path) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "c"}})
    await api.ok(
        "POST",
        CONFIG_MAPS,
        b"metadata: {name: d}\ndata: {k: v}\n",
        headers={"content-type": "application/yaml"},
    )
    await api("POST", CONFIG_MAPS, b"{")
    recorded = [event for event in events(log_path) if event["stage"] == "ResponseComplete"]
    assert [event.get("requestObject", {}).get("data") for event in recorded] == [None, {"k": "v"}, None]
    assert recorded[-1]["responseStatus"]["code"] == 400


async def test_a_full_disk_stops_no_request(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(api.core.auditor._target, "write", full)
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "c"}})
    metrics = (await api("GET", "/metrics")).body.decode()
    assert 'apiserver_audit_error_total{plugin="log"} ' in metrics
