"""The rows of the kinds beyond pods, services and deployments, as ``kubectl get -o wide`` shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.table import row
from minikube_py.api import resources
from minikube_py.api.resources import Resource

NOW = datetime(2026, 11, 21, 1, 7, 30, tzinfo=UTC)
CREATED = "2026-11-21T01:07:24Z"
META = {"name": "x", "creationTimestamp": CREATED}
TEMPLATE = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}], "nodeSelector": {"disk": "ssd"}},
}
SELECTOR = {"matchLabels": {"app": "x"}}
WIDE = ["a,b", "i,j", "app=x"]


def condition(kind: str, status: str = "True", **more: Any) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


def resource_metric(now: int | None, wanted: int) -> tuple[dict[str, Any], dict[str, Any]]:
    target = {"type": "Utilization", "averageUtilization": wanted}
    current = {} if now is None else {"averageUtilization": now}
    return (
        {"type": "Resource", "resource": {"name": "cpu", "target": target}},
        {"type": "Resource", "resource": {"name": "cpu", "current": current}},
    )


def autoscaler(*metrics: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return {
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 4,
            "metrics": [metric for metric, _ in metrics],
        },
        "status": {"currentReplicas": 2, "currentMetrics": [current for _, current in metrics]},
    }


PODS_METRIC = (
    {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
    {"type": "Pods", "pods": {"metric": {"name": "m"}, "current": {"averageValue": "3"}}},
)

CASES: list[tuple[str, Resource, dict[str, Any], list[Any]]] = [
    (
        "stateful set",
        resources.STATEFUL_SETS,
        {"spec": {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR}, "status": {"readyReplicas": 2}},
        ["x", "2/3", "6s", *WIDE[:2]],
    ),
    (
        "daemon set",
        resources.DAEMON_SETS,
        {
            "spec": {"template": TEMPLATE, "selector": SELECTOR},
            "status": {
                "desiredNumberScheduled": 5,
                "currentNumberScheduled": 4,
                "numberReady": 3,
                "numberAvailable": 1,
            },
        },
        ["x", 5, 4, 3, 0, 1, "disk=ssd", "6s", *WIDE],
    ),
    (
        "replication controller",
        resources.REPLICATION_CONTROLLERS,
        {"spec": {"replicas": 2, "selector": {"app": "x"}, "template": TEMPLATE}, "status": {"replicas": 1}},
        ["x", 2, 1, 0, "6s", *WIDE],
    ),
    ("pod template", resources.POD_TEMPLATES, {"template": TEMPLATE}, ["x", *WIDE]),
    (
        "controller revision",
        resources.CONTROLLER_REVISIONS,
        {
            "metadata": {
                **META,
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s", "controller": True}],
            },
            "revision": 4,
        },
        ["x", "statefulset.apps/s", 4, "6s"],
    ),
    (
        "running job",
        resources.JOBS,
        {
            "spec": {"completions": 3, "template": TEMPLATE, "selector": SELECTOR},
            "status": {"succeeded": 1, "startTime": CREATED},
        },
        ["x", "Running", "1/3", "6s", "6s", *WIDE],
    ),
    (
        "finished job",
        resources.JOBS,
        {
            "spec": {"completions": 1, "template": TEMPLATE, "selector": SELECTOR},
            "status": {
                "succeeded": 1,
                "startTime": CREATED,
                "completionTime": "2026-11-21T01:07:26Z",
                **condition("Complete"),
            },
        },
        ["x", "Complete", "1/1", "2s", "6s", *WIDE],
    ),
    (
        "job of a work queue",
        resources.JOBS,
        {"spec": {"parallelism": 4, "template": TEMPLATE}, "status": condition("Suspended")},
        ["x", "Suspended", "0/1 of 4", "", "6s", *WIDE[:2], "<none>"],
    ),
    (
        "cron job",
        resources.CRON_JOBS,
        {
            "spec": {
                "schedule": "* * * * *",
                "timeZone": "Etc/UTC",
                "suspend": False,
                "jobTemplate": {"spec": {"template": TEMPLATE}},
            },
            "status": {"active": [{}, {}], "lastScheduleTime": "2026-11-21T01:07:00Z"},
        },
        ["x", "* * * * *", "Etc/UTC", "False", 2, "30s", "6s", *WIDE[:2], "<none>"],
    ),
    (
        "autoscaler by processor time",
        resources.HORIZONTAL_POD_AUTOSCALERS,
        autoscaler(resource_metric(20, 80)),
        ["x", "Deployment/web", "cpu: 20%/80%", "1", 4, 2, "6s"],
    ),
    (
        "autoscaler without a reading",
        resources.HORIZONTAL_POD_AUTOSCALERS,
        autoscaler(resource_metric(None, 80)),
        ["x", "Deployment/web", "cpu: <unknown>/80%", "1", 4, 2, "6s"],
    ),
    (
        "autoscaler by many metrics",
        resources.HORIZONTAL_POD_AUTOSCALERS,
        autoscaler(resource_metric(20, 80), PODS_METRIC, PODS_METRIC, PODS_METRIC),
        ["x", "Deployment/web", "cpu: 20%/80%, 3/10 + 2 more...", "1", 4, 2, "6s"],
    ),
    (
        "disruption budget",
        resources.POD_DISRUPTION_BUDGETS,
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 2}},
        ["x", "50%", "N/A", 2, "6s"],
    ),
    (
        "ingress with many hosts",
        resources.INGRESSES,
        {
            "spec": {"rules": [{"host": host} for host in "abcd"], "tls": [{}], "ingressClassName": "n"},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "h"}]}},
        },
        ["x", "n", "a,b,c + 1 more...", "192.0.2.1,h", "80, 443", "6s"],
    ),
    ("ingress for every host", resources.INGRESSES, {"spec": {}}, ["x", "<none>", "*", "", "80", "6s"]),
    (
        "ingress class",
        resources.INGRESS_CLASSES,
        {"spec": {"controller": "c", "parameters": {"apiGroup": "g.example", "kind": "K", "name": "n"}}},
        ["x", "c", "K.g.example/n", "6s"],
    ),
    ("network policy", resources.NETWORK_POLICIES, {"spec": {"podSelector": SELECTOR}}, ["x", "app=x", "6s"]),
    ("network policy of every pod", resources.NETWORK_POLICIES, {"spec": {"podSelector": {}}}, ["x", "<none>", "6s"]),
    ("service network", resources.SERVICE_CIDRS, {"spec": {"cidrs": ["10.96.0.0/12"]}}, ["x", "10.96.0.0/12", "6s"]),
    (
        "address",
        resources.IP_ADDRESSES,
        {"spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}}},
        ["x", "services/default/kubernetes"],
    ),
    (
        "volume",
        resources.PERSISTENT_VOLUMES,
        {
            "spec": {
                "capacity": {"storage": "5Gi"},
                "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "n", "name": "c"},
                "storageClassName": "fast",
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Bound"},
        },
        ["x", "5Gi", "RWO,RWX", "Retain", "Bound", "n/c", "fast", "<unset>", "", "6s", "Filesystem"],
    ),
    (
        "pending claim",
        resources.PERSISTENT_VOLUME_CLAIMS,
        {"spec": {"storageClassName": "fast"}, "status": {"phase": "Pending", "capacity": {"storage": "1Gi"}}},
        ["x", "Pending", "", "", "", "fast", "<unset>", "6s", "<unset>"],
    ),
    (
        "bound claim",
        resources.PERSISTENT_VOLUME_CLAIMS,
        {
            "spec": {"volumeName": "v", "storageClassName": "fast"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"]},
        },
        ["x", "Bound", "v", "1Gi", "RWOP", "fast", "<unset>", "6s", "<unset>"],
    ),
    (
        "default storage class",
        resources.STORAGE_CLASSES,
        {
            "metadata": {**META, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "p",
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
        ["x (default)", "p", "Retain", "WaitForFirstConsumer", True, "6s"],
    ),
    (
        "attachment",
        resources.VOLUME_ATTACHMENTS,
        {
            "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}},
            "status": {"attached": True},
        },
        ["x", "a", "v", "n", True, "6s"],
    ),
    (
        "storage driver",
        resources.CSI_DRIVERS,
        {"spec": {"tokenRequests": [{"audience": "a"}, {"audience": "b"}], "volumeLifecycleModes": ["Persistent"]}},
        ["x", True, False, False, "a,b", False, "Persistent", "6s"],
    ),
    (
        "quota",
        resources.RESOURCE_QUOTAS,
        {"status": {"hard": {"pods": "10", "limits.cpu": "4", "cpu": "2"}, "used": {"pods": "3"}}},
        ["x", "cpu: 0/2, pods: 3/10", "limits.cpu: 0/4", "6s"],
    ),
    (
        "priority class",
        resources.PRIORITY_CLASSES,
        {"value": 7, "preemptionPolicy": "Never"},
        ["x", 7, False, "6s", "Never"],
    ),
    (
        "issued signing request",
        resources.CERTIFICATE_SIGNING_REQUESTS,
        {
            "spec": {"signerName": "s/t", "username": "u", "expirationSeconds": 3600},
            "status": {"certificate": "x", **condition("Approved")},
        },
        ["x", "6s", "s/t", "u", "60m", "Approved,Issued"],
    ),
    (
        "new signing request",
        resources.CERTIFICATE_SIGNING_REQUESTS,
        {"spec": {"username": "u"}},
        ["x", "6s", "<none>", "u", "<none>", "Pending"],
    ),
    (
        "unavailable API service",
        resources.API_SERVICES,
        {"spec": {"service": {"namespace": "n", "name": "s"}}, "status": condition("Available", "False", reason="Why")},
        ["x", "n/s", "False (Why)", "6s"],
    ),
    ("local API service", resources.API_SERVICES, {"status": condition("Available")}, ["x", "Local", "True", "6s"]),
    (
        "flow schema",
        resources.FLOW_SCHEMAS,
        {
            "spec": {
                "priorityLevelConfiguration": {"name": "p"},
                "matchingPrecedence": 5,
                "distinguisherMethod": {"type": "ByUser"},
            },
            "status": condition("Dangling", "False"),
        },
        ["x", "p", 5, "ByUser", "6s", "False"],
    ),
    (
        "priority level",
        resources.PRIORITY_LEVEL_CONFIGURATIONS,
        {
            "spec": {
                "type": "Limited",
                "limited": {
                    "nominalConcurrencyShares": 30,
                    "limitResponse": {"queuing": {"queues": 64, "handSize": 6, "queueLengthLimit": 50}},
                },
            }
        },
        ["x", "Limited", 30, 64, 6, 50, "6s"],
    ),
    (
        "allocated resource claim",
        resources.RESOURCE_CLAIMS,
        {"status": {"allocation": {"devices": {}}, "reservedFor": [{}]}},
        ["x", "allocated,reserved", "6s"],
    ),
    (
        "component that is not well",
        resources.COMPONENT_STATUSES,
        condition("Healthy", "False", message="refused"),
        ["x", "Unhealthy", "refused", ""],
    ),
]


@pytest.mark.parametrize(("resource", "obj", "cells"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_row(resource: Resource, obj: dict[str, Any], cells: list[Any]) -> None:
    assert row(resource, {"metadata": META} | obj, NOW) == cells
