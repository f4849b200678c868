"""PUT, PATCH, DELETE, deletecollection, subresources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON_PATCH = {"content-type": "application/json-patch+json"}
MERGE_PATCH = {"content-type": "application/merge-patch+json"}
STRATEGIC_PATCH = {"content-type": "application/strategic-merge-patch+json"}


def pod(name: str = "p") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}


def deployment(name: str = "web") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": labels}, "template": template}}


async def make(api: Any, name: str = "s", **fields: Any) -> Any:
    return await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": name, **fields}, "data": {"a": "1"}})


class TestUpdate:
    async def test_a_change_has_a_new_version_and_keeps_its_identity(self, api: Any) -> None:
        before = await make(api)
        after = await api.ok("PUT", f"{CONFIG_MAPS}/s", {**before, "data": {"a": "2"}})
        assert after["data"] == {"a": "2"}
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["metadata"]["creationTimestamp"] == before["metadata"]["creationTimestamp"]
        assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])

    async def test_a_change_of_nothing_writes_nothing(self, api: Any) -> None:
        before = await make(api)
        assert await api.ok("PUT", f"{CONFIG_MAPS}/s", before) == before
        assert (await api.core.store.current_revision()) == int(before["metadata"]["resourceVersion"])

    async def test_an_old_version_conflicts_in_upstreams_words(self, api: Any, golden: Callable[[str], Any]) -> None:
        before = await make(api)
        await api.ok("PUT", f"{CONFIG_MAPS}/s", {**before, "data": {"a": "2"}})
        answer = await api("PUT", f"{CONFIG_MAPS}/s", {**before, "data": {"a": "3"}})
        assert (answer.status, answer.json) == (409, golden("optimistic-409"))

    async def test_without_a_version_the_last_writer_wins(self, api: Any) -> None:
        await make(api)
        after = await api.ok("PUT", f"{CONFIG_MAPS}/s", {"metadata": {"name": "s"}, "data": {"a": "9"}})
        assert after["data"] == {"a": "9"}

    async def test_another_uid_conflicts(self, api: Any) -> None:
        await make(api)
        answer = await api("PUT", f"{CONFIG_MAPS}/s", {"metadata": {"name": "s", "uid": "other"}})
        assert answer.status == 409
        assert "Precondition failed: UID in precondition: other" in answer.message

    @pytest.mark.parametrize(
        ("name", "status", "message"),
        [
            pytest.param("", 400, "name must be provided", id="no name"),
            pytest.param("t", 400, "the name of the object (t) does not match the name on the URL (s)", id="another"),
        ],
    )
    async def test_the_name_must_be_the_paths(self, api: Any, name: str, status: int, message: str) -> None:
        await make(api)
        answer = await api("PUT", f"{CONFIG_MAPS}/s", {"metadata": {"name": name}})
        assert (answer.status, answer.message) == (status, message)

    async def test_what_does_not_exist_is_not_found(self, api: Any) -> None:
        assert (await api("PUT", f"{CONFIG_MAPS}/none", {"metadata": {"name": "none"}})).status == 404

    async def test_status_and_spec_are_written_apart(self, api: Any) -> None:
        created = await api.ok("POST", DEPLOYMENTS, deployment())
        assert created["metadata"]["generation"] == 1
        status = {**created, "spec": {**created["spec"], "replicas": 9}, "status": {"replicas": 3}}
        after = await api.ok("PUT", f"{DEPLOYMENTS}/web/status", status)
        assert (after["spec"]["replicas"], after["status"]["replicas"]) == (1, 3)
        assert after["metadata"]["generation"] == 1
        after = await api.ok(
            "PUT", f"{DEPLOYMENTS}/web", {**after, "spec": {**after["spec"], "replicas": 2}, "status": {}}
        )
        assert (after["spec"]["replicas"], after["status"]["replicas"]) == (2, 3)
        assert after["metadata"]["generation"] == 2

    async def test_a_deployments_status_takes_its_annotations_along_but_no_labels(self, api: Any) -> None:
        created = await api.ok("POST", DEPLOYMENTS, deployment())
        meta = {**created["metadata"], "annotations": {"revision": "1"}, "labels": {"new": "label"}}
        after = await api.ok("PUT", f"{DEPLOYMENTS}/web/status", {**created, "metadata": meta})
        assert after["metadata"]["annotations"] == {"revision": "1"}
        assert "labels" not in after["metadata"]
        assert after["metadata"]["generation"] == 1
        meta = {**after["metadata"], "annotations": {"revision": "2"}}
        after = await api.ok("PUT", f"{DEPLOYMENTS}/web", {**after, "metadata": meta})
        assert after["metadata"]["generation"] == 2

    async def test_many_writers_lose_nothing(self, api: Any) -> None:
        await make(api)

        async def patch(number: int) -> int:
            body = {"data": {f"k{number}": "v"}}
            for _ in range(20):
                if (await api("PATCH", f"{CONFIG_MAPS}/s", body, headers=MERGE_PATCH)).status == 200:
                    break
            return number

        await asyncio.gather(*(patch(number) for number in range(20)))
        assert len((await api.ok("GET", f"{CONFIG_MAPS}/s"))["data"]) == 21


class TestPatch:
    @pytest.mark.parametrize(
        ("headers", "patch", "data"),
        [
            pytest.param(
                JSON_PATCH, [{"op": "add", "path": "/data/b", "value": "2"}], {"a": "1", "b": "2"}, id="JSON patch"
            ),
            pytest.param(MERGE_PATCH, {"data": {"a": None, "b": "2"}}, {"b": "2"}, id="merge patch"),
            pytest.param(STRATEGIC_PATCH, {"data": {"b": "2"}}, {"a": "1", "b": "2"}, id="strategic merge patch"),
        ],
    )
    async def test_each_kind_of_patch(self, api: Any, headers: Any, patch: Any, data: Any) -> None:
        await make(api)
        assert (await api.ok("PATCH", f"{CONFIG_MAPS}/s", patch, headers=headers))["data"] == data

    async def test_lists_merge_by_key_in_a_strategic_patch(self, api: Any) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment())
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "new"}]}}}}
        after = await api.ok("PATCH", f"{DEPLOYMENTS}/web", patch, headers=STRATEGIC_PATCH)
        assert [c["image"] for c in after["spec"]["template"]["spec"]["containers"]] == ["new"]
        assert after["metadata"]["generation"] == 2

    async def test_a_json_patch_that_does_not_apply_is_told_as_upstream_does(
        self, api: Any, golden: Callable[[str], Any]
    ) -> None:
        await make(api)
        patch = [{"op": "test", "path": "/data/a", "value": "7"}]
        answer = await api("PATCH", f"{CONFIG_MAPS}/s", patch, headers=JSON_PATCH)
        assert (answer.status, answer.json) == (422, golden("jsonpatch-fail-422"))

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            pytest.param(
                {"spec": {"replicas": "x", "paused": True}},
                'patch: Invalid value: "map[spec:map[paused:true replicas:x]]": unrecognized type: int32',
                id="a string for a number",
            ),
            pytest.param(
                {"spec": {"template": [1]}},
                'patch: Invalid value: "map[spec:map[template:[1]]]": cannot restore struct from: slice',
                id="a list for an object",
            ),
        ],
    )
    async def test_a_strategic_patch_with_a_wrong_type_is_told_as_upstream_does(
        self, api: Any, patch: Any, message: str
    ) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment())
        answer = await api("PATCH", f"{DEPLOYMENTS}/web", patch, headers=STRATEGIC_PATCH)
        assert (answer.status, answer.message) == (422, f' "" is invalid: {message}')
        assert list(answer.json["details"]) == ["causes"]

    @pytest.mark.parametrize(
        ("headers", "patch", "status"),
        [
            pytest.param(JSON_PATCH, {}, 400, id="JSON patch that is no list"),
            pytest.param(JSON_PATCH, [{"op": "fly"}], 422, id="unknown operation"),
            pytest.param(MERGE_PATCH, [], 400, id="merge patch that is no object"),
            pytest.param(MERGE_PATCH, b"{", 400, id="cut short"),
            pytest.param({"content-type": "text/plain"}, {}, 415, id="unknown media type"),
            pytest.param({"content-type": "application/apply-patch+cbor"}, {}, 415, id="an apply in CBOR"),
            pytest.param(MERGE_PATCH, {"metadata": {"name": "t"}}, 422, id="another name"),
            pytest.param(MERGE_PATCH, {"metadata": {"resourceVersion": "1"}}, 409, id="an old version"),
            pytest.param(MERGE_PATCH, {"data": {"a": 1}}, 422, id="a value of a wrong type"),
        ],
    )
    async def test_a_patch_is_refused(self, api: Any, headers: Any, patch: Any, status: int) -> None:
        await make(api)
        assert (await api("PATCH", f"{CONFIG_MAPS}/s", patch, headers=headers)).status == status


class TestDelete:
    async def test_a_deleted_object_is_answered_with_success_and_its_uid(self, api: Any) -> None:
        uid = (await make(api))["metadata"]["uid"]
        assert await api.ok("DELETE", f"{CONFIG_MAPS}/s") == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "s", "kind": "configmaps", "uid": uid},
        }
        assert (await api("GET", f"{CONFIG_MAPS}/s")).status == 404

    async def test_a_finalizer_holds_an_object_until_it_is_taken_away(self, api: Any) -> None:
        await make(api, finalizers=["example.com/hold"])
        held = await api.ok("DELETE", f"{CONFIG_MAPS}/s")
        assert held["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
        again = await api.ok("DELETE", f"{CONFIG_MAPS}/s")
        assert again["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]
        patch = {"metadata": {"finalizers": None}}
        assert (await api("PATCH", f"{CONFIG_MAPS}/s", patch, headers=MERGE_PATCH)).status == 200
        assert (await api("GET", f"{CONFIG_MAPS}/s")).status == 404

    @pytest.mark.parametrize(
        ("policy", "finalizers"),
        [
            pytest.param("Foreground", ["foregroundDeletion"], id="foreground"),
            pytest.param("Orphan", ["orphan"], id="orphan"),
        ],
    )
    async def test_a_policy_leaves_the_object_to_the_garbage_collector(
        self, api: Any, policy: str, finalizers: list[str]
    ) -> None:
        await make(api)
        held = await api.ok("DELETE", f"{CONFIG_MAPS}/s", {"propagationPolicy": policy})
        assert held["metadata"]["finalizers"] == finalizers

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            pytest.param({"preconditions": {"uid": "other"}}, 409, id="another uid"),
            pytest.param({"preconditions": {"resourceVersion": "1"}}, 409, id="another version"),
            pytest.param({"propagationPolicy": "Sideways"}, 422, id="an unknown policy"),
            pytest.param({"propagationPolicy": "Orphan", "orphanDependents": True}, 422, id="two policies"),
            pytest.param({"kind": "Pod", "apiVersion": "v1"}, 400, id="another kind"),
            pytest.param({"dryRun": ["Some"]}, 422, id="an unknown dry run"),
        ],
    )
    async def test_a_deletion_is_refused(self, api: Any, options: Any, status: int) -> None:
        await make(api)
        assert (await api("DELETE", f"{CONFIG_MAPS}/s", options)).status == status
        assert (await api("GET", f"{CONFIG_MAPS}/s")).status == 200

    async def test_options_of_any_group_are_taken(self, api: Any) -> None:
        await make(api)
        options = {"kind": "DeleteOptions", "apiVersion": "apps/v1", "propagationPolicy": "Background"}
        assert (await api("DELETE", f"{CONFIG_MAPS}/s", options)).status == 200

    async def test_a_pod_on_no_node_goes_at_once_and_is_shown(self, api: Any) -> None:
        await api.ok("POST", PODS, pod())
        gone = await api.ok("DELETE", f"{PODS}/p")
        assert gone["kind"] == "Pod"
        assert gone["metadata"]["deletionGracePeriodSeconds"] == 0
        assert (await api("GET", f"{PODS}/p")).status == 404

    async def test_a_running_pod_is_given_time_which_can_be_cut_short(self, api: Any) -> None:
        await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
        await api.ok("POST", PODS, pod())
        await api.ok("POST", f"{PODS}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}})
        going = await api.ok("DELETE", f"{PODS}/p")
        assert going["metadata"]["deletionGracePeriodSeconds"] == 30
        assert going["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
        sooner = await api.ok("DELETE", f"{PODS}/p?gracePeriodSeconds=5")
        assert sooner["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z"
        later = await api.ok("DELETE", f"{PODS}/p?gracePeriodSeconds=60")
        assert later["metadata"]["deletionGracePeriodSeconds"] == 5
        await api.ok("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
        assert (await api("GET", f"{PODS}/p")).status == 404

    async def test_a_dry_run_deletes_nothing(self, api: Any) -> None:
        await make(api)
        assert (await api("DELETE", f"{CONFIG_MAPS}/s?dryRun=All")).status == 200
        assert (await api("GET", f"{CONFIG_MAPS}/s")).status == 200

    @pytest.mark.parametrize("path", [f"{CONFIG_MAPS}/s", CONFIG_MAPS, f"{PODS}/p", "/api/v1/namespaces/n"])
    async def test_a_dry_run_asked_for_in_the_body_deletes_nothing(self, api: Any, path: str) -> None:
        await make(api)
        await api.ok("POST", PODS, pod())
        await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
        before = await api.ok("GET", path)
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
        assert (await api("DELETE", path, options)).status == 200
        after = await api.ok("GET", path)
        assert after.get("items") == before.get("items")
        assert after["metadata"].get("deletionTimestamp") is None

    async def test_a_collection_is_deleted_by_selector(self, api: Any) -> None:
        await make(api, "a", labels={"x": "1"})
        await make(api, "b", labels={"x": "2"})
        gone = await api.ok("DELETE", f"{CONFIG_MAPS}?labelSelector=x%3D1")
        assert [item["metadata"]["name"] for item in gone["items"]] == ["a"]
        assert (await api("GET", f"{CONFIG_MAPS}/a")).status == 404
        assert (await api("GET", f"{CONFIG_MAPS}/b")).status == 200


class TestNamespaces:
    async def test_a_namespace_terminates_until_it_is_finalized(self, api: Any) -> None:
        path = "/api/v1/namespaces/foo"
        created = await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "foo"}})
        assert created["spec"]["finalizers"] == ["kubernetes"]
        going = await api.ok("DELETE", path)
        assert going["status"]["phase"] == "Terminating"
        answer = await api("POST", f"{path}/configmaps", {"metadata": {"name": "x"}})
        assert answer.status == 403
        assert "because it is being terminated" in answer.message
        assert answer.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
        await api.ok("PUT", f"{path}/finalize", {"metadata": {"name": "foo"}, "spec": {"finalizers": []}})
        assert (await api("GET", path)).status == 404

    async def test_the_namespaces_we_need_stay(self, api: Any) -> None:
        answer = await api("DELETE", "/api/v1/namespaces/kube-system")
        assert answer.status == 403
        assert "this namespace may not be deleted" in answer.message


class TestScale:
    async def test_replicas_are_read_and_written_through_the_scale(self, api: Any) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment())
        path = f"{DEPLOYMENTS}/web/scale"
        scale = await api.ok("GET", path)
        assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 1}, "app=web")
        scale["spec"]["replicas"] = 3
        assert (await api.ok("PUT", path, scale))["spec"] == {"replicas": 3}
        assert (await api.ok("PATCH", path, {"spec": {"replicas": 0}}, headers=MERGE_PATCH))["spec"] == {}
        stored = await api.ok("GET", f"{DEPLOYMENTS}/web")
        assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (0, 3)

    async def test_a_scale_is_shown_in_columns_of_its_own(self, api: Any) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment())
        headers = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
        table = await api.ok("GET", f"{DEPLOYMENTS}/web/scale", headers=headers)
        assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
        assert table["rows"][0]["cells"][:3] == ["web", 1, 0]

    async def test_a_negative_scale_is_invalid(self, api: Any) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment())
        answer = await api("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}, headers=MERGE_PATCH)
        assert answer.status == 422
        assert "must be greater than or equal to 0" in answer.message


class TestBinding:
    @pytest.fixture
    async def bound(self, api: Any) -> Any:
        await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
        await api.ok("POST", PODS, pod())
        answer = await api("POST", f"{PODS}/p/binding", {"target": {"kind": "Node", "name": "n"}})
        assert answer.status == 201
        return await api.ok("GET", f"{PODS}/p")

    async def test_a_bound_pod_is_scheduled(self, bound: Any) -> None:
        assert bound["spec"]["nodeName"] == "n"
        assert bound["status"]["conditions"][0]["type"] == "PodScheduled"

    async def test_a_pod_is_bound_once(self, api: Any, bound: Any) -> None:
        answer = await api("POST", f"{PODS}/p/binding", {"target": {"name": "n"}})
        assert answer.status == 409
        assert 'pod p is already assigned to node "n"' in answer.message

    async def test_a_node_must_be_there(self, api: Any) -> None:
        await api.ok("POST", PODS, pod("q"))
        assert (await api("POST", f"{PODS}/q/binding", {"target": {"name": "none"}})).status == 404
        assert (await api("POST", f"{PODS}/q/binding", {"target": {}})).status == 422
