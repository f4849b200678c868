import asyncio
from datetime import timedelta

from minikube_py.runtime.clock import FakeClock, RealClock, settle


async def test_sleepers_wake_in_order_of_time():
    clock, woken = FakeClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.ensure_future(sleeper(seconds)) for seconds in (3, 1, 2)]
    await settle()
    clock.advance(2)
    await settle()
    assert woken == [1, 2]
    clock.advance(1)
    await asyncio.gather(*tasks)
    assert woken == [1, 2, 3]


async def test_run_lets_a_periodic_task_run_every_time():
    clock, ticks = FakeClock(), []

    async def ticker() -> None:
        while True:
            await clock.sleep(10)
            ticks.append(clock.monotonic())

    task = asyncio.ensure_future(ticker())
    await clock.run(35)
    assert ticks == [10, 20, 30]
    task.cancel()


async def test_a_cancelled_timer_does_not_fire():
    clock, fired = FakeClock(), []
    timer = clock.call_later(1, lambda: fired.append(1))
    clock.call_later(1, lambda: fired.append(2))
    timer.cancel()
    clock.advance(1)
    assert fired == [2]
    assert clock.pending == 0


def test_now_follows_what_was_advanced():
    clock = FakeClock()
    before = clock.now()
    clock.advance(61.5)
    assert clock.now() - before == timedelta(seconds=61.5)


def test_real_time_is_aware_utc():
    assert RealClock().now().utcoffset() == timedelta(0)
