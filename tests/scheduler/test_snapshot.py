from scheduler.pod_info import PodInfo
from scheduler.snapshot import Cache


def requested(cache: Cache, node: str = "n1"):
    return next(info.requested.get("cpu", 0) for info in cache.snapshot().nodes if info.name == node)


def test_an_assumed_pod_counts_until_it_is_forgotten(make):
    cache = Cache()
    cache.set_node(make.node())
    cache.assume(PodInfo.of(make.pod(cpu="1"), "n1"))
    assert requested(cache) == 1000
    cache.forget("uid-p")
    assert requested(cache) == 0


def test_a_confirmed_pod_is_counted_once_and_not_forgotten(make):
    cache = Cache()
    cache.set_node(make.node())
    cache.assume(PodInfo.of(make.pod(cpu="1"), "n1"))
    cache.set_pod(make.pod_info(cpu="1", node="n1"))
    cache.forget("uid-p")
    assert requested(cache) == 1000
    assert not cache.is_assumed("uid-p")


def test_a_pod_told_on_another_node_moves_there(make):
    cache = Cache()
    cache.set_node(make.node("n1"))
    cache.set_node(make.node("n2"))
    cache.assume(PodInfo.of(make.pod(cpu="1"), "n1"))
    cache.set_pod(make.pod_info(cpu="1", node="n2"))
    assert (requested(cache, "n1"), requested(cache, "n2")) == (0, 1000)


def test_pods_are_known_before_and_after_their_node(make):
    cache = Cache()
    cache.set_pod(make.pod_info(cpu="1", node="n1"))
    assert cache.snapshot().nodes == ()
    cache.set_node(make.node())
    assert requested(cache) == 1000
    cache.remove_node("n1")
    cache.remove_pod("uid-p")
    cache.set_node(make.node())
    assert requested(cache) == 0


def test_a_snapshot_is_not_touched_by_what_follows(make):
    cache = Cache()
    cache.set_node(make.node("n1"))
    cache.set_node(make.node("n2"))
    before = cache.snapshot()
    cache.set_pod(make.pod_info(cpu="1", node="n1"))
    after = cache.snapshot()
    assert before.nodes[0].requested == {}
    assert after.nodes[0].requested["cpu"] == 1000
    assert after.nodes[1] is before.nodes[1]
    assert cache.snapshot() is after
