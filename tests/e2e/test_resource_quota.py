"""Quotas under concurrent creates and deletes through several API server workers, with the controller beside them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from api_rig import ApiRig, running
from harness import eventually
from quota_helpers import start_controllers

from minikube_py.api.errors import AlreadyExists, ApiError, Forbidden
from minikube_py.api.resources import PODS
from minikube_py.client.http import HttpClient
from minikube_py.client.protocol import ConnectionFailed

HARD = 30
SECONDS = 8.0
QUOTAS = "/api/v1/namespaces/default/resourcequotas"
pytestmark = pytest.mark.etcd


def make_quota(rig: ApiRig, name: str, hard: dict[str, str]) -> None:
    body = {"metadata": {"name": name}, "spec": {"hard": hard}}
    assert rig.request("POST", QUOTAS, body)[0] == 201
    eventually(lambda: "used" in used_of(rig, name, whole=True), f"usage of {name} is computed", timeout=20)


def used_of(rig: ApiRig, name: str, *, whole: bool = False) -> Any:
    status = rig.request("GET", f"{QUOTAS}/{name}")[2].get("status") or {}
    return status if whole else status["used"]


def pods_of(rig: ApiRig) -> int:
    return len(rig.request("GET", "/api/v1/namespaces/default/pods")[2]["items"])


def pod(name: str) -> Any:
    resources = {"requests": {"cpu": "100m"}}
    spec = {"containers": [{"name": "c", "image": "x", "resources": resources}]}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def churn(rig: ApiRig, number: int, until: float) -> None:
    """Creates pods, some of a name that is taken, and deletes them, over connections of its own."""
    chances = random.Random(number)
    client = HttpClient.from_kubeconfig(str(rig.directory / "admin.conf"), user_agent=f"churn-{number}")
    mine: list[str] = []
    count = 0
    while time.monotonic() < until:
        count += 1
        name = "taken" if chances.random() < 0.1 else f"p-{number}-{count}"
        try:
            if mine and chances.random() < 0.35:
                await client.delete(PODS, mine.pop(), "default", grace_period_seconds=0)
                continue
            await client.create(PODS, pod(name))
            if name != "taken":
                mine.append(name)
        except (Forbidden, AlreadyExists):
            await asyncio.sleep(0.02)
        except (ApiError, ConnectionFailed):
            await asyncio.sleep(0.2)
    await client.close()


async def play(rig: ApiRig) -> int:
    """Many clients at once, and the end of a worker in the middle; the most pods there were at any moment."""
    until = time.monotonic() + SECONDS
    clients = [asyncio.create_task(churn(rig, number, until)) for number in range(8)]
    peak, killed = 0, False
    while time.monotonic() < until:
        if not killed and time.monotonic() > until - SECONDS / 2:
            os.kill(rig.workers()[0], signal.SIGKILL)
            killed = True
        try:
            peak = max(peak, await asyncio.to_thread(pods_of, rig))
        except OSError:
            await asyncio.sleep(0.1)
    await asyncio.gather(*clients)
    return peak


def test_a_quota_is_never_exceeded_and_finds_back_to_what_exists(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as rig:
        start_controllers(rig)
        make_quota(rig, "compute", {"pods": str(HARD), "requests.cpu": "20"})
        make_quota(rig, "count", {"count/pods": str(HARD + 5)})
        accounts = "/api/v1/namespaces/default/serviceaccounts/default"
        eventually(lambda: rig.request("GET", accounts)[0] == 200, "there is an account", timeout=20)
        peak = asyncio.run(play(rig))
        assert HARD / 2 < peak <= HARD

        def is_exact() -> bool:
            exist = pods_of(rig)
            return used_of(rig, "compute")["pods"] == used_of(rig, "count")["count/pods"] == str(exist)

        eventually(is_exact, "used is what exists", timeout=20)
        left = HARD - pods_of(rig)
        statuses = [
            rig.request("POST", "/api/v1/namespaces/default/pods", pod(f"rest-{n}"))[0] for n in range(left + 1)
        ]
        assert statuses == [201] * left + [403]


def test_a_user_sees_at_once_what_is_used(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        start_controllers(rig)

        def kubectl(*words: str) -> str:
            command = ["kubectl", f"--kubeconfig={rig.directory}/admin.conf", f"--cache-dir={tmp_path}/cache", *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            return done.stdout + done.stderr

        kubectl("create", "quota", "q", "--hard=configmaps=1,count/deployments.apps=2")
        eventually(
            lambda: "count/deployments.apps  0     2" in kubectl("describe", "quota", "q"), "counted", timeout=10
        )
        kubectl("create", "configmap", "a")
        assert kubectl("create", "configmap", "b") == (
            'error: failed to create configmap: configmaps "b" is forbidden: exceeded quota: q, '
            "requested: configmaps=1, used: configmaps=1, limited: configmaps=1\n"
        )
        kubectl("delete", "configmap", "a")
        eventually(lambda: "created" in kubectl("create", "configmap", "b"), "there is room again", timeout=10)
