"""The Lease by which a server is known."""

from __future__ import annotations

from typing import Any

from apiserver.bootstrap.identity_lease import collect, lease_name, renew

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


def test_the_name_follows_from_the_host() -> None:
    assert lease_name("one") == lease_name("one") != lease_name("two")
    assert len(lease_name("one")) == len("apiserver-") + 26


async def test_a_lease_is_renewed_by_its_holder_and_left_alone_by_other_workers(api: Any) -> None:
    await renew(api.core, "host", "a")
    path = f"{LEASES}/{lease_name('host')}"
    first = await api.ok("GET", path)
    assert first["metadata"]["labels"] == {
        "apiserver.kubernetes.io/identity": "kube-apiserver",
        "kubernetes.io/hostname": "host",
    }
    assert (first["spec"]["holderIdentity"], first["spec"]["leaseDurationSeconds"]) == ("a", 3600)
    api.core.clock.advance(10)
    await renew(api.core, "host", "b")
    assert await api.ok("GET", path) == first
    await renew(api.core, "host", "a")
    second = (await api.ok("GET", path))["spec"]
    assert second["acquireTime"] == first["spec"]["acquireTime"] < second["renewTime"]
    api.core.clock.advance(30)
    await renew(api.core, "host", "b")
    taken = (await api.ok("GET", path))["spec"]
    assert (taken["holderIdentity"], taken["acquireTime"]) == ("b", taken["renewTime"])


async def test_those_of_servers_that_are_gone_are_taken_away(api: Any) -> None:
    await renew(api.core, "old", "a")
    other = {"metadata": {"name": "other"}, "spec": {"leaseDurationSeconds": 1}}
    await api.ok("POST", LEASES, other)
    api.core.clock.advance(3601)
    await renew(api.core, "new", "b")
    await api.ok("GET", LEASES)
    await collect(api.core)
    names = {item["metadata"]["name"] for item in (await api.ok("GET", LEASES))["items"]}
    assert names == {"other", lease_name("new")}
