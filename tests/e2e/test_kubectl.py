"""Stock kubectl's verbs, each as against a genuine API server; 1.32 and 1.33 where they are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from harness import Cluster, eventually


def kubectls() -> list[str]:
    """The stock kubectl binaries of this machine: versioned ones beside the one on the path, or that one."""
    on_path = Path(os.path.realpath(shutil.which("kubectl") or "kubectl"))
    found = [on_path.with_name(f"kubectl.{version}") for version in ("1.27", "1.30", "1.32", "1.33")]
    return [str(binary) for binary in found if binary.exists()] or [str(on_path)]


@pytest.fixture(scope="module")
def namespace(cluster: Cluster):
    with cluster.namespace("verbs") as name:
        yield name


@pytest.mark.parametrize("binary", kubectls(), ids=lambda path: Path(path).name)
def test_typed_create_commands_are_understood(cluster: Cluster, binary: str):
    """Since 1.32 these bodies are protobuf; older ones send JSON."""
    name = f"typed-{Path(binary).name.replace('.', '-')}"

    def run(*words: str) -> str:
        done = cluster.run_kubectl(*words, binary=binary)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        assert f"namespace/{name} created" in run("create", "namespace", name)
        made = run("create", "deployment", "d", "--image=minikube-py/hello:1", "--replicas=0", "-n", name)
        assert "deployment.apps/d created" in made
        run("create", "configmap", "c", "--from-literal=a=1", "--from-literal=b=two", "-n", name)
        run("create", "secret", "generic", "s", "--from-literal=k=v", "-n", name)
        run("create", "serviceaccount", "a", "-n", name)
        run("create", "service", "clusterip", "svc", "--tcp=80:8080", "-n", name)
        run("create", "role", "r", "--verb=get", "--resource=pods", "-n", name)
        run("create", "rolebinding", "rb", "--role=r", f"--serviceaccount={name}:a", "-n", name)
        token = run("create", "token", "a", "-n", name).strip()
        assert token.count(".") == 2
        assert cluster.get("configmap", "c", "-n", name)["data"] == {"a": "1", "b": "two"}
        assert cluster.get("deployment", "d", "-n", name)["spec"]["replicas"] == 0
        assert "yes" in run("auth", "can-i", "create", "deployments")
        assert "yes" in run("auth", "can-i", "get", "pods", "-n", name, f"--as=system:serviceaccount:{name}:a")
        denied = cluster.run_kubectl(
            "auth", "can-i", "delete", "pods", "-n", name, f"--as=system:serviceaccount:{name}:a", binary=binary
        )
        assert denied.stdout.strip() == "no"
    finally:
        cluster.run_kubectl("delete", "namespace", name)


def test_run_and_get_in_every_form(cluster: Cluster, namespace: str):
    assert "pod/one created" in cluster.kubectl("run", "one", "--image=minikube-py/hello:1", "-n", namespace)
    cluster.kubectl("wait", "pod/one", "--for=condition=Ready", "-n", namespace, "--timeout=60s")
    header, row = cluster.kubectl("get", "pod", "one", "-n", namespace, "-o", "wide").splitlines()
    assert re.split(r"\s{2,}", header) == [
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED NODE",
        "READINESS GATES",
    ]
    assert row.split()[:4] == ["one", "1/1", "Running", "0"]
    assert cluster.kubectl("get", "pod", "one", "-n", namespace, "-o", "name") == "pod/one\n"
    assert yaml.safe_load(cluster.kubectl("get", "pod", "one", "-n", namespace, "-o", "yaml"))["kind"] == "Pod"
    assert cluster.kubectl("get", "pod", "one", "-n", namespace, "-o", "jsonpath={.status.phase}") == "Running"
    assert "No resources found" in cluster.run_kubectl("get", "pods", "-l", "no=such", "-n", namespace).stderr
    assert cluster.kubectl("get", "po,svc,deploy,rs,cm", "-n", namespace)
    assert "one" in cluster.kubectl("get", "all", "-n", namespace)


def test_label_annotate_and_selectors(cluster: Cluster, namespace: str):
    cluster.kubectl("create", "configmap", "labelled", "-n", namespace)
    cluster.kubectl("label", "cm", "labelled", "tier=front", "-n", namespace)
    cluster.kubectl("annotate", "cm", "labelled", "note=something", "-n", namespace)
    assert "labelled" in cluster.kubectl("get", "cm", "-l", "tier in (front,back),tier!=back", "-n", namespace)
    assert "labelled" not in cluster.kubectl("get", "cm", "-l", "!tier", "-n", namespace)
    cluster.kubectl("label", "cm", "labelled", "tier-", "-n", namespace)
    metadata = cluster.get("cm", "labelled", "-n", namespace)["metadata"]
    assert "labels" not in metadata
    assert metadata["annotations"] == {"note": "something"}
    assert "--overwrite" in cluster.kubectl_fails("annotate", "cm", "labelled", "note=other", "-n", namespace)
    said = cluster.kubectl_fails("get", "pods", "--field-selector=spec.bogus=1", "-n", namespace)
    assert "field label not supported: spec.bogus" in said


def test_apply_creates_changes_and_prunes_fields(cluster: Cluster, namespace: str):
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "applied"},
        "data": {"a": "1", "b": "2"},
    }

    def apply() -> str:
        return cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))

    assert "created" in apply()
    assert "unchanged" in apply()
    manifest["data"] = {"a": "1", "c": "3"}
    assert "configured" in apply()
    assert cluster.get("cm", "applied", "-n", namespace)["data"] == {"a": "1", "c": "3"}
    manifest["data"] = {"a": "4"}
    diff = cluster.run_kubectl("diff", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    assert diff.returncode == 1
    assert '+  a: "4"' in diff.stdout
    done = cluster.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    assert "(server dry run)" in done
    assert cluster.get("cm", "applied", "-n", namespace)["data"] == {"a": "1", "c": "3"}


def test_edit_stores_what_the_editor_wrote(cluster: Cluster, namespace: str, tmp_path: Path):
    cluster.kubectl("create", "configmap", "edited", "--from-literal=a=before", "-n", namespace)
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/before/after/ "$1"\n')
    editor.chmod(0o755)
    done = subprocess.run(
        ["kubectl", "edit", "cm", "edited", "-n", namespace],
        env={**cluster.environment, "KUBE_EDITOR": str(editor)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "configmap/edited edited" in done.stdout, done.stderr
    assert cluster.get("cm", "edited", "-n", namespace)["data"] == {"a": "after"}


@pytest.mark.parametrize(
    ("patch_type", "patch", "data"),
    [
        pytest.param("json", '[{"op":"add","path":"/data/b","value":"2"}]', {"a": "1", "b": "2"}, id="a JSON patch"),
        pytest.param("merge", '{"data":{"a":null,"b":"2"}}', {"b": "2"}, id="a merge patch"),
        pytest.param("strategic", '{"data":{"a":"3"}}', {"a": "3"}, id="a strategic merge patch"),
    ],
)
def test_patches_of_each_type(cluster: Cluster, namespace: str, patch_type: str, patch: str, data: dict):
    name = f"patched-{patch_type}"
    cluster.kubectl("create", "configmap", name, "--from-literal=a=1", "-n", namespace)
    cluster.kubectl("patch", "cm", name, "--type", patch_type, "-p", patch, "-n", namespace)
    assert cluster.get("cm", name, "-n", namespace)["data"] == data


def test_a_stale_replace_conflicts(cluster: Cluster, namespace: str):
    cluster.kubectl("create", "configmap", "stale", "--from-literal=a=1", "-n", namespace)
    old = cluster.get("cm", "stale", "-n", namespace)
    cluster.kubectl("patch", "cm", "stale", "-p", '{"data":{"a":"2"}}', "-n", namespace)
    said = cluster.kubectl_fails("replace", "-n", namespace, "-f", "-", stdin=json.dumps(old))
    assert "the object has been modified; please apply your changes to the latest version and try again" in said


def test_api_resources_lists_short_names_and_kinds(cluster: Cluster):
    lines = cluster.kubectl("api-resources").splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert re.match(r"pods\s+po\s+v1\s+true\s+Pod$", rows["pods"])
    assert re.match(r"deployments\s+deploy\s+apps/v1\s+true\s+Deployment$", rows["deployments"])
    assert re.match(r"nodes\s+no\s+v1\s+false\s+Node$", rows["nodes"])
    assert "apps/v1" in cluster.kubectl("api-versions")


@pytest.mark.parametrize("output", ["plaintext", "plaintext-openapiv2"])
def test_explain_documents_a_field(cluster: Cluster, output: str):
    explained = cluster.kubectl("explain", "pod.spec.containers.image", f"--output={output}")
    assert re.search(r"FIELD:\s+image", explained)
    assert "Container image name" in explained
    assert "<string>" in explained


def test_version_and_cluster_info(cluster: Cluster):
    version = json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]
    assert (version["major"], version["minor"]) == ("1", "32")
    assert "Kubernetes control plane" in cluster.kubectl("cluster-info")
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
    assert cluster.kubectl("get", "--raw", "/healthz") == "ok"
    assert "[+]etcd ok" in cluster.kubectl("get", "--raw", "/livez?verbose")


def test_wait_for_deletion_and_json_path(cluster: Cluster, namespace: str):
    cluster.kubectl("run", "brief", "--image=minikube-py/hello:1", "-n", namespace)
    cluster.kubectl("wait", "pod/brief", "--for=jsonpath={.status.phase}=Running", "-n", namespace, "--timeout=60s")
    cluster.kubectl("delete", "pod", "brief", "-n", namespace, "--wait=false")
    cluster.kubectl("wait", "pod/brief", "--for=delete", "-n", namespace, "--timeout=60s")


def test_logs_of_a_container_by_name_and_its_errors(cluster: Cluster, namespace: str):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "two"},
        "spec": {
            "containers": [
                {"name": name, "image": "minikube-py/hello:1", "command": ["sh", "-c", f"echo I am {name}; sleep 600"]}
                for name in ("a", "b")
            ],
            "terminationGracePeriodSeconds": 0,
        },
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "pod/two", "--for=condition=Ready", "-n", namespace, "--timeout=60s")
    assert cluster.kubectl("logs", "two", "-c", "b", "-n", namespace) == "I am b\n"
    assert "I am a" in cluster.kubectl("logs", "two", "--all-containers", "-n", namespace)
    assert "container none is not valid for pod two" in cluster.kubectl_fails(
        "logs", "two", "-c", "none", "-n", namespace
    )
    assert "previous terminated container" in cluster.kubectl_fails(
        "logs", "two", "-c", "a", "--previous", "-n", namespace
    )
    assert cluster.kubectl("logs", "two", "-c", "a", "--timestamps", "-n", namespace).startswith("20")


def test_exec_with_a_terminal(cluster: Cluster, namespace: str):
    import pty

    cluster.run_kubectl("run", "terminal", "--image=minikube-py/hello:1", "-n", namespace)
    cluster.kubectl("wait", "pod/terminal", "--for=condition=Ready", "-n", namespace, "--timeout=60s")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["kubectl", "exec", "-it", "terminal", "-n", namespace, "--", "sh"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=cluster.environment,
        start_new_session=True,
    )
    os.close(follower)
    seen = b""
    os.write(leader, b"tty; exit 3\n")
    try:
        while b"/dev/pts/" not in seen:
            seen += os.read(leader, 1024)
        assert process.wait(20) == 3
    finally:
        process.kill()
        os.close(leader)


def test_delete_collection_and_all(cluster: Cluster, namespace: str):
    for number in range(3):
        cluster.kubectl("create", "configmap", f"many-{number}", "-n", namespace)
    cluster.kubectl("label", "cm", "-n", namespace, "--all", "sweep=yes")
    cluster.kubectl("delete", "cm", "-n", namespace, "-l", "sweep=yes")
    eventually(
        lambda: (
            {item["metadata"]["name"] for item in cluster.get("cm", "-n", namespace)["items"]} == {"kube-root-ca.crt"}
        ),
        "only the root CA is there, made again",
    )
