import asyncio
from collections.abc import Awaitable, Callable

import pytest

from minikube_py.api.resources import LEASES
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime import metrics
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.leader_election import LeaderElector, LeadershipLost, stable_identity


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock)


def elector(client: FakeClient, clock: FakeClock, identity: str) -> LeaderElector:
    return LeaderElector(client, clock, "kube-scheduler", identity)


async def forever() -> None:
    await asyncio.Event().wait()


def start(candidate: LeaderElector, lead: Callable[[], Awaitable[None]] = forever) -> asyncio.Task[None]:
    return asyncio.ensure_future(candidate.run(lead))


async def stop(*running: asyncio.Task[None]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_the_first_leads_at_once(client, clock):
    first = elector(client, clock, "a")
    running = start(first)
    await clock.run(0)
    assert first.leading
    lease = client.object(LEASES, "kube-scheduler", "kube-system")
    assert lease is not None
    assert lease["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 0,
    }
    assert 'leader_election_master_status{name="kube-scheduler"} 1.0' in metrics.exposition().decode()
    await stop(running)


async def test_the_second_waits_and_takes_over_when_the_lease_is_given_back(client, clock):
    first, second = elector(client, clock, "a"), elector(client, clock, "b")
    running = start(first)
    await clock.run(0)
    waiting = start(second)
    await clock.run(60)
    assert (first.leading, second.leading) == (True, False)
    await stop(running)
    await clock.run(5)
    assert second.leading
    lease = client.object(LEASES, "kube-scheduler", "kube-system")
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 1
    await stop(waiting)


async def test_a_lease_that_is_not_renewed_is_taken_after_its_duration(client, clock):
    client.seed(
        LEASES,
        {
            "metadata": {"name": "kube-scheduler", "namespace": "kube-system"},
            "spec": {"holderIdentity": "gone", "leaseDurationSeconds": 15, "leaseTransitions": 3},
        },
    )
    candidate = elector(client, clock, "a")
    running = start(candidate)
    await clock.run(14)
    assert not candidate.leading
    await clock.run(7)
    assert candidate.leading
    await stop(running)


async def test_who_can_not_renew_stops(client, clock):
    candidate = elector(client, clock, "a")
    running = start(candidate)
    await clock.run(5)

    def refuse(action: object) -> None:
        raise ConnectionFailed("cut off")

    client.react("*", LEASES, refuse)
    await clock.run(20)
    with pytest.raises(LeadershipLost, match="lease kube-system/kube-scheduler not renewed"):
        await running
    assert not candidate.leading


async def test_a_failure_of_the_work_is_raised_and_the_lease_given_back(client, clock):
    async def fail() -> None:
        raise ValueError("broken")

    running = start(elector(client, clock, "a"), fail)
    await clock.run(0)
    with pytest.raises(ValueError, match="broken"):
        await running
    lease = client.object(LEASES, "kube-scheduler", "kube-system")
    assert lease is not None
    assert "holderIdentity" not in lease["spec"]


def test_durations_that_can_not_work_are_refused(client, clock):
    with pytest.raises(ValueError, match="lease_duration must exceed"):
        LeaderElector(client, clock, "x", "a", lease_duration=5, renew_deadline=10)


def test_an_identity_outlives_the_process_where_a_port_tells_replicas_apart():
    mine = stable_identity("127.0.0.1", 10259, "/etc/scheduler.conf")
    assert mine == stable_identity("127.0.0.1", 10259, "/etc/scheduler.conf")
    others = [
        stable_identity("127.0.0.1", 10260, "/etc/scheduler.conf"),
        stable_identity("127.0.0.2", 10259, "/etc/scheduler.conf"),
        stable_identity("127.0.0.1", 10259, "/etc/other.conf"),
        stable_identity("127.0.0.1", 0, "/etc/scheduler.conf"),
        stable_identity("127.0.0.1", 0, "/etc/scheduler.conf"),
    ]
    assert len({mine, *others}) == 6


async def test_a_killed_leader_takes_its_own_lease_up_at_once(client, clock):
    killed, started_again = elector(client, clock, "a"), elector(client, clock, "a")
    running = start(killed)
    await clock.run(1)
    again = start(started_again)
    await clock.run(0)
    assert started_again.leading
    assert client.object(LEASES, "kube-scheduler", "kube-system")["spec"]["leaseTransitions"] == 0
    await stop(running, again)
