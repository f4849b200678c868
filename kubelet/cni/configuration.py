"""CNI configuration: the lists in a directory, and the one that the kubelet writes by default."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

SUPPORTED_VERSIONS: Final = ("0.3.1", "0.4.0", "1.0.0")
DEFAULT_FILE: Final = "10-minikube-py.conflist"
DEFAULT_NETWORK: Final = "minikube-py"
DEFAULT_VERSION: Final = "0.4.0"
"""The newest that the plugins of every supported distribution speak."""
_SUFFIXES = (".conf", ".conflist", ".json")


class InvalidConfiguration(ValueError):
    """A configuration file that cannot be used; ``str`` names the file and the cause."""


@dataclass(frozen=True, slots=True)
class NetworkList:
    """A chain of plugins; each is its JSON object without ``name`` and ``cniVersion``."""

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]


def load(directory: Path) -> NetworkList | None:
    """The first configuration by file name, as every kubelet chooses; None where there is none.

    Raises InvalidConfiguration.
    """
    if not directory.is_dir():
        return None
    for path in sorted(directory.iterdir()):
        if path.suffix in _SUFFIXES:
            return parse(path.read_bytes(), path.name)
    return None


def parse(text: bytes, origin: str) -> NetworkList:
    """A ``conflist``, or a single plugin's ``conf`` as a list of one. Raises InvalidConfiguration."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidConfiguration(f"{origin}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document["name"]:
        raise InvalidConfiguration(f"{origin}: name: required")
    version = document.get("cniVersion") or "0.3.1"
    if version not in SUPPORTED_VERSIONS:
        raise InvalidConfiguration(
            f"{origin}: cniVersion: {version!r} is not supported: {', '.join(SUPPORTED_VERSIONS)} are"
        )
    plugins = document.get("plugins", [document] if "type" in document else None)
    if not isinstance(plugins, list) or not plugins:
        raise InvalidConfiguration(f"{origin}: plugins: at least one is required")
    for index, plugin in enumerate(plugins):
        if not isinstance(plugin, dict) or not plugin.get("type"):
            raise InvalidConfiguration(f"{origin}: plugins[{index}].type: required")
    bare = tuple({k: v for k, v in plugin.items() if k not in ("name", "cniVersion")} for plugin in plugins)
    return NetworkList(document["name"], version, bare)


def default_list(pod_cidr: str, *, bridge: str, data_directory: str, mtu: int = 0) -> dict[str, Any]:
    """A bridge with addresses from the node's own range, and host ports. Raises ValueError for a malformed range."""
    subnet = ipaddress.ip_network(pod_cidr)
    everything = "0.0.0.0/0" if subnet.version == 4 else "::/0"
    plugin: dict[str, Any] = {
        "type": "bridge",
        "bridge": bridge,
        "isGateway": True,
        "forceAddress": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": str(subnet)}]],
            "routes": [{"dst": everything}],
            "dataDir": data_directory,
        },
    }
    if mtu:
        plugin["mtu"] = mtu
    return {
        "cniVersion": DEFAULT_VERSION,
        "name": DEFAULT_NETWORK,
        "plugins": [plugin, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def plugin_input(
    network: NetworkList,
    plugin: Mapping[str, Any],
    capability_arguments: Mapping[str, Any],
    previous_result: Mapping[str, Any] | None,
) -> bytes:
    """What a plugin of the chain reads from its standard input."""
    document = {key: value for key, value in plugin.items() if key != "capabilities"}
    document["name"] = network.name
    document["cniVersion"] = network.version
    declared = plugin.get("capabilities") or {}
    runtime = {key: value for key, value in capability_arguments.items() if declared.get(key)}
    if runtime:
        document["runtimeConfig"] = runtime
    if previous_result is not None:
        document["prevResult"] = previous_result
    return orjson.dumps(document)


def has_nothing_to_do(plugin: Mapping[str, Any], capability_arguments: Mapping[str, Any]) -> bool:
    """Whether the plugin would only hand the previous result on: ``portmap`` for a pod without host ports."""
    return plugin["type"] == "portmap" and not capability_arguments.get("portMappings")
