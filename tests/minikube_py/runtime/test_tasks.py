import asyncio

import pytest

from minikube_py.runtime.clock import settle
from minikube_py.runtime.tasks import Tasks


async def fail() -> None:
    raise ValueError("broken")


async def test_tasks_are_named_and_cancelled_together():
    tasks = Tasks()
    task = tasks.start("waiter", asyncio.sleep(3600))
    assert task.get_name() == "waiter"
    await tasks.cancel_all()
    assert task.cancelled()
    assert len(tasks) == 0


async def test_a_critical_failure_is_raised_to_who_waits():
    tasks = Tasks()
    tasks.start("critical", fail(), critical=True)
    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(tasks.wait_failed(), 1)


async def test_an_ordinary_failure_stays_a_log_line():
    tasks = Tasks()
    tasks.start("ordinary", fail())
    await settle()
    assert not tasks.failed.is_set()


async def test_run_until_returns_at_stop_and_raises_at_failure():
    tasks, stop = Tasks(), asyncio.Event()
    stop.set()
    await tasks.run_until(stop)
    tasks.start("critical", fail(), critical=True)
    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(tasks.run_until(asyncio.Event()), 1)
