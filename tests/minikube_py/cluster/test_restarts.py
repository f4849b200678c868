from minikube_py.cluster.restarts import LONGEST_DELAY, STABLE_AFTER, RestartState, after_exit


def test_the_first_restart_is_almost_at_once():
    assert after_exit(RestartState(), 5.0)[1] == 0.1


def test_delays_double_up_to_the_longest():
    state, delays = RestartState(), []
    for _ in range(12):
        state, delay = after_exit(state, 0.5)
        delays.append(delay)
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == LONGEST_DELAY
    assert state.restarts == 12


def test_a_stable_run_forgives_what_was_before():
    state = RestartState(restarts=9, delay=LONGEST_DELAY)
    state, delay = after_exit(state, STABLE_AFTER)
    assert delay == 0.1
    assert state.restarts == 10
