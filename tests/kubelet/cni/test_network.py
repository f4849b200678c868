"""The pods' network with plugins that are shell scripts, and the pure parts of the configuration."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from kubelet.cni import configuration, plugin
from kubelet.cni.network import PodNetwork, SandboxIdentity
from kubelet.runtime import NetworkFailed, PortMapping

IDENTITY = SandboxIdentity("sandbox", "web", "default", "uid-1")
RESULT = '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.1.2.3/24"}]}'


class Host:
    """Directories of one host, with plugins that record what they were asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.plugins = directory / "bin"
        self.plugins.mkdir()
        self.calls = directory / "calls"
        self.calls.touch()

    def plugin(self, name: str, script: str = f"echo '{RESULT}'") -> None:
        path = self.plugins / name
        record = f'echo "{name} $CNI_COMMAND $CNI_NETNS $CNI_ARGS $(cat)" >> {self.calls}'
        path.write_text(f"#!/bin/sh\n{record}\n{script}\n")
        path.chmod(0o755)

    def network(self) -> PodNetwork:
        return PodNetwork(
            configuration_directory=str(self.directory / "net.d"),
            state_directory=str(self.directory / "state"),
            plugin_directories=[str(self.plugins)],
        )

    def called(self) -> list[list[str]]:
        return [line.split(" ", 4) for line in self.calls.read_text().splitlines()]


@pytest.fixture
async def host(tmp_path: Path) -> Host:
    made = Host(tmp_path)
    made.plugin("bridge")
    made.plugin("portmap")
    await made.network().update_pod_cidr("10.1.2.0/24")
    return made


async def test_an_address_is_given_and_known_to_the_next_kubelet(host: Host) -> None:
    assert await host.network().add(IDENTITY, "/proc/1/ns/net") == ("10.1.2.3",)
    assert host.network().addresses("sandbox") == ("10.1.2.3",)
    (call,) = host.called()
    assert call[:3] == ["bridge", "ADD", "/proc/1/ns/net"]
    assert "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=sandbox;K8S_POD_UID=uid-1" in call[3]


async def test_host_ports_go_to_the_plugin_that_can_and_results_go_down_the_chain(host: Host) -> None:
    await host.network().add(IDENTITY, "/ns", [PortMapping(80, 8080, "TCP")])
    bridge, portmap = (orjson.loads(call[4]) for call in host.called())
    assert "runtimeConfig" not in bridge
    assert portmap["runtimeConfig"]["portMappings"][0]["hostPort"] == 8080
    assert portmap["prevResult"]["ips"][0]["address"] == "10.1.2.3/24"


async def test_deletion_runs_the_chain_backwards_without_a_namespace_and_once(host: Host) -> None:
    await host.network().add(IDENTITY, "/ns", [PortMapping(80, 8080)])
    host.calls.write_text("")
    network = host.network()
    await network.delete("sandbox")
    await network.delete("sandbox")
    assert [(call[0], call[1], call[2]) for call in host.called()] == [("portmap", "DEL", ""), ("bridge", "DEL", "")]
    assert orjson.loads(host.called()[0][4])["prevResult"]["ips"]
    assert network.addresses("sandbox") == ()


async def test_a_failure_is_undone_and_tells_the_plugins_message(host: Host) -> None:
    host.plugin("portmap", '[ "$CNI_COMMAND" = DEL ] || { echo \'{"code":11,"msg":"port taken"}\'; exit 1; }')
    with pytest.raises(NetworkFailed, match='plugin type="portmap" failed: port taken'):
        await host.network().add(IDENTITY, "/ns", [PortMapping(80, 8080)])
    assert [(call[0], call[1]) for call in host.called()] == [
        ("bridge", "ADD"),
        ("portmap", "ADD"),
        ("portmap", "DEL"),
        ("bridge", "DEL"),
    ]
    assert host.network().addresses("sandbox") == ()


async def test_check_asks_with_the_kept_result(host: Host) -> None:
    await host.network().add(IDENTITY, "/ns")
    await host.network().check("sandbox", "/ns")
    assert host.called()[-1][:2] == ["bridge", "CHECK"]
    with pytest.raises(NetworkFailed):
        await host.network().check("other", "/ns")


async def test_collection_frees_what_nobody_holds(host: Host) -> None:
    await host.network().add(IDENTITY, "/ns")
    leases = host.directory / "state" / "ipam" / "minikube-py"
    leases.mkdir()
    (leases / "10.1.2.9").write_text("gone\r\neth0")
    (leases / "10.1.2.3").write_text("sandbox\r\neth0")
    (leases / "last_reserved_ip.0").write_text("10.1.2.9")
    await host.network().collect({"sandbox"})
    assert sorted(path.name for path in leases.iterdir()) == ["10.1.2.3", "last_reserved_ip.0"]
    await host.network().collect(set())
    assert sorted(path.name for path in leases.iterdir()) == ["last_reserved_ip.0"]
    assert host.called()[-1][:2] == ["bridge", "DEL"]


def test_it_is_not_ready_without_a_configuration_or_without_its_plugins(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert "no networks found" in host.network().status().message
    (tmp_path / "net.d").mkdir()
    (tmp_path / "net.d" / "10-x.conf").write_text('{"name":"x","type":"bridge"}')
    assert 'failed to find plugin "bridge"' in host.network().status().message
    host.plugin("bridge")
    assert host.network().status().ready


async def test_writing_the_default_again_changes_nothing(host: Host) -> None:
    path = host.directory / "net.d" / configuration.DEFAULT_FILE
    before = path.stat().st_ino
    await host.network().update_pod_cidr("10.1.2.0/24")
    assert path.stat().st_ino == before
    await host.network().update_pod_cidr("10.1.3.0/24")
    assert b"10.1.3.0/24" in path.read_bytes()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("{", "unexpected end", id="not JSON"),
        pytest.param("{}", "name: required", id="no name"),
        pytest.param('{"name":"x","plugins":[]}', "plugins: at least one", id="no plugins"),
        pytest.param('{"name":"x","plugins":[{}]}', r"plugins\[0\].type: required", id="no type"),
        pytest.param(
            '{"name":"x","cniVersion":"9.9.9","type":"a"}', "cniVersion: '9.9.9' is not", id="another version"
        ),
    ],
)
def test_a_malformed_configuration_is_refused_by_field(text: str, cause: str) -> None:
    with pytest.raises(configuration.InvalidConfiguration, match=cause):
        configuration.parse(text.encode(), "10-x.conflist")


@pytest.mark.parametrize(
    ("status", "output", "errors", "message"),
    [
        pytest.param(1, b'{"code":7,"msg":"bad","details":"why"}', b"", "bad; why", id="its own error"),
        pytest.param(2, b"", b"panic", "exit status 2: panic", id="a crash"),
        pytest.param(0, b"nonsense", b"", "exit status 0: nonsense", id="no JSON"),
    ],
)
def test_a_plugins_failure_is_told(status: int, output: bytes, errors: bytes, message: str) -> None:
    with pytest.raises(plugin.PluginFailed, match=message):
        plugin.decoded("bridge", status, output, errors)
