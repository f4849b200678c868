import itertools

from apiserver.storage.leases import Leases


class Granted:
    def __init__(self):
        self.now = 0.0
        self.asked = []
        self.ids = itertools.count(1)
        self.leases = Leases(self.grant, monotonic=lambda: self.now)

    async def grant(self, seconds):
        self.asked.append(seconds)
        return next(self.ids)


async def test_one_lease_serves_a_minute_and_lives_a_minute_longer():
    granted = Granted()
    first = await granted.leases.lease_for(3600)
    granted.now = 59.0
    assert await granted.leases.lease_for(3600) == first
    granted.now = 60.0
    assert await granted.leases.lease_for(3600) != first
    assert granted.asked == [3660, 3660]


async def test_a_short_time_to_live_is_shared_for_a_twentieth_of_it():
    granted = Granted()
    await granted.leases.lease_for(100)
    assert granted.asked == [105]


async def test_a_lease_takes_a_thousand_keys():
    granted = Granted()
    ids = [await granted.leases.lease_for(3600) for _ in range(1001)]
    assert (len(set(ids[:1000])), ids[1000]) == (1, 2)


async def test_times_to_live_do_not_share_and_a_forgotten_lease_is_not_used():
    granted = Granted()
    first = await granted.leases.lease_for(3600)
    assert await granted.leases.lease_for(7200) != first
    granted.leases.forget(first)
    assert await granted.leases.lease_for(3600) not in (first, 2)
