from __future__ import annotations

from dataclasses import replace

import pytest

from kubelet.docker import labels, spec
from kubelet.runtime import (
    ContainerConfig,
    LinuxResources,
    Mount,
    MountPropagation,
    NamespaceMode,
    SandboxConfig,
    SecurityContext,
)

SANDBOX = SandboxConfig("web", "default", "uid-1", attempt=1, hostname="web")
CONTAINER = ContainerConfig("c", 2, "busybox:1")


def sandbox_body(config: SandboxConfig, **changes: object) -> dict:
    return spec.sandbox_body(config, owner="me", image="pause", cgroup_parent="", lowest_oom_score_adj=-1000)


def body(config: ContainerConfig, sandbox: SandboxConfig = SANDBOX, *, lowest_oom_score_adj: int = -1000) -> dict:
    return spec.container_body(
        "pause-id",
        sandbox,
        config,
        owner="me",
        user="",
        seccomp_profile="",
        cgroup_parent="",
        lowest_oom_score_adj=lowest_oom_score_adj,
    )


def test_names_are_as_upstream_makes_them() -> None:
    assert labels.sandbox_name(SANDBOX) == "k8s_POD_web_default_uid-1_1"
    assert labels.container_name(SANDBOX, CONTAINER) == "k8s_c_web_default_uid-1_2"


def test_a_sandbox_has_no_network_until_cni_gives_it_one() -> None:
    made = sandbox_body(SANDBOX)
    assert made["Hostname"] == "web"
    assert made["HostConfig"]["NetworkMode"] == "none"
    assert made["HostConfig"]["IpcMode"] == "shareable"
    assert made["Labels"][labels.POD_UID] == "uid-1"
    assert made["Labels"][labels.OWNER] == "me"


def test_a_sandbox_on_the_host_takes_the_hosts_names() -> None:
    made = sandbox_body(
        replace(SANDBOX, network=NamespaceMode.NODE, pid=NamespaceMode.NODE, ipc=NamespaceMode.NODE, sysctls={"a": "1"})
    )
    host = made["HostConfig"]
    assert (host["NetworkMode"], host["UTSMode"], host["PidMode"], host["IpcMode"]) == ("host",) * 4
    assert host["Sysctls"] == {"a": "1"}
    assert "Hostname" not in made


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        pytest.param((), (), {}, id="the image's own"),
        pytest.param(("a",), (), {"Entrypoint": ["a"], "Cmd": []}, id="a command drops the image's arguments"),
        pytest.param((), ("b",), {"Cmd": ["b"]}, id="arguments keep the image's entrypoint"),
        pytest.param(("a",), ("b",), {"Entrypoint": ["a"], "Cmd": ["b"]}, id="both"),
    ],
)
def test_command_and_arguments(command: tuple[str, ...], args: tuple[str, ...], expected: dict) -> None:
    made = body(replace(CONTAINER, command=command, args=args))
    assert {key: made[key] for key in ("Entrypoint", "Cmd") if key in made} == expected


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [
        pytest.param(SANDBOX, ("container:pause-id", "container:pause-id", None), id="network and IPC are the pod's"),
        pytest.param(
            replace(SANDBOX, pid=NamespaceMode.POD),
            ("container:pause-id", "container:pause-id", "container:pause-id"),
            id="processes shared in the pod",
        ),
        pytest.param(
            replace(SANDBOX, pid=NamespaceMode.NODE, ipc=NamespaceMode.NODE),
            ("container:pause-id", "host", "host"),
            id="processes and IPC of the host",
        ),
    ],
)
def test_a_container_joins_its_pods_namespaces(sandbox: SandboxConfig, expected: tuple) -> None:
    host = body(CONTAINER, sandbox)["HostConfig"]
    assert (host["NetworkMode"], host["IpcMode"], host.get("PidMode")) == expected


def test_resources_are_the_kernels() -> None:
    resources = LinuxResources(512, 100_000, 50_000, 1 << 20, 987, 100)
    host = body(replace(CONTAINER, resources=resources))["HostConfig"]
    expected = {
        "CpuShares": 512,
        "CpuPeriod": 100_000,
        "CpuQuota": 50_000,
        "Memory": 1 << 20,
        "MemorySwap": 1 << 20,
        "OomScoreAdj": 987,
        "PidsLimit": 100,
    }
    assert {key: host[key] for key in expected} == expected


def test_an_oom_score_below_what_may_be_set_is_raised() -> None:
    config = replace(CONTAINER, resources=LinuxResources(oom_score_adj=-997))
    assert body(config)["HostConfig"]["OomScoreAdj"] == -997
    assert body(config, lowest_oom_score_adj=0)["HostConfig"]["OomScoreAdj"] == 0


def test_security_options() -> None:
    security = SecurityContext(
        supplemental_groups=(1, 2),
        privileged=True,
        add_capabilities=("NET_ADMIN",),
        drop_capabilities=("ALL",),
        read_only_root_filesystem=True,
        no_new_privileges=True,
        app_armor="unconfined",
        unmasked_proc=True,
    )
    host = body(replace(CONTAINER, security=security))["HostConfig"]
    assert host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert (host["CapAdd"], host["CapDrop"], host["GroupAdd"]) == (["NET_ADMIN"], ["ALL"], ["1", "2"])
    assert host["SecurityOpt"] == ["no-new-privileges", "apparmor=unconfined"]
    assert host["MaskedPaths"] == []


def test_mounts_carry_propagation_and_the_termination_message() -> None:
    config = replace(
        CONTAINER,
        mounts=(Mount("/data", "/host", read_only=True, propagation=MountPropagation.HOST_TO_CONTAINER),),
        termination_message_path="/dev/termination-log",
        termination_message_host_path="/message",
    )
    mounts = body(config)["HostConfig"]["Mounts"]
    assert mounts[0] == {
        "Type": "bind",
        "Source": "/host",
        "Target": "/data",
        "ReadOnly": True,
        "BindOptions": {"Propagation": "rslave", "ReadOnlyNonRecursive": True},
    }
    assert (mounts[1]["Source"], mounts[1]["Target"]) == ("/message", "/dev/termination-log")
    assert mounts[1]["BindOptions"] == {}


def test_an_ephemeral_container_sees_the_processes_of_its_target() -> None:
    host = body(replace(CONTAINER, target_container_id="target"))["HostConfig"]
    assert host["PidMode"] == "container:target"


@pytest.mark.parametrize(
    ("security", "user"),
    [
        pytest.param(SecurityContext(), "", id="the image's"),
        pytest.param(SecurityContext(run_as_user=0), "0", id="a user"),
        pytest.param(SecurityContext(run_as_user=1, run_as_group=2), "1:2", id="a user and a group"),
        pytest.param(SecurityContext(run_as_group=2), "app:2", id="the image's user with a group"),
    ],
)
def test_the_user(security: SecurityContext, user: str) -> None:
    assert spec.user_of(security, "app:app") == user


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        pytest.param("cgroupfs", "/kubepods/burstable/poda-b", id="cgroupfs takes a path"),
        pytest.param("systemd", "kubepods-burstable-poda_b.slice", id="systemd takes a slice"),
    ],
)
def test_the_cgroup_parent(driver: str, expected: str) -> None:
    assert spec.cgroup_parent_of("kubepods/burstable/poda-b", driver) == expected
    assert spec.cgroup_parent_of("", driver) == ""
