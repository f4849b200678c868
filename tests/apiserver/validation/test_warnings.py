from __future__ import annotations

from typing import Any

import pytest

from apiserver.validation import warnings


def a_pod(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", **(metadata or {})}, "spec": {"containers": [{"name": "c"}], **spec}}


def with_container(**fields: Any) -> dict[str, Any]:
    return a_pod(containers=[{"name": "c", **fields}])


TERM = {"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "In", "values": ["-"]}]}


@pytest.mark.parametrize(
    ("pod", "warning"),
    [
        pytest.param(
            a_pod({"name": "a.b"}), "metadata.name: this is used in the Pod's hostname, which can result in", id="name"
        ),
        pytest.param(
            a_pod(nodeSelector={"beta.kubernetes.io/arch": "x"}),
            'spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
            id="deprecated label of a node",
        ),
        pytest.param(
            a_pod(
                affinity={
                    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}}
                }
            ),
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]."
            "matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14",
            id="deprecated label in an affinity",
        ),
        pytest.param(
            a_pod(topologySpreadConstraints=[{"topologyKey": "zone"}]),
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            id="a spread over no pods",
        ),
        pytest.param(
            a_pod(affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}),
            "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm."
            "labelSelector: a null labelSelector results in matching no pod",
            id="an affinity to no pods",
        ),
        pytest.param(
            a_pod({"annotations": {"scheduler.alpha.kubernetes.io/critical-pod": ""}}),
            "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+",
            id="deprecated annotation",
        ),
        pytest.param(
            a_pod({"annotations": {"container.seccomp.security.alpha.kubernetes.io/c": "x"}}),
            "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: non-functional in v1.27+",
            id="a profile in an annotation",
        ),
        pytest.param(
            a_pod(volumes=[{"name": "v", "cephfs": {}}]),
            "spec.volumes[0].cephfs: deprecated in v1.28, non-functional in v1.31+",
            id="deprecated volume",
        ),
        pytest.param(
            a_pod(hostAliases=[{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]),
            'spec.hostAliases[1].ip: duplicate ip "1.1.1.1"',
            id="one address twice",
        ),
        pytest.param(
            a_pod(imagePullSecrets=[{}]), 'spec.imagePullSecrets[0].name: invalid empty name ""', id="a nameless secret"
        ),
        pytest.param(
            with_container(resources={"limits": {"memory": "1m"}}),
            'spec.containers[0].resources.limits[memory]: fractional byte value "1m" is invalid, must be an integer',
            id="part of a byte",
        ),
        pytest.param(
            with_container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
            'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
            id="a hidden variable",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]),
            "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
            id="a port twice",
        ),
        pytest.param(
            with_container(
                ports=[
                    {"containerPort": 80, "protocol": "TCP"},
                    {"containerPort": 80, "protocol": "TCP", "hostPort": 80},
                ]
            ),
            "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
            id="a port with and without host port",
        ),
        pytest.param(
            a_pod(terminationGracePeriodSeconds=-1),
            "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
            id="a negative grace period",
        ),
    ],
)
def test_one_warning(pod: dict[str, Any], warning: str) -> None:
    (found,) = warnings.pod(pod)
    assert found.startswith(warning)


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(a_pod(), id="a plain pod"),
        pytest.param(
            with_container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "$(A):2"}]),
            id="a continued variable",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]),
            id="a port by two protocols",
        ),
    ],
)
def test_nothing_to_warn_about(pod: dict[str, Any]) -> None:
    assert list(warnings.pod(pod)) == []


def test_warnings_of_a_template_name_its_place() -> None:
    (found,) = warnings.pod_template("spec.template", with_container(env=[{"name": "A"}, {"name": "A"}]))
    assert found.startswith("spec.template.spec.containers[0].env[1]: hides")


def test_a_headless_service_ignores_affinity() -> None:
    service = {"spec": {"clusterIP": "None", "sessionAffinity": "ClientIP"}}
    assert list(warnings.service(service)) == ["spec.SessionAffinity is ignored when creating a headless service"]
