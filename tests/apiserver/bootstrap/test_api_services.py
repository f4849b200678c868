"""The APIServices of what the server answers itself."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.bootstrap.api_services import ensure_api_services

PATH = "/apis/apiregistration.k8s.io/v1/apiservices"


async def test_every_group_and_version_has_one_that_is_available(api: Any) -> None:
    items = (await api.ok("GET", PATH))["items"]
    served = {(row.group, row.version) for row in api.core.table.rows} - {("apiregistration.k8s.io", "v1")}
    assert {(item["spec"].get("group", ""), item["spec"]["version"]) for item in items} == served
    for item in items:
        assert item["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
        [condition] = item["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")


@pytest.mark.parametrize(
    ("name", "group", "version"),
    [
        pytest.param("v1.", 18000, 1, id="core"),
        pytest.param("v1.apps", 17800, 15, id="apps"),
        pytest.param("v1.autoscaling", 17500, 15, id="the elder autoscaling"),
        pytest.param("v2.autoscaling", 17500, 30, id="autoscaling"),
    ],
)
async def test_priorities_are_upstreams(api: Any, name: str, group: int, version: int) -> None:
    spec = (await api.ok("GET", f"{PATH}/{name}"))["spec"]
    assert (spec["groupPriorityMinimum"], spec["versionPriority"]) == (group, version)


async def test_a_start_puts_right_and_takes_away_what_is_its_own(api: Any) -> None:
    def body(name: str, **labels: str) -> Any:
        version, _, group = name.partition(".")
        spec = {"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 1}
        return {"metadata": {"name": name, "labels": labels}, "spec": spec}

    await api.ok("POST", PATH, body("v9.gone.io", **{"kube-aggregator.kubernetes.io/automanaged": "onstart"}))
    await api.ok("POST", PATH, body("v9.mine.io"))
    await api.ok(
        "PATCH",
        f"{PATH}/v1.apps",
        {"spec": {"versionPriority": 3}},
        headers={"content-type": "application/merge-patch+json"},
    )
    await api.ok("GET", PATH)
    await ensure_api_services(api.core)
    assert (await api("GET", f"{PATH}/v9.gone.io")).status == 404
    assert (await api("GET", f"{PATH}/v9.mine.io")).status == 200
    assert (await api.ok("GET", f"{PATH}/v1.apps"))["spec"]["versionPriority"] == 15
    before = await api.core.store.current_revision()
    await ensure_api_services(api.core)
    assert await api.core.store.current_revision() == before
