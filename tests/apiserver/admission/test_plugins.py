"""The pure parts of the admission plugins."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from apiserver.admission.default_toleration_seconds import with_tolerations
from apiserver.admission.node_restriction import protected_labels
from apiserver.admission.service_account import MOUNT_PATH, should_mount, with_token
from apiserver.admission.taint_nodes_by_condition import with_taint

NOT_READY = "node.kubernetes.io/not-ready"


def tolerated(pod: Any) -> list[tuple[str, Any]]:
    return [(t.get("key", ""), t.get("tolerationSeconds")) for t in pod["spec"]["tolerations"]]


def test_a_pod_tolerates_a_lost_node_for_five_minutes() -> None:
    assert tolerated(with_tolerations({"spec": {}})) == [(NOT_READY, 300), ("node.kubernetes.io/unreachable", 300)]


def test_what_the_pod_says_itself_stands() -> None:
    own = {"key": NOT_READY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    assert tolerated(with_tolerations({"spec": {"tolerations": [own]}}))[0] == (NOT_READY, 5)
    everything = {"spec": {"tolerations": [{"operator": "Exists"}]}}
    assert with_tolerations(everything) is everything


@pytest.mark.parametrize(
    ("pod", "account", "mounted"),
    [
        (None, None, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
    ],
)
def test_the_pod_decides_on_its_token_before_the_account(pod: Any, account: Any, mounted: bool) -> None:
    spec = {} if pod is None else {"automountServiceAccountToken": pod}
    owner = {} if account is None else {"automountServiceAccountToken": account}
    assert should_mount({"spec": spec}, owner) is mounted


def test_the_token_is_mounted_where_nothing_else_is() -> None:
    taken = [{"name": "mine", "mountPath": MOUNT_PATH}]
    containers = [{"name": "a"}, {"name": "b", "volumeMounts": taken}]
    pod = with_token({"spec": {"containers": containers, "initContainers": [{"name": "i"}]}}, Random(1))
    volume = pod["spec"]["volumes"][0]["name"]
    assert pod["spec"]["containers"][0]["volumeMounts"][0]["name"] == volume
    assert pod["spec"]["containers"][1]["volumeMounts"] == taken
    assert pod["spec"]["initContainers"][0]["volumeMounts"][0]["readOnly"] is True
    assert containers[0] == {"name": "a"}


async def test_the_volume_is_upstreams(api: Any, golden: Any) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    created = await api.ok("POST", "/api/v1/namespaces/default/pods", pod)
    expected = golden("pod-created")["spec"]
    expected["volumes"][0]["projected"]["sources"].pop()
    name = created["spec"]["volumes"][0]["name"]
    expected["volumes"][0]["name"] = expected["containers"][0]["volumeMounts"][0]["name"] = name
    assert created["spec"] == expected


def test_a_node_is_born_tainted_once() -> None:
    node = with_taint({"metadata": {"name": "n"}})
    assert node["spec"]["taints"] == [{"key": NOT_READY, "effect": "NoSchedule"}]
    assert with_taint(node) is node


@pytest.mark.parametrize(
    ("label", "refused"),
    [
        ("example.com/x", False),
        ("plain", False),
        ("kubernetes.io/hostname", False),
        ("node.kubernetes.io/x", False),
        ("kubelet.kubernetes.io/x", False),
        ("sub.kubelet.kubernetes.io/x", False),
        ("node-restriction.kubernetes.io/x", True),
        ("node-role.kubernetes.io/control-plane", True),
        ("k8s.io/x", True),
        ("fakekubernetes.io/x", False),
    ],
)
def test_the_labels_that_a_kubelet_may_set(label: str, refused: bool) -> None:
    assert bool(protected_labels({label: "x"}, {})) is refused
    assert protected_labels({label: "x"}, {label: "x"}) == set()
