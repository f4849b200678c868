from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec},
    }


async def test_a_created_object_comes_back_as_stored(api: Any) -> None:
    answer = await api("POST", CONFIG_MAPS, {"metadata": {"name": "x"}, "data": {"a": "1"}})
    assert answer.status == 201
    created = answer.json
    assert created["kind"] == "ConfigMap"
    assert created["metadata"]["namespace"] == "default"
    assert created["metadata"]["uid"]
    assert created["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert int(created["metadata"]["resourceVersion"]) > 0
    assert created == await api.ok("GET", f"{CONFIG_MAPS}/x")


async def test_every_answer_names_its_audit_id_and_is_not_cached(api: Any) -> None:
    answer = await api("GET", CONFIG_MAPS)
    assert len(answer.headers["audit-id"]) == 36
    assert answer.headers["cache-control"] == "no-cache, private"
    assert answer.headers["content-type"] == "application/json"


async def test_a_pod_is_defaulted_admitted_and_split_from_its_status(api: Any) -> None:
    created = await api.ok("POST", PODS, {**pod(), "status": {"phase": "Running"}})
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    spec = created["spec"]
    assert spec["serviceAccountName"] == "default"
    assert spec["priority"] == 0
    assert [t["tolerationSeconds"] for t in spec["tolerations"]] == [300, 300]
    assert spec["volumes"][0]["name"].startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"][0]["name"] == spec["volumes"][0]["name"]


async def test_a_name_that_exists_is_a_conflict_in_upstreams_words(api: Any, golden: Callable[[str], Any]) -> None:
    await api.ok("POST", PODS, pod())
    answer = await api("POST", PODS, pod())
    assert answer.status == 409
    assert answer.json == golden("conflict-409")


async def test_a_generated_name_follows_its_prefix_and_is_new_each_time(api: Any) -> None:
    names = {
        (await api.ok("POST", CONFIG_MAPS, {"metadata": {"generateName": "gen-"}}))["metadata"]["name"]
        for _ in range(3)
    }
    assert len(names) == 3
    assert all(name.startswith("gen-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        pytest.param(
            CONFIG_MAPS,
            {"metadata": {"name": "x", "namespace": "other"}},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
            id="of another namespace",
        ),
        pytest.param(
            "/api/v1/namespaces/nope/configmaps",
            {"metadata": {"name": "x"}},
            404,
            'namespaces "nope" not found',
            id="in a namespace that does not exist",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"metadata": {"name": "x", "resourceVersion": "1"}},
            400,
            "resourceVersion should not be set on objects to be created",
            id="with a resource version",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"kind": "Secret", "apiVersion": "v1"},
            400,
            'Secret in version "v1" cannot be handled as a ConfigMap',
            id="of another kind",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"kind": "ConfigMap", "apiVersion": "apps/v1"},
            400,
            "the API version in the data (apps/v1) does not match the expected API version (v1)",
            id="of another API version",
        ),
        pytest.param(CONFIG_MAPS, {"metadata": {}}, 422, "name or generateName is required", id="without a name"),
        pytest.param(
            PODS,
            pod(serviceAccountName="nope"),
            403,
            'pods "p" is forbidden: error looking up service account default/nope: serviceaccount "nope" not found',
            id="of an account that does not exist",
        ),
        pytest.param(
            PODS, pod(priorityClassName="nope"), 403, "no PriorityClass with name nope was found", id="of no class"
        ),
    ],
)
async def test_an_object_is_refused(api: Any, path: str, body: Any, status: int, message: str) -> None:
    answer = await api("POST", path, body)
    assert answer.status == status
    assert message in answer.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b'{"metadata":{"name":"\xff"}}', id="invalid UTF-8"),
        pytest.param(b'{"data":{"a":NaN}}', id="not a number"),
        pytest.param(b"[" * 5000 + b"]" * 5000, id="nested deeply"),
        pytest.param(b'{"a":' * 900 + b"1" + b"}" * 900, id="nested within the parser's limit"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"x"', id="a string"),
        pytest.param(b'{"metadata":[]}', id="metadata of a wrong type"),
        pytest.param(b'{"metadata":{"name":1}}', id="a name of a wrong type"),
        pytest.param(b'{"kind":1}', id="a kind of a wrong type"),
        pytest.param(b'{"metadata":{"name":"x"},"data":{"a":1e400}}', id="a number beyond floats"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_bad_request(api: Any, body: bytes) -> None:
    answer = await api("POST", CONFIG_MAPS, body)
    assert answer.status in (400, 422)
    assert answer.json["kind"] == "Status"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"a: [", id="cut short"),
        pytest.param(b"a: .nan", id="not a number"),
        pytest.param(b"a: &a [*a]", id="an alias of itself"),
        pytest.param(b"\xff", id="invalid UTF-8"),
        pytest.param(b"[" * 3000, id="nested deeply"),
        pytest.param(
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 10)) for c in range(ord("a"), ord("a") + 8)
            ),
            id="aliases that expand to a hundred million values",
        ),
    ],
)
async def test_yaml_that_cannot_be_read_is_a_bad_request(api: Any, body: bytes) -> None:
    answer = await api("POST", CONFIG_MAPS, body, headers={"content-type": "application/yaml"})
    assert answer.status == 400, answer.body


