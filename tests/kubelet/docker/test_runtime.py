"""What only a real engine can show: terminals, namespaces, limits, the network."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from kubelet.docker import DockerRuntime
from kubelet.runtime import (
    ContainerConfig,
    ContainerState,
    ExecTimeout,
    LinuxResources,
    LogOptions,
    Mount,
    NamespaceMode,
    NetworkFailed,
    PortMapping,
    ProcessStream,
    SandboxConfig,
    SecurityContext,
    Stream,
)

pytestmark = pytest.mark.docker

IMAGE = "minikube-py-test/busybox:1"
SANDBOX = SandboxConfig("web", "default", "uid-1", hostname="web")


def container(*script: str, name: str = "c") -> ContainerConfig:
    return ContainerConfig(name, 0, IMAGE, command=("sh", "-c"), args=script or ("exec sleep 1000",))


async def run(runtime: DockerRuntime, *configs: ContainerConfig, sandbox: SandboxConfig = SANDBOX) -> list[str]:
    sandbox_id = await runtime.create_sandbox(sandbox)
    ids = [await runtime.create_container(sandbox_id, sandbox, config) for config in configs]
    await runtime.start_sandbox(sandbox_id)
    for container_id in ids:
        await runtime.start_container(container_id)
    return [sandbox_id, *ids]


async def output(stream: ProcessStream) -> bytes:
    whole = b""
    while (piece := await asyncio.wait_for(stream.read(), 10)) is not None:
        whole += piece[1]
    return whole


async def shell(runtime: DockerRuntime, container_id: str, script: str) -> str:
    result = await runtime.exec_sync(container_id, ["sh", "-c", script], 10)
    assert result.exit_code == 0, result
    return result.stdout.decode().strip()


async def test_a_terminal_has_the_size_that_it_was_given(docker_runtime: DockerRuntime) -> None:
    _, container_id = await run(docker_runtime, container())
    stream = await docker_runtime.open_exec(container_id, ["sh"], tty=True, stdin=True)
    await stream.resize(123, 45)
    await stream.write(b"stty size; exit 7\n")
    assert b"45 123" in await output(stream)
    assert await stream.exit_code() == 7
    await stream.close()


async def test_input_ends_while_output_still_comes(docker_runtime: DockerRuntime) -> None:
    _, container_id = await run(docker_runtime, container())
    stream = await docker_runtime.open_exec(container_id, ["sh", "-c", "wc -c; echo late >&2"], tty=False, stdin=True)
    for _ in range(64):
        await stream.write(b"x" * 16384)
    await stream.close_stdin()
    assert await asyncio.wait_for(stream.read(), 10) == (Stream.STDOUT, b"1048576\n")
    assert await output(stream) == b"late\n"
    await stream.close()


async def test_an_attachment_feeds_the_containers_own_input(docker_runtime: DockerRuntime) -> None:
    config = replace(container("read line; echo got $line"), stdin=True, stdin_once=True)
    _, container_id = await run(docker_runtime, config)
    stream = await docker_runtime.open_attach(container_id, tty=False, stdin=True)
    await stream.write(b"this\n")
    assert await output(stream) == b"got this\n"
    assert await stream.exit_code() == 0
    await stream.close()


async def test_a_command_past_its_time_is_killed(docker_runtime: DockerRuntime) -> None:
    _, container_id = await run(docker_runtime, container())
    with pytest.raises(ExecTimeout):
        await docker_runtime.exec_sync(container_id, ["sleep", "987"], 0.3)
    assert "sleep 987" not in await shell(docker_runtime, container_id, "ps")


async def test_containers_of_a_pod_share_the_network_and_the_host_name_and_see_the_outside_by_it(
    docker_runtime: DockerRuntime,
) -> None:
    _, one, two = await run(docker_runtime, container(name="one"), container(name="two"))
    assert await shell(docker_runtime, one, "hostname") == "web"
    assert await shell(docker_runtime, one, "ip addr show eth0") == await shell(
        docker_runtime, two, "ip addr show eth0"
    )
    assert "10.199.7.1" in await shell(docker_runtime, one, "ip route")
    assert "UP" in await shell(docker_runtime, one, "ip link show lo")


async def test_a_shared_pid_namespace_has_the_pause_process_first(docker_runtime: DockerRuntime) -> None:
    _, container_id = await run(docker_runtime, container(), sandbox=replace(SANDBOX, pid=NamespaceMode.POD))
    # An orphan's end is reaped by the pause process: no zombie is left.
    await shell(docker_runtime, container_id, "(sleep 0.1 &) ; sleep 0.3")
    processes = await shell(docker_runtime, container_id, "ps")
    assert "/pause" in processes
    assert "[sleep]" not in processes


async def test_a_container_that_needs_too_much_memory_is_oom_killed(docker_runtime: DockerRuntime) -> None:
    config = replace(container("tail /dev/zero"), resources=LinuxResources(memory_limit_bytes=16 << 20))
    _, container_id = await run(docker_runtime, config)
    await asyncio.wait_for(asyncio.ensure_future(_ended(docker_runtime, container_id)), 20)
    status = await docker_runtime.container_status(container_id)
    assert (status.reason, status.exit_code) == ("OOMKilled", 137)


async def _ended(runtime: DockerRuntime, container_id: str) -> None:
    _ = [piece async for piece in runtime.logs(container_id, LogOptions(follow=True))]
    while (await runtime.container_status(container_id)).state is not ContainerState.EXITED:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_user_groups_and_mounts_are_as_asked(docker_runtime: DockerRuntime, tmp_path: Path) -> None:
    (tmp_path / "message").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content\n")
    (tmp_path / "message").chmod(0o666)
    config = replace(
        container("id; cat /data/file; echo done > /dev/termination-log; touch /data/x; exec sleep 1000"),
        security=SecurityContext(
            run_as_user=1000, run_as_group=2000, supplemental_groups=(3000,), read_only_root_filesystem=True
        ),
        mounts=(Mount("/data", str(tmp_path / "data"), read_only=True),),
        termination_message_path="/dev/termination-log",
        termination_message_host_path=str(tmp_path / "message"),
    )
    _, container_id = await run(docker_runtime, config)
    await asyncio.sleep(0.3)
    log = b"".join([data async for _, data in docker_runtime.logs(container_id, LogOptions())]).decode()
    assert "uid=1000 gid=2000" in log
    assert "3000" in log
    assert "content" in log
    assert "Read-only file system" in log
    assert (tmp_path / "message").read_text() == "done\n"
    status = await docker_runtime.container_status(container_id)
    assert status.termination_message_host_path == str(tmp_path / "message")


async def test_a_pod_on_the_hosts_network_has_no_address_of_its_own(docker_runtime: DockerRuntime) -> None:
    sandbox = replace(SANDBOX, network=NamespaceMode.NODE)
    sandbox_id, container_id = await run(docker_runtime, container(), sandbox=sandbox)
    assert await shell(docker_runtime, container_id, "hostname") == os.uname().nodename
    (pod,) = await docker_runtime.list_pods()
    assert (pod.sandboxes[0].ready, pod.sandboxes[0].ips, pod.sandboxes[0].host_network) == (True, (), True)
    await docker_runtime.stop_sandbox(sandbox_id)


async def test_the_network_is_torn_down_though_the_pause_process_died(
    docker_runtime: DockerRuntime, tmp_path: Path
) -> None:
    sandbox_id, _ = await run(docker_runtime, container())
    leases = tmp_path / "cni" / "ipam" / "minikube-py"
    (pod,) = await docker_runtime.list_pods()
    assert (leases / pod.sandboxes[0].ips[0]).exists()
    os.kill(pod.sandboxes[0].pid, signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert not (await docker_runtime.list_pods())[0].sandboxes[0].ready
    await docker_runtime.remove_sandbox(sandbox_id)
    assert not (leases / pod.sandboxes[0].ips[0]).exists()
    assert list((tmp_path / "cni" / "results").iterdir()) == []


async def test_the_first_look_frees_what_lost_sandboxes_held(docker_runtime: DockerRuntime, tmp_path: Path) -> None:
    leases = tmp_path / "cni" / "ipam" / "minikube-py"
    leases.mkdir()
    (leases / "10.199.7.99").write_text("f" * 64 + "\r\neth0")
    await docker_runtime.status()
    assert not (leases / "10.199.7.99").exists()
    await run(docker_runtime, container())
    await docker_runtime.status()
    (pod,) = await docker_runtime.list_pods()
    assert (leases / pod.sandboxes[0].ips[0]).exists()


async def test_a_failed_network_is_undone_and_the_pause_process_ended(
    docker_runtime: DockerRuntime, tmp_path: Path
) -> None:
    (tmp_path / "net.d" / "00-broken.conflist").write_text(
        '{"cniVersion":"0.4.0","name":"x","plugins":[{"type":"missing"}]}'
    )
    status = await docker_runtime.status()
    assert not status.network.ready
    sandbox_id = await docker_runtime.create_sandbox(SANDBOX)
    with pytest.raises(NetworkFailed, match='failed to find plugin "missing"'):
        await docker_runtime.start_sandbox(sandbox_id)
    (pod,) = await docker_runtime.list_pods()
    assert not pod.sandboxes[0].ready


async def test_a_host_port_leads_to_the_pod(docker_runtime: DockerRuntime) -> None:
    sandbox = replace(SANDBOX, port_mappings=(PortMapping(8080, 28080, "TCP", "127.0.0.1"),))
    sandbox_id, _ = await run(docker_runtime, container("exec nc -ll -p 8080 -e echo hello"), sandbox=sandbox)
    await asyncio.sleep(0.3)
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", 28080), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b"hello\n"
    writer.close()
    await docker_runtime.remove_sandbox(sandbox_id)


async def test_another_owners_containers_are_not_seen(docker_runtime: DockerRuntime) -> None:
    from kubelet.docker.client import DockerClient
    from kubelet.docker.sandboxes import list_labelled

    await run(docker_runtime, container())
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    client = DockerClient(host)
    assert await list_labelled(client, "somebody-else") == []
    await client.close()
