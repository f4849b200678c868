"""The official JavaScript client, as its users use it."""

from __future__ import annotations

import subprocess

import orjson
from harness import REPOSITORY, Cluster
from pod_helpers import create, ready, shell

DIRECTORY = REPOSITORY / "tests/e2e/javascript"


def test_what_its_users_do(cluster: Cluster) -> None:
    with cluster.namespace("javascript-client") as namespace:
        create(cluster, namespace, "box", containers=[shell("sleep 600")])
        ready(cluster, namespace, "box")
        done = subprocess.run(
            ["node", "client.js", namespace, "box"],
            cwd=DIRECTORY,
            env=cluster.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        seen = orjson.loads(done.stdout)
    assert seen == {
        "created": {"k": "v"},
        "replaced": {"k": "w"},
        "patched": {"k": "w", "x": "y"},
        "manager": "js-manager",
        "watched": ["ADDED", "js-watched"],
        "informed": "js-informed",
        "exec": {
            "out": "out\n",
            "err": "err\n",
            "status": "Failure",
            "causes": [{"reason": "ExitCode", "message": "4"}],
        },
        "refused": 422,
        "deployments": 0,
        "deleted": "Success",
    }
