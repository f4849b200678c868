"""Every kind without behaviour of its own: discovered, created, read, listed, watched, changed and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster, eventually
from rest import JSON_PATCH, MERGE_PATCH, Rest
from samples import SAMPLES, Sample

LABEL = "api-operations"


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest(cluster)


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace("api-operations") as name:
        yield name


def made(sample: Sample, namespace: str, name: str) -> dict[str, Any]:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.replace("NAMESPACE", namespace).replace("GROUP", name) if isinstance(value, str) else value

    if sample.kind == "APIService":
        name = f"v1.{name}.example.com"
    meta = {"name": name, "labels": {LABEL: sample.plural}}
    body = filled(sample.body)
    if sample.kind == "APIService":
        body["spec"]["group"] = name.removeprefix("v1.")
    return {"apiVersion": sample.api_version, "kind": sample.kind, "metadata": meta, **body}


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=f"{sample.plural} {sample.api_version}", marks=pytest.mark.conformance(*sample.shows))
        for sample in SAMPLES
    ],
)
def test_operations(rest: Rest, namespace: str, sample: Sample) -> None:
    discovered(rest, sample)
    collection = sample.collection(namespace)
    selected = f"{collection}?labelSelector={LABEL}%3D{sample.plural}"
    everywhere = f"{sample.prefix}/{sample.plural}?labelSelector={LABEL}%3D{sample.plural}"
    since = rest.ok("GET", selected)["metadata"]["resourceVersion"]
    with rest.watch(f"{selected}&resourceVersion={since}") as watched:
        names = []
        for number in range(3):
            created = rest.ok("POST", collection, made(sample, namespace, f"x{number}"))
            names.append(created["metadata"]["name"])
            assert created["metadata"]["uid"]
        path = f"{collection}/{names[0]}"
        read = rest.ok("GET", path)
        assert (read["kind"], read["apiVersion"]) == (sample.kind, sample.api_version)
        rest.refused(409, "POST", collection, made(sample, namespace, "x0"))
        for listing in (selected, everywhere):
            listed = rest.ok("GET", listing)
            assert listed["kind"] == f"{sample.kind}List"
            assert [item["metadata"]["name"] for item in listed["items"]] == names

        patched = rest.patch(path, {"metadata": {"annotations": {"patched": "yes"}}}, MERGE_PATCH)
        assert patched["metadata"]["annotations"]["patched"] == "yes"
        rest.patch(path, [{"op": "add", "path": "/metadata/annotations/listed", "value": "yes"}], JSON_PATCH)
        updated = changed(rest, path, lambda obj: obj["metadata"]["annotations"].update(updated="yes"))
        assert updated["metadata"]["annotations"].items() >= {"patched": "yes", "updated": "yes"}.items()
        if sample.status is not None:
            with_status(rest, path, sample.status)

        rest.ok("DELETE", path)
        gone(rest, path)
        rest.ok("DELETE", selected)
        eventually(lambda: not rest.ok("GET", selected)["items"], "the collection is gone")
        watched.until(lambda events: [e["type"] for e in events].count("DELETED") == 3, "three deletions")
        seen = [(e["type"], e["object"]["metadata"]["name"]) for e in watched.events]
        for name in names:
            of_one = [kind for kind, of in seen if of == name]
            assert (of_one[0], of_one[-1]) == ("ADDED", "DELETED")
            assert set(of_one[1:-1]) <= {"MODIFIED"}
        assert ("MODIFIED", names[0]) in seen


def discovered(rest: Rest, sample: Sample) -> None:
    if sample.group:
        [group] = [group for group in rest.ok("GET", "/apis")["groups"] if group["name"] == sample.group]
        assert sample.api_version in [version["groupVersion"] for version in group["versions"]]
        own = rest.ok("GET", f"/apis/{sample.group}")
        assert own["versions"] == group["versions"]
    listed = rest.ok("GET", sample.prefix)
    assert listed["groupVersion"] == sample.api_version
    resources = {resource["name"]: resource for resource in listed["resources"]}
    assert set(resources[sample.plural]["verbs"]) >= {
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    }  # fmt: skip
    assert resources[sample.plural]["namespaced"] is sample.namespaced
    assert (f"{sample.plural}/status" in resources) == (sample.status is not None)


def changed(rest: Rest, path: str, change: Any) -> Any:
    """Updates what is there, again where a controller came between."""

    def update() -> Any:
        obj = rest.ok("GET", path)
        obj["metadata"].setdefault("annotations", {})
        change(obj)
        answer = rest("PUT", path, obj)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return eventually(update, "an update that nobody comes between")


def with_status(rest: Rest, path: str, status: dict[str, Any]) -> None:
    rest.ok("GET", f"{path}/status")
    patched = rest.patch(f"{path}/status", {"status": status})
    for key, value in status.items():
        if value is not None:
            assert patched["status"][key] == value
    before = rest.ok("GET", path)
    annotate = changed(rest, f"{path}/status", lambda obj: obj["metadata"]["annotations"].update(status="yes"))
    assert annotate["metadata"]["uid"] == before["metadata"]["uid"]


def gone(rest: Rest, path: str) -> None:
    """Waits until an object is gone; a finalizer of its kind is taken away where no controller does."""

    def probe() -> bool:
        answer = rest("GET", path)
        if answer.status_code == 404:
            return True
        if answer.json()["metadata"].get("finalizers"):
            rest("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
        return False

    eventually(probe, f"{path} is gone")
