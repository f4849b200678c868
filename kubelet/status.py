"""The pod's status from what is observed. Pure; follows upstream's ``generateAPIPodStatus``."""

from __future__ import annotations

from collections.abc import Sequence

from kubelet.conditions import Condition, conditions, rendered
from kubelet.container_status import container_status, ephemeral_container_status
from kubelet.observation import Cause, Failure, Observation, Plan
from kubelet.pod import app_containers, ephemeral_containers, init_containers, is_sidecar, restart_policy
from kubelet.sync import Verdict, judge
from minikube_py.api.meta import Object, find_condition
from minikube_py.api.pods import qos_class
from minikube_py.api.times import format_time

TERMINAL_PHASES = ("Succeeded", "Failed")
_STOPPED = (Verdict.SUCCEEDED, Verdict.FAILED)


def pod_status(o: Observation, plan: Plan, host_ips: Sequence[str]) -> Object:
    """The status that the API should show; conditions of other owners are not in it."""
    failures = dict(o.failures)
    failures.update({waiting.name: Failure("CrashLoopBackOff", waiting.message) for waiting in plan.waiting})
    stopping = plan.stop is not None
    status: Object = {}
    for field, containers in (
        ("initContainerStatuses", init_containers(o.pod)),
        ("containerStatuses", app_containers(o.pod)),
    ):
        if containers:
            status[field] = [
                container_status(
                    o,
                    container,
                    failures.get(container["name"]),
                    will_restart=not stopping and judge(o, container).verdict not in _STOPPED,
                )
                for container in containers
            ]
    status["containerStatuses"].sort(key=lambda s: s["name"])
    ephemeral = [
        ephemeral_container_status(o, container, failures.get(container["name"]))
        for container in ephemeral_containers(o.pod)
    ]
    if ephemeral:
        status["ephemeralContainerStatuses"] = sorted(ephemeral, key=lambda s: str(s["name"]))
    status["phase"] = _phase(o, plan, status)
    if plan.stop is not None and plan.stop.reason and status["phase"] == "Failed":
        status["reason"] = plan.stop.reason
        status["message"] = plan.stop.message
    elif status["phase"] in TERMINAL_PHASES and o.previous_status.get("reason"):
        status["reason"] = o.previous_status["reason"]
        status["message"] = o.previous_status.get("message", "")
    status["qosClass"] = o.previous_status.get("qosClass") or qos_class(o.pod)
    if o.started_at is not None:
        status["startTime"] = format_time(o.started_at)
    _addresses(o, status, host_ips)
    sandbox = o.sandbox
    sandbox_ready = sandbox is not None and sandbox.ready and (sandbox.host_network or bool(sandbox.ips))
    found = conditions(o.pod, status, sandbox_ready=sandbox_ready)
    if plan.stop is not None and plan.stop.reason == "Evicted":
        found.insert(0, Condition("DisruptionTarget", True, "TerminationByKubelet", plan.stop.message))
    status["conditions"] = rendered(found, _with_scheduled(o), o.now)
    return status


def _with_scheduled(o: Observation) -> Object:
    """The previous status with the scheduler's condition where we have not written any."""
    scheduled = find_condition(o.pod, "PodScheduled")
    before = list(o.previous_status.get("conditions") or [])
    if scheduled is not None and not any(c["type"] == "PodScheduled" for c in before):
        before.append(scheduled)
    return {"conditions": before}


def _addresses(o: Observation, status: Object, host_ips: Sequence[str]) -> None:
    if host_ips:
        status["hostIP"] = host_ips[0]
        status["hostIPs"] = [{"ip": ip} for ip in host_ips]
    sandbox = o.sandbox
    pod_ips: Sequence[str] = sandbox.ips if sandbox is not None else ()
    if o.pod["spec"].get("hostNetwork") and sandbox is not None:
        pod_ips = host_ips
    if not pod_ips:
        pod_ips = [entry["ip"] for entry in o.previous_status.get("podIPs") or []]
    if pod_ips:
        status["podIP"] = pod_ips[0]
        status["podIPs"] = [{"ip": ip} for ip in pod_ips]


def _phase(o: Observation, plan: Plan, status: Object) -> str:
    before = o.previous_status.get("phase")
    if before in TERMINAL_PHASES:
        return str(before)
    ended = plan.stop is not None and not o.running() and not any(k.startswith("launch/") for k in o.under_way)
    if plan.stop is not None and plan.stop.cause is Cause.FAILED:
        return "Failed" if ended else str(before or "Pending")
    return _observed_phase(o.pod, status, ended=ended)


def _observed_phase(pod: Object, status: Object, *, ended: bool) -> str:
    statuses = status["containerStatuses"]
    states = [s["state"] for s in statuses]
    running = sum("running" in s for s in states)
    stopped = [s["state"]["terminated"] for s in statuses if "terminated" in s["state"]]
    stopped += [
        s["lastState"]["terminated"]
        for s in statuses
        if "waiting" in s["state"] and "terminated" in (s.get("lastState") or {})
    ]
    waiting = len(statuses) - running - len(stopped)
    initialized = running > 0 or bool(stopped)
    if not initialized:
        failed, pending = _initialization(pod, status)
        if failed:
            return "Failed" if ended else "Pending"
        if pending:
            return "Failed" if ended and any(_is_dead(s) for s in status["initContainerStatuses"]) else "Pending"
    if waiting > 0:
        return "Pending"
    if running > 0:
        return "Running"
    succeeded = all(state["exitCode"] == 0 for state in stopped)
    if ended:
        return "Succeeded" if succeeded else "Failed"
    # Either a container will be restarted, or a sidecar still runs and the pod is not over before it has stopped.
    return "Running"


def _initialization(pod: Object, status: Object) -> tuple[bool, bool]:
    """Whether an init container has failed for good, and whether some have not finished."""
    statuses = {s["name"]: s for s in status.get("initContainerStatuses") or []}
    failed = pending = False
    for container in init_containers(pod):
        shown = statuses[container["name"]]
        if is_sidecar(container):
            pending = pending or not shown["started"]
            continue
        state = shown["state"].get("terminated")
        if state is None or state["exitCode"] != 0:
            pending = True
            if state is not None and restart_policy(pod) == "Never":
                failed = True
    return failed, pending


def _is_dead(status: Object) -> bool:
    return "terminated" in status["state"] and status["state"]["terminated"]["exitCode"] != 0
