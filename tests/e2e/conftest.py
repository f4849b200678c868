"""The cluster that the end-to-end tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import (
    HELLO_IMAGES,
    NODE_PORT_RANGE,
    POD_CIDR,
    PORTS,
    REPOSITORY,
    SERVICE_CIDR,
    STAND_IN,
    Cluster,
    free_ports,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def images() -> None:
    """The images the tests run, made from the host's busybox; ones left by others may say something else."""
    for name, text in {**HELLO_IMAGES, **STAND_IN}.items():
        subprocess.run([str(REPOSITORY / "deploy/images.sh"), name, text], check=True, capture_output=True)


@pytest.fixture(scope="session")
def cluster(images: None) -> Iterator[Cluster]:
    """One cluster for all tests of the session."""
    if os.geteuid() != 0:
        pytest.fail("the end-to-end tests need root")
    for program in ("docker", "etcd", "nft", "kubectl"):
        if shutil.which(program) is None:
            pytest.fail(f"the end-to-end tests need {program}: deploy/test.sh installs what can be installed")
    data_dir = Path(tempfile.mkdtemp(prefix="minikube-py-e2e-"))
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    flags = [f"--pod-cidr={POD_CIDR}", f"--service-cidr={SERVICE_CIDR}", f"--node-port-range={NODE_PORT_RANGE}"]
    flags += [f"--{name}-port={port}" for name, port in ports.items()]
    running = Cluster(data_dir, flags, ports)
    try:
        running.up()
        running.node_ip = running.get("nodes")["items"][0]["status"]["addresses"][0]["address"]
        yield running
    finally:
        if os.environ.get("KEEP_CLUSTER") != "1":
            running.minikube_py("reset", check=False)
            shutil.rmtree(data_dir, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Adds the ends of the components' logs to the report of a failed test."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.failed:
        for name, running in getattr(item, "funcargs", {}).items():
            if isinstance(running, Cluster):
                report.sections.append((f"component logs of {name}", running.logs_tail()))
