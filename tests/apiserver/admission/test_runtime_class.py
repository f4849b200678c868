from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.runtime_class import with_overhead, with_scheduling
from minikube_py.api.errors import Forbidden

CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"
PODS = "/api/v1/namespaces/default/pods"
OVERHEAD = {"overhead": {"podFixed": {"cpu": "250m"}}}
SCHEDULING = {"scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "k", "operator": "Exists"}]}}


def test_overhead_is_the_classes() -> None:
    assert with_overhead({"spec": {}}, OVERHEAD, "p")["spec"]["overhead"] == {"cpu": "250m"}
    assert with_overhead({"spec": {"overhead": {"cpu": "0.25"}}}, OVERHEAD, "p")["spec"]["overhead"] == {"cpu": "250m"}
    with pytest.raises(Forbidden, match="Pod's Overhead doesn't match RuntimeClass's defined Overhead"):
        with_overhead({"spec": {"overhead": {"cpu": "1"}}}, OVERHEAD, "p")


def test_scheduling_is_merged() -> None:
    own = {"spec": {"nodeSelector": {"c": "d"}, "tolerations": [{"key": "x"}]}}
    merged = with_scheduling(own, SCHEDULING, "p")["spec"]
    assert merged["nodeSelector"] == {"a": "b", "c": "d"}
    assert [toleration["key"] for toleration in merged["tolerations"]] == ["x", "k"]
    with pytest.raises(Forbidden) as refused:
        with_scheduling({"spec": {"nodeSelector": {"a": "other"}}}, SCHEDULING, "p")
    assert refused.value.message == (
        'pods "p" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = other'
    )


@pytest.mark.conformance(
    "Pod with the non-existing RuntimeClass is rejected.",
    "Pod with the deleted RuntimeClass is rejected.",
)
async def test_a_class_that_is_not_there(api: Any) -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "x"}], "runtimeClassName": "gone"},
    }
    refused = 'pods "p" is forbidden: pod rejected: RuntimeClass "gone" not found'
    assert (await api("POST", PODS, pod)).message == refused
    await api.ok("POST", CLASSES, {"metadata": {"name": "gone"}, "handler": "h"})
    await api.ok("POST", f"{PODS}?dryRun=All", pod)
    await api.ok("DELETE", f"{CLASSES}/gone")
    await api.ok("GET", CLASSES)
    assert (await api("POST", PODS, pod)).message == refused


async def test_classes_over_a_server(api: Any) -> None:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "x"}]}
    pod = {"metadata": {"name": "p"}, "spec": {**spec, "runtimeClassName": "gvisor"}}
    await api.ok("POST", CLASSES, {"metadata": {"name": "gvisor"}, "handler": "runsc", **OVERHEAD, **SCHEDULING})
    created = await api.ok("POST", PODS, pod)
    assert created["spec"]["overhead"] == {"cpu": "250m"}
    assert created["spec"]["nodeSelector"] == {"a": "b"}
    bare = {"metadata": {"name": "q"}, "spec": {**spec, "overhead": {"cpu": "1"}}}
    assert (await api("POST", PODS, bare)).message == (
        'pods "q" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
    )
