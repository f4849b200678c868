"""GET and LIST."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
YAML = {"accept": "application/yaml"}
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def token(body: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


async def fill(api: Any, *names: str) -> None:
    for name in names:
        await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": {"n": name}}})


def names(document: Any) -> list[str]:
    return [item["metadata"]["name"] for item in document["items"]]


async def test_a_missing_object_is_not_found_in_upstreams_words(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("GET", "/api/v1/namespaces/default/pods/nope")
    assert (answer.status, answer.json) == (404, golden("notfound-404"))


@pytest.mark.parametrize(
    ("query", "agent", "is_pretty"),
    [
        pytest.param("", "kubectl/v1.32.0", False, id="a program"),
        pytest.param("", "curl/7.88.1", True, id="curl"),
        pytest.param("", "Mozilla/5.0 (X11; Linux)", True, id="a browser"),
        pytest.param("?pretty=true", "kubectl/v1.32.0", True, id="asked for"),
        pytest.param("?pretty=false", "curl/7.88.1", False, id="declined"),
    ],
)
async def test_json_is_indented_for_people(api: Any, query: str, agent: str, is_pretty: bool) -> None:
    answer = await api("GET", f"/api/v1/namespaces/default/pods/nope{query}", headers={"user-agent": agent})
    genuine = (Path(__file__).parent.parent / "golden" / "notfound-404.json").read_bytes()
    assert (answer.body == genuine.rstrip()) is is_pretty
    assert answer.headers["content-length"] == str(len(answer.body))


async def test_a_missing_scale_is_not_found_in_upstreams_words(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("GET", "/apis/apps/v1/namespaces/default/deployments/none/scale")
    assert (answer.status, answer.json) == (404, golden("scale"))


async def test_a_list_has_its_kind_and_items_without_theirs(api: Any) -> None:
    await fill(api, "b", "a")
    listed = await api.ok("GET", CONFIG_MAPS)
    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert names(listed) == ["a", "b"]
    assert "kind" not in listed["items"][0]


async def test_an_empty_list_is_a_list(api: Any) -> None:
    assert (await api.ok("GET", CONFIG_MAPS))["items"] == []


@pytest.mark.conformance("API Chunking, server should return chunks of results for list calls")
async def test_pages_are_of_one_state_even_when_it_changes_in_between(api: Any) -> None:
    await fill(api, "a", "b", "c")
    first = await api.ok("GET", f"{CONFIG_MAPS}?limit=1")
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["a"], 2)
    await api.ok("DELETE", f"{CONFIG_MAPS}/b")
    await fill(api, "bb")
    token = first["metadata"]["continue"]
    second = await api.ok("GET", f"{CONFIG_MAPS}?limit=1&continue={token}")
    third = await api.ok("GET", f"{CONFIG_MAPS}?limit=5&continue={second['metadata']['continue']}")
    assert names(second) + names(third) == ["b", "c"]
    assert first["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]
    assert "continue" not in third["metadata"]


async def test_pages_over_all_namespaces_go_on_where_they_ended(api: Any) -> None:
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "other"}})
    await fill(api, "a", "b")
    await api.ok("POST", "/api/v1/namespaces/other/configmaps", {"metadata": {"name": "a"}})
    found, token = [], ""
    while True:
        page = await api.ok("GET", f"/api/v1/configmaps?limit=1&continue={token}")
        found += [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert found == [("default", "a"), ("default", "b"), ("other", "a")]


@pytest.mark.conformance(
    "API Chunking, server should support continue listing from the last key even if the original version has been "
    "compacted away"
)
async def test_a_page_of_a_compacted_state_offers_to_go_on_inconsistently(
    api: Any, golden: Callable[[str], Any]
) -> None:
    await fill(api, "a", "b", "c")
    first = await api.ok("GET", f"{CONFIG_MAPS}?limit=1")
    await fill(api, "d")
    await api.core.store.compact(await api.core.store.current_revision())
    answer = await api("GET", f"{CONFIG_MAPS}?limit=1&continue={first['metadata']['continue']}")
    assert answer.status == 410
    assert answer.message == golden("expired-410")["message"]
    token = answer.json["metadata"]["continue"]
    assert json.loads(base64.urlsafe_b64decode(token + "=="))["rv"] == -1
    assert names(await api.ok("GET", f"{CONFIG_MAPS}?continue={token}")) == ["b", "c", "d"]
    page = await api.ok("GET", f"{CONFIG_MAPS}?limit=1&continue={token}")
    assert names(page) == ["b"]
    assert int(page["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])


async def test_a_page_of_a_state_that_the_store_has_lost_is_expired_too(api: Any) -> None:
    await fill(api, "a", "b")
    lost = {"v": "meta.k8s.io/v1", "rv": 999999, "start": "a\0"}
    token = base64.urlsafe_b64encode(json.dumps(lost).encode()).decode().rstrip("=")
    answer = await api("GET", f"{CONFIG_MAPS}?limit=1&continue={token}")
    assert (answer.status, answer.json["reason"]) == (410, "Expired")
    again = answer.json["metadata"]["continue"]
    assert names(await api.ok("GET", f"{CONFIG_MAPS}?limit=1&continue={again}")) == ["b"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["a", "b", "c"], id="unset is the latest"),
        pytest.param("resourceVersion=0", ["a", "b", "c"], id="zero is what the cache holds"),
        pytest.param("resourceVersion=0&resourceVersionMatch=NotOlderThan", ["a", "b", "c"], id="zero not older"),
        pytest.param("resourceVersion=0&limit=1", ["a", "b", "c"], id="zero is given whole"),
        pytest.param("resourceVersion={old}", ["a", "b", "c"], id="a version is not older than"),
        pytest.param("resourceVersion={old}&resourceVersionMatch=NotOlderThan", ["a", "b", "c"], id="not older than"),
        pytest.param("resourceVersion={old}&resourceVersionMatch=NotOlderThan&limit=2", ["a", "b"], id="and a limit"),
        pytest.param("resourceVersion={old}&resourceVersionMatch=Exact", ["a", "b"], id="exact"),
        pytest.param("resourceVersion={old}&resourceVersionMatch=Exact&limit=1", ["a"], id="exact and a limit"),
        pytest.param("resourceVersion={old}&limit=5", ["a", "b"], id="a version and a limit are exact"),
        pytest.param("limit=2", ["a", "b"], id="a limit is of the latest"),
        pytest.param("limit=3", ["a", "b", "c"], id="a limit that is reached by all"),
    ],
)
async def test_versions_matches_and_limits(api: Any, query: str, found: list[str]) -> None:
    await fill(api, "a", "b")
    old = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await fill(api, "c")
    await api.ok("GET", CONFIG_MAPS)  # The cache has seen everything now.
    listed = await api.ok("GET", f"{CONFIG_MAPS}?{query.format(old=old)}")
    assert names(listed) == found
    exact = "Exact" in query or query.startswith("resourceVersion={old}&limit")
    assert (listed["metadata"]["resourceVersion"] == old) is exact
    everything = found == ["a", "b", "c"] or (exact and found == ["a", "b"])
    assert ("continue" in listed["metadata"]) is not everything


async def test_a_compacted_version_is_expired(api: Any) -> None:
    await fill(api, "a")
    old = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await fill(api, "b")
    await api.core.store.compact(await api.core.store.current_revision())
    answer = await api("GET", f"{CONFIG_MAPS}?resourceVersion={old}&resourceVersionMatch=Exact")
    assert (answer.status, answer.json["reason"]) == (410, "Expired")
    assert answer.message == "The resourceVersion for the provided list is too old."


@pytest.mark.parametrize("query", ["", "?resourceVersion=0", "?resourceVersion=1"])
async def test_an_object_is_read_at_least_as_fresh_as_asked(api: Any, query: str) -> None:
    await fill(api, "a")
    await api("GET", f"{CONFIG_MAPS}/a")
    assert (await api.ok("GET", f"{CONFIG_MAPS}/a{query}"))["metadata"]["name"] == "a"


async def test_a_list_of_an_old_state_is_that_state(api: Any) -> None:
    await fill(api, "a")
    version = (await api.ok("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await fill(api, "b")
    exact = await api.ok("GET", f"{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert names(exact) == ["a"]
    newer = await api.ok("GET", f"{CONFIG_MAPS}?resourceVersion={int(version) + 1}&resourceVersionMatch=NotOlderThan")
    assert names(newer) == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("labelSelector=n%3Da", ["a"], id="a label"),
        pytest.param("labelSelector=n%20in%20(a,c)", ["a", "c"], id="one of several labels"),
        pytest.param("fieldSelector=metadata.name%3Db", ["b"], id="a name"),
        pytest.param("fieldSelector=metadata.name!%3Db", ["a", "c"], id="any but a name"),
        pytest.param("labelSelector=n%3Da&fieldSelector=metadata.name%3Db", [], id="a label and another name"),
        pytest.param("labelSelector=n!%3Da&limit=1", ["b"], id="the first page of a selection"),
    ],
)
async def test_selectors_choose(api: Any, query: str, found: list[str]) -> None:
    await fill(api, "a", "b", "c")
    assert names(await api.ok("GET", f"{CONFIG_MAPS}?{query}")) == found


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        pytest.param("fieldSelector=spec.x%3D1", 400, '"spec.x" is not a known field selector', id="an unknown field"),
        pytest.param("labelSelector=%3D%3D", 400, "", id="a malformed label selector"),
        pytest.param("limit=x", 400, "strconv.ParseInt", id="a limit that is no number"),
        pytest.param("limit=-1", 400, "limit must not be negative", id="a negative limit"),
        pytest.param("continue=x", 400, "invalid continue token: continue key is not valid", id="a malformed token"),
        pytest.param(
            "continue=" + token({"v": "meta.k8s.io/v2", "rv": 1, "start": "a"}),
            400,
            "does not recognize this encoded version meta.k8s.io/v2",
            id="a token of another version",
        ),
        pytest.param(
            "continue=" + token({"v": "meta.k8s.io/v1", "rv": 0, "start": "a"}),
            400,
            "incorrect encoded start resourceVersion",
            id="a token of no revision",
        ),
        pytest.param(
            "continue=" + token({"v": "meta.k8s.io/v1", "rv": 1, "start": "../secrets/a"}),
            400,
            "continue key is not valid: ../secrets/a",
            id="a token that leads elsewhere",
        ),
        pytest.param(
            "resourceVersion=5&continue=" + token({"v": "meta.k8s.io/v1", "rv": 1, "start": "a"}),
            400,
            "specifying resource version is not allowed when using continue",
            id="a token and a version",
        ),
        pytest.param(
            "resourceVersion=5&resourceVersionMatch=Exact&continue=x",
            422,
            "resourceVersionMatch is forbidden when continue is provided",
            id="a token and a match",
        ),
        pytest.param("limit=1_0", 400, "strconv.ParseInt", id="a limit with an underscore"),
        pytest.param("resourceVersion=-1", 400, "invalid resource version", id="a negative version"),
        pytest.param("resourceVersion=99999999999999999999", 400, "out of range", id="a version out of range"),
        pytest.param("resourceVersion=x", 400, "strconv.ParseUint", id="a version that is no number"),
        pytest.param("resourceVersionMatch=Exact", 422, "unless resourceVersion is provided", id="a match of nothing"),
        pytest.param("resourceVersion=0&resourceVersionMatch=Exact", 422, "is forbidden", id="exactly any version"),
        pytest.param("resourceVersion=1&resourceVersionMatch=x", 422, "Unsupported value", id="an unknown match"),
        pytest.param("sendInitialEvents=true", 422, "forbidden for list", id="initial events of a list"),
    ],
)
async def test_a_query_is_refused(api: Any, query: str, status: int, message: str) -> None:
    answer = await api("GET", f"{CONFIG_MAPS}?{query}")
    assert answer.status == status
    assert message in answer.message


async def test_a_version_that_is_not_there_yet_is_told_so(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.reads.REVISION_TIMEOUT_SECONDS", 0.01)
    answer = await api("GET", f"{CONFIG_MAPS}?resourceVersion=999999")
    assert answer.status == 504
    assert answer.message.startswith("Timeout: Too large resource version: 999999, current: ")
    assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.headers["retry-after"] == "1"


async def test_a_table_has_columns_and_a_row_each(api: Any) -> None:
    await fill(api, "a")
    table = await api.ok("GET", CONFIG_MAPS, headers={"accept": TABLE})
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 0]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_a_table_of_one_object(api: Any) -> None:
    await fill(api, "a")
    table = await api.ok("GET", f"{CONFIG_MAPS}/a?includeObject=Object", headers={"accept": TABLE})
    assert table["rows"][0]["object"]["kind"] == "ConfigMap"


async def test_metadata_alone(api: Any) -> None:
    await fill(api, "a")
    listed = await api.ok("GET", CONFIG_MAPS, headers={"accept": PARTIAL})
    assert listed["kind"] == "PartialObjectMetadataList"
    assert list(listed["items"][0]) == ["kind", "apiVersion", "metadata"]


async def test_a_collection_is_deleted_by_selector_and_in_pages(api: Any) -> None:
    await fill(api, "a", "b", "c", "d")
    gone = await api.ok("DELETE", f"{CONFIG_MAPS}?labelSelector=n%3Db")
    assert names(gone) == ["b"]
    first = await api.ok("DELETE", f"{CONFIG_MAPS}?limit=2")
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["a", "c"], 1)
    rest = await api("DELETE", f"{CONFIG_MAPS}?limit=2&continue={first['metadata']['continue']}", headers=YAML)
    assert rest.headers["content-type"] == "application/yaml"
    assert b"name: d\n" in rest.body
    assert (await api.ok("GET", CONFIG_MAPS))["items"] == []


async def test_a_collections_deletion_that_is_only_tried_deletes_nothing(api: Any) -> None:
    await fill(api, "a")
    assert names(await api.ok("DELETE", f"{CONFIG_MAPS}?dryRun=All")) == ["a"]
    assert names(await api.ok("GET", CONFIG_MAPS)) == ["a"]


async def test_yaml(api: Any) -> None:
    await fill(api, "a")
    answer = await api("GET", f"{CONFIG_MAPS}/a", headers={"accept": "application/yaml"})
    assert answer.headers["content-type"] == "application/yaml"
    assert b"kind: ConfigMap\n" in answer.body


async def test_protobuf_only_is_not_acceptable(api: Any, golden: Callable[[str], Any]) -> None:
    answer = await api("GET", CONFIG_MAPS, headers={"accept": "application/vnd.kubernetes.protobuf"})
    assert answer.status == 406
    assert answer.json == golden("notacceptable-406")


async def test_a_large_answer_is_compressed_for_who_takes_it(api: Any) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "big"}, "data": {"a": "x" * 200_000}})
    plain = await api("GET", f"{CONFIG_MAPS}/big")
    packed = await api("GET", f"{CONFIG_MAPS}/big", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) == int(packed.headers["content-length"]) < 2_000


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api/v1/namespaces/default/bogus", 404, id="unknown resource"),
        pytest.param("GET", "/apis/nope/v1/things", 404, id="unknown group"),
        pytest.param("GET", "/api/v1/namespaces/default/nodes", 404, id="cluster-scoped resource in a namespace"),
        pytest.param("GET", "/api/v1/pods/x", 404, id="namespaced object without its namespace"),
        pytest.param("GET", "/api/v1/namespaces/default/pods/x/bogus", 404, id="unknown subresource"),
        pytest.param("POST", "/api/v1/pods", 405, id="creation without a namespace"),
        pytest.param("DELETE", "/api/v1/namespaces", 405, id="deletion of all namespaces"),
        pytest.param("POST", "/api/v1/namespaces/default/pods/x", 405, id="creation by name"),
        pytest.param("GET", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 405, id="list of reviews"),
        pytest.param("POST", "/version", 405, id="write to the version"),
    ],
)
async def test_what_is_not_served_is_a_status(api: Any, method: str, path: str, status: int) -> None:
    answer = await api(method, path, {})
    assert (answer.status, answer.json["kind"]) == (status, "Status")


async def test_an_unknown_path_is_a_plain_404(api: Any) -> None:
    answer = await api("GET", "/nothing/here")
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert answer.headers["content-type"].startswith("text/plain")
