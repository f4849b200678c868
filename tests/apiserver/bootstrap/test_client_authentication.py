"""The published CA of clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apiserver.bootstrap.client_authentication import ensure_client_authentication

PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"


async def test_the_authority_is_published_beside_the_others(api: Any, tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    api.core.settings.client_ca_file = str(authority)
    authority.write_text("first\n")
    await ensure_client_authentication(api.core)
    assert (await api.ok("GET", PATH))["data"] == {"client-ca-file": "first\n"}
    authority.write_text("second\n")
    await ensure_client_authentication(api.core)
    await ensure_client_authentication(api.core)
    assert (await api.ok("GET", PATH))["data"] == {"client-ca-file": "first\nsecond\n"}


async def test_one_that_cannot_be_read_keeps_no_server_from_starting(api: Any, tmp_path: Path) -> None:
    api.core.settings.client_ca_file = str(tmp_path / "absent")
    await ensure_client_authentication(api.core)
    assert (await api("GET", PATH)).status == 404
