import gc

import pytest

from apiserver.memory import settle


@pytest.fixture
def collector():
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_there_is_is_not_gone_through_again(collector):
    before = gc.get_freeze_count()
    settle()
    assert gc.get_freeze_count() > before
    assert gc.isenabled()


def test_cycles_are_still_collected(collector):
    settle()
    for _ in range(30_000):
        cycle = []
        cycle.append(cycle)
    assert len(gc.get_objects()) < 25_000
