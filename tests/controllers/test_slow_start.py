from __future__ import annotations

import pytest

from controllers.slow_start import slow_start_batch


@pytest.mark.parametrize(
    ("count", "failing", "attempts", "successes"),
    [
        pytest.param(0, None, 0, 0, id="nothing to do"),
        pytest.param(10, None, 10, 10, id="all succeed"),
        pytest.param(10, 0, 1, 0, id="the first fails and no more is tried"),
        pytest.param(10, 4, 7, 6, id="the batch of a failure is the last"),
    ],
)
async def test_slow_start_batch(count, failing, attempts, successes):
    made = 0

    async def attempt() -> None:
        nonlocal made
        made += 1
        if made - 1 == failing:
            raise ValueError("no")

    done, error = await slow_start_batch(count, attempt)
    assert (made, done) == (attempts, successes)
    assert (error is None) == (failing is None)
