"""The command line: components in the foreground, images, exit codes, directories that can't be used."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness import MINIKUBE_PY, POD_CIDR, PORTS, Cluster, docker, eventually, free_ports
from pod_helpers import container, create

from minikube_py.cluster import pki
from minikube_py.cluster.settings import ClusterSettings

COMPONENTS = ("apiserver", "scheduler", "controller-manager", "kubelet", "proxy", "dns")


def run(*words: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MINIKUBE_PY), *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Cluster:
    """A cluster that is not there yet, on free ports."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return Cluster(tmp_path / "data", [f"--{name}-port={port}" for name, port in ports.items()], ports)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_components_help_tells_its_settings(component: str):
    done = run(component, "--help")
    assert done.returncode == 0
    assert "--config" in done.stdout
    assert "--log-level" in done.stdout


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_flag_that_is_not_there_is_named(component: str):
    done = run(component, "--no-such-flag=1")
    assert done.returncode == 2
    assert "--no-such-flag" in done.stderr


def test_a_setting_of_the_wrong_kind_is_named(cluster: Cluster):
    done = run("dns", "--config", str(cluster.data_dir / "config/dns.yaml"), "--port=many")
    assert done.returncode == 2
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("dns", "--config", str(cluster.data_dir / "config/dns.yaml"), MINIKUBE_PY_DNS_TTL_SECONDS="-1")
    assert done.returncode == 2
    assert "ttl" in done.stderr


@pytest.mark.parametrize("component", ["kubelet", "dns", "proxy", "apiserver"])
def test_a_second_instance_names_the_port_that_is_taken(cluster: Cluster, component: str):
    config = cluster.data_dir / "config" / f"{component}.yaml"
    done = run(component, "--config", str(config))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert "address already in use" in (done.stderr + done.stdout).lower()


def test_a_component_in_the_foreground_ends_when_told(cluster: Cluster):
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [str(MINIKUBE_PY), "scheduler", "--config", str(cluster.data_dir / "config/scheduler.yaml"), f"--port={port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, "it serves")
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_an_archive_of_docker_save_is_loaded_and_listed(cluster: Cluster, tmp_path: Path):
    name = "minikube-py/loaded:1"
    archive = tmp_path / "image.tar"
    docker("tag", "minikube-py/hello:1", name)
    docker("save", "-o", str(archive), name)
    docker("rmi", name)
    assert name not in cluster.minikube_py("image", "ls").stdout
    try:
        assert f"Loaded {name}" in cluster.minikube_py("image", "load", str(archive)).stdout
        assert name in cluster.minikube_py("image", "ls").stdout
        with cluster.namespace("loaded") as namespace:
            create(
                cluster, namespace, "uses", containers=[{"name": "c", "image": name, "imagePullPolicy": "Never"}]
            )  # fmt: skip
            eventually(lambda: container(cluster, namespace, "uses")["ready"], "the image runs")
    finally:
        docker("rmi", "-f", name)


def test_a_file_that_is_no_archive_is_refused(cluster: Cluster, tmp_path: Path):
    (tmp_path / "text").write_text("no archive")
    done = cluster.minikube_py("image", "load", str(tmp_path / "text"), check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/text can't be loaded" in done.stderr
    done = cluster.minikube_py("image", "load", str(tmp_path / "none"), check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/none: No such file or directory" in done.stderr


@pytest.mark.parametrize("words", [["status"], ["down"], ["image", "ls"]], ids=" ".join)
def test_a_directory_without_a_cluster_is_said_so(elsewhere: Cluster, words: list[str]):
    done = elsewhere.minikube_py(*words, check=False)
    assert done.returncode == 1
    assert f"no cluster in {elsewhere.data_dir}" in done.stderr


def test_logs_of_an_unknown_component_names_the_known(cluster: Cluster):
    done = cluster.minikube_py("logs", "kubelt", check=False)
    assert done.returncode == 1
    assert "kubelet" in done.stderr


@pytest.mark.parametrize("words", [["up"], ["status"], ["down"], ["reset"]], ids=" ".join)
@pytest.mark.parametrize("text", ["data_dir: [", "api_port: many\n", "- a list\n", ""], ids=repr)
def test_a_damaged_cluster_file_is_named(elsewhere: Cluster, words: list[str], text: str):
    elsewhere.data_dir.mkdir()
    file = elsewhere.data_dir / "cluster.yaml"
    file.write_text(text)
    done = elsewhere.minikube_py(*words, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{file} can't be used" in done.stderr
    assert file.read_text() == text


def test_an_expired_authority_is_named(elsewhere: Cluster):
    directory = elsewhere.data_dir / "pki"
    directory.mkdir(parents=True)
    long_ago = datetime.datetime.now(datetime.UTC) - 2 * pki.CA_LIFETIME
    authority = pki.create_authority(long_ago)
    pki.write_private(directory / "ca.key", pki._key_pem(authority.key))
    (directory / "ca.crt").write_bytes(authority.pem)
    done = elsewhere.minikube_py("up", *elsewhere.flags, check=False)
    assert done.returncode == 1
    assert f"{directory / 'ca.crt'} expired on" in done.stderr
    assert not (elsewhere.data_dir / "etcd").exists()


def test_a_foreign_authority_key_is_named(elsewhere: Cluster):
    directory = elsewhere.data_dir / "pki"
    directory.mkdir(parents=True)
    (directory / "ca.crt").write_text("not a certificate")
    (directory / "ca.key").write_text("not a key")
    done = elsewhere.minikube_py("up", *elsewhere.flags, check=False)
    assert done.returncode == 1
    assert f"the CA in {directory} can't be read" in done.stderr


def test_up_names_the_holder_of_a_port(elsewhere: Cluster):
    with socket.create_server(("0.0.0.0", elsewhere.ports["api"])):
        done = elsewhere.minikube_py("up", *elsewhere.flags, check=False)
    assert done.returncode == 1
    assert f"port {elsewhere.ports['api']} (api) is already in use by " in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_up_needs_root(tmp_path: Path):
    with tempfile.TemporaryDirectory(prefix="minikube-py-nobody-") as directory:
        os.chmod(directory, 0o777)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             str(MINIKUBE_PY), "up", "--data-dir", f"{directory}/data"],
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": directory},
            check=False,
        )  # fmt: skip
    if "Permission denied" in done.stderr and "minikube-py must run as root" not in done.stderr:
        pytest.skip("nobody may not read this checkout")
    assert done.returncode == 1
    assert "minikube-py must run as root" in done.stderr
    assert "sudo" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def test_up_says_that_the_disk_is_nearly_full(small_disk: Path, elsewhere: Cluster):
    elsewhere.data_dir = small_disk / "data"
    done = elsewhere.minikube_py("up", *elsewhere.flags, check=False)
    assert done.returncode == 1
    assert f"only 64 MiB are free for {small_disk}/data" in done.stderr
    assert "--data-dir" in done.stderr
    assert not elsewhere.data_dir.exists()


def test_settings_are_kept_as_they_were_given(cluster: Cluster):
    stored = ClusterSettings.model_validate(yaml.safe_load((cluster.data_dir / "cluster.yaml").read_text()))
    assert stored.api_port == cluster.ports["api"]
    done = cluster.minikube_py("up", "--pod-cidr=10.99.0.0/16", check=False)
    assert done.returncode == 1
    assert f"pod-cidr is {POD_CIDR} in the existing cluster and can't change" in done.stderr
    done = cluster.minikube_py("up", "--log-level=debug", check=False)
    assert done.returncode == 1
    assert "the cluster is running with another log-level" in done.stderr
