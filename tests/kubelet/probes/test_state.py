from __future__ import annotations

import pytest

from kubelet.probes.state import Kind, ProbeSpec, ProbeState, Result, is_final, observe, probe_spec

S, F, U = Result.SUCCESS, Result.FAILURE, Result.UNKNOWN


@pytest.mark.parametrize(
    ("start", "answers", "success", "failure", "expected"),
    [
        pytest.param(F, [S], 1, 3, S, id="one success is enough by default"),
        pytest.param(S, [F, F], 1, 3, S, id="two failures are not three"),
        pytest.param(S, [F, F, F], 1, 3, F, id="three failures"),
        pytest.param(S, [F, F, S, F, F], 1, 3, S, id="a success in between starts the count anew"),
        pytest.param(F, [S, S, F, S, S], 3, 1, F, id="successes must follow each other"),
        pytest.param(F, [S, S, S], 3, 1, S, id="three successes"),
        pytest.param(U, [F], 1, 30, U, id="a startup probe that fails at first"),
    ],
)
def test_belief_changes_at_the_threshold(
    start: Result, answers: list[Result], success: int, failure: int, expected: Result
) -> None:
    state = ProbeState(start)
    for answer in answers:
        state = observe(state, ProbeSpec(0, 10, 1, success, failure), answer)
    assert state.believed is expected


@pytest.mark.parametrize(
    ("kind", "believed", "expected"),
    [
        (Kind.STARTUP, S, True),
        (Kind.STARTUP, F, True),
        (Kind.STARTUP, U, False),
        (Kind.LIVENESS, F, True),
        (Kind.LIVENESS, S, False),
        (Kind.READINESS, F, False),
        (Kind.READINESS, S, False),
    ],
)
def test_when_probing_ends(kind: Kind, believed: Result, expected: bool) -> None:
    assert is_final(kind, ProbeState(believed)) is expected


def test_defaults_are_upstream_s() -> None:
    assert probe_spec({}) == ProbeSpec(0, 10, 1, 1, 3)
