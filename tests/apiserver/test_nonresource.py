"""Discovery, version, health, metrics, OpenAPI through the one endpoint."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def test_version(api: Any) -> None:
    version = await api.ok("GET", "/version", user=None)
    assert (version["major"], version["minor"]) == ("1", "32")
    assert version["gitVersion"].startswith("v1.32.")


@pytest.mark.parametrize("path", ["/api", "/apis"])
async def test_discovery_in_both_forms(api: Any, path: str) -> None:
    plain = await api("GET", path)
    assert plain.json["kind"] in ("APIVersions", "APIGroupList")
    found = await api("GET", path, headers={"accept": AGGREGATED})
    assert found.json["kind"] == "APIGroupDiscoveryList"
    assert found.headers["content-type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    again = await api("GET", path, headers={"accept": AGGREGATED, "if-none-match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/api/v1", "/apis/apps", "/apis/apps/v1", "/", "/openapi/v3", "/openapi/v3/apis/apps/v1"]
)
async def test_documents(api: Any, path: str) -> None:
    assert await api.ok("GET", path)


async def test_openapi_is_sent_packed_to_who_takes_it(api: Any) -> None:
    answer = await api("GET", "/openapi/v3/apis/coordination.k8s.io/v1", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(answer.body))["openapi"] == "3.0.0"


@pytest.mark.parametrize("kind", ["healthz", "livez", "readyz"])
async def test_health_tells_its_checks_when_asked(api: Any, kind: str) -> None:
    assert (await api("GET", f"/{kind}")).body == b"ok"
    told = (await api("GET", f"/{kind}?verbose")).body.decode()
    assert "[+]etcd ok\n" in told
    assert told.endswith(f"{kind} check passed\n")
    assert (await api("GET", f"/{kind}/etcd")).body == b"ok"
    assert (await api("GET", f"/{kind}/bogus")).status == 404


async def test_a_check_that_fails_is_named_but_not_explained(api: Any) -> None:
    api.core.stopping = True
    answer = await api("GET", "/readyz")
    assert answer.status == 500
    assert "[-]shutdown failed: reason withheld\n" in answer.body.decode()
    assert (await api("GET", "/readyz?exclude=shutdown")).status == 200
    assert (await api("GET", "/livez")).status == 200


async def test_metrics_count_requests(api: Any) -> None:
    await api("GET", "/api/v1/pods")
    text = (await api("GET", "/metrics")).body.decode()
    what = 'group="",version="v1",resource="pods",subresource="",scope="cluster",component="apiserver"'
    assert f'apiserver_request_total{{verb="LIST",dry_run="",{what},code="200"}} 1\n' in text
    assert "apiserver_current_inflight_requests" in text


async def test_a_store_that_is_down_is_told_as_unavailable(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from apiserver.storage.store import NoSpace, StoreTimeout, StoreUnavailable

    path = "/api/v1/namespaces/default/configmaps"
    for error, status in ((StoreUnavailable("gone"), 503), (StoreTimeout("slow"), 504), (NoSpace(), 500)):

        async def fail(*_: Any, raised: Exception = error, **__: Any) -> int:
            raise raised

        monkeypatch.setattr(api.core.store, "create", fail)
        answer = await api("POST", path, {"metadata": {"name": "x"}})
        assert answer.status == status
        assert str(error) in answer.message


async def test_what_nobody_foresaw_is_a_status_too(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.core, "new_uid", lambda: 1 / 0)
    answer = await api("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "x"}})
    assert (answer.status, answer.json["reason"]) == (500, "InternalError")
    assert "ZeroDivisionError" in answer.message
