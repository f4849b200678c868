"""The ConfigMap that tells other servers by which CA clients are known: ``extension-apiserver-authentication``.

Follows ``k8s.io/kubernetes/pkg/controlplane/controller/clusterauthenticationtrust``; there is no front proxy, so that
none is described.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from apiserver.bootstrap.ensure import ensure
from apiserver.core import Core
from minikube_py.api.meta import Object
from minikube_py.api.resources import CONFIG_MAPS

NAME, NAMESPACE, KEY = "extension-apiserver-authentication", "kube-system", "client-ca-file"
log = structlog.get_logger("apiserver")


async def ensure_client_authentication(core: Core) -> None:
    """Publishes this server's CA beside those that other servers have published. Raises ApiError, StoreError."""
    path = core.settings.client_ca_file
    try:
        authority = _read(path)
    except (OSError, UnicodeDecodeError) as error:
        log.warning("The CA of clients can't be published", path=path, error=str(error))
        return
    wanted: Object = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {KEY: authority},
    }
    await ensure(core, CONFIG_MAPS, wanted, lambda old: with_authority(old, authority))


def _read(path: str) -> str:
    return Path(path).read_text("ascii")


def with_authority(old: Object, authority: str) -> Object:
    """The ConfigMap with that CA among those it holds. Pure."""
    data = old.get("data") or {}
    present = data.get(KEY, "")
    if authority.strip() in present:
        return old
    joined = "".join(f"{each.strip()}\n" for each in (present, authority) if each.strip())
    return {**old, "data": {**data, KEY: joined}}
