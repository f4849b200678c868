from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission.limits import ANNOTATION, Limits, claim_violations, pod_violations, with_defaults

NAMESPACE = "/api/v1/namespaces/default"


def limits(**item: Any) -> Limits:
    return Limits.read({"spec": {"limits": [{"type": "Container", **item}]}})


def pod(*resources: Any, init: Any = None, **spec: Any) -> Any:
    containers = [{"name": f"c{index}", "resources": item} for index, item in enumerate(resources)]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers, **spec}} | (
        {} if init is None else {"spec": {"containers": containers, "initContainers": [init], **spec}}
    )


def test_containers_get_the_defaults_that_they_lack() -> None:
    given = with_defaults(
        pod({}, {"limits": {"cpu": "1"}}, init={"name": "i"}),
        limits(default={"cpu": "500m", "memory": "1Gi"}, defaultRequest={"cpu": "100m"}),
    )
    spec = given["spec"]
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "100m"},
        "limits": {"cpu": "500m", "memory": "1Gi"},
    }
    assert spec["containers"][1]["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert given["metadata"]["annotations"][ANNOTATION] == (
        "LimitRanger plugin set: cpu request for container c0; cpu, memory limit for container c0; "
        "cpu request for container c1; memory limit for container c1; "
        "cpu request for init container i; cpu, memory limit for init container i"
    )


def test_a_pod_that_lacks_nothing_stays_as_it_is() -> None:
    whole = pod({"requests": {"cpu": "1"}})
    assert with_defaults(whole, limits(defaultRequest={"cpu": "2"})) is whole


@pytest.mark.parametrize(
    ("bounds", "resources", "expected"),
    [
        pytest.param({"min": {"cpu": "100m"}}, {"requests": {"cpu": "100m"}}, [], id="at the minimum"),
        pytest.param(
            {"min": {"cpu": "100m"}},
            {"requests": {"cpu": "50m"}},
            ["minimum cpu usage per Container is 100m, but request is 50m"],
            id="below",
        ),
        pytest.param(
            {"min": {"cpu": "100m"}},
            {},
            ["minimum cpu usage per Container is 100m. No request is specified"],
            id="none",
        ),
        pytest.param(
            {"min": {"memory": "1Gi"}},
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Mi"}},
            ["minimum memory usage per Container is 1Gi, but limit is 1Mi"],
            id="a limit below",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            {"limits": {"memory": "2Gi"}},
            ["maximum memory usage per Container is 1Gi, but limit is 2Gi"],
            id="above",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            {},
            ["maximum memory usage per Container is 1Gi. No limit is specified"],
            id="no limit",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "3"}},
            {"requests": {"cpu": "100m"}, "limits": {"cpu": "400m"}},
            ["cpu max limit to request ratio per Container is 3, but provided ratio is 4.000000"],
            id="a ratio above",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "3"}},
            {"limits": {"cpu": "400m"}},
            ["cpu max limit to request ratio per Container is 3, but no request is specified or request is 0"],
            id="a ratio to nothing",
        ),
    ],
)
def test_the_bounds_of_containers(bounds: Any, resources: Any, expected: list[str]) -> None:
    assert list(pod_violations(pod(resources), limits(**bounds))) == expected


def test_the_bounds_of_pods_are_for_the_sum_without_overhead() -> None:
    bounds = Limits.read({"spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}})
    half = {"requests": {"cpu": "500m"}, "limits": {"cpu": "500m"}}
    assert list(pod_violations(pod(half, half, overhead={"cpu": "1"}), bounds)) == []
    assert list(pod_violations(pod(half, half, half), bounds)) == ["maximum cpu usage per Pod is 1, but limit is 1500m"]


def test_the_bounds_of_claims_are_for_requests() -> None:
    item = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}
    bounds = Limits.read({"spec": {"limits": [item]}})

    def violated(storage: str) -> list[str]:
        return list(claim_violations({"spec": {"resources": {"requests": {"storage": storage}}}}, bounds))

    assert violated("2Gi") == []
    assert violated("3Gi") == ["maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"]
    assert violated("1Mi") == ["minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"]


@pytest.mark.conformance("LimitRange, resources")
async def test_a_server_defaults_and_refuses(api: Any) -> None:
    item = {
        "type": "Container",
        "min": {"cpu": "50m", "memory": "100Mi"},
        "max": {"cpu": "500m", "memory": "500Mi"},
        "default": {"cpu": "300m", "memory": "300Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "200Mi"},
    }
    body = {"metadata": {"name": "l"}, "spec": {"limits": [item]}}
    await api.ok("POST", f"{NAMESPACE}/limitranges", body)
    await api.ok("GET", f"{NAMESPACE}/limitranges")

    async def create(name: str, resources: Any) -> Any:
        spec = {"containers": [{"name": "c", "image": "x", "resources": resources}]}
        return await api("POST", f"{NAMESPACE}/pods", {"metadata": {"name": name}, "spec": spec})

    created = (await create("a", {})).json
    assert created["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "200Mi"},
        "limits": {"cpu": "300m", "memory": "300Mi"},
    }
    answer = await create(
        "b", {"requests": {"cpu": "10m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "300Mi"}}
    )
    assert (answer.status, answer.message) == (
        403,
        'pods "b" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, '
        "maximum cpu usage per Container is 500m, but limit is 1]",
    )
    changed = {"metadata": {"name": "l"}, "spec": {"limits": [{**item, "min": {"cpu": "9m"}}]}}
    await api.ok("PUT", f"{NAMESPACE}/limitranges/l", changed)
    await api.ok("GET", f"{NAMESPACE}/limitranges")
    assert (await create("c", {"requests": {"cpu": "10m", "memory": "1Mi"}})).status == 201
    assert (await create("d", {"requests": {"cpu": "8m", "memory": "1Mi"}})).status == 403
    await api.ok("DELETE", f"{NAMESPACE}/limitranges/l")
    await api.ok("GET", f"{NAMESPACE}/limitranges")
    assert (await create("b", {})).status == 201
