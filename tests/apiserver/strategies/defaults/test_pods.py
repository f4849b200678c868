from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from apiserver.strategies.defaults.pods import default, default_pull_policy, default_template

POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}


def with_container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": "busybox", **fields}]}}


def container_of(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = default(pod)["spec"]["containers"][0]
    return found


def test_a_bare_pod_gets_what_upstream_writes() -> None:
    assert default(POD)["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "busybox",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "Always",
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
    }


def test_the_argument_is_left_alone_and_defaulting_twice_changes_nothing() -> None:
    before = copy.deepcopy(POD)
    once = default(POD)
    assert before == POD
    assert default(once) is once or default(once) == once


def test_what_is_given_stays() -> None:
    pod = with_container(imagePullPolicy="Never")
    pod["spec"] |= {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "enableServiceLinks": False}
    spec = default(pod)["spec"]
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"], spec["enableServiceLinks"]) == (
        "Never",
        0,
        False,
    )
    assert spec["containers"][0]["imagePullPolicy"] == "Never"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:abc", "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy


def test_probes_and_hooks() -> None:
    container = container_of(
        with_container(
            livenessProbe={"httpGet": {"port": 8080}},
            readinessProbe={"grpc": {"port": 1}, "periodSeconds": 3},
            lifecycle={"preStop": {"httpGet": {"port": 80}}, "postStart": {"exec": {"command": ["true"]}}},
        )
    )
    assert container["livenessProbe"] == {
        "httpGet": {"port": 8080, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert container["readinessProbe"]["grpc"] == {"port": 1, "service": ""}
    assert container["readinessProbe"]["periodSeconds"] == 3
    assert container["lifecycle"]["preStop"]["httpGet"]["scheme"] == "HTTP"


def test_ports_and_field_references() -> None:
    container = container_of(
        with_container(
            ports=[{"containerPort": 80}],
            env=[
                {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            ],
        )
    )
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert container["env"][1]["valueFrom"]["resourceFieldRef"]["divisor"] == "0"


def test_requests_follow_limits_in_a_pod_but_not_in_a_template() -> None:
    limited = with_container(resources={"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}})
    assert container_of(limited)["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    template = default_template(limited)["spec"]
    assert template["containers"][0]["resources"]["requests"] == {"cpu": "500m"}
    assert "enableServiceLinks" not in template


def test_host_network_gives_host_ports() -> None:
    pod = with_container(ports=[{"containerPort": 80}])
    pod["spec"]["hostNetwork"] = True
    assert container_of(pod)["ports"][0]["hostPort"] == 80
    assert "hostPort" not in default_template(pod)["spec"]["containers"][0]["ports"][0]


def test_both_names_of_the_service_account_agree() -> None:
    pod = with_container()
    pod["spec"]["serviceAccount"] = "old"
    spec = default(pod)["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("old", "old")


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param({}, {"emptyDir": {}}, id="no source is an emptyDir"),
        pytest.param({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}, id="secret"),
        pytest.param({"configMap": {"name": "m"}}, {"configMap": {"name": "m", "defaultMode": 420}}, id="config map"),
        pytest.param({"hostPath": {"path": "/x"}}, {"hostPath": {"path": "/x", "type": ""}}, id="host path"),
        pytest.param(
            {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            {
                "downwardAPI": {
                    "items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels", "apiVersion": "v1"}}],
                    "defaultMode": 420,
                }
            },
            id="downward API",
        ),
        pytest.param(
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"secret": {"name": "s"}}]}},
            {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                        {"secret": {"name": "s"}},
                    ],
                    "defaultMode": 420,
                }
            },
            id="projected",
        ),
    ],
)
def test_volumes(volume: dict[str, Any], expected: dict[str, Any]) -> None:
    pod = {"spec": {"containers": [], "volumes": [{"name": "v", **volume}]}}
    before = json.dumps(pod)
    assert default(pod)["spec"]["volumes"] == [{"name": "v", **expected}]
    assert json.dumps(pod) == before
