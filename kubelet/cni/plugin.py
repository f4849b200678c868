"""One call of one CNI plugin: environment, standard input, JSON result or error."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import orjson

from kubelet.runtime import NetworkFailed

TIMEOUT_SECONDS: Final = 60.0
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Command = Literal["ADD", "DEL", "CHECK"]


@dataclass(frozen=True, slots=True)
class Call:
    """The parameters of the protocol's environment; ``netns`` may be empty for DEL."""

    command: Command
    container_id: str
    netns: str
    interface: str
    arguments: str


class PluginFailed(NetworkFailed):
    """A plugin's own error, or none where it should have given one.

    ``code`` as in the protocol, 0 where it gave none.
    """

    def __init__(self, plugin: str, code: int, message: str) -> None:
        super().__init__(f'plugin type="{plugin}" failed: {message}')
        self.code = code


def find(plugin: str, directories: Sequence[str]) -> str:
    """The executable's path. Raises PluginFailed, with the directories that were searched."""
    if "/" not in plugin:
        for directory in directories:
            path = Path(directory, plugin)
            if os.access(path, os.X_OK) and path.is_file():
                return str(path)
    raise PluginFailed(plugin, 0, f'failed to find plugin "{plugin}" in path [{" ".join(directories)}]')


async def call(plugin: str, directories: Sequence[str], parameters: Call, document: bytes) -> dict[str, Any]:
    """The result, empty for DEL and CHECK. Raises PluginFailed; the plugin is killed at its time-out."""
    environment = {
        "PATH": os.environ.get("PATH") or _DEFAULT_PATH,
        "CNI_COMMAND": parameters.command,
        "CNI_CONTAINERID": parameters.container_id,
        "CNI_NETNS": parameters.netns,
        "CNI_IFNAME": parameters.interface,
        "CNI_ARGS": parameters.arguments,
        "CNI_PATH": ":".join(directories),
    }
    path = find(plugin, directories)
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise PluginFailed(plugin, 0, str(error)) from error
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, errors = await process.communicate(document)
    except TimeoutError as error:
        raise PluginFailed(plugin, 0, f"{parameters.command} timed out after {TIMEOUT_SECONDS:.0f}s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return decoded(plugin, process.returncode or 0, output, errors)


def decoded(plugin: str, status: int, output: bytes, errors: bytes) -> dict[str, Any]:
    """The result of a finished plugin. Raises PluginFailed."""
    try:
        document = orjson.loads(output) if output.strip() else {}
    except orjson.JSONDecodeError:
        document = None
    if status == 0 and isinstance(document, dict):
        return cast(dict[str, Any], document)
    if isinstance(document, dict) and document.get("msg"):
        details = document.get("details")
        message = document["msg"] + (f"; {details}" if details else "")
        raise PluginFailed(plugin, int(document.get("code") or 0), message)
    told = (errors or output).decode(errors="replace").strip()[-1024:]
    raise PluginFailed(plugin, 0, f"exit status {status}: {told or 'no output'}")
