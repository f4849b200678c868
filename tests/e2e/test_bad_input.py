"""What a user who errs is told: the field or the cause, and nothing is stored."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import urllib.error
import urllib.request

import pytest
import yaml
from harness import Cluster, eventually

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "bad"},
    "spec": {"containers": [{"name": "c", "image": "minikube-py/hello:1"}]},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "bad"},
    "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "b"}}, "spec": POD["spec"]},
    },
}


def changed(base: dict, path: str, value: object) -> str:
    """The manifest with the value at a dotted path (numbers index lists) replaced."""
    copy = json.loads(json.dumps(base))
    *parents, last = path.split(".")
    target = copy
    for part in parents:
        target = target[int(part)] if part.isdigit() else target.setdefault(part, {})
    target[last] = value
    return yaml.safe_dump(copy)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param("kind: Pod\n  apiVersion: : v1", "error converting YAML to JSON", id="a malformed manifest"),
        pytest.param(changed(POD, "spec.bogus", 1), 'unknown field "spec.bogus"', id="an unknown field"),
        pytest.param(changed(POD, "metadata.name", "Bad_Name"), "metadata.name: Invalid value", id="an invalid name"),
        pytest.param(
            changed(POD, "spec.containers.0.ports", [{"containerPort": 70000}]),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            id="a port out of range",
        ),
        pytest.param(
            changed(POD, "spec.containers.0.resources", {"requests": {"cpu": "a lot"}}),
            "quantities must match the regular expression",
            id="a quantity that is none",
        ),
        pytest.param(
            changed(DEPLOYMENT, "metadata.name", "bad"),
            "`selector` does not match template `labels`",
            id="a selector that does not match its template",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_cause(cluster: Cluster, manifest: str, message: str):
    assert message in cluster.kubectl_fails("create", "-f", "-", stdin=manifest)
    assert not cluster.get("pods,deployments", "-n", "default", "--field-selector=metadata.name=bad")["items"]


def test_a_status_lists_all_causes_at_once(cluster: Cluster):
    body = json.loads(json.dumps(POD))
    body["metadata"]["name"] = "P_x"
    body["spec"]["containers"] = [{"name": "C"}]
    status = request(cluster, "POST", "/api/v1/namespaces/default/pods", body)
    assert (status["code"], status["reason"], status["details"]["kind"]) == (422, "Invalid", "Pod")
    assert [cause["field"] for cause in status["details"]["causes"]] == [
        "metadata.name",
        "spec.containers[0].name",
        "spec.containers[0].image",
    ]


def test_a_missing_image_is_named_by_the_pod(cluster: Cluster):
    with cluster.namespace("missing-image") as namespace:
        cluster.kubectl("run", "lost", "--image=minikube-py/none-such:1", "-n", namespace)

        def reason() -> str:
            statuses = cluster.get("pod", "lost", "-n", namespace)["status"]["containerStatuses"]
            return str(statuses[0]["state"]["waiting"]["reason"])

        eventually(lambda: reason() in ("ErrImagePull", "ImagePullBackOff"), "the pull fails")
        eventually(lambda: reason() == "ImagePullBackOff", "the pull backs off")
        assert "none-such" in cluster.kubectl("describe", "pod", "lost", "-n", namespace)


def test_a_node_port_that_is_taken_is_refused(cluster: Cluster):
    with cluster.namespace("node-ports") as namespace:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "one"},
            "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31999}]},
        }
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(service))
        said = cluster.kubectl_fails(
            "create", "-n", namespace, "-f", "-", stdin=changed(service, "metadata.name", "two")
        )
        assert "spec.ports[0].nodePort: Invalid value: 31999: provided port is already allocated" in said


def test_up_names_a_port_that_is_in_use(cluster: Cluster, tmp_path):
    from harness import PORTS, free_ports

    with socket.create_server(("0.0.0.0", 0)) as taken:
        other = Cluster(tmp_path / "data", [], {})
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) | {"api": taken.getsockname()[1]}
        done = other.minikube_py("up", *(f"--{name}-port={port}" for name, port in ports.items()), check=False)
        assert done.returncode == 1
        assert f"port {ports['api']} (api) is already in use" in done.stderr
        assert "--api-port" in done.stderr
        assert not (tmp_path / "data" / "etcd").exists()


def test_up_says_that_docker_does_not_answer(cluster: Cluster, tmp_path):
    other = Cluster(tmp_path / "data", [], {})
    done = other.minikube_py("up", f"--docker-host=unix://{tmp_path}/none.sock", check=False)
    assert done.returncode == 1
    assert "Docker does not answer at" in done.stderr
    assert "systemctl start docker" in done.stderr


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        pytest.param("--kubernetes-version=1.12", "kubernetes_version", id="a version that is not served"),
        pytest.param("--pod-cidr=10.0.0.0/33", "pod_cidr", id="a CIDR that is none"),
        pytest.param("--service-cidr=10.244.8.0/24", "overlap", id="networks that overlap"),
    ],
)
def test_up_names_a_setting_that_cannot_be_used(tmp_path, flag: str, message: str):
    other = Cluster(tmp_path / "data", [], {})
    done = other.minikube_py("up", flag, check=False)
    assert done.returncode == 2
    assert message in done.stderr


def request(cluster: Cluster, method: str, path: str, body: object = None, certificate: tuple | None = None) -> dict:
    """The decoded answer of a raw request; with the administrator's certificate unless another is given."""
    config = yaml.safe_load((cluster.data_dir / "admin.conf").read_text())
    context = ssl.create_default_context(cafile=str(cluster.data_dir / "pki" / "ca.crt"))
    if certificate is None:
        import base64
        import tempfile

        user = config["users"][0]["user"]
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pem.flush()
            context.load_cert_chain(pem.name)
    else:
        context.load_cert_chain(*certificate)
    call = urllib.request.Request(
        config["clusters"][0]["cluster"]["server"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, context=context, timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


@pytest.mark.parametrize("flaw", ["foreign", "expired"])
def test_a_certificate_that_does_not_hold_is_refused(cluster: Cluster, tmp_path, flaw: str):
    from minikube_py.cluster import pki

    now = datetime.datetime.now(datetime.UTC)
    if flaw == "foreign":
        authority = pki.create_authority(now)
        moment = now
    else:
        authority = pki.load_authority(cluster.data_dir / "pki", now)
        moment = now - 2 * pki.CERTIFICATE_LIFETIME
    certificate, key = pki.issue(authority, pki.Subject("kubernetes-admin", ("system:masters",)), moment)
    (tmp_path / "c.crt").write_bytes(certificate)
    (tmp_path / "c.key").write_bytes(key)
    with contextlib.suppress(ssl.SSLError, ConnectionError, urllib.error.URLError):
        # A TLS alert is as good an answer as 401; what must not happen is a list of nodes.
        status = request(
            cluster, "GET", "/api/v1/nodes", certificate=(str(tmp_path / "c.crt"), str(tmp_path / "c.key"))
        )
        assert (status["code"], status["reason"]) == (401, "Unauthorized")
