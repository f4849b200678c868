"""Lifecycle hooks: ``postStart`` and ``preStop`` by exec, httpGet, tcpSocket or sleep."""

from __future__ import annotations

import asyncio

from kubelet.pod import resolved_port
from kubelet.probes import tcp
from kubelet.probes.answer import Outcome
from kubelet.probes.http import HttpProber, http_request
from kubelet.runtime import ContainerRuntime, ExecTimeout, RuntimeFailure
from minikube_py.api.meta import Object
from minikube_py.runtime.clock import Clock

USER_AGENT = "kube-lifecycle/1.32"
LONGEST_EXEC_SECONDS = 24 * 3600.0


class HookFailed(Exception):
    """A hook did not succeed; the text says why."""


class HookRunner:
    """Runs hooks. A caller that bounds a hook's time cancels it."""

    def __init__(self, runtime: ContainerRuntime, http: HttpProber, clock: Clock) -> None:
        self._runtime = runtime
        self._http = http
        self._clock = clock

    async def run(self, handler: Object, container: Object, container_id: str, pod_ip: str, timeout: float) -> None:
        """Returns when the hook has succeeded. ``timeout`` in seconds. Raises HookFailed."""
        try:
            async with asyncio.timeout(timeout):
                await self._run(handler, container, container_id, pod_ip, timeout)
        except TimeoutError:
            raise HookFailed("timed out") from None
        except RuntimeFailure as error:
            raise HookFailed(str(error)) from error
        except ValueError as error:
            raise HookFailed(str(error)) from error

    async def _run(self, handler: Object, container: Object, container_id: str, pod_ip: str, timeout: float) -> None:
        if handler.get("exec"):
            await self._exec(handler["exec"].get("command") or [], container_id, timeout)
        elif handler.get("httpGet"):
            action = handler["httpGet"]
            request = http_request(action, resolved_port(container, action["port"]), pod_ip, USER_AGENT)
            answer = await self._http.probe(request, timeout)
            if answer.outcome is Outcome.FAILURE:
                raise HookFailed(answer.output)
        elif handler.get("tcpSocket"):
            action = handler["tcpSocket"]
            answer = await tcp.probe(action.get("host") or pod_ip, resolved_port(container, action["port"]), timeout)
            if answer.outcome is Outcome.FAILURE:
                raise HookFailed(answer.output)
        elif handler.get("sleep"):
            await self._clock.sleep(float(handler["sleep"]["seconds"]))
        else:
            raise HookFailed(f"unsupported handler {', '.join(sorted(handler))}")

    async def _exec(self, command: list[str], container_id: str, timeout: float) -> None:
        try:
            result = await self._runtime.exec_sync(container_id, command, min(timeout, LONGEST_EXEC_SECONDS))
        except ExecTimeout:
            raise HookFailed(f"command {command} timed out") from None
        if result.exit_code != 0:
            output = (result.stdout + result.stderr).decode(errors="replace")
            raise HookFailed(f"command '{' '.join(command)}' exited with {result.exit_code}: {output}")
