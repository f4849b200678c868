from __future__ import annotations

from typing import Any

import pytest

from kubelet.container_config import NodeFacts, container_config, linux_resources, sandbox_config, security_context
from kubelet.environment import ConfigurationError
from kubelet.runtime import ImageStatus, LinuxResources, NamespaceMode, PortMapping, SecurityContext
from minikube_py.api.meta import Object

from .pods import container, pod

NODE = NodeFacts(1 << 30, "/seccomp")
IMAGE = ImageStatus("sha256:1")


def resources(**spec: dict[str, str]) -> LinuxResources:
    only = container(resources=spec)
    return linux_resources(pod("p", only), only, NODE)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, LinuxResources(cpu_shares=2, oom_score_adj=1000), id="best effort"),
        pytest.param(
            {"limits": {"cpu": "500m", "memory": "64Mi"}},
            LinuxResources(
                cpu_shares=512,
                cpu_period=100_000,
                cpu_quota=50_000,
                memory_limit_bytes=64 << 20,
                oom_score_adj=-997,
            ),
            id="limits count as requests",
        ),
        pytest.param(
            {"requests": {"cpu": "100m", "memory": "512Mi"}},
            LinuxResources(cpu_shares=102, oom_score_adj=500),
            id="requests alone",
        ),
        pytest.param(
            {"requests": {"cpu": "1", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "1Mi"}},
            LinuxResources(
                cpu_shares=1024, cpu_period=100_000, cpu_quota=100_000, memory_limit_bytes=1 << 20, oom_score_adj=-997
            ),
            id="guaranteed",
        ),
    ],
)
def test_resources(spec: dict[str, Any], expected: LinuxResources) -> None:
    assert resources(**spec) == expected


def security(own: Object, of_pod: Object | None = None, image: ImageStatus = IMAGE) -> SecurityContext:
    only = container(securityContext=own)
    return security_context(pod("p", only, securityContext=of_pod or {}), only, image, NODE)


@pytest.mark.parametrize(
    ("own", "of_pod", "expected"),
    [
        pytest.param({}, {}, SecurityContext(seccomp="Unconfined"), id="nothing"),
        pytest.param(
            {"runAsUser": 0},
            {"runAsUser": 1000, "runAsGroup": 7, "fsGroup": 9, "supplementalGroups": [8]},
            SecurityContext(run_as_user=0, run_as_group=7, supplemental_groups=(8, 9), seccomp="Unconfined"),
            id="the container's wins over the pod's",
        ),
        pytest.param(
            {
                "privileged": True,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            },
            {},
            SecurityContext(
                privileged=True,
                add_capabilities=("NET_ADMIN",),
                drop_capabilities=("ALL",),
                read_only_root_filesystem=True,
                no_new_privileges=True,
                seccomp="Unconfined",
            ),
            id="everything of the container",
        ),
        pytest.param({}, {"seccompProfile": {"type": "RuntimeDefault"}}, SecurityContext(), id="the engine's seccomp"),
        pytest.param(
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"}},
            {},
            SecurityContext(seccomp="/seccomp/p.json"),
            id="a seccomp profile of the host",
        ),
    ],
)
def test_security(own: Object, of_pod: Object, expected: SecurityContext) -> None:
    assert security(own, of_pod) == expected


@pytest.mark.parametrize(
    ("own", "image", "message"),
    [
        pytest.param({"runAsNonRoot": True}, "", "image will run as root", id="an image of root"),
        pytest.param({"runAsNonRoot": True}, "0:0", "image will run as root", id="an image of user 0"),
        pytest.param({"runAsNonRoot": True}, "www", "non-numeric user", id="an image of a named user"),
        pytest.param({"runAsNonRoot": True, "runAsUser": 0}, "", "breaks non-root policy", id="root by the spec"),
    ],
)
def test_run_as_non_root_is_kept(own: Object, image: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        security(own, image=ImageStatus("i", user=image))


def test_commands_are_expanded() -> None:
    only = container(command=["sh", "$(A)"], args=["$(B)", "$$(A)"])
    config = container_config(
        pod("p", only),
        only,
        attempt=2,
        image=IMAGE,
        environment={"A": "1"},
        mounts=(),
        termination_log="/x",
        node=NODE,
    )
    assert (config.command, config.args, config.attempt) == (("sh", "1"), ("$(B)", "$(A)"), 2)
    assert config.termination_message_path == "/dev/termination-log"


def test_the_sandbox_takes_namespaces_and_host_ports() -> None:
    spec = pod(
        "p", container(ports=[{"containerPort": 80, "hostPort": 8080}]), shareProcessNamespace=True, hostIPC=True
    )
    config = sandbox_config(spec, 1, "h")
    assert (config.network, config.pid, config.ipc) == (NamespaceMode.POD, NamespaceMode.POD, NamespaceMode.NODE)
    assert config.port_mappings == (PortMapping(80, 8080),)
    assert (config.hostname, config.attempt) == ("h", 1)


def test_what_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="hostUsers: false"):
        sandbox_config(pod(hostUsers=False), 0, "h")
