"""The pods' network: gives a sandbox its addresses, takes them back, and knows them after a restart.

Every ADD's result is kept in a file until its DEL has succeeded, so that DEL has what it needs even after the pause
process has died or the kubelet was restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from kubelet.cni import configuration, plugin
from kubelet.runtime import NetworkFailed, PortMapping, RuntimeCondition

log = structlog.get_logger("network")

INTERFACE: Final = "eth0"


@dataclass(frozen=True, slots=True)
class SandboxIdentity:
    """Whose network it is; handed to the plugins as ``CNI_ARGS``."""

    sandbox_id: str
    pod_name: str
    pod_namespace: str
    pod_uid: str

    def arguments(self) -> str:
        """``K8S_POD_…`` pairs as every kubelet gives them."""
        return (
            f"IgnoreUnknown=1;K8S_POD_NAMESPACE={self.pod_namespace};K8S_POD_NAME={self.pod_name};"
            f"K8S_POD_INFRA_CONTAINER_ID={self.sandbox_id};K8S_POD_UID={self.pod_uid}"
        )


class PodNetwork:
    """One host's pod network.

    ``state_directory`` holds ``results/`` and ``ipam/``; ``configuration_directory`` is searched for a CNI
    configuration, whose first file by name counts. Where ``write_default`` is set, :meth:`update_pod_cidr` writes ours
    there.
    """

    def __init__(
        self,
        *,
        configuration_directory: str,
        state_directory: str,
        plugin_directories: Sequence[str] = ("/opt/cni/bin", "/usr/lib/cni"),
        bridge: str = "cni0",
        mtu: int = 0,
        write_default: bool = True,
    ) -> None:
        self._configuration_directory = Path(configuration_directory)
        self._results = Path(state_directory, "results")
        self._ipam = Path(state_directory, "ipam")
        self._plugin_directories = tuple(plugin_directories)
        self._bridge = bridge
        self._mtu = mtu
        self._write_default = write_default
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._results.mkdir(parents=True, exist_ok=True)
        self._ipam.mkdir(parents=True, exist_ok=True)

    def status(self) -> RuntimeCondition:
        """Ready once a usable configuration is there and its plugins are installed; upstream's message otherwise."""
        try:
            network = self._configured()
            for entry in network.plugins:
                plugin.find(entry["type"], self._plugin_directories)
        except NetworkFailed as error:
            return RuntimeCondition(
                False,
                "NetworkPluginNotReady",
                f"docker: network plugin is not ready: cni config uninitialized: {error}",
            )
        return RuntimeCondition(True)

    def _configured(self) -> configuration.NetworkList:
        try:
            network = configuration.load(self._configuration_directory)
        except (configuration.InvalidConfiguration, OSError) as error:
            raise NetworkFailed(str(error)) from error
        if network is None:
            raise NetworkFailed(f"no networks found in {self._configuration_directory}")
        return network

    async def update_pod_cidr(self, cidr: str) -> None:
        """Writes the default configuration for the node's range.

        Idempotent. Raises ValueError for a malformed range.
        """
        if not self._write_default:
            return
        document = configuration.default_list(cidr, bridge=self._bridge, data_directory=str(self._ipam), mtu=self._mtu)
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        path = self._configuration_directory / configuration.DEFAULT_FILE
        if path.is_file() and path.read_bytes() == text:
            return
        self._configuration_directory.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
        log.info("Pod network configured", cidr=cidr, bridge=self._bridge, file=str(path))

    async def add(
        self, identity: SandboxIdentity, netns: str, port_mappings: Sequence[PortMapping] = ()
    ) -> tuple[str, ...]:
        """The sandbox's addresses, the primary one first. Raises NetworkFailed, after undoing what was done."""
        network = self._configured()
        capabilities = _capability_arguments(port_mappings)
        async with self._locked(identity.sandbox_id):
            call = plugin.Call("ADD", identity.sandbox_id, netns, INTERFACE, identity.arguments())
            result: dict[str, Any] | None = None
            try:
                for entry in network.plugins:
                    if configuration.has_nothing_to_do(entry, capabilities):
                        continue
                    document = configuration.plugin_input(network, entry, capabilities, result)
                    result = await plugin.call(entry["type"], self._plugin_directories, call, document)
                ips = addresses(result or {})
                if not ips:
                    raise NetworkFailed(f'network "{network.name}" gave pod {identity.pod_name} no address')
            except NetworkFailed as error:
                with contextlib.suppress(NetworkFailed):  # the first failure is the one to tell of
                    await self._run_delete(network, identity, netns, capabilities, result)
                raise NetworkFailed(
                    f'failed to set up pod "{identity.pod_name}_{identity.pod_namespace}" network: {error}'
                ) from error
            record = {
                "network": network.name,
                "cniVersion": network.version,
                "plugins": network.plugins,
                "identity": identity,
                "capabilities": capabilities,
                "result": result,
                "ips": ips,
            }
            _replace(self._path(identity.sandbox_id), orjson.dumps(record))
            self._addresses[identity.sandbox_id] = ips
        return ips

    async def delete(self, sandbox_id: str, netns: str = "") -> None:
        """Takes the addresses back.

        ``netns`` is empty where the namespace is gone. Idempotent. Raises NetworkFailed.
        """
        if sandbox_id not in self._locks and not self._path(sandbox_id).exists():
            return
        async with self._locked(sandbox_id):
            record = self._record(sandbox_id)
            if record is None:
                return
            network = configuration.NetworkList(record["network"], record["cniVersion"], tuple(record["plugins"]))
            identity = SandboxIdentity(**record["identity"])
            await self._run_delete(network, identity, netns, record["capabilities"], record["result"])
            self._path(sandbox_id).unlink(missing_ok=True)
            self._addresses.pop(sandbox_id, None)
        self._locks.pop(sandbox_id, None)

    async def _run_delete(
        self,
        network: configuration.NetworkList,
        identity: SandboxIdentity,
        netns: str,
        capabilities: Mapping[str, Any],
        result: Mapping[str, Any] | None,
    ) -> None:
        call = plugin.Call("DEL", identity.sandbox_id, netns, INTERFACE, identity.arguments())
        previous = result if network.version != "0.3.1" else None  # DEL knows prevResult since 0.4.0
        for entry in reversed(network.plugins):
            if configuration.has_nothing_to_do(entry, capabilities):
                continue
            document = configuration.plugin_input(network, entry, capabilities, previous)
            await plugin.call(entry["type"], self._plugin_directories, call, document)

    async def check(self, sandbox_id: str, netns: str) -> None:
        """Asks the plugins whether all is as they left it.

        Raises NetworkFailed; nothing for 0.3.1, which has no CHECK.
        """
        record = self._record(sandbox_id)
        if record is None:
            raise NetworkFailed(f"sandbox {sandbox_id} has no network")
        network = configuration.NetworkList(record["network"], record["cniVersion"], tuple(record["plugins"]))
        if network.version == "0.3.1":
            return
        identity = SandboxIdentity(**record["identity"])
        call = plugin.Call("CHECK", sandbox_id, netns, INTERFACE, identity.arguments())
        for entry in network.plugins:
            if not configuration.has_nothing_to_do(entry, record["capabilities"]):
                document = configuration.plugin_input(network, entry, record["capabilities"], record["result"])
                await plugin.call(entry["type"], self._plugin_directories, call, document)

    def addresses(self, sandbox_id: str) -> tuple[str, ...]:
        """The sandbox's addresses, empty where it has none (yet, or on the host's network)."""
        known = self._addresses.get(sandbox_id)
        if known is None:
            record = self._record(sandbox_id)
            known = tuple(record["ips"]) if record is not None else ()
            if known:
                self._addresses[sandbox_id] = known
        return known

    async def collect(self, alive: Collection[str]) -> None:
        """Frees what sandboxes outside ``alive`` left behind when the host or the kubelet went down."""
        for path in list(self._results.glob("*.json")):
            if path.stem not in alive:
                try:
                    await self.delete(path.stem)
                except NetworkFailed as error:
                    log.warning("Network of a lost sandbox not torn down", sandbox=path.stem, error=str(error))
        for lease in list(self._ipam.glob("*/*")):
            with contextlib.suppress(ValueError, OSError):
                ipaddress.ip_address(lease.name)  # other files there are the allocator's own
                holder = lease.read_text().split()
                if holder and holder[0] not in alive:
                    lease.unlink()
                    log.info("Address of a lost sandbox freed", address=lease.name)

    def _record(self, sandbox_id: str) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = orjson.loads(self._path(sandbox_id).read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError:
            log.warning("Network record unreadable", sandbox=sandbox_id)
            return None
        return record

    def _path(self, sandbox_id: str) -> Path:
        return self._results / f"{sandbox_id}.json"

    def _locked(self, sandbox_id: str) -> asyncio.Lock:
        return self._locks.setdefault(sandbox_id, asyncio.Lock())


def _capability_arguments(port_mappings: Sequence[PortMapping]) -> dict[str, Any]:
    if not port_mappings:
        return {}
    return {
        "portMappings": [
            {
                "hostPort": mapping.host_port,
                "containerPort": mapping.container_port,
                "protocol": mapping.protocol.lower(),
                "hostIP": mapping.host_ip,
            }
            for mapping in port_mappings
        ]
    }


def addresses(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The pod's own addresses in a result, without prefix lengths."""
    return tuple(str(entry["address"]).partition("/")[0] for entry in result.get("ips") or ())


def _replace(path: Path, text: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(text)
    temporary.rename(path)
