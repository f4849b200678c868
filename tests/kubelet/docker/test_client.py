"""Refusals and failures of the engine, simulated on a unix socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubelet.cni.network import PodNetwork
from kubelet.docker import DockerRuntime, images
from kubelet.docker.client import DockerClient
from kubelet.runtime import (
    ImageInUse,
    ImagePullFailed,
    NotFound,
    PullProgress,
    RegistryAuth,
    RuntimeFailure,
    RuntimeUnavailable,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Engine:
    """Answers with what a test has set, by method and path without the version."""

    def __init__(self, socket: Path) -> None:
        self.host = f"unix://{socket}"
        self.answers: dict[tuple[str, str], Handler | tuple[int, Any]] = {
            ("GET", "/version"): (200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12"})
        }
        self.asked: list[web.Request] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        self._socket = str(socket)

    async def start(self) -> None:
        await self.runner.setup()
        await web.UnixSite(self.runner, self._socket).start()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        path = request.path.removeprefix("/v1.41")
        answer = self.answers.get((request.method, path), (404, {"message": f"no {path}"}))
        if callable(answer):
            return await answer(request)
        return web.Response(status=answer[0], text=json.dumps(answer[1]))

    def lines(self, method: str, path: str, *lines: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            await request.read()
            response = web.StreamResponse()
            await response.prepare(request)
            for line in lines:
                await response.write(json.dumps(line).encode() + b"\r\n")
            return response

        self.answers[method, path] = answer


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(tmp_path / "engine.sock")
    await made.start()
    yield made
    await made.runner.cleanup()


@pytest.fixture
async def runtime(engine: Engine, tmp_path: Path) -> AsyncIterator[DockerRuntime]:
    network = PodNetwork(configuration_directory=str(tmp_path / "net.d"), state_directory=str(tmp_path / "cni"))
    made = DockerRuntime(network, owner="me", docker_host=engine.host)
    yield made
    await made.close()


async def test_an_engine_that_is_not_there_is_unavailable_and_not_ready(tmp_path: Path) -> None:
    network = PodNetwork(configuration_directory=str(tmp_path / "net.d"), state_directory=str(tmp_path / "cni"))
    runtime = DockerRuntime(network, owner="me", docker_host=f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(RuntimeUnavailable, match=r"nobody\.sock"):
        await runtime.list_pods()
    with pytest.raises(RuntimeUnavailable):
        await runtime.open_exec("id", ["ls"], tty=False, stdin=False)
    status = await runtime.status()
    assert (status.runtime.ready, status.runtime.reason) == (False, "DockerDaemonNotReady")
    await runtime.close()


def test_a_remote_engine_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"docker_host 'tcp://1.2.3.4:2375': only unix://"):
        DockerClient("tcp://1.2.3.4:2375")


async def test_events_end_with_the_engine(engine: Engine, runtime: DockerRuntime) -> None:
    engine.lines("GET", "/events", {"Action": "start", "timeNano": 1, "Actor": {"ID": "id", "Attributes": {}}})
    events = runtime.events()
    assert (await anext(events)).id == "id"
    with pytest.raises(RuntimeUnavailable):
        await anext(events)
    filters = json.loads(engine.asked[-1].query["filters"])
    assert filters["label"] == ["io.minikube-py.kubelet=me"]


async def test_a_pull_tells_its_progress_and_carries_credentials(engine: Engine, runtime: DockerRuntime) -> None:
    engine.lines(
        "POST",
        "/images/create",
        {"id": "layer", "status": "Downloading", "progressDetail": {"current": 1, "total": 2}},
        {"status": "Digest: sha256:1"},
    )
    engine.answers["GET", "/images/host:5000/app:1/json"] = (
        200,
        {"Id": "sha256:2", "RepoDigests": ["host:5000/app@sha256:3"], "Size": 9},
    )
    progress: list[PullProgress] = []
    image = await runtime.pull_image("host:5000/app:1", RegistryAuth("anna", "secret"), progress.append)
    assert image.shown_id() == "docker-pullable://host:5000/app@sha256:3"
    assert progress[0] == PullProgress("layer", "Downloading", 1, 2)
    pull = next(request for request in engine.asked if request.method == "POST")
    assert dict(pull.query) == {"fromImage": "host:5000/app", "tag": "1"}
    sent = json.loads(base64.urlsafe_b64decode(pull.headers["X-Registry-Auth"]))
    assert sent == {"username": "anna", "password": "secret"}


async def test_a_pull_that_fails_midway_tells_the_engines_text(engine: Engine, runtime: DockerRuntime) -> None:
    engine.lines(
        "POST", "/images/create", {"status": "Pulling"}, {"error": "x", "errorDetail": {"message": "no space"}}
    )
    with pytest.raises(ImagePullFailed, match=r"^no space$") as failed:
        await runtime.pull_image("app")
    assert failed.value.reason == "ErrImagePull"


async def test_a_pull_without_progress_is_given_up(
    engine: Engine, runtime: DockerRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(30)
        return response

    monkeypatch.setattr(images, "PULL_IDLE_TIMEOUT_SECONDS", 0.05)
    engine.answers["POST", "/images/create"] = stall
    with pytest.raises(ImagePullFailed, match="because of no progress"):
        await runtime.pull_image("app")


async def test_a_refused_pull_tells_the_engines_text(engine: Engine, runtime: DockerRuntime) -> None:
    engine.answers["POST", "/images/create"] = (404, {"message": "pull access denied for app"})
    with pytest.raises(ImagePullFailed, match="Error response from daemon: pull access denied for app"):
        await runtime.pull_image("app")


async def test_a_reference_that_cannot_be_is_not_even_tried(engine: Engine, runtime: DockerRuntime) -> None:
    with pytest.raises(ImagePullFailed) as failed:
        await runtime.pull_image("NOT//valid")
    assert failed.value.reason == "InvalidImageName"
    assert engine.asked == []


async def test_an_image_in_use_stays(engine: Engine, runtime: DockerRuntime) -> None:
    engine.answers["GET", "/images/app/json"] = (200, {"Id": "sha256:2"})
    engine.answers["DELETE", "/images/app"] = (409, {"message": "container 1 is using it"})
    with pytest.raises(ImageInUse, match="is using it"):
        await runtime.remove_image("app")


@pytest.mark.parametrize(
    ("status", "kind"),
    [pytest.param(404, NotFound, id="no such container"), pytest.param(409, RuntimeFailure, id="not running")],
)
async def test_a_refused_exec_is_told_apart(
    engine: Engine, runtime: DockerRuntime, status: int, kind: type[RuntimeFailure]
) -> None:
    engine.answers["POST", "/containers/id/exec"] = (status, {"message": "refused"})
    with pytest.raises(kind, match="refused"):
        await runtime.exec_sync("id", ["ls"], 5)


async def test_a_refused_take_over_tells_the_engines_text(engine: Engine, runtime: DockerRuntime) -> None:
    engine.answers["POST", "/containers/id/exec"] = (201, {"Id": "exec"})
    engine.answers["POST", "/exec/exec/start"] = (409, {"message": "container is paused"})
    with pytest.raises(RuntimeFailure, match="container is paused"):
        await runtime.open_exec("id", ["ls"], tty=False, stdin=True)


async def test_an_engine_that_is_too_old_is_refused(engine: Engine, runtime: DockerRuntime) -> None:
    engine.answers["GET", "/version"] = (200, {"ApiVersion": "1.40"})
    with pytest.raises(RuntimeFailure, match=r"API 1.40 is too old: 1.41 \(Docker 20.10\)"):
        await runtime.list_pods()


async def test_an_inspection_is_asked_for_only_when_the_state_changes(engine: Engine, runtime: DockerRuntime) -> None:
    labels = {"io.kubernetes.pod.uid": "u", "io.kubernetes.docker.type": "container"}
    state = {"StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0, "Pid": 1}
    inspected = 0

    async def inspect(request: web.Request) -> web.StreamResponse:
        nonlocal inspected
        inspected += 1
        return web.json_response(
            {
                "Id": "id",
                "Created": "2026-01-01T00:00:00Z",
                "Image": "sha256:1",
                "State": state | {"Status": listed["State"], "Running": True, "OOMKilled": False, "Error": ""},
                "Config": {"Labels": labels, "Image": "app", "Tty": False, "OpenStdin": False, "StdinOnce": False},
                "HostConfig": {"NetworkMode": "container:x"},
            }
        )

    listed = {"Id": "id", "State": "running", "Created": 0}
    engine.answers["GET", "/containers/json"] = (200, [listed])
    engine.answers["GET", "/containers/id/json"] = inspect
    for _ in range(3):
        (pod,) = await runtime.list_pods()
    assert (inspected, len(pod.containers)) == (1, 1)
    listed["State"] = "exited"
    await asyncio.gather(runtime.list_pods())
    assert inspected == 2
