"""What kubectl shows of every kind that a version presents: discovery, documentation, columns, both presentations."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from api_rig import ApiRig, running

from minikube_py.api.resources import BUILT_IN

pytestmark = pytest.mark.etcd
VERSIONS = [pytest.param(minor, id=f"1.{minor}") for minor in (25, 32, 37)]
EVENT = """
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: e, namespace: default}
regarding: {kind: Pod, name: p, namespace: default}
note: a note
reason: Because
action: Acted
type: Normal
eventTime: "2026-11-21T12:00:00.000000Z"
reportingController: example.com/c
reportingInstance: i
"""


@dataclass
class Kubectl:
    """One kubectl at one server that presents a version."""

    rig: ApiRig
    minor: int

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        command = [binary(), "--kubeconfig", str(self.rig.directory / "admin.conf"), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def binary() -> str:
    """The host's kubectl; 1.32 where there are several."""
    own = shutil.which("kubectl") or "kubectl"
    beside = Path(os.path.realpath(own)).with_name("kubectl.1.32")
    return str(beside) if beside.exists() else own


@pytest.fixture(scope="module", params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    minor: int = request.param
    with running(tmp_path_factory.mktemp("kinds"), kubernetes_version=f"1.{minor}") as rig:
        yield Kubectl(rig, minor)


@pytest.mark.conformance("Discovery, confirm the groupVerion and a resourcefrom each apiGroup")
def test_every_kind_of_the_version_is_discovered_listed_and_explained(kubectl: Kubectl) -> None:
    rows = BUILT_IN.presented(kubectl.minor).rows
    names = set(kubectl("api-resources", "-o", "name").split())
    assert names == {row.qualified for row in rows}
    listed = [row for row in rows if "list" in row.verbs]
    kubectl("get", ",".join(sorted({row.qualified for row in listed})), "-A", "-o", "wide")
    for row in rows:
        shown = kubectl("explain", row.plural, "--api-version", row.api_version)
        assert f"KIND:       {row.kind}\n" in shown


def test_an_event_is_shown_under_either_group(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=EVENT)
    assert "a note" in kubectl("get", "events", "-o", "wide")
    new = kubectl("get", "events.v1.events.k8s.io", "e", "-o", "jsonpath={.apiVersion} {.note}")
    assert new == "events.k8s.io/v1 a note"
    assert kubectl("get", "events", "e", "-o", "jsonpath={.apiVersion} {.message}") == "v1 a note"
    kubectl("delete", "events.v1.events.k8s.io", "e")
    assert kubectl("get", "events", "-o", "name") == ""


def test_an_autoscaler_is_shown_in_either_version(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web")
    kubectl("autoscale", "deployment", "web", "--max=5", "--cpu-percent=70")
    assert "cpu: <unknown>/70%" in kubectl("get", "hpa")
    path = "{.apiVersion} {.spec.targetCPUUtilizationPercentage}"
    assert kubectl("get", "horizontalpodautoscalers.v1.autoscaling", "web", "-o", f"jsonpath={path}") == (
        "autoscaling/v1 70"
    )
    assert "deployment.apps/web" in kubectl("get", "all")
