"""Bootstrap tokens: cluster-info is signed with them while they live, and they go when they expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from harness import Cluster, eventually
from rest import Rest

TOKEN = "/api/v1/namespaces/kube-system/secrets"
INFO = "/api/v1/namespaces/kube-public/configmaps"
SIGNED = "jws-kubeconfig-abcdef"


def test_a_token_signs_until_it_expires(cluster: Cluster) -> None:
    rest = Rest(cluster)

    def info() -> Any:
        return rest.ok("GET", f"{INFO}/cluster-info")["data"]

    rest.ok("POST", INFO, {"metadata": {"name": "cluster-info"}, "data": {"kubeconfig": "kind: Config"}})
    expiration = f"{datetime.now(UTC) + timedelta(seconds=4):%Y-%m-%dT%H:%M:%SZ}"
    fields = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-signing": "true",
        "expiration": expiration,
    }
    name = "bootstrap-token-abcdef"
    rest.ok("POST", TOKEN, {"metadata": {"name": name}, "type": "bootstrap.kubernetes.io/token", "stringData": fields})
    eventually(lambda: SIGNED in info(), "cluster-info is signed")
    eventually(lambda: rest("GET", f"{TOKEN}/{name}").status_code == 404, "the token is gone")
    eventually(lambda: info() == {"kubeconfig": "kind: Config"}, "its signature is gone too")
    rest.ok("DELETE", f"{INFO}/cluster-info")
