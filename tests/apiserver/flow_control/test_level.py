from __future__ import annotations

import asyncio

import pytest

from apiserver.flow_control.defaults import PRIORITY_LEVELS
from apiserver.flow_control.level import Level, Limits, Rejected, limits_of


def level(seats: int | None = 1, queue_length: int = 2) -> Level:
    return Level(Limits("l", "uid", seats, queue_length))


async def queued(made: Level, *flows: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(made.wait(flow, 60)) for flow in flows]
    await asyncio.sleep(0)
    return tasks


def seated(tasks: list[asyncio.Task[None]]) -> list[bool]:
    return [task.done() for task in tasks]


def test_shares_of_the_seats() -> None:
    limits = {limit.name: limit for limit in limits_of(list(PRIORITY_LEVELS), 600)}
    assert limits["exempt"].seats is None
    assert limits["workload-low"].seats == 245
    assert limits["catch-all"].seats == 13
    assert (limits["catch-all"].queue_length, limits["system"].queue_length) == (0, 50)


def test_seats_are_taken_until_none_is_left() -> None:
    made = level(2)
    assert [made.take(), made.take(), made.take()] == [True, True, False]
    made.give()
    assert made.take()


def test_an_exempt_level_has_no_limit() -> None:
    made = level(None)
    assert all(made.take() for _ in range(1000))


async def test_flows_have_their_turns_whatever_their_numbers() -> None:
    made = level(1, queue_length=10)
    assert made.take()
    greedy = await queued(made, "greedy", "greedy", "greedy")
    modest = await queued(made, "modest")
    order = []
    for _ in range(4):
        made.give()
        await asyncio.sleep(0)
        order.append((sum(seated(greedy)), sum(seated(modest))))
    assert order == [(1, 0), (1, 1), (2, 1), (3, 1)]


async def test_who_comes_later_does_not_pass_those_who_wait() -> None:
    made = level(2)
    assert made.take()
    assert made.take()
    waiting = await queued(made, "a")
    made.executing -= 1
    assert not made.take()
    made.serve()
    await asyncio.sleep(0)
    assert seated(waiting) == [True]


async def test_a_full_queue_refuses_its_flow_only() -> None:
    made = level(1, queue_length=1)
    assert made.take()
    await queued(made, "a")
    with pytest.raises(Rejected) as refused:
        await made.wait("a", 60)
    assert refused.value.reason == "queue-full"
    other = await queued(made, "b")
    assert made.in_queue == 2
    assert seated(other) == [False]


async def test_a_level_without_queues_refuses_at_once() -> None:
    made = level(1, queue_length=0)
    assert made.take()
    with pytest.raises(Rejected) as refused:
        await made.wait("a", 60)
    assert refused.value.reason == "concurrency-limit"


async def test_waiting_ends() -> None:
    made = level(1)
    assert made.take()
    with pytest.raises(Rejected) as refused:
        await made.wait("a", 0)
    assert refused.value.reason == "time-out"
    assert made.in_queue == 0
    made.give()
    assert made.executing == 0


async def test_who_gives_up_waiting_leaves_no_seat_taken() -> None:
    made = level(1)
    assert made.take()
    [waiting] = await queued(made, "a")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    made.give()
    assert (made.executing, made.in_queue) == (0, 0)


async def test_who_gives_up_just_when_seated_gives_the_seat_on() -> None:
    made = level(1)
    assert made.take()
    first, second = await queued(made, "a", "b")
    made.give()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(0)
    assert second.done()
    assert made.executing == 1


async def test_more_seats_are_used_at_once() -> None:
    made = level(1)
    assert made.take()
    waiting = await queued(made, "a", "b")
    made.limits = Limits("l", "uid", 3, 2)
    made.serve()
    await asyncio.sleep(0)
    assert seated(waiting) == [True, True]
