from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubelet.eviction import Reading
from kubelet.fake_runtime import FakeRuntime
from kubelet.image_gc import ImageGarbageCollector, ImagePolicy, bytes_to_free, removable
from kubelet.node.status import NodeSettings
from kubelet.runtime import ImageStatus
from minikube_py.runtime.clock import FakeClock

from .harness import Recorder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, OLDER = NOW - timedelta(hours=1), NOW - timedelta(hours=2)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        pytest.param(16, 0, id="below the high mark"),
        pytest.param(15, 5, id="at the high mark"),
        pytest.param(5, 15, id="above it, down to the low mark"),
    ],
)
def test_how_much_must_go(available: int, expected: int) -> None:
    assert bytes_to_free(Reading(available, 100), ImagePolicy()) == expected


IMAGES = [ImageStatus("a", size_bytes=10), ImageStatus("b", size_bytes=10), ImageStatus("c", size_bytes=10)]


@pytest.mark.parametrize(
    ("in_use", "last_used", "needed", "expected"),
    [
        pytest.param(set(), {"a": OLD, "b": OLDER}, 5, ["b"], id="the longest unused first"),
        pytest.param(set(), {"a": OLD, "b": OLDER}, 15, ["b", "a"], id="until enough is free"),
        pytest.param({"b"}, {"a": OLD, "b": OLDER}, None, ["a"], id="never what is in use"),
        pytest.param(set(), {"a": NOW, "b": OLD}, None, ["b"], id="never what was used just now"),
        pytest.param(set(), {}, None, [], id="never what our pods have not used"),
    ],
)
def test_what_goes(in_use: set[str], last_used: dict[str, datetime], needed: int | None, expected: list[str]) -> None:
    assert [image.id for image in removable(IMAGES, in_use, last_used, NOW, needed)] == expected


async def test_failing_to_free_enough_is_told() -> None:
    clock, recorder = FakeClock(), Recorder()
    runtime = FakeRuntime(clock.now)
    runtime.add_image("foreign")
    node = NodeSettings("node-1", "127.0.0.1", 10250, "v1.32.0")
    collector = ImageGarbageCollector(runtime, clock, recorder, node, lambda: Reading(5, 100), ImagePolicy())
    await collector.look()
    assert recorder.messages("FreeDiskSpaceFailed") == [
        "Failed to garbage collect required amount of images. "
        "Attempted to free 15 bytes, but only found 0 bytes eligible to free."
    ]
    assert await runtime.list_images()
