"""Takes away what CNI plugins left on this host for one cluster's pods."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence

import structlog

from kubelet.cni.network import PodNetwork

COMMAND_TIMEOUT_SECONDS = 10.0
HOST_PORT_CHAINS = ("CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK")

log = structlog.get_logger("kubelet")


async def cleanup(*, configuration_directory: str, state_directory: str, plugin_directories: Sequence[str]) -> None:
    """Tears down the network of every pod on record; harmless to repeat. To be called when no pod runs any more.

    The chains that the plugin ``portmap`` shares among all its users go, too, where no host port is left.
    """
    network = PodNetwork(
        configuration_directory=configuration_directory,
        state_directory=state_directory,
        plugin_directories=plugin_directories,
        write_default=False,
    )
    await network.collect(())
    if shutil.which("iptables") is not None and shutil.which("iptables-save") is not None:
        for words in host_port_removal(await _output("iptables-save", "-t", "nat")):
            await _output("iptables", "-w", "-t", "nat", *words)


def host_port_removal(rules: str) -> list[tuple[str, ...]]:
    """The iptables commands that remove the shared chains, from ``iptables-save``; none while a port is mapped."""
    present = [chain for chain in HOST_PORT_CHAINS if f":{chain} " in rules]
    if re.search(r"^:CNI-(DN|SN)-", rules, re.MULTILINE) or "-A CNI-HOSTPORT-DNAT " in rules:
        return []
    commands = []
    for line in rules.splitlines():
        found = re.fullmatch(r"-A (PREROUTING|OUTPUT|POSTROUTING) (.*)-j (CNI-HOSTPORT-\w+)", line)
        if found and found[3] in present:
            commands.append(("-D", found[1], *_words(found[2]), "-j", found[3]))
    commands += [("-F", chain) for chain in present]
    commands += [("-X", chain) for chain in present]
    return commands


def _words(text: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', text)]


async def _output(*command: str) -> str:
    """What a command prints; empty, with a line in the log, where it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_SECONDS):
            printed, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        log.warning("Command takes too long", command=" ".join(command))
        return ""
    if process.returncode:
        log.warning("Command failed", command=" ".join(command), error=errors.decode(errors="replace").strip())
    return printed.decode(errors="replace")
