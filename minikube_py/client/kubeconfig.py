"""Reading and writing kubeconfig files: one cluster, one user, one context."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class KubeConfig:
    """Where the API server is and who we are there; certificates and keys are PEM.

    ``token_file`` is read again while the client runs, so that a renewed token is used; ``token`` is fixed.
    """

    server: str
    ca_data: bytes = b""
    client_certificate_data: bytes = b""
    client_key_data: bytes = b""
    token: str = ""
    token_file: str = ""
    namespace: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False

    @classmethod
    def load(cls, path: str, *, context: str = "") -> KubeConfig:
        """The named, or else the current, context of the file. Raises ValueError that names what is wrong."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"kubeconfig {path}: {error}") from error
        try:
            return cls.parse(text, context=context, directory=os.path.dirname(os.path.abspath(path)))
        except ValueError as error:
            raise ValueError(f"kubeconfig {path}: {error}") from error

    @classmethod
    def parse(cls, text: str, *, context: str = "", directory: str = "") -> KubeConfig:
        """As :meth:`load`, of the file's text; relative file names in it are taken from ``directory``."""
        try:
            document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise ValueError(f"not YAML: {error}") from error
        if not isinstance(document, dict):
            raise ValueError("expected a mapping")
        wanted = context or document.get("current-context") or ""
        chosen = _named(document, "contexts", "context", wanted)
        cluster = _named(document, "clusters", "cluster", chosen.get("cluster") or "")
        user = _named(document, "users", "user", chosen["user"]) if chosen.get("user") else {}
        for unsupported in ("exec", "auth-provider", "username", "as"):
            if unsupported in user:
                raise ValueError(f"user {chosen['user']!r}: {unsupported!r} is not supported")
        if "proxy-url" in cluster:
            raise ValueError(f"cluster {chosen['cluster']!r}: 'proxy-url' is not supported")
        server = cluster.get("server") or ""
        if not server.startswith(("https://", "http://")):
            raise ValueError(f"cluster {chosen.get('cluster')!r}: server must be an http or https URL, not {server!r}")
        token_file = user.get("tokenFile") or ""
        return cls(
            server=server.rstrip("/"),
            ca_data=_data(cluster, "certificate-authority", directory),
            client_certificate_data=_data(user, "client-certificate", directory),
            client_key_data=_data(user, "client-key", directory),
            token=user.get("token") or "",
            token_file=os.path.join(directory, token_file) if token_file else "",
            namespace=chosen.get("namespace") or "",
            tls_server_name=cluster.get("tls-server-name") or "",
            insecure_skip_tls_verify=bool(cluster.get("insecure-skip-tls-verify")),
        )

    def to_yaml(self, *, cluster: str = "kubernetes", user: str = "kubernetes-admin") -> str:
        """The file's text, with everything embedded; the context is ``user@cluster``."""
        cluster_entry: dict[str, Any] = {}
        if self.ca_data:
            cluster_entry["certificate-authority-data"] = base64.b64encode(self.ca_data).decode()
        if self.insecure_skip_tls_verify:
            cluster_entry["insecure-skip-tls-verify"] = True
        cluster_entry["server"] = self.server
        if self.tls_server_name:
            cluster_entry["tls-server-name"] = self.tls_server_name
        user_entry: dict[str, Any] = {}
        if self.client_certificate_data:
            user_entry["client-certificate-data"] = base64.b64encode(self.client_certificate_data).decode()
        if self.client_key_data:
            user_entry["client-key-data"] = base64.b64encode(self.client_key_data).decode()
        if self.token:
            user_entry["token"] = self.token
        if self.token_file:
            user_entry["tokenFile"] = self.token_file
        context_entry = {"cluster": cluster, "user": user}
        if self.namespace:
            context_entry["namespace"] = self.namespace
        name = f"{user}@{cluster}"
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"cluster": cluster_entry, "name": cluster}],
                "contexts": [{"context": context_entry, "name": name}],
                "current-context": name,
                "preferences": {},
                "users": [{"name": user, "user": user_entry}],
            },
            sort_keys=False,
        )

    def write(self, path: str, *, cluster: str = "kubernetes", user: str = "kubernetes-admin") -> None:
        """Replaces the file in one step; only its owner can read it."""
        temporary = f"{path}.{os.getpid()}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(self.to_yaml(cluster=cluster, user=user))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _named(document: dict[str, Any], section: str, entry: str, name: str) -> dict[str, Any]:
    for item in document.get(section) or []:
        if isinstance(item, dict) and item.get("name") == name:
            return item.get(entry) or {}
    raise ValueError(f"{section} has no entry named {name!r}")


def _data(entry: dict[str, Any], field: str, directory: str) -> bytes:
    """The PEM that is embedded as ``<field>-data``, or that the file named by ``<field>`` holds; else nothing."""
    embedded = entry.get(f"{field}-data")
    if embedded:
        try:
            return base64.b64decode(embedded, validate=True)
        except ValueError as error:
            raise ValueError(f"{field}-data is not base64: {error}") from error
    file = entry.get(field)
    if not file:
        return b""
    try:
        return Path(directory, file).read_bytes()
    except OSError as error:
        raise ValueError(f"{field}: {error}") from error
