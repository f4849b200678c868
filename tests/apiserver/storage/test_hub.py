import asyncio

import pytest

from apiserver.storage.hub import SharedRevision, WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import StoreUnavailable


class SlowStore:
    """Answers when told to, with the revision of the moment at which it was asked."""

    def __init__(self):
        self.revision = 1
        self.questions = []
        self.failure = None

    async def current_revision(self):
        seen, answer = self.revision, asyncio.Event()
        self.questions.append(answer)
        await answer.wait()
        if self.failure:
            raise self.failure
        return seen


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_during_a_question_gets_the_answer_of_a_later_one():
    store = SlowStore()
    shared = SharedRevision(store)
    first = asyncio.create_task(shared.get())
    await settle()
    store.revision = 2
    later = [asyncio.create_task(shared.get()) for _ in range(3)]
    await settle()
    store.questions[0].set()
    await settle()
    assert (first.result(), len(store.questions)) == (1, 2)
    store.questions[1].set()
    assert await asyncio.gather(*later) == [2, 2, 2]


async def test_a_failure_is_shared_too():
    store = SlowStore()
    store.failure = StoreUnavailable("down")
    shared = SharedRevision(store)
    waiting = [asyncio.create_task(shared.get()) for _ in range(3)]
    await settle()
    store.questions[0].set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert len(store.questions) == 1


async def test_who_gives_up_leaves_the_question_to_the_next():
    store = SlowStore()
    shared = SharedRevision(store)
    first = asyncio.create_task(shared.get())
    second = asyncio.create_task(shared.get())
    await settle()
    first.cancel()
    await settle()
    store.questions[-1].set()
    assert await second == 1


async def test_retries_back_off_up_to_a_second():
    delays = []

    async def sleep(seconds):
        delays.append(seconds)
        if len(delays) > 5:
            raise asyncio.CancelledError

    store = MemoryStore()
    store.available = False
    with pytest.raises(asyncio.CancelledError):
        await WatchHub(store, sleep=sleep).run()
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
