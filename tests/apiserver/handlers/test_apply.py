"""Server-side apply over HTTP, and who is said to manage what after every kind of write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}


def config_map(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": data}


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def applied(api: Any, config: Any, manager: str = "one", path: str = f"{CONFIG_MAPS}/s", query: str = "") -> Any:
    return await api("PATCH", f"{path}?fieldManager={manager}{query}", config, headers=APPLY)


def managers(obj: Any) -> dict[tuple[str, str, str], Any]:
    entries = obj["metadata"].get("managedFields", [])
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in entries}


class TestApply:
    async def test_creates_what_is_not_there(self, api: Any, golden: Callable[[str], Any]) -> None:
        answer = await applied(api, config_map(a="1"))
        expected = golden("ssa-created")
        assert answer.status == 201
        assert answer.json["data"] == expected["data"]
        assert managers(answer.json) == managers(expected)
        assert list(answer.json["metadata"]["managedFields"][0]) == list(expected["metadata"]["managedFields"][0])

    async def test_a_field_of_another_manager_conflicts(self, api: Any, golden: Callable[[str], Any]) -> None:
        await applied(api, config_map(a="1"))
        answer = await applied(api, config_map(a="2"), "two")
        assert (answer.status, answer.json) == (409, golden("ssa-conflict-409"))

    async def test_all_conflicts_are_listed_by_manager(self, api: Any) -> None:
        await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=editor", config_map(x="0"))
        await applied(api, config_map(a="1", b="1"))
        answer = await applied(api, config_map(a="2", b="2", x="2"), "two")
        assert answer.message == (
            'Apply failed with 3 conflicts: conflicts with "editor" using v1:\n- .data.x\n'
            'conflicts with "one":\n- .data.a\n- .data.b'
        )
        assert [c["field"] for c in answer.json["details"]["causes"]] == [".data.x", ".data.a", ".data.b"]

    async def test_force_takes_the_field(self, api: Any) -> None:
        await applied(api, config_map(a="1", b="1"))
        answer = await applied(api, config_map(a="2"), "two", query="&force=true")
        assert answer.status == 200
        assert answer.json["data"] == {"a": "2", "b": "1"}
        assert managers(answer.json) == {
            ("one", "Apply", ""): {"f:data": {"f:b": {}}},
            ("two", "Apply", ""): {"f:data": {"f:a": {}}},
        }

    async def test_the_same_value_is_shared(self, api: Any) -> None:
        await applied(api, config_map(a="1"))
        answer = await applied(api, config_map(a="1"), "two")
        assert {name for name, _, _ in managers(answer.json)} == {"one", "two"}

    async def test_a_field_that_is_applied_no_more_goes(self, api: Any) -> None:
        await applied(api, config_map(a="1", b="1"))
        answer = await applied(api, config_map(a="1"))
        assert answer.json["data"] == {"a": "1"}

    async def test_a_shared_field_stays_with_its_other_owner(self, api: Any) -> None:
        await applied(api, config_map(a="1", b="1"))
        await applied(api, config_map(b="1"), "two")
        answer = await applied(api, config_map(a="1"))
        assert answer.json["data"] == {"a": "1", "b": "1"}
        assert managers(answer.json)[("one", "Apply", "")] == {"f:data": {"f:a": {}}}

    async def test_the_same_again_writes_nothing(self, api: Any) -> None:
        first = await applied(api, config_map(a="1"))
        api.core.clock.advance(60)
        again = await applied(api, config_map(a="1"))
        assert (again.status, again.json) == (200, first.json)

    async def test_what_changes_but_a_time_writes_nothing(self, api: Any) -> None:
        config = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "1"}}
        path = "/api/v1/namespaces/default/secrets/s"
        first = await applied(api, config, path=path)
        api.core.clock.advance(60)
        again = await applied(api, config, path=path)
        assert (again.status, again.json) == (200, first.json)

    async def test_managers_that_apply_at_once_all_succeed(self, api: Any) -> None:
        names = [f"m{number:02}" for number in range(20)]
        answers = await asyncio.gather(*(applied(api, config_map(**{name: "1"}), name) for name in names))
        assert sorted({answer.status for answer in answers}) == [200, 201]
        found = await api.ok("GET", f"{CONFIG_MAPS}/s")
        assert sorted(found["data"]) == names
        assert managers(found) == {(name, "Apply", ""): {"f:data": {f"f:{name}": {}}} for name in names}

    async def test_a_dry_run_stores_nothing(self, api: Any) -> None:
        assert (await applied(api, config_map(a="1"), query="&dryRun=All")).status == 201
        assert (await api("GET", f"{CONFIG_MAPS}/s")).status == 404

    async def test_yaml(self, api: Any) -> None:
        body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: s\ndata:\n  a: '1'\n"
        assert (await applied(api, body)).json["data"] == {"a": "1"}

    async def test_defaults_belong_to_nobody(self, api: Any) -> None:
        answer = await applied(api, deployment(), path=f"{DEPLOYMENTS}/web")
        assert answer.status == 201, answer.body
        fields = managers(answer.json)[("one", "Apply", "")]
        assert "f:replicas" not in fields["f:spec"]
        assert answer.json["spec"]["replicas"] == 1

    async def test_items_of_a_list_are_owned_by_key(self, api: Any) -> None:
        await applied(api, deployment(), path=f"{DEPLOYMENTS}/web")
        sidecar = deployment()
        sidecar["spec"] = {"template": {"spec": {"containers": [{"name": "log", "image": "busybox:2"}]}}}
        answer = await applied(api, sidecar, "two", f"{DEPLOYMENTS}/web")
        containers = answer.json["spec"]["template"]["spec"]["containers"]
        assert [c["name"] for c in containers] == ["c", "log"]
        assert managers(answer.json)[("two", "Apply", "")] == {
            "f:spec": {
                "f:template": {
                    "f:spec": {
                        "f:containers": {'k:{"name":"log"}': {".": {}, "f:image": {}, "f:name": {}}},
                    }
                }
            }
        }
        del sidecar["spec"]
        answer = await applied(api, sidecar, "two", f"{DEPLOYMENTS}/web")
        assert [c["name"] for c in answer.json["spec"]["template"]["spec"]["containers"]] == ["c"]
        assert ("two", "Apply", "") not in managers(answer.json)

    async def test_an_old_resource_version_conflicts(self, api: Any) -> None:
        first = (await applied(api, config_map(a="1"))).json
        await applied(api, config_map(a="2"))
        config = config_map(a="3")
        config["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"]
        answer = await applied(api, config)
        assert answer.status == 409
        assert "the object has been modified" in answer.message

    async def test_who_may_patch_but_not_create_creates_nothing(self, api: Any) -> None:
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}
        roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        await api.ok("POST", f"{roles}/roles", {"metadata": {"name": "patcher"}, "rules": [rule]})
        binding = {
            "metadata": {"name": "patcher"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}],
        }
        await api.ok("POST", f"{roles}/rolebindings", binding)
        for kind in ("roles", "rolebindings"):
            await api.ok("GET", f"{roles}/{kind}")
        path = f"{CONFIG_MAPS}/s?fieldManager=one"
        answer = await api("PATCH", path, config_map(a="1"), headers=APPLY, user=("ann",))
        assert answer.status == 403
        assert 'cannot create resource "configmaps"' in answer.message


class TestRefusals:
    async def test_without_a_manager(self, api: Any) -> None:
        answer = await api("PATCH", f"{CONFIG_MAPS}/s", config_map(a="1"), headers=APPLY)
        assert answer.status == 422
        assert answer.message == (
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )

    async def test_a_manager_that_is_too_long(self, api: Any) -> None:
        answer = await applied(api, config_map(a="1"), "m" * 129)
        assert answer.status == 422
        assert "fieldManager: Too long: may not be more than 128 bytes" in answer.message

    async def test_a_manager_that_cannot_be_printed(self, api: Any) -> None:
        answer = await api("POST", f"{CONFIG_MAPS}?fieldManager=a%07", config_map(a="1"))
        assert answer.status == 422
        assert "should only contain printable characters" in answer.message

    async def test_force_of_another_patch(self, api: Any) -> None:
        await applied(api, config_map(a="1"))
        answer = await api("PATCH", f"{CONFIG_MAPS}/s?force=true", {"data": {"a": "2"}}, headers=MERGE)
        assert answer.message == (
            'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                {"metadata": {"name": "s", "managedFields": []}},
                "metadata.managedFields must be nil",
                id="managed fields in the body",
            ),
            pytest.param({"kind": "Secret"}, "invalid object type: /v1, Kind=Secret", id="another kind"),
            pytest.param({"apiVersion": ""}, "invalid object type: /, Kind=ConfigMap", id="no version"),
            pytest.param(
                {"metadata": {"name": "t"}},
                "the name of the object (t) does not match the name on the URL (s)",
                id="another name",
            ),
            pytest.param(
                {"metadata": {"name": "s", "namespace": "other"}},
                "the namespace of the provided object does not match the namespace sent on the request",
                id="another namespace",
            ),
            pytest.param(
                {"foo": 1},
                "failed to create typed patch object (/s; /v1, Kind=ConfigMap): .foo: field not declared in schema",
                id="an unknown field",
            ),
            pytest.param(
                {"data": {"a": 1}},
                "failed to create typed patch object (/s; /v1, Kind=ConfigMap): .data.a: expected string, got int64",
                id="a wrong type",
            ),
            pytest.param(
                {"data": []},
                "failed to create typed patch object (/s; /v1, Kind=ConfigMap): .data: expected map, got &{[]}",
                id="a list for a map",
            ),
        ],
    )
    async def test_a_configuration_that_is_none(self, api: Any, change: dict[str, Any], message: str) -> None:
        answer = await applied(api, {**config_map(), **change})
        assert (answer.status, answer.message) == (400, message)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"[1]", id="a list"),
            pytest.param(b"{", id="cut off"),
            pytest.param(b"\xff\xfe", id="no UTF-8"),
            pytest.param(b"a: [" * 3000, id="deep"),
            pytest.param(b'{"apiVersion":"v1","kind":"ConfigMap","metadata":3}', id="metadata is no object"),
            pytest.param(b'{"apiVersion":1,"kind":["ConfigMap"]}', id="no kind"),
        ],
    )
    async def test_a_body_that_is_none(self, api: Any, body: bytes) -> None:
        assert (await applied(api, body)).status == 400

    async def test_two_items_with_the_same_key(self, api: Any) -> None:
        config = deployment()
        config["spec"]["template"]["spec"]["containers"] *= 2
        answer = await applied(api, config, path=f"{DEPLOYMENTS}/web")
        assert answer.status == 400
        assert answer.message.endswith('.spec.template.spec.containers: duplicate entries for key [name="c"]')

    async def test_a_repeated_key_when_strict(self, api: Any) -> None:
        body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: s\ndata:\n  a: '1'\n  a: '2'\n"
        answer = await applied(api, body, query="&fieldValidation=Strict")
        assert (answer.status, answer.message) == (400, 'error strict decoding YAML: duplicate field "a"')

    async def test_cbor(self, api: Any) -> None:
        headers = {"content-type": "application/apply-patch+cbor"}
        answer = await api("PATCH", f"{CONFIG_MAPS}/s?fieldManager=one", b"\xa0", headers=headers)
        assert answer.status == 415
        assert "application/apply-patch+cbor is not supported" in answer.message

    async def test_a_status_of_what_is_not_there(self, api: Any) -> None:
        config = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Running"}}
        answer = await applied(api, config, path=f"{PODS}/p/status")
        assert answer.status == 404


class TestWriters:
    async def test_a_create_is_tracked_under_the_client(self, api: Any, golden: Callable[[str], Any]) -> None:
        expected = golden("pod-created")
        pod = {
            "metadata": {"name": "p", "labels": expected["metadata"]["labels"]},
            "spec": {"containers": [{"name": "c", "image": "busybox"}]},
        }
        created = await api.ok("POST", PODS, pod, headers={"user-agent": "curl/8.0"})
        assert managers(created) == managers(expected)

    async def test_an_update_takes_what_it_changes(self, api: Any) -> None:
        created = await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=a", config_map(x="1", y="1"))
        created["data"] = {"x": "2", "z": "1"}
        updated = await api.ok("PUT", f"{CONFIG_MAPS}/s?fieldManager=b", created)
        assert managers(updated) == {
            ("a", "Update", ""): {"f:data": {}},
            ("b", "Update", ""): {"f:data": {"f:x": {}, "f:z": {}}},
        }

    async def test_the_same_manager_keeps_one_entry(self, api: Any) -> None:
        created = await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=a", config_map(x="1"))
        created["data"]["y"] = "1"
        api.core.clock.advance(60)
        updated = await api.ok("PUT", f"{CONFIG_MAPS}/s?fieldManager=a", created)
        assert managers(updated) == {("a", "Update", ""): {"f:data": {".": {}, "f:x": {}, "f:y": {}}}}
        assert updated["metadata"]["managedFields"][0]["time"] > created["metadata"]["managedFields"][0]["time"]

    async def test_an_applier_loses_what_another_changes(self, api: Any) -> None:
        await applied(api, config_map(a="1", b="1"))
        patched = await api.ok("PATCH", f"{CONFIG_MAPS}/s", {"data": {"a": "2"}}, headers=MERGE)
        assert managers(patched)[("one", "Apply", "")] == {"f:data": {"f:b": {}}}

    async def test_a_status_has_an_entry_of_its_own(self, api: Any) -> None:
        pod = await api.ok(
            "POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
        )
        pod["status"] = {**pod["status"], "podIP": "10.0.0.9"}
        updated = await api.ok("PUT", f"{PODS}/p/status", pod, headers={"user-agent": "kubelet/v1.32"})
        assert managers(updated)[("kubelet", "Update", "status")] == {"f:status": {"f:podIP": {}}}

    async def test_scale_has_an_entry_of_its_own(self, api: Any) -> None:
        await api.ok("POST", DEPLOYMENTS, deployment(replicas=1), headers={"user-agent": "maker/1"})
        scale = {"spec": {"replicas": 3}}
        await api.ok("PATCH", f"{DEPLOYMENTS}/web/scale?fieldManager=scaler", scale, headers=MERGE)
        found = managers(await api.ok("GET", f"{DEPLOYMENTS}/web"))
        assert found[("scaler", "Update", "scale")] == {"f:spec": {"f:replicas": {}}}
        assert "f:replicas" not in found[("maker", "Update", "")]["f:spec"]

    async def test_a_scale_is_applied(self, api: Any) -> None:
        await applied(api, deployment(replicas=1), path=f"{DEPLOYMENTS}/web")
        scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
        answer = await applied(api, scale, "two", f"{DEPLOYMENTS}/web/scale")
        assert answer.message == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
        answer = await applied(api, scale, "two", f"{DEPLOYMENTS}/web/scale", "&force=true")
        assert answer.json["spec"] == {"replicas": 3}
        found = managers(await api.ok("GET", f"{DEPLOYMENTS}/web"))
        assert found[("two", "Apply", "scale")] == {"f:spec": {"f:replicas": {}}}

    async def test_a_status_is_applied(self, api: Any) -> None:
        await api.ok("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}})
        condition = {"type": "example.com/Ready", "status": "True"}
        config = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"conditions": [condition]}}
        answer = await applied(api, config, path=f"{PODS}/p/status")
        assert managers(answer.json)[("one", "Apply", "status")] == {
            "f:status": {"f:conditions": {'k:{"type":"example.com/Ready"}': {".": {}, "f:status": {}, "f:type": {}}}}
        }

    async def test_a_binding_is_nobodys(self, api: Any) -> None:
        await api.ok("POST", PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}})
        before = managers(await api.ok("GET", f"{PODS}/p"))
        await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
        await api.ok("GET", "/api/v1/nodes")
        await api.ok("POST", f"{PODS}/p/binding", {"target": {"kind": "Node", "name": "n"}})
        assert managers(await api.ok("GET", f"{PODS}/p")) == before

    async def test_too_many_updaters_are_merged(self, api: Any) -> None:
        obj = await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=m00", config_map(k00="1"))
        for number in range(1, 13):
            api.core.clock.advance(1)
            obj["data"][f"k{number:02}"] = "1"
            obj = await api.ok("PUT", f"{CONFIG_MAPS}/s?fieldManager=m{number:02}", obj)
        found = managers(obj)
        assert len(found) == 10
        assert found[("ancient-changes", "Update", "")] == {
            "f:data": {".": {}, "f:k00": {}, "f:k01": {}, "f:k02": {}, "f:k03": {}}
        }


class TestEntriesOfAClient:
    @pytest.mark.parametrize("entries", [pytest.param([], id="no entry"), pytest.param([{}], id="an empty entry")])
    async def test_reset(self, api: Any, entries: list[Any]) -> None:
        created = await api.ok("POST", CONFIG_MAPS, config_map(x="1"))
        created["metadata"]["managedFields"] = entries
        updated = await api.ok("PUT", f"{CONFIG_MAPS}/s", created)
        assert "managedFields" not in updated["metadata"]

    async def test_without_entries_the_first_apply_finds_one_manager(self, api: Any) -> None:
        created = await api.ok("POST", CONFIG_MAPS, config_map(x="1"))
        created["metadata"]["managedFields"] = [{}]
        await api.ok("PUT", f"{CONFIG_MAPS}/s", created)
        answer = await applied(api, config_map(x="2"))
        assert answer.message == ('Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x')

    async def test_a_patch_may_replace_them(self, api: Any) -> None:
        await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=a", config_map(x="1"))
        entry = {
            "manager": "b",
            "operation": "Apply",
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:x": {}}},
        }
        operations = [{"op": "replace", "path": "/metadata/managedFields", "value": [entry]}]
        patched = await api.ok("PATCH", f"{CONFIG_MAPS}/s", operations, headers=JSON_PATCH)
        assert managers(patched) == {("b", "Apply", ""): {"f:data": {"f:x": {}}}}

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param({"manager": "b", "operation": "Steal"}, id="an unknown operation"),
            pytest.param({"manager": "b", "operation": "Apply", "fieldsType": "FieldsV1"}, id="no version"),
            pytest.param(
                {"operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV2", "fieldsV1": {}}, id="another type"
            ),
            pytest.param(
                {"operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"garbage": {}}},
                id="a set that is none",
            ),
        ],
    )
    async def test_what_is_no_entry_is_not_stored(self, api: Any, entry: dict[str, Any]) -> None:
        created = await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=a", config_map(x="1"))
        sent = {**created, "metadata": {**created["metadata"], "managedFields": [entry]}}
        assert managers(await api.ok("PUT", f"{CONFIG_MAPS}/s", sent)) == managers(created)


class TestClientSideApply:
    def client_side(self, **data: str) -> dict[str, Any]:
        config = config_map(**data)
        annotation = {"kubectl.kubernetes.io/last-applied-configuration": orjson.dumps(config).decode()}
        return {**config, "metadata": {"name": "s", "annotations": annotation}}

    async def test_kubectl_takes_over_what_its_annotation_holds(self, api: Any) -> None:
        await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=kubectl-client-side-apply", self.client_side(a="1"))
        answer = await applied(api, config_map(a="2"), "kubectl")
        assert answer.status == 200, answer.message
        annotation = answer.json["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        assert orjson.loads(annotation) == config_map(a="2")

    async def test_nobody_else_does(self, api: Any) -> None:
        await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=kubectl-client-side-apply", self.client_side(a="1"))
        answer = await applied(api, config_map(a="2"), "helm")
        assert answer.message == (
            'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a'
        )

    async def test_what_was_changed_since_still_conflicts(self, api: Any) -> None:
        await api.ok("POST", f"{CONFIG_MAPS}?fieldManager=kubectl-client-side-apply", self.client_side(a="1", b="1"))
        await api.ok("PATCH", f"{CONFIG_MAPS}/s?fieldManager=ed", {"data": {"b": "2"}}, headers=MERGE)
        answer = await applied(api, config_map(a="3", b="3"), "kubectl")
        assert answer.message == 'Apply failed with 1 conflict: conflict with "ed" using v1: .data.b'


class TestVersions:
    async def test_an_older_version_applies_to_what_is_stored(self, api: Any) -> None:
        config = {
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "maxReplicas": 3,
                "targetCPUUtilizationPercentage": 50,
            },
        }
        path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h"
        answer = await applied(api, config, path=path)
        assert answer.status == 201, answer.message
        assert answer.json["spec"]["targetCPUUtilizationPercentage"] == 50
        again = await applied(api, config, path=path)
        assert again.json == answer.json
        assert set(managers(answer.json)[("one", "Apply", "")]["f:spec"]) == {
            "f:maxReplicas",
            "f:metrics",
            "f:scaleTargetRef",
        }
        config["spec"] = {**config["spec"], "maxReplicas": 4}
        other = await applied(api, config, "two", path)
        assert other.message == 'Apply failed with 1 conflict: conflict with "one": .spec.maxReplicas'

    @pytest.mark.parametrize(
        ("spec", "owned"),
        [
            pytest.param({"maxReplicas": 3}, {"f:maxReplicas"}, id="what the conversion adds is nobody's"),
            pytest.param(
                {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80},
                {"f:maxReplicas", "f:metrics"},
                id="a target that is the implied one is owned",
            ),
        ],
    )
    async def test_only_what_was_sent_is_owned(self, api: Any, spec: dict[str, Any], owned: set[str]) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        config = {
            "apiVersion": "autoscaling/v1",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h"},
            "spec": {"scaleTargetRef": target, **spec},
        }
        answer = await applied(api, config, path="/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h")
        assert answer.status == 201, answer.message
        assert set(managers(answer.json)[("one", "Apply", "")]["f:spec"]) == {*owned, "f:scaleTargetRef"}
