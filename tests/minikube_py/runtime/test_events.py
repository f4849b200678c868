from collections.abc import AsyncIterator

import pytest

from minikube_py.api import errors
from minikube_py.api.meta import Object
from minikube_py.api.resources import EVENTS
from minikube_py.client.fake import FakeClient
from minikube_py.client.protocol import ConnectionFailed
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.correlator import AGGREGATE_PREFIX
from minikube_py.runtime.events import EventRecorder
from minikube_py.runtime.tasks import Tasks

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {}},
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock)


@pytest.fixture
async def recorder(client: FakeClient, clock: FakeClock) -> AsyncIterator[EventRecorder]:
    tasks = Tasks()
    made = EventRecorder(client, "kubelet", clock, host="node-1")
    made.start(tasks)
    yield made
    await tasks.cancel_all()


async def test_an_event_tells_what_happened_to_whom(client, clock, recorder):
    recorder.event(POD | {"fieldPath": "spec.containers{c}"}, "Normal", "Pulled", "Image is there")
    await clock.run(0)
    (event,) = client.objects(EVENTS)
    assert event["metadata"]["namespace"] == "n"
    assert event["metadata"]["name"].startswith("p.")
    assert event["involvedObject"] == {
        "kind": "Pod",
        "namespace": "n",
        "name": "p",
        "uid": "u",
        "apiVersion": "v1",
        "resourceVersion": "7",
        "fieldPath": "spec.containers{c}",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Pulled", "Image is there")
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    assert event["reportingComponent"] == "kubelet"
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


async def test_an_event_of_a_cluster_scoped_object_is_in_default(client, clock, recorder):
    recorder.event({"kind": "Node", "apiVersion": "v1", "name": "node-1", "uid": "node-1"}, "Normal", "Starting", "")
    await clock.run(0)
    (event,) = client.objects(EVENTS)
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"]["name"] == "node-1"


async def test_a_repeated_event_is_counted_up(client, clock, recorder):
    for _ in range(3):
        recorder.event(POD, "Warning", "BackOff", "Back-off restarting")
        await clock.run(10)
    (event,) = client.objects(EVENTS)
    assert event["count"] == 3
    assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert event["lastTimestamp"] == "2026-01-01T00:00:20Z"


async def test_a_counted_event_that_was_deleted_is_made_again(client, clock, recorder):
    recorder.event(POD, "Normal", "Started", "x")
    await clock.run(1)
    client.remove(EVENTS, client.objects(EVENTS)[0]["metadata"]["name"], "n")
    recorder.event(POD, "Normal", "Started", "x")
    await clock.run(1)
    assert [event["count"] for event in client.objects(EVENTS)] == [1]


async def test_similar_events_are_merged(client, clock, recorder):
    for number in range(14):
        recorder.event(POD, "Warning", "Failed", f"attempt {number}")
    await clock.run(1)
    merged = [event for event in client.objects(EVENTS) if event["message"].startswith(AGGREGATE_PREFIX)]
    assert len(client.objects(EVENTS)) == 10
    assert [event["count"] for event in merged] == [5]
    assert merged[0]["message"] == AGGREGATE_PREFIX + "attempt 13"


async def test_one_object_has_25_events_and_then_one_every_five_minutes(client, clock, recorder):
    for number in range(40):
        recorder.event(POD, "Normal", f"Reason{number}", "x")
    await clock.run(1)
    assert len(client.objects(EVENTS)) == 25
    await clock.run(300)
    recorder.event(POD, "Normal", "Later", "x")
    await clock.run(1)
    assert len(client.objects(EVENTS)) == 26


async def test_an_unreachable_server_is_tried_again(client, clock, recorder):
    client.fail_next("create", EVENTS, ConnectionFailed("refused"))
    recorder.event(POD, "Normal", "Started", "x")
    await clock.run(1)
    assert client.objects(EVENTS) == []
    await clock.run(10)
    assert len(client.objects(EVENTS)) == 1


async def test_a_refused_event_is_given_up(client, clock, recorder):
    client.fail_next("create", EVENTS, errors.Forbidden("namespace n is being terminated"))
    recorder.event(POD, "Normal", "Started", "x")
    await clock.run(60)
    assert client.objects(EVENTS) == []
    await recorder.drain(1)


def test_an_unknown_type_is_refused(client, clock):
    with pytest.raises(ValueError, match="unknown event type 'Error'"):
        EventRecorder(client, "x", clock).event(POD, "Error", "R", "m")
