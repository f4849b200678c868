"""Security contexts, operating systems, resources, scheduling and volumes of pods, a rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api.resources import PODS

STRATEGY = strategy_for(PODS)
CONTEXT = "spec.containers[0].securityContext"


def a_pod(**spec: Any) -> dict[str, Any]:
    fields = {"containers": [{"name": "c", "image": "i:1"}], "serviceAccountName": "default", **spec}
    return STRATEGY.default({"metadata": {"name": "p", "namespace": "d"}, "spec": fields})


def with_container(spec: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return a_pod(containers=[{"name": "c", "image": "i:1", **fields}], **(spec or {}))


def with_volume(**source: Any) -> dict[str, Any]:
    return a_pod(volumes=[{"name": "v", **source}])


def securely(**context: Any) -> dict[str, Any]:
    return a_pod(securityContext=context)


def spread(**constraint: Any) -> dict[str, Any]:
    fields = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **constraint}
    return a_pod(topologySpreadConstraints=[fields])


def errors_of(pod: dict[str, Any]) -> list[str]:
    return [str(error) for error in STRATEGY.validate(pod)]


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(securely(sysctls=[{"name": "net/ipv4/conf/eth0.1/x", "value": "1"}]), id="a sysctl with slashes"),
        pytest.param(securely(seccompProfile={"type": "Localhost", "localhostProfile": "a/b.json"}), id="a profile"),
        pytest.param(a_pod(os={"name": "linux"}), id="a system"),
        pytest.param(a_pod(os={"name": "windows"}), id="another system"),
        pytest.param(a_pod(hostUsers=False), id="users of its own"),
        pytest.param(with_container({"hostUsers": False}, securityContext={"procMount": "Unmasked"}), id="all of proc"),
        pytest.param(
            with_container(resources={"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}), id="huge pages beside a CPU"
        ),
        pytest.param(
            with_container(
                {"resourceClaims": [{"name": "gpu", "resourceClaimName": "g"}]}, resources={"claims": [{"name": "gpu"}]}
            ),
            id="a resource claim",
        ),
        pytest.param(
            with_container(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}]), id="resize"
        ),
        pytest.param(with_volume(image={"reference": "r:1"}), id="an image as a volume"),
        pytest.param(
            with_volume(
                ephemeral={
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                    }
                }
            ),
            id="an ephemeral volume",
        ),
        pytest.param(spread(labelSelector={}, matchLabelKeys=["pod-template-hash"]), id="spreading by a label's value"),
    ],
)
def test_a_good_pod_has_no_errors(pod: dict[str, Any]) -> None:
    assert errors_of(pod) == []


@pytest.mark.parametrize(
    ("pod", "error"),
    [
        pytest.param(
            securely(sysctls=[{"name": "A B", "value": "1"}]),
            'spec.securityContext.sysctls[0].name: Invalid value: "A B": must have at most 253 characters and match '
            r"regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
            id="a sysctl's name",
        ),
        pytest.param(
            a_pod(hostNetwork=True, securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}),
            'spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": may not be specified when '
            "'hostNetwork' is true",
            id="a sysctl of the host's network",
        ),
        pytest.param(
            a_pod(hostIPC=True, securityContext={"sysctls": [{"name": "kernel/shmmax", "value": "1"}]}),
            'spec.securityContext.sysctls[0].name: Invalid value: "kernel/shmmax": may not be specified when '
            "'hostIPC' is true",
            id="a sysctl of the host's IPC",
        ),
        pytest.param(
            securely(seccompProfile={"type": "Localhost", "localhostProfile": "/a"}),
            'spec.securityContext.seccompProfile.localhostProfile: Invalid value: "/a": must be a relative path',
            id="an absolute profile",
        ),
        pytest.param(
            securely(appArmorProfile={"type": "Localhost", "localhostProfile": " a"}),
            'spec.securityContext.appArmorProfile.localhostProfile: Invalid value: " a": must not be padded with '
            "whitespace",
            id="a padded profile",
        ),
        pytest.param(
            with_container(securityContext={"procMount": "Unmasked"}),
            f'{CONTEXT}.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
            id="all of the host's proc",
        ),
        pytest.param(
            a_pod(hostUsers=False, hostPID=True),
            "spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false",
            id="own users in the host's namespace",
        ),
        pytest.param(
            a_pod(os={"name": "plan9"}),
            'spec.os.name: Unsupported value: "plan9": supported values: "linux", "windows"',
            id="operating system",
        ),
        pytest.param(
            a_pod(os={"name": "windows"}, shareProcessNamespace=True),
            "spec.shareProcessNamespace: Forbidden: cannot be set for a windows pod",
            id="windows processes",
        ),
        pytest.param(
            with_container({"os": {"name": "windows"}}, securityContext={"privileged": True}),
            f"{CONTEXT}.privileged: Forbidden: cannot be set for a windows pod",
            id="a windows container",
        ),
        pytest.param(
            with_container({"os": {"name": "linux"}}, securityContext={"windowsOptions": {}}),
            f"{CONTEXT}.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
            id="windows options",
        ),
        pytest.param(
            with_container(resources={"limits": {"hugepages-2Mi": "2Mi"}}),
            "spec.containers[0].resources: Forbidden: HugePages require cpu or memory",
            id="huge pages alone",
        ),
        pytest.param(
            with_container(resources={"limits": {"hugepages-2Mi": "3Mi", "cpu": "1"}}),
            'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer '
            "multiple of hugepages-2Mi",
            id="part of a huge page",
        ),
        pytest.param(
            with_container(resources={"claims": [{"name": "gpu"}]}),
            'spec.containers[0].resources.claims[0]: Not found: "gpu"',
            id="a claim of nobody",
        ),
        pytest.param(
            a_pod(resourceClaims=[{"name": "gpu"}]),
            'spec.resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: `resourceClaimName`, '
            "`resourceClaimTemplateName`",
            id="a claim of nothing",
        ),
        pytest.param(
            with_container(resizePolicy=[{"resourceName": "disk", "restartPolicy": "NotRequired"}]),
            'spec.containers[0].resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"',
            id="resize of something else",
        ),
        pytest.param(
            a_pod(overhead={"cpu": "-1"}),
            'spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            id="negative overhead",
        ),
        pytest.param(
            spread(matchLabelKeys=["a"]),
            "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is "
            "not set",
            id="keys without a selector",
        ),
        pytest.param(
            spread(labelSelector={"matchLabels": {"a": "b"}}, matchLabelKeys=["a"]),
            'spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: "a": exists in both '
            "matchLabelKeys and labelSelector",
            id="a key twice",
        ),
        pytest.param(
            with_volume(azureFile={"shareName": "s"}),
            "spec.volumes[0].azureFile.secretName: Required value",
            id="an older volume type",
        ),
        pytest.param(with_volume(image={}), "spec.volumes[0].image.reference: Required value", id="no image"),
        pytest.param(with_volume(csi={"driver": ""}), "spec.volumes[0].csi.driver: Required value", id="no driver"),
        pytest.param(
            with_volume(emptyDir={"sizeLimit": "-1"}),
            "spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
            id="a negative size",
        ),
        pytest.param(
            with_volume(ephemeral={"volumeClaimTemplate": {"spec": {}}}),
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is "
            "required",
            id="an ephemeral volume's claim",
        ),
    ],
)
def test_one_error(pod: dict[str, Any], error: str) -> None:
    assert error in errors_of(pod)


@pytest.mark.parametrize(
    ("addresses", "error"),
    [
        (["10.0.0.1", "fd00::1"], ""),
        (["10.0.0.1", "10.0.0.2"], "status.podIPs: Invalid value: "),
        (["10.0.0.1", "10.0.0.1"], 'status.podIPs[1]: Duplicate value: {"ip":"10.0.0.1"}'),
    ],
    ids=["one of each family", "two of one family", "one twice"],
)
def test_a_pod_has_one_address_of_each_family(addresses: list[str], error: str) -> None:
    old = a_pod()
    new = {**old, "status": {"podIPs": [{"ip": address} for address in addresses]}}
    found = [str(item) for item in STRATEGY.validate_status_update(new, old)]
    assert found[0].startswith(error) if error else not found


def test_what_changed_is_shown() -> None:
    (error,) = STRATEGY.validate_update(a_pod(hostPID=True), a_pod())
    assert error.message.endswith("\n+ hostPID: true\n")
