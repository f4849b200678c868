"""One contract for the fake runtime and the real one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kubelet.fake_runtime import FakeRuntime
from kubelet.runtime import (
    ContainerConfig,
    ContainerRuntime,
    ContainerState,
    CreateContainerFailed,
    EventType,
    ExecResult,
    ImagePullFailed,
    LogOptions,
    NotFound,
    RuntimeEvent,
    RuntimeFailure,
    SandboxConfig,
    StartContainerFailed,
    Stream,
)

IMAGE = "minikube-py-test/busybox:1"
SANDBOX = SandboxConfig("web", "default", "uid-1", hostname="web", labels={"app": "web"})


@pytest.fixture(params=["the fake", pytest.param("docker", marks=pytest.mark.docker)])
def runtime(request: pytest.FixtureRequest) -> ContainerRuntime:
    if request.param == "docker":
        real: ContainerRuntime = request.getfixturevalue("docker_runtime")
        return real
    fake = FakeRuntime()
    fake.add_image(IMAGE)
    fake.exec_results = lambda _container, command: ExecResult(3, b"out\n", b"err\n")
    return fake


def container(name: str = "c", *script: str, attempt: int = 0) -> ContainerConfig:
    args = script or ("exec sleep 1000",)
    return ContainerConfig(name, attempt, IMAGE, IMAGE, ("sh", "-c"), args, spec_hash="abc", grace_period_seconds=7)


async def run(runtime: ContainerRuntime, config: ContainerConfig) -> tuple[str, str]:
    sandbox_id = await runtime.create_sandbox(SANDBOX)
    container_id = await runtime.create_container(sandbox_id, SANDBOX, config)
    await runtime.start_sandbox(sandbox_id)
    await runtime.start_container(container_id)
    return sandbox_id, container_id


async def test_a_started_sandbox_has_an_address_and_is_listed_ready(runtime: ContainerRuntime) -> None:
    sandbox_id = await runtime.create_sandbox(SANDBOX)
    started = await runtime.start_sandbox(sandbox_id)
    assert started.ready
    assert started.ips
    (pod,) = await runtime.list_pods("uid-1")
    (listed,) = pod.sandboxes
    assert (listed.id, listed.name, listed.namespace, listed.uid, listed.ready) == (
        sandbox_id,
        "web",
        "default",
        "uid-1",
        True,
    )
    assert listed.ips == started.ips
    assert listed.labels["app"] == "web"


async def test_a_container_created_before_its_sandbox_started_runs_and_is_read_back_whole(
    runtime: ContainerRuntime,
) -> None:
    sandbox_id, container_id = await run(runtime, container(attempt=2))
    (pod,) = await runtime.list_pods()
    (status,) = pod.containers
    assert status.id == container_id
    assert status.sandbox_id == sandbox_id
    assert status.state is ContainerState.RUNNING
    assert (status.name, status.attempt, status.spec_hash, status.grace_period_seconds) == ("c", 2, "abc", 7)
    assert status.image == IMAGE
    assert status.started_at is not None
    assert status.pid > 0
    assert await runtime.container_status(container_id) == status


async def test_stopping_ends_a_container_and_twice_is_harmless(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container())
    await runtime.stop_container(container_id, 0)
    await runtime.stop_container(container_id, 0)
    status = await runtime.container_status(container_id)
    assert (status.state, status.exit_code, status.reason) == (ContainerState.EXITED, 137, "Error")
    assert status.finished_at is not None


async def test_a_removed_container_is_gone_and_removing_again_is_harmless(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container())
    await runtime.remove_container(container_id)
    await runtime.remove_container(container_id)
    with pytest.raises(NotFound):
        await runtime.container_status(container_id)
    await runtime.stop_container(container_id, 1)


async def test_removing_a_sandbox_takes_its_containers_with_it(runtime: ContainerRuntime) -> None:
    sandbox_id, _ = await run(runtime, container())
    await runtime.remove_sandbox(sandbox_id)
    await runtime.remove_sandbox(sandbox_id)
    assert await runtime.list_pods() == []


async def test_a_stopped_sandbox_is_not_ready_and_its_containers_have_ended(runtime: ContainerRuntime) -> None:
    sandbox_id, container_id = await run(runtime, container())
    await runtime.stop_sandbox(sandbox_id)
    (pod,) = await runtime.list_pods()
    assert not pod.sandboxes[0].ready
    assert pod.sandboxes[0].ips == ()
    assert (await runtime.container_status(container_id)).state is ContainerState.EXITED


async def test_a_missing_image_refuses_the_container(runtime: ContainerRuntime) -> None:
    sandbox_id = await runtime.create_sandbox(SANDBOX)
    with pytest.raises(CreateContainerFailed, match="No such image: minikube-py-test/missing:1"):
        await runtime.create_container(sandbox_id, SANDBOX, replace(container(), image="minikube-py-test/missing:1"))


async def test_a_leftover_that_never_ran_is_replaced_and_one_that_ran_is_not(runtime: ContainerRuntime) -> None:
    sandbox_id = await runtime.create_sandbox(SANDBOX)
    first = await runtime.create_container(sandbox_id, SANDBOX, container())
    second = await runtime.create_container(sandbox_id, SANDBOX, container())
    assert first != second
    await runtime.start_sandbox(sandbox_id)
    await runtime.start_container(second)
    with pytest.raises(CreateContainerFailed, match="Conflict"):
        await runtime.create_container(sandbox_id, SANDBOX, container())


async def test_a_command_that_cannot_start_leaves_an_exited_container_with_its_cause(runtime: ContainerRuntime) -> None:
    if isinstance(runtime, FakeRuntime):
        runtime.start_failures["c"] = 'exec: "/missing": no such file or directory'
    config = replace(container(), command=("/missing",), args=())
    with pytest.raises(StartContainerFailed, match="/missing"):
        await run(runtime, config)
    (pod,) = await runtime.list_pods()
    (status,) = pod.containers
    assert (status.state, status.exit_code, status.reason) == (ContainerState.EXITED, 127, "ContainerCannotRun")
    assert "/missing" in status.message


async def test_events_tell_of_a_containers_life(runtime: ContainerRuntime) -> None:
    seen: list[RuntimeEvent] = []

    async def collect() -> None:
        async for event in runtime.events():
            seen.append(event)
            if event.type is EventType.REMOVED:
                return

    collecting = asyncio.create_task(collect())
    await asyncio.sleep(0 if isinstance(runtime, FakeRuntime) else 0.2)
    _, container_id = await run(runtime, container())
    await runtime.remove_container(container_id)
    await asyncio.wait_for(collecting, 10)
    of_container = [event for event in seen if event.id == container_id]
    assert [event.type for event in of_container] == [
        EventType.CREATED,
        EventType.STARTED,
        EventType.DIED,
        EventType.REMOVED,
    ]
    died = of_container[2]
    assert (died.pod_uid, died.pod_name, died.container_name, died.exit_code) == ("uid-1", "web", "c", 137)
    assert {event.container_name for event in seen if event.id != container_id} == {""}


async def test_exec_gives_output_and_exit_code(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container())
    result = await runtime.exec_sync(container_id, ["sh", "-c", "echo out; echo err >&2; exit 3"], 10)
    assert result == ExecResult(3, b"out\n", b"err\n")


async def test_exec_in_a_container_that_ended_fails(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container())
    await runtime.stop_container(container_id, 0)
    with pytest.raises(RuntimeFailure, match="is not running"):
        await runtime.exec_sync(container_id, ["true"], 10)


async def test_an_open_exec_echoes_until_its_input_ends(runtime: ContainerRuntime) -> None:
    if isinstance(runtime, FakeRuntime):
        runtime.exec_results = lambda _container, _command: ExecResult(0)
    _, container_id = await run(runtime, container())
    stream = await runtime.open_exec(container_id, ["cat"], tty=False, stdin=True)
    await stream.write(b"hello")
    assert await stream.read() == (Stream.STDOUT, b"hello")
    await stream.close_stdin()
    assert await stream.read() is None
    assert await stream.exit_code() == 0
    await stream.close()


async def test_logs_of_an_ended_container_are_whole_and_in_order(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container("c", "echo one; echo two; sleep 0.1; echo three"))
    if isinstance(runtime, FakeRuntime):
        for line in (b"one\n", b"two\n", b"three\n"):
            runtime.write_log(container_id, line)
        runtime.exit(container_id)
    whole = b"".join([data async for _, data in runtime.logs(container_id, LogOptions(follow=True))])
    assert whole == b"one\ntwo\nthree\n"
    last = b"".join([data async for _, data in runtime.logs(container_id, LogOptions(tail_lines=1))])
    assert last == b"three\n"
    stamped = b"".join(
        [data async for _, data in runtime.logs(container_id, LogOptions(tail_lines=1, timestamps=True))]
    )
    assert stamped.endswith(b"Z three\n")


async def test_logs_of_an_unknown_container_are_not_found(runtime: ContainerRuntime) -> None:
    with pytest.raises(NotFound):
        _ = [piece async for piece in runtime.logs("missing", LogOptions())]


async def test_an_image_is_found_by_reference_and_by_id(runtime: ContainerRuntime) -> None:
    found = await runtime.image_status(IMAGE)
    assert found is not None
    assert found.size_bytes > 0
    by_id = await runtime.image_status(found.id)
    assert by_id is not None
    assert by_id.id == found.id
    assert found.id in {image.id for image in await runtime.list_images()}
    assert await runtime.image_status("minikube-py-test/missing:1") is None


async def test_a_pull_that_cannot_be_tells_why(runtime: ContainerRuntime) -> None:
    with pytest.raises(ImagePullFailed):
        await runtime.pull_image("127.0.0.1:1/nobody/nothing:1")


async def test_statistics_are_of_running_containers_only(runtime: ContainerRuntime) -> None:
    _, container_id = await run(runtime, container())
    assert [stats.id for stats in await runtime.container_stats([container_id, "missing"])] == [container_id]


async def test_it_is_ready_once_it_knows_the_range_of_addresses(runtime: ContainerRuntime) -> None:
    status = await runtime.status()
    assert status.runtime.ready
    assert status.network.ready
