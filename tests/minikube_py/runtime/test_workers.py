"""Forks are made in a process of their own, so that they do not copy the test runner."""

import os
import signal
import subprocess
import sys
import time

import pytest

from minikube_py.runtime.workers import restart_delay

WAITING = """
import os, signal, sys
from minikube_py.runtime import logs
from minikube_py.runtime.workers import supervise
logs.configure("test")
def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # One write, for others write too.
def serve(number):
    signal.signal(signal.SIGTERM, lambda *_: (tell("told", number), os._exit(0)))
    tell("up", number, os.getpid())
    while True:
        signal.pause()
sys.exit(supervise(2, serve, stop_seconds=5))
"""
STUBBORN = """
import signal, sys
from minikube_py.runtime import logs
from minikube_py.runtime.workers import supervise
logs.configure("test")
def serve(number):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", number, flush=True)
    while True:
        signal.pause()
sys.exit(supervise(1, serve, stop_seconds=0.1))
"""
FAILING = """
import sys
from minikube_py.runtime import logs
from minikube_py.runtime.workers import supervise
logs.configure("test")
sys.exit(supervise(2, lambda number: 3, stop_seconds=5))
"""


@pytest.fixture
def start():
    """Runs scripts, and kills what is left of them; their workers end with them."""
    started = []

    def run(script):
        command = [sys.executable, "-c", script]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait(10)
        process.stdout.close()


def up(process):
    word, number, pid = process.stdout.readline().split()
    assert word == "up"
    return int(number), int(pid)


def gone(pid):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(("crashes", "seconds"), [(1, 0.2), (2, 0.4), (3, 0.8), (8, 25.6), (9, 30.0), (100, 30.0)])
def test_the_delay_doubles_up_to_half_a_minute(crashes, seconds):
    assert restart_delay(crashes) == pytest.approx(seconds)


def test_a_crashed_worker_is_started_again_and_all_are_told_to_stop(start):
    process = start(WAITING)
    first = dict(up(process) for _ in range(2))
    os.kill(first[1], signal.SIGKILL)
    number, pid = up(process)
    assert number == 1
    assert pid != first[1]
    process.send_signal(signal.SIGTERM)
    assert sorted(process.stdout.read().splitlines()) == ["told 0", "told 1"]
    assert process.wait(10) == 0


def test_workers_end_with_a_parent_that_is_killed(start):
    process = start(WAITING)
    workers = dict(up(process) for _ in range(2))
    process.kill()
    process.wait(10)
    assert sorted(process.stdout.read().splitlines()) == ["told 0", "told 1"]
    assert all(gone(pid) for pid in workers.values())


def test_a_worker_that_does_not_stop_is_killed(start):
    process = start(STUBBORN)
    assert process.stdout.readline() == "up 0\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_failure_at_the_start_ends_all_with_its_code(start):
    assert start(FAILING).wait(10) == 3
