from __future__ import annotations

from pathlib import Path

from kubelet.runtime import ExecResult, RuntimeUnavailable
from minikube_py.api.resources import CONFIG_MAPS, PODS
from minikube_py.client.protocol import ConnectionFailed

from .harness import kubelet_on_fakes
from .pods import container, pod


async def test_a_pod_becomes_ready_and_its_events_are_in_upstreams_order(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        assert h.status()["phase"] == "Running"
        assert h.container()["state"]["running"]
        assert h.recorder.reasons() == ["Pulled", "Created", "Started"]


async def test_a_deleted_pod_is_stopped_removed_and_taken_out_of_the_api(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        await h.client.delete(PODS, "p", "ns")
        await h.until(lambda: h.pod() is None)
        assert h.runtime.stops
        await h.until(lambda: not h.kubelet.workers())
        assert await h.runtime.list_pods() == []
        assert not list((tmp_path / "pods").iterdir())


async def test_a_crashing_container_is_restarted_at_once_and_then_backs_off(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        await h.exit("c", 1)
        await h.until(lambda: h.container()["restartCount"] == 1 and h.state() == "running")
        assert h.container()["lastState"]["terminated"]["exitCode"] == 1
        await h.exit("c", 1)
        await h.until(lambda: h.state() == "CrashLoopBackOff")
        waiting = h.container()["state"]["waiting"]
        assert waiting["message"] == "back-off 10s restarting failed container=c pod=p_ns(uid-p)"
        assert h.status()["phase"] == "Running"
        assert h.recorder.messages("BackOff") == ["Back-off restarting failed container c in pod p_ns(uid-p)"]
        await h.pass_time(9)
        assert not h.runtime.running()
        await h.pass_time(1)
        await h.until(lambda: h.container()["restartCount"] == 2 and h.state() == "running")
        await h.exit("c", 1)
        await h.until(lambda: h.state() == "CrashLoopBackOff")
        assert "back-off 20s" in h.container()["state"]["waiting"]["message"]


async def test_a_container_that_ran_for_long_enough_starts_its_back_off_anew(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        for restarts in (1, 2):
            await h.pass_time(11 * 60)
            await h.exit("c", 1)
            await h.until(lambda n=restarts: h.container()["restartCount"] == n and h.state() == "running")


async def test_a_pod_that_never_restarts_succeeds_and_its_container_is_kept(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod(restartPolicy="Never"))
        await h.until(h.is_ready)
        await h.exit("c", 0)
        await h.until(lambda: h.status().get("phase") == "Succeeded")
        assert h.state() == "Completed"
        conditions = {c["type"]: c for c in h.status()["conditions"]}
        assert conditions["Ready"]["reason"] == "PodCompleted"
        pods = await h.runtime.list_pods()
        assert [c.name for c in pods[0].containers] == ["c"]


async def test_init_containers_run_one_after_the_other_before_the_app(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod("p", container(), initContainers=[container("a"), container("b")]))
        await h.until(lambda: [c.name for c in h.runtime.created] == ["a"] and h.runtime.running() == ["p/a"])
        assert h.state() == "PodInitializing"
        conditions = {c["type"]: c for c in h.status()["conditions"]}
        assert conditions["Initialized"]["message"] == "containers with incomplete status: [a b]"
        await h.exit("a", 0)
        await h.until(lambda: [c.name for c in h.runtime.created] == ["a", "b"] and h.runtime.running() == ["p/b"])
        await h.exit("b", 0)
        await h.until(h.is_ready)
        assert [s["ready"] for s in h.status()["initContainerStatuses"]] == [True, True]


async def test_a_sidecar_runs_beside_the_app_and_is_stopped_after_it(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        sidecar = container("side", restartPolicy="Always")
        h.client.seed(PODS, pod("p", container(), restartPolicy="Never", initContainers=[sidecar]))
        await h.until(h.is_ready)
        assert [c.name for c in h.runtime.created] == ["side", "c"]
        await h.exit("c", 0)
        await h.until(lambda: h.status().get("phase") == "Succeeded")
        assert not h.runtime.running()


async def test_an_image_that_cannot_be_pulled_backs_off(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod("p", container(image="nobody/nothing")))
        await h.until(lambda: h.state() == "ErrImagePull")
        await h.pass_time(2)
        await h.until(lambda: h.state() == "ImagePullBackOff")
        message = h.container()["state"]["waiting"]["message"]
        assert message.startswith('Back-off pulling image "nobody/nothing": ErrImagePull: ')
        assert h.recorder.reasons() == ["Pulling", "Failed", "Failed", "BackOff", "Failed"]
        h.runtime.add_image("nobody/nothing")
        await h.pass_time(10)
        await h.until(h.is_ready)


async def test_a_missing_config_map_is_told_and_the_container_starts_when_it_appears(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        source = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "x"}}}
        h.client.seed(PODS, pod("p", container(env=[source])))
        await h.until(lambda: h.state() == "CreateContainerConfigError")
        assert h.container()["state"]["waiting"]["message"] == 'configmap "settings" not found'
        h.client.seed(CONFIG_MAPS, {"metadata": {"name": "settings", "namespace": "ns"}, "data": {"x": "1"}})
        await h.until(h.is_ready)
        assert ("X", "1") in h.runtime.created[0].env


async def test_a_missing_volume_source_is_told_and_the_pod_starts_when_it_appears(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        mount = {"name": "v", "mountPath": "/etc/settings"}
        volume = {"name": "v", "configMap": {"name": "settings"}}
        h.client.seed(PODS, pod("p", container(volumeMounts=[mount]), volumes=[volume]))
        await h.until(lambda: h.recorder.messages("FailedMount"))
        assert h.recorder.messages("FailedMount")[0] == (
            'MountVolume.SetUp failed for volume "v" : configmap "settings" not found'
        )
        settings = {"metadata": {"name": "settings", "namespace": "ns"}, "data": {"x": "1"}}
        h.client.seed(CONFIG_MAPS, settings)
        await h.until(h.is_ready)
        path = Path(next(m.host_path for m in h.runtime.created[0].mounts if m.container_path == "/etc/settings"))
        assert (path / "x").read_text() == "1"
        h.client.seed(CONFIG_MAPS, {**settings, "data": {"x": "2"}})
        await h.until(lambda: (path / "x").read_text() == "2")


async def test_a_restarted_kubelet_adopts_what_runs_and_restarts_nothing(tmp_path: Path) -> None:
    readiness = {"exec": {"command": ["true"]}}
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod("p", container(readinessProbe=readiness)))
        await h.until(h.is_ready)
    before = h.runtime.running()
    writes = len(h.client.writes())
    async with kubelet_on_fakes(tmp_path, h.client, h.runtime, h.clock) as again:
        await again.until(lambda: again.kubelet.workers() and again.kubelet.workers()["uid-p"].volume_paths)
        await again.pass_time(1)
        assert again.runtime.running() == before
        assert again.is_ready()
        assert not [w for w in again.client.writes()[writes:] if w.resource is PODS]
        await again.exit("c", 1)
        await again.until(lambda: again.container()["restartCount"] == 1 and again.state() == "running")


async def test_pods_that_the_api_does_not_know_are_removed(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
    h.client.remove(PODS, "p", "ns")
    async with kubelet_on_fakes(tmp_path, h.client, h.runtime, h.clock) as again:
        await again.until(lambda: not again.runtime.running())
        await again.until(lambda: not again.kubelet.workers())
        assert await again.runtime.list_pods() == []


async def test_a_pod_whose_sandbox_dies_gets_a_new_one(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        pods = await h.runtime.list_pods()
        h.runtime.kill_sandbox(pods[0].sandboxes[0].id)
        await h.until(lambda: h.container()["restartCount"] == 1 and h.is_ready())
        assert "SandboxChanged" in h.recorder.reasons()


async def test_a_pod_past_its_deadline_fails(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod(activeDeadlineSeconds=30))
        await h.until(h.is_ready)
        await h.pass_time(31)
        await h.until(lambda: h.status().get("phase") == "Failed")
        assert h.status()["reason"] == "DeadlineExceeded"
        assert not h.runtime.running()


async def test_a_failing_liveness_probe_restarts_the_container(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        probe = {"exec": {"command": ["check"]}, "failureThreshold": 2, "periodSeconds": 5}
        h.runtime.exec_results = lambda _container, _command: ExecResult(1, b"bad")
        h.client.seed(PODS, pod("p", container(livenessProbe=probe)))
        await h.until(h.is_ready)
        await h.pass_time(7)
        await h.until(lambda: h.container()["restartCount"] == 1)
        assert h.recorder.messages("Unhealthy")[:2] == ["Liveness probe failed: bad"] * 2
        assert h.recorder.messages("Killing") == ["Container c failed liveness probe, will be restarted"]


async def test_a_readiness_probe_decides_on_ready(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        probe = {"exec": {"command": ["check"]}, "failureThreshold": 1, "periodSeconds": 1}
        result = [1]
        h.runtime.exec_results = lambda _container, _command: ExecResult(result[0], b"no")
        h.client.seed(PODS, pod("p", container(readinessProbe=probe)))
        await h.until(lambda: h.state() == "running")
        await h.pass_time(3)
        assert not h.is_ready()
        result[0] = 0
        await h.pass_time(2)
        await h.until(h.is_ready)
        result[0] = 1
        await h.pass_time(2)
        await h.until(lambda: not h.is_ready())
        assert h.state() == "running"


async def test_a_runtime_that_stops_answering_changes_nothing_until_it_is_back(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        h.runtime.failures["list_pods"] = RuntimeUnavailable("down")
        h.runtime.break_events()
        await h.until(lambda: not h.kubelet.runtime_is_up)
        assert h.is_ready()
        running = h.runtime.running()
        del h.runtime.failures["list_pods"]
        await h.pass_time(6)
        await h.until(lambda: h.kubelet.runtime_is_up)
        await h.pass_time(3)
        assert h.runtime.running() == running


async def test_a_dead_sandbox_that_cannot_be_stopped_yet_holds_no_launch_for_ever(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod())
        await h.until(h.is_ready)
        (before,) = await h.runtime.list_pods()
        h.runtime.failures["stop_sandbox"] = RuntimeUnavailable("down")
        h.runtime.kill_sandbox(before.sandboxes[0].id)
        await h.until(lambda: not h.is_ready())
        await h.pass_time(3)
        del h.runtime.failures["stop_sandbox"]
        for _ in range(20):
            await h.pass_time(1)
        await h.until(h.is_ready)
        assert h.state() == "running"


async def test_a_pre_stop_hook_runs_before_the_container_is_stopped(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        hook = {"preStop": {"exec": {"command": ["bye"]}}}
        h.client.seed(PODS, pod("p", container(lifecycle=hook)))
        await h.until(h.is_ready)
        await h.client.delete(PODS, "p", "ns")
        await h.until(lambda: h.pod() is None)
        assert [command for _, command in h.runtime.execs] == [("bye",)]


async def test_a_failing_post_start_hook_kills_the_container(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.runtime.exec_results = lambda _container, _command: ExecResult(1)
        hook = {"postStart": {"exec": {"command": ["hello"]}}}
        h.client.seed(PODS, pod("p", container(lifecycle=hook)))
        await h.until(lambda: "FailedPostStartHook" in h.recorder.reasons() and len(h.runtime.created) > 1)


async def test_a_pod_that_does_not_fit_is_rejected(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        h.client.seed(PODS, pod("p", container(resources={"requests": {"cpu": "3"}})))
        await h.until(lambda: h.status().get("phase") == "Failed")
        assert h.status()["reason"] == "OutOfcpu"
        assert h.status()["message"] == (
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000"
        )
        assert not h.runtime.created


async def test_a_status_that_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    async with kubelet_on_fakes(tmp_path) as h:
        end = h.client.react("patch", PODS, _unreachable)
        h.client.seed(PODS, pod())
        await h.until(h.runtime.running)
        await h.pass_time(2)
        assert not h.is_ready()
        end()
        await h.pass_time(5)
        await h.until(h.is_ready)


def _unreachable(_action: object) -> None:
    raise ConnectionFailed("down")
