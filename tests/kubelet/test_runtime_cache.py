from __future__ import annotations

from kubelet.runtime import ContainerState
from kubelet.runtime_cache import RuntimeCache

from .pods import exited, running, runtime_pod, sandbox


def known(*parts: object) -> RuntimeCache:
    cache = RuntimeCache()
    cache.replace([runtime_pod(*parts)])  # type: ignore[arg-type]
    return cache


def state(cache: RuntimeCache) -> ContainerState:
    pod = cache.pod("uid-p")
    assert pod is not None
    return pod.containers[0].state


def test_nothing_is_known_before_the_first_listing_and_after_a_loss() -> None:
    cache = RuntimeCache()
    assert cache.pod("uid-p") is None
    cache.replace([])
    assert cache.pod("uid-p") is not None
    cache.lost()
    assert cache.pod("uid-p") is None


def test_late_news_does_not_undo_an_end() -> None:
    cache = known(sandbox(), exited())
    cache.record_container(running())
    assert state(cache) is ContainerState.EXITED
    cache.replace_pod(runtime_pod(sandbox(), running()))
    assert state(cache) is ContainerState.EXITED


def test_a_listing_tells_which_pods_it_changed() -> None:
    cache = known(sandbox(), running())
    assert cache.replace([runtime_pod(sandbox(), running())]) == set()
    assert cache.replace([runtime_pod(sandbox(), exited())]) == {"uid-p"}
    assert cache.replace([]) == {"uid-p"}


def test_the_newest_attempt_comes_first() -> None:
    cache = known(sandbox())
    cache.record_container(exited(attempt=0))
    cache.record_container(running(attempt=1))
    pod = cache.pod("uid-p")
    assert pod is not None
    assert [c.attempt for c in pod.containers] == [1, 0]


def test_what_is_removed_is_forgotten() -> None:
    cache = known(sandbox(), running())
    cache.forget("c-0")
    cache.forget("sandbox-0")
    assert cache.uids() == []


def test_a_dead_sandbox_is_not_ready() -> None:
    cache = known(sandbox(), running())
    cache.sandbox_died("uid-p", "sandbox-0")
    pod = cache.pod("uid-p")
    assert pod is not None
    assert not pod.sandboxes[0].ready
    assert cache.counts() == (0, 1)
