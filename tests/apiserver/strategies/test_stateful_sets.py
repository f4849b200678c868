from __future__ import annotations

from typing import Any

APPS = "/apis/apps/v1/namespaces/default"
SPEC = {
    "selector": {"matchLabels": {"app": "x"}},
    "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
}
ANNOTATION = "deprecated.daemonset.template.generation"


async def test_a_stateful_set(api: Any) -> None:
    claim = {
        "metadata": {"name": "v"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec = {**SPEC, "volumeClaimTemplates": [claim]}
    stored = await api.ok("POST", f"{APPS}/statefulsets", {"metadata": {"name": "s"}, "spec": spec})
    assert stored["status"] == {"replicas": 0, "availableReplicas": 0}
    found = stored["spec"]
    assert {key: found[key] for key in found.keys() - {"selector", "template", "volumeClaimTemplates"}} == {
        "podManagementPolicy": "OrderedReady",
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    }
    assert found["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "v"},
            "spec": {**claim["spec"], "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }
    ]


async def test_the_templates_of_a_daemon_set_are_counted(api: Any) -> None:
    stored = await api.ok("POST", f"{APPS}/daemonsets", {"metadata": {"name": "d"}, "spec": SPEC})
    assert stored["metadata"]["annotations"] == {ANNOTATION: "1"}
    assert stored["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }
    assert stored["status"] == {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    }
    stored["spec"]["minReadySeconds"] = 3
    stored["metadata"]["annotations"] = {}
    stored = await api.ok("PUT", f"{APPS}/daemonsets/d", stored)
    assert (stored["metadata"]["generation"], stored["metadata"]["annotations"]) == (2, {ANNOTATION: "1"})
    stored["spec"]["template"]["spec"]["hostNetwork"] = True
    stored = await api.ok("PUT", f"{APPS}/daemonsets/d", stored)
    assert (stored["metadata"]["generation"], stored["metadata"]["annotations"]) == (3, {ANNOTATION: "2"})


async def test_a_replication_controller_takes_selector_and_labels_of_its_template(api: Any) -> None:
    body = {"metadata": {"name": "r"}, "spec": {"template": SPEC["template"]}}
    stored = await api.ok("POST", "/api/v1/namespaces/default/replicationcontrollers", body)
    assert stored["spec"]["selector"] == stored["metadata"]["labels"] == {"app": "x"}
    assert (stored["spec"]["replicas"], stored["status"]) == (1, {"replicas": 0})


async def test_a_budget_is_written_only_on_a_version(api: Any) -> None:
    path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    stored = await api.ok("POST", path, {"metadata": {"name": "b"}, "spec": {"minAvailable": 1}})
    del stored["metadata"]["resourceVersion"]
    answer = await api("PUT", f"{path}/b", stored)
    assert answer.status == 422
    assert "metadata.resourceVersion: Invalid value" in answer.message