async def test_yaml_is_read_with_timestamps_as_text(api: Any) -> None:
    body = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: y}\ndata: {when: '2026-01-01', 1: a}\n"
    created = await api.ok("POST", CONFIG_MAPS, body, headers={"content-type": "application/yaml"})
    assert created["data"] == {"when": "2026-01-01", "1": "a"}


async def test_an_unknown_content_type_is_refused_in_upstreams_words(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("POST", PODS, b"x", headers={"content-type": "text/csv"})
    assert answer.status == 415
    assert answer.json == golden("unsupported-415")


async def test_a_body_above_three_mebibytes_is_too_large(api: Any) -> None:
    answer = await api("POST", CONFIG_MAPS, {"data": {"a": "x" * (3 * 1024 * 1024)}})
    assert answer.status == 413


async def test_an_unknown_field_is_an_error_when_strict(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("POST", f"{PODS}?fieldValidation=Strict", pod(bogus=1))
    assert answer.status == 400
    assert answer.json == golden("strict-400")


async def test_an_unknown_or_repeated_field_is_a_warning_by_default(api: Any) -> None:
    body = json.dumps(pod(bogus=1)).replace('"bogus": 1', '"bogus": 1, "nodeName": "a", "nodeName": ""').encode()
    answer = await api("POST", PODS, body)
    assert answer.status == 201
    assert answer.warnings == (
        '299 - "unknown field \\"spec.bogus\\""',
        '299 - "duplicate field \\"spec.nodeName\\""',
    )
    assert "bogus" not in answer.json["spec"]


async def test_an_unknown_field_is_silently_dropped_when_ignored(api: Any) -> None:
    answer = await api("POST", f"{PODS}?fieldValidation=Ignore", pod(bogus=1))
    assert (answer.status, answer.warnings) == (201, ())


async def test_a_dry_run_stores_nothing(api: Any) -> None:
    made = await api.ok("POST", f"{CONFIG_MAPS}?dryRun=All", {"metadata": {"name": "d"}})
    assert "uid" in made["metadata"]
    assert "resourceVersion" not in made["metadata"]
    assert (await api("GET", f"{CONFIG_MAPS}/d")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [("POST", CONFIG_MAPS, "CreateOptions"), ("DELETE", f"{CONFIG_MAPS}/d", "DeleteOptions")],
    ids=["a create", "a delete"],
)
async def test_a_dry_run_of_another_value_is_invalid(api: Any, method: str, path: str, options: str) -> None:
    answer = await api(method, f"{path}?dryRun=Some", {"metadata": {"name": "d"}} if method == "POST" else None)
    assert answer.status == 422
    assert answer.message == (
        f'{options}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'
    )


async def test_every_field_error_is_told_at_once(api: Any, golden: Callable[[str], Any]) -> None:
    body = pod("P_x")
    body["spec"]["containers"] = [{"name": "C"}]
    answer = await api("POST", PODS, body)
    assert answer.status == 422
    assert answer.json == golden("invalid-422")
