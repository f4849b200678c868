"""What ``/metrics`` and ``/metrics/slis`` tell of requests, watches, access and admission."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

MAPS = "/api/v1/namespaces/default/configmaps"


async def value(api: Any, name: str, path: str = "/metrics", /, **labels: str) -> float | None:
    """The sample of that name with these labels among others, or None."""
    text = (await api("GET", path)).body.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in (name, f"{name}_total") and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


@pytest.mark.parametrize(
    "name",
    [
        "apiserver_audit_event_total",
        "apiserver_audit_requests_rejected_total",
        "apiserver_client_certificate_expiration_seconds_count",
        "apiserver_current_inflight_requests",
        "serviceaccount_legacy_tokens_total",
        "serviceaccount_stale_tokens_total",
        "serviceaccount_valid_tokens_total",
        "kubernetes_build_info",
        "apiserver_storage_objects",
        "apiserver_storage_size_bytes",
        "apiserver_cache_list_total",
        "apiserver_watch_cache_events_received_total",
        "apiserver_flowcontrol_nominal_limit_seats",
    ],
)
async def test_what_is_known_beforehand_is_there_from_the_start(api: Any, name: str) -> None:
    assert await value(api, name) is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "labels"),
    [
        pytest.param("GET", MAPS, None, {}, {"verb": "LIST", "scope": "namespace", "code": "200"}, id="a list"),
        pytest.param("GET", f"{MAPS}/no", None, {}, {"verb": "GET", "scope": "resource", "code": "404"}, id="a miss"),
        pytest.param(
            "POST", MAPS, {"metadata": {"name": "a"}}, {}, {"verb": "POST", "dry_run": "", "code": "201"}, id="a create"
        ),
        pytest.param(
            "POST",
            f"{MAPS}?dryRun=All",
            {"metadata": {"name": "a"}},
            {},
            {"verb": "POST", "dry_run": "All", "code": "201"},
            id="a dry run",
        ),
        pytest.param(
            "PATCH",
            f"{MAPS}/a?fieldManager=m",
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
            {"content-type": "application/apply-patch+yaml"},
            {"verb": "APPLY", "code": "201"},
            id="an apply",
        ),
        pytest.param("DELETE", MAPS, None, {}, {"verb": "DELETECOLLECTION", "code": "200"}, id="a whole collection"),
        pytest.param(
            "POST",
            "/api/v1/namespaces/default/pods/p/exec?command=ls",
            None,
            {},
            {"verb": "CONNECT", "resource": "pods", "subresource": "exec"},
            id="an exec",
        ),
    ],
)
async def test_requests_are_told_apart_as_upstream(
    api: Any, method: str, path: str, body: Any, headers: dict[str, str], labels: dict[str, str]
) -> None:
    await api(method, path, body, headers=headers)
    labels = {"group": "", "version": "v1", "component": "apiserver", **labels}
    assert await value(api, "apiserver_request_total", **labels) == 1
    del labels["version"]
    code = labels.pop("code", None)
    for name in ("apiserver_request_duration_seconds_count", "apiserver_request_sli_duration_seconds_count"):
        assert await value(api, name, **labels) == 1, code


async def test_paths_made_up_by_clients_make_no_series(api: Any) -> None:
    for path in ("/made-up", "/apis/made.up/v1/things", f"{MAPS}/a/made-up"):
        await api("GET", path)
    text = (await api("GET", "/metrics")).body.decode()
    assert "made-up" not in text
    assert "made.up" not in text


async def test_a_watch_is_open_until_its_end_and_its_events_are_counted(api: Any) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    response = await api.respond("GET", f"{MAPS}?watch=true&resourceVersion=0&timeoutSeconds=1")
    assert await value(api, "apiserver_longrunning_requests", verb="WATCH", resource="configmaps") == 1
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        if chunk := message.get("body", b""):
            sent.append(chunk)
            api.core.clock.advance(2)

    async def receive() -> Any:
        return {"type": "http.disconnect"} if sent else await never()

    async def never() -> Any:
        await asyncio.Event().wait()

    await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)
    assert await value(api, "apiserver_longrunning_requests", verb="WATCH", resource="configmaps") == 0
    assert await value(api, "apiserver_request_total", verb="WATCH", resource="configmaps") == 1
    labels = {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert await value(api, "apiserver_watch_events_total", **labels) == 1
    assert await value(api, "apiserver_watch_events_sizes_count", **labels) == 1


async def test_who_asks_and_why_they_may_is_counted(api: Any) -> None:
    await api("GET", MAPS, headers={"authorization": "Bearer wrong"}, user=None)
    await api("GET", "/version", user=("jane@example.org",))
    assert await value(api, "authentication_attempts", result="failure") == 1
    assert await value(api, "authenticated_user_requests", username="email_id") == 1
    assert await value(api, "apiserver_authorization_decisions_total", type="RBAC", decision="allowed") == 1
    certificates = await value(api, "apiserver_client_certificate_expiration_seconds_count") or 0
    # The scrape that told the one comes before the scrape that tells the other.
    assert await value(api, "authentication_attempts", result="success") == certificates + 1


async def test_admission_is_timed_by_plugin_and_result(api: Any) -> None:
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    await api("POST", "/api/v1/namespaces/absent/configmaps", {"metadata": {"name": "a"}})
    name = "apiserver_admission_controller_admission_duration_seconds_count"
    labels = {"name": "NamespaceLifecycle", "operation": "CREATE"}
    assert await value(api, name, rejected="true", **labels) == 1
    assert (await value(api, name, rejected="false", **labels) or 0) >= 1
    step = "apiserver_admission_step_admission_duration_seconds_count"
    assert (await value(api, step, type="validate", operation="CREATE", rejected="false") or 0) >= 1


async def test_the_objects_of_each_kind_are_counted(api: Any) -> None:
    before = await value(api, "apiserver_storage_objects", resource="configmaps")
    await api.ok("POST", MAPS, {"metadata": {"name": "a"}})
    await api.ok("GET", MAPS)
    assert await value(api, "apiserver_storage_objects", resource="configmaps") == (before or 0) + 1
    assert await value(api, "apiserver_cache_list_total", resource_prefix="/registry/core/configmaps") == 1


async def test_checks_are_told_as_indicators(api: Any) -> None:
    await api("GET", "/readyz")
    api.core.stopping = True
    await api("GET", "/readyz")
    labels = {"name": "shutdown", "type": "readyz"}
    assert await value(api, "kubernetes_healthcheck", "/metrics/slis", **labels) == 0
    total = "kubernetes_healthchecks_total"
    assert await value(api, total, "/metrics/slis", status="success", **labels) == 1
    assert await value(api, total, "/metrics/slis", status="error", **labels) == 1
