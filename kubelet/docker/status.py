"""What the engine's answers say of sandboxes and containers. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubelet.docker import labels
from kubelet.runtime import ContainerState, ContainerStatus, PodSandbox

_ZERO_TIME = "0001-01-01T00:00:00Z"


def parse_time(text: str) -> datetime | None:
    """The engine's RFC 3339 time with nanoseconds; its zero time is None."""
    if not text or text == _ZERO_TIME:
        return None
    base, dot, fraction = text.partition(".")
    if not dot:
        return datetime.fromisoformat(text)
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    return datetime.fromisoformat(f"{base}.{fraction[: min(digits, 6)]:0<6}{fraction[digits:]}")


def listed_at(entry: dict[str, Any]) -> datetime:
    """When a container of a list was created, to the second."""
    return datetime.fromtimestamp(entry["Created"], UTC)


def is_sandbox(found: dict[str, str]) -> bool:
    """Whether labels are those of a pause container."""
    return found.get(labels.KIND) == labels.SANDBOX


def sandbox(detail: dict[str, Any], ips: tuple[str, ...]) -> PodSandbox:
    """From an inspection and the addresses that the network gave."""
    found: dict[str, str] = detail["Config"]["Labels"] or {}
    state = detail["State"]
    on_host = detail["HostConfig"]["NetworkMode"] == "host"
    return PodSandbox(
        id=detail["Id"],
        name=found.get(labels.POD_NAME, ""),
        namespace=found.get(labels.POD_NAMESPACE, ""),
        uid=found.get(labels.POD_UID, ""),
        attempt=labels.number(found, labels.SANDBOX_ATTEMPT),
        ready=bool(state["Running"]) and (on_host or bool(ips)),
        created_at=parse_time(detail["Created"]) or datetime.fromtimestamp(0, UTC),
        ips=ips,
        pid=state.get("Pid") or 0,
        host_network=on_host,
        labels=found,
    )


def container(detail: dict[str, Any], image_id: str) -> ContainerStatus:
    """From an inspection; ``image_id`` is what the API shows for the image it runs."""
    config = detail["Config"]
    found: dict[str, str] = config["Labels"] or {}
    created_at = parse_time(detail["Created"]) or datetime.fromtimestamp(0, UTC)
    lived = _life(detail["State"], created_at)
    return ContainerStatus(
        id=detail["Id"],
        sandbox_id=found.get(labels.SANDBOX_ID, ""),
        pod_name=found.get(labels.POD_NAME, ""),
        pod_namespace=found.get(labels.POD_NAMESPACE, ""),
        pod_uid=found.get(labels.POD_UID, ""),
        name=found.get(labels.CONTAINER_NAME, ""),
        attempt=labels.number(found, labels.ATTEMPT),
        created_at=created_at,
        image=found.get(labels.IMAGE_NAME, config["Image"]),
        image_id=image_id,
        tty=config["Tty"],
        stdin=config["OpenStdin"],
        stdin_once=config["StdinOnce"],
        spec_hash=found.get(labels.HASH, ""),
        termination_message_path=found.get(labels.MESSAGE_PATH, ""),
        termination_message_policy=found.get(labels.MESSAGE_POLICY, "File"),
        termination_message_host_path=found.get(labels.MESSAGE_HOST_PATH, ""),
        grace_period_seconds=labels.number(found, labels.GRACE_PERIOD, 30),
        pre_stop=found.get(labels.PRE_STOP, ""),
        ports=found.get(labels.PORTS, ""),
        labels=found,
        **lived,
    )


def _life(state: dict[str, Any], created_at: datetime) -> dict[str, Any]:
    started_at, finished_at = parse_time(state["StartedAt"]), parse_time(state["FinishedAt"])
    code = state["ExitCode"]
    if state["Running"]:
        return {"state": ContainerState.RUNNING, "started_at": started_at, "pid": state["Pid"]}
    if finished_at is not None:
        reason = "OOMKilled" if state["OOMKilled"] else "Completed" if code == 0 else "Error"
        return {
            "state": ContainerState.EXITED,
            "started_at": started_at,
            "finished_at": finished_at,
            "exit_code": code,
            "reason": reason,
            "message": state["Error"],
        }
    if code != 0 or state["Error"]:
        # The process never ran: the engine left no times, and zero ones would confuse whoever computes with them.
        return {
            "state": ContainerState.EXITED,
            "started_at": created_at,
            "finished_at": created_at,
            "exit_code": code,
            "reason": "StartError" if code == 128 else "ContainerCannotRun",
            "message": state["Error"],
        }
    return {"state": ContainerState.CREATED}
