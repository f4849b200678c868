"""Server-side apply as kubectl's users meet it: conflicts, force, sharing, and the way over from client-side apply."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_rig import ApiRig, running

pytestmark = pytest.mark.etcd
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def kubectls() -> list[str]:
    """The oldest and the newest stock kubectl of this machine."""
    on_path = Path(os.path.realpath(shutil.which("kubectl") or "kubectl"))
    found = [on_path.with_name(f"kubectl.{version}") for version in ("1.29", "1.32")]
    return [str(binary) for binary in found if binary.exists()] or [str(on_path)]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiRig]:
    with running(tmp_path_factory.mktemp("apply")) as started:
        yield started


class Kubectl:
    """One kubectl, in a namespace of its own."""

    def __init__(self, rig: ApiRig, binary: str) -> None:
        self._command = [binary, "--kubeconfig", str(rig.directory / "admin.conf")]
        self.namespace = f"apply-{Path(binary).name.replace('.', '-').replace('_', '-')}"

    def run(self, *words: str, stdin: Any = None) -> subprocess.CompletedProcess[str]:
        text = None if stdin is None else yaml.safe_dump(stdin)
        command = [*self._command, "-n", self.namespace, *words]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)

    def ok(self, *words: str, stdin: Any = None) -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def get(self, *words: str) -> Any:
        return json.loads(self.ok("get", *words, "-o", "json", "--show-managed-fields"))

    def managers(self, *words: str) -> set[tuple[str, str]]:
        entries = self.get(*words)["metadata"]["managedFields"]
        return {(entry["manager"], entry["operation"]) for entry in entries}


@pytest.fixture(params=kubectls(), ids=lambda path: Path(path).name)
def kubectl(rig: ApiRig, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    client = Kubectl(rig, request.param)
    assert rig.request("POST", "/api/v1/namespaces", {"metadata": {"name": client.namespace}})[0] in (201, 409)
    yield client
    client.run("delete", "configmaps,deployments", "--all")


def changed(**data: str) -> Any:
    return {**CONFIG_MAP, "data": {**CONFIG_MAP["data"], **data}}  # type: ignore[dict-item]


def test_managers_meet(kubectl: Kubectl) -> None:
    apply = ("apply", "--server-side", "-f", "-", "--field-manager")
    kubectl.ok(*apply, "one", stdin=CONFIG_MAP)
    refused = kubectl.run(*apply, "two", stdin=changed(a="2"))
    assert refused.returncode == 1
    assert 'Apply failed with 1 conflict: conflict with "one": .data.a' in refused.stderr
    kubectl.ok(*apply, "two", "--force-conflicts", stdin=changed(a="2"))
    found = kubectl.get("configmap", "c")
    assert found["data"] == {"a": "2", "b": "1"}
    owners = {entry["manager"]: entry["fieldsV1"]["f:data"] for entry in found["metadata"]["managedFields"]}
    assert owners == {"one": {"f:b": {}}, "two": {"f:a": {}, "f:b": {}}}
    kubectl.ok(*apply, "two", stdin={**CONFIG_MAP, "data": {"a": "2"}})
    assert kubectl.get("configmap", "c")["data"] == {"a": "2", "b": "1"}
    kubectl.ok(*apply, "one", stdin={**CONFIG_MAP, "data": {}})
    assert kubectl.get("configmap", "c")["data"] == {"a": "2"}


def test_the_way_over_from_client_side_apply(kubectl: Kubectl) -> None:
    kubectl.ok("apply", "-f", "-", stdin=CONFIG_MAP)
    assert kubectl.managers("configmap", "c") == {("kubectl-client-side-apply", "Update")}
    assert yaml.safe_load(kubectl.ok("apply", "view-last-applied", "configmap/c"))["data"] == CONFIG_MAP["data"]
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=changed(a="2"))
    assert kubectl.managers("configmap", "c") == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}
    found = kubectl.get("configmap", "c")
    assert found["data"]["a"] == "2"
    assert json.loads(found["metadata"]["annotations"][LAST_APPLIED])["data"]["a"] == "2"
    # What client-side apply once wrote can be taken away again.
    kubectl.ok("apply", "--server-side", "-f", "-", stdin={**CONFIG_MAP, "data": {"a": "2"}})
    assert kubectl.get("configmap", "c")["data"] == {"a": "2"}
    kubectl.ok("apply", "-f", "-", stdin={**CONFIG_MAP, "data": {"a": "3"}})
    assert kubectl.get("configmap", "c")["data"] == {"a": "3"}


def test_the_same_again_changes_nothing(kubectl: Kubectl) -> None:
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=CONFIG_MAP)
    before = kubectl.get("configmap", "c")
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=CONFIG_MAP)
    assert kubectl.get("configmap", "c") == before


def test_a_scaled_deployment_keeps_its_scale_once_nobody_applies_it(kubectl: Kubectl) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=config)
    kubectl.ok("scale", "deployment", "web", "--replicas=3")
    refused = kubectl.run("apply", "--server-side", "-f", "-", stdin=config)
    assert 'with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr
    del spec["replicas"]
    kubectl.ok("apply", "--server-side", "-f", "-", stdin=config)
    assert kubectl.get("deployment", "web")["spec"]["replicas"] == 3
