"""No request takes for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apiserver.storage.store import StoreTimeout, StoreUnavailable
from apiserver.time_limit import parse_duration
from minikube_py.api.errors import BadRequest

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def stuck(api: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes every question to the store end in ``failure``, or never."""

    def become(failure: Exception | None = None) -> None:
        async def call(*_: Any, **__: Any) -> None:
            if failure is not None:
                raise failure
            await asyncio.Event().wait()

        for method in ("get", "range", "create", "update", "delete", "current_revision"):
            monkeypatch.setattr(type(api.core.store), method, call)

    return become


REQUESTS = [
    pytest.param("GET", CONFIG_MAPS, None, id="list"),
    pytest.param("GET", f"{CONFIG_MAPS}/a", None, id="get"),
    pytest.param("POST", CONFIG_MAPS, {"metadata": {"name": "b"}}, id="create"),
    pytest.param("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"a": "2"}}, id="update"),
    pytest.param("DELETE", f"{CONFIG_MAPS}/a", None, id="delete"),
    pytest.param("DELETE", CONFIG_MAPS, None, id="delete all"),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_request_that_hangs_is_cut_off(
    api: Any, stuck: Callable[..., None], method: str, path: str, body: Any
) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    stuck()
    answer = await within_seconds(5, api(method, f"{path}?timeout=20ms", body))
    assert (answer.status, answer.json["reason"], answer.headers["retry-after"]) == (504, "Timeout", "1")
    assert "Timeout: request did not complete within the allotted timeout" in answer.message


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(StoreTimeout("no answer"), 504, id="etcd is silent"),
        pytest.param(StoreUnavailable("refused"), 503, id="etcd is away"),
    ],
)
async def test_a_failing_store_is_told_with_when_to_try_again(
    api: Any, stuck: Callable[..., None], method: str, path: str, body: Any, failure: Exception, status: int
) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    stuck(failure)
    answer = await within_seconds(5, api(method, path, body))
    assert answer.status == status
    assert answer.headers["retry-after"] == "1"
    assert answer.json["details"]["retryAfterSeconds"] == 1


async def test_a_body_that_never_comes_is_not_waited_for(api: Any) -> None:
    api.core.settings.request_timeout_seconds = 0.02

    async def never() -> Any:
        await asyncio.Event().wait()

    answer = await within_seconds(5, api("POST", CONFIG_MAPS, receive=never))
    assert answer.status == 504


async def test_a_watch_outlives_the_limit(api: Any) -> None:
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    api.core.settings.request_timeout_seconds = 0.02
    events = api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion=0&timeoutSeconds=5")
    first = await within_seconds(5, anext(events))
    await asyncio.sleep(0.04)
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "later"}})
    while first["object"]["metadata"]["name"] != "later":
        first = await within_seconds(5, anext(events))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("32s", 32, id="what kubectl sends"),
        pytest.param("1m30s", 90, id="two parts"),
        pytest.param("1.5h", 5400, id="a fraction"),
        pytest.param("10ms", 0.01, id="milliseconds"),
        pytest.param("0", 0, id="nought"),
    ],
)
def test_go_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["32", "s", "-1s", "1s1", "abc", "1_0s", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid timeout specified in the request URL"):
        parse_duration(text)


async def within_seconds(seconds: float, awaitable: Awaitable[Any]) -> Any:
    async with asyncio.timeout(seconds):
        return await awaitable
