"""The Pod Security Standards: every control, versions, labels, and the plugin over a whole server."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.plugin import Attributes
from apiserver.admission.pod_security.plugin import PodSecurity, is_significant, warnings_of
from apiserver.admission.pod_security.policy import LATEST, LevelVersion, policy_of
from apiserver.admission.pod_security.registry import violations
from apiserver.context import UserInfo
from apiserver.core import Operation
from minikube_py.api.resources import PODS

BASELINE = LevelVersion("baseline")
RESTRICTED = LevelVersion("restricted")
GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(name: str = "c", **fields: Any) -> Any:
    return {"name": name, "image": "x", **fields}


def told(asked: LevelVersion, spec: Any, annotations: Any = None, newest: int = 32) -> list[str]:
    return [str(item) for item in violations(asked, {"annotations": annotations or {}}, spec, newest)]


def with_context(**context: Any) -> Any:
    return {"containers": [container(securityContext=context)]}


@pytest.mark.parametrize(
    ("spec", "annotations", "expected"),
    [
        pytest.param({"containers": [container()]}, {}, [], id="a plain pod is fine"),
        pytest.param(
            {"hostNetwork": True, "hostPID": True, "hostIPC": True},
            {},
            ["host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)"],
            id="namespaces of the host",
        ),
        pytest.param(
            {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "hostPath": {"path": "/"}}]},
            {},
            ['hostPath volumes (volumes "a", "b")'],
            id="directories of the host",
        ),
        pytest.param(
            {"containers": [container(ports=[{"hostPort": 80}, {"hostPort": 8080}])]},
            {},
            ['hostPort (container "c" uses hostPorts 80, 8080)'],
            id="ports of the host",
        ),
        pytest.param(
            with_context(privileged=True),
            {},
            ['privileged (container "c" must not set securityContext.privileged=true)'],
            id="privileged",
        ),
        pytest.param(
            with_context(capabilities={"add": ["SYS_ADMIN", "NET_RAW", "CHOWN"]}),
            {},
            [
                'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in '
                "securityContext.capabilities.add)"
            ],
            id="capabilities beyond the default",
        ),
        pytest.param(
            with_context(procMount="Unmasked"),
            {},
            ['procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
            id="proc unmasked",
        ),
        pytest.param(
            {"securityContext": {"seLinuxOptions": {"type": "foo", "user": "u"}}},
            {},
            ['seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "foo"; user may not be set)'],
            id="selinux type and user",
        ),
        pytest.param(with_context(seLinuxOptions={"type": "container_engine_t"}), {}, [], id="a newer selinux type"),
        pytest.param(
            {
                "securityContext": {"seccompProfile": {"type": "Unconfined"}},
                **with_context(seccompProfile={"type": "X"}),
            },
            {},
            [
                'seccompProfile (pod and container "c" must not set securityContext.seccompProfile.type to '
                '"Unconfined", "X")'
            ],
            id="seccomp unconfined",
        ),
        pytest.param(
            with_context(appArmorProfile={"type": "Unconfined"}),
            {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"},
            [
                'forbidden AppArmor profiles (container "c" and annotation must not set AppArmor profile type to '
                '"Unconfined", "container.apparmor.security.beta.kubernetes.io/c="unconfined"")'
            ],
            id="apparmor by field and annotation",
        ),
        pytest.param(
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_rmem"}]}},
            {},
            ["forbidden sysctls (kernel.msgmax)"],
            id="an unsafe sysctl",
        ),
        pytest.param(
            with_context(windowsOptions={"hostProcess": True}),
            {},
            ['hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)'],
            id="a process of the host",
        ),
    ],
)
def test_the_controls_of_baseline(spec: Any, annotations: Any, expected: list[str]) -> None:
    assert told(BASELINE, spec, annotations) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(with_context(**GOOD), [], id="all that is asked for"),
        pytest.param(
            {"containers": [container("a"), container("b")]},
            [
                'allowPrivilegeEscalation != false (containers "a", "b" must set '
                "securityContext.allowPrivilegeEscalation=false)",
                'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"])',
                'runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true)',
                'seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to '
                '"RuntimeDefault" or "Localhost")',
            ],
            id="nothing set",
        ),
        pytest.param(
            {**with_context(**GOOD), "volumes": [{"name": "v", "nfs": {}}, {"name": "w", "emptyDir": {}}]},
            ['restricted volume types (volume "v" uses restricted volume type "nfs")'],
            id="a volume beyond the pod's own data",
        ),
        pytest.param(
            {**with_context(**GOOD), "securityContext": {"runAsNonRoot": False, "runAsUser": 0}},
            [
                "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
                "runAsUser=0 (pod must not set runAsUser=0)",
            ],
            id="root",
        ),
        pytest.param(
            with_context(**{**GOOD, "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "NET_BIND_SERVICE"]}}),
            ['unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)'],
            id="a capability of the default set",
        ),
        pytest.param(
            {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": True}, "containers": [container()]},
            [],
            id="Windows knows no capabilities, seccomp or privilege escalation",
        ),
        pytest.param(
            {
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "Localhost"}},
                "ephemeralContainers": [container("e")],
            },
            [
                'allowPrivilegeEscalation != false (container "e" must set '
                "securityContext.allowPrivilegeEscalation=false)",
                'unrestricted capabilities (container "e" must set securityContext.capabilities.drop=["ALL"])',
            ],
            id="ephemeral containers count",
        ),
    ],
)
def test_the_controls_of_restricted(spec: Any, expected: list[str]) -> None:
    assert told(RESTRICTED, spec) == expected


@pytest.mark.parametrize(
    ("asked", "newest", "spec", "violated"),
    [
        pytest.param(LevelVersion("restricted", 21), 32, {"containers": [container()]}, 3, id="before capabilities"),
        pytest.param(
            LevelVersion("restricted", 21), 32, with_context(capabilities={"add": ["NET_RAW"]}), 4, id="then baseline's"
        ),
        pytest.param(
            LevelVersion("baseline", 30), 32, with_context(seLinuxOptions={"type": "container_engine_t"}), 1, id="old"
        ),
        pytest.param(
            LevelVersion("baseline", 99),
            30,
            with_context(seLinuxOptions={"type": "container_engine_t"}),
            1,
            id="a version newer than the server is the server's",
        ),
        pytest.param(
            BASELINE, 33, {"containers": [container(livenessProbe={"httpGet": {"host": "h"}})]}, 0, id="hosts of probes"
        ),
        pytest.param(
            BASELINE, 34, {"containers": [container(livenessProbe={"httpGet": {"host": "h"}})]}, 1, id="since 1.34"
        ),
        pytest.param(
            BASELINE, 32, {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}}, 0, id="a newer sysctl"
        ),
        pytest.param(
            LevelVersion("baseline", 31),
            32,
            {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}},
            1,
            id="not of an older version",
        ),
    ],
)
def test_controls_have_versions(asked: LevelVersion, newest: int, spec: Any, violated: int) -> None:
    assert len(told(asked, spec, newest=newest)) == violated


def test_labels_are_read() -> None:
    prefix = "pod-security.kubernetes.io/"
    policy, errors = policy_of(
        {f"{prefix}enforce": "baseline", f"{prefix}enforce-version": "v1.30", f"{prefix}warn": "x"}
    )
    assert (str(policy.enforce), str(policy.warn), policy.audit.version) == (
        "baseline:v1.30",
        "privileged:latest",
        LATEST,
    )
    assert [str(error) for error in errors] == [
        'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "x": '
        "must be one of privileged, baseline, restricted"
    ]


@pytest.mark.parametrize(
    ("new", "old", "significant"),
    [
        pytest.param({"image": "b"}, {"image": "a"}, True, id="another image"),
        pytest.param({"image": "a", "resources": {}}, {"image": "a"}, False, id="anything else"),
    ],
)
def test_updates_that_count(new: Any, old: Any, significant: bool) -> None:
    pods = ({"spec": {"containers": [{"name": "c", **fields}]}} for fields in (new, old))
    assert is_significant(*pods) is significant


def test_a_namespace_is_told_of_its_pods() -> None:
    pods: list[Any] = [
        {"metadata": {"name": name}, "spec": {"containers": [container(securityContext=context)]}}
        for name, context in (("b", {"privileged": True}), ("a", {"privileged": True}), ("c", {}))
    ]
    pods.append({"metadata": {"name": "d"}, "spec": {"hostNetwork": True}})
    assert warnings_of("ns", BASELINE, pods, 5, 32) == [
        "new PodSecurity enforce level only checked against the first 4 of 5 existing pods",
        'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): privileged",
        "d: host namespaces",
    ]


async def label(api: Any, **labels: str) -> Any:
    """Labels the namespace default; sees to it that the server has heard of it."""
    patch = {"metadata": {"labels": {f"pod-security.kubernetes.io/{mode}": level for mode, level in labels.items()}}}
    answer = await api(
        "PATCH", "/api/v1/namespaces/default", patch, headers={"content-type": "application/merge-patch+json"}
    )
    await api.ok("GET", "/api/v1/namespaces")
    return answer


POD = {"metadata": {"name": "p"}, "spec": {"containers": [container()]}}


async def test_a_pod_is_refused(api: Any) -> None:
    assert (await label(api, enforce="restricted")).status == 200
    answer = await api("POST", "/api/v1/namespaces/default/pods", POD)
    assert answer.status == 403
    assert answer.message == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container '
        '"c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must '
        'set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set '
        'securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set '
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )


async def test_a_pod_and_a_workload_are_warned_of(api: Any) -> None:
    await label(api, warn="baseline")
    pod = {"metadata": {"name": "p"}, "spec": {"hostPID": True, "containers": [container()]}}
    warning = '299 - "would violate PodSecurity \\"baseline:latest\\": host namespaces (hostPID=true)"'
    assert (await api("POST", "/api/v1/namespaces/default/pods", pod)).warnings == (warning,)
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod["spec"]}
    deployment = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    answer = await api("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)
    assert (answer.status, answer.warnings) == (201, (warning,))


async def test_labelling_a_namespace_tells_of_its_pods(api: Any) -> None:
    await api.ok("POST", "/api/v1/namespaces/default/pods", POD)
    await api.ok("GET", "/api/v1/pods")
    answer = await label(api, enforce="restricted")
    assert answer.warnings == (
        '299 - "existing pods in namespace \\"default\\" violate the new PodSecurity enforce level '
        '\\"restricted:latest\\""',
        '299 - "p: allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"',
    )


async def test_a_violation_is_told_in_the_audit_log(api: Any) -> None:
    await label(api, audit="baseline")
    told: dict[str, str] = {}
    operation = Operation(api.core, UserInfo("u"), PODS, "default", "p", annotate=told.__setitem__)
    pod = {"metadata": {"name": "p"}, "spec": {"hostPID": True}}
    await PodSecurity().validate(Attributes(operation, "CREATE", pod))
    prefix = "pod-security.kubernetes.io/"
    assert told == {
        f"{prefix}enforce-policy": "privileged:latest",
        f"{prefix}audit-violations": 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)',
    }


async def test_labels_that_make_no_sense_are_refused(api: Any) -> None:
    answer = await label(api, **{"enforce-version": "1.2"})
    assert (answer.status, answer.message) == (
        422,
        'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce-version]: '
        'Invalid value: "1.2": must be "latest" or "v1.x"',
    )
