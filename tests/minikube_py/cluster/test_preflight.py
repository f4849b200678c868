import shutil
import socket
from collections import namedtuple

import pytest

from minikube_py.cluster import preflight
from minikube_py.cluster.settings import ClusterSettings

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tmp_path) -> ClusterSettings:
    return ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="127.0.0.1", docker_host=f"unix://{tmp_path}/d")


def messages(problems) -> list[str]:
    return [problem.message for problem in problems]


def test_only_root_may_start_a_cluster(settings, monkeypatch):
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    problems = preflight.check(settings, running=False)
    assert messages(problems) == ["minikube-py must run as root"]
    assert "sudo" in problems[0].remedy


def test_a_missing_program_names_its_package(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "nft" else f"/usr/bin/{name}")
    problems = [problem for problem in preflight._programs() if "nft" in problem.message]
    assert messages(problems) == ["the program nft is missing"]
    assert problems[0].remedy == "apt-get install nftables"


def test_missing_plugins_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(preflight, "PLUGIN_DIRECTORIES", (tmp_path,))
    (tmp_path / "bridge").touch()
    missing = messages(preflight._programs())
    assert not any("plugin bridge" in message for message in missing)
    assert any("plugin host-local" in message for message in missing)


def test_a_docker_that_does_not_answer_is_said_so(settings, tmp_path):
    (problem,) = preflight._docker(settings)
    assert problem.message.startswith(f"Docker does not answer at {tmp_path}/d")
    assert "systemctl start docker" in problem.remedy


def test_a_docker_on_another_host_is_refused(settings):
    (problem,) = preflight._docker(settings.model_copy(update={"docker_host": "tcp://192.0.2.1:2375"}))
    assert "not a unix socket" in problem.message


def test_a_port_in_use_is_named_with_its_flag(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        problems = list(preflight._ports(settings.model_copy(update={"etcd_port": port})))
    (problem,) = [problem for problem in problems if str(port) in problem.message]
    assert problem.message.startswith(f"port {port} (etcd) is already in use")
    assert "--etcd-port" in problem.remedy


def test_an_address_that_is_not_ours_is_said_so(settings):
    problems = list(preflight._ports(settings.model_copy(update={"node_ip": "192.0.2.250", "dns_port": 39053})))
    assert any("can't be bound on 192.0.2.250" in problem.message for problem in problems)


def test_a_full_disk_is_said_so(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100, 100, 5 * 1024**2))
    (problem,) = preflight._disk(tmp_path / "not" / "there" / "yet")
    assert problem.message.startswith("only 5 MiB are free")


ROUTES = [
    {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
    {"dst": "192.0.2.0/24", "dev": "eth0"},
    {"dst": "10.96.0.0/12", "dev": "lo", "protocol": "109"},
]


@pytest.mark.parametrize(
    ("route", "message"),
    [
        pytest.param(
            {"dst": "10.244.3.0/24", "dev": "cni1"}, "10.244.3.0/24 on cni1", id="a bridge in the pod network"
        ),
        pytest.param({"dst": "10.0.0.0/8", "dev": "tun0"}, "10.0.0.0/8 on tun0", id="a network around both"),
        pytest.param({"dst": "10.97.0.1", "dev": "eth0"}, "10.97.0.1 on eth0", id="a host among the Services"),
    ],
)
def test_a_network_that_is_taken_is_named(settings, route, message):
    problems = list(preflight.taken_networks(settings, [*ROUTES, route]))
    assert problems
    assert all(message in problem.message for problem in problems)
    assert problems[0].remedy.endswith(("--pod-cidr", "--service-cidr"))


def test_the_clusters_own_routes_are_no_problem(settings):
    own = {"dst": "10.244.0.0/24", "dev": settings.bridge}
    assert list(preflight.taken_networks(settings, [*ROUTES, own])) == []
