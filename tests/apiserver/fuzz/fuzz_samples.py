"""An object of every kind that is accepted as it stands, for the version that the fuzz tests present."""

from __future__ import annotations

import base64
import copy
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from minikube_py.api.resources import BUILT_IN, Resource, minor_of
from minikube_py.api.schema import Schemas

VERSION = os.environ.get("MINIKUBE_PY_FUZZ_VERSION", "1.32")
ROWS = tuple(row for row in BUILT_IN.presented(minor_of(VERSION)).rows if row.kind != "ComponentStatus")
PERSISTED = tuple(row for row in ROWS if row.persisted)


@cache
def schemas() -> Schemas:
    return Schemas(VERSION)


@cache
def _generated() -> dict[str, str]:
    """What stands for the placeholders in the samples."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, None)
    issued = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2026, 1, 1), datetime(2099, 1, 1))
    pem = serialization.Encoding.PEM
    return {
        "%CSR%": base64.b64encode(request.public_bytes(pem)).decode(),
        "%CERTIFICATE%": issued.sign(key, None).public_bytes(pem).decode(),
    }


@cache
def _samples() -> dict[str, Any]:
    text = (Path(__file__).parent / "samples.yaml").read_text()
    loaded: dict[str, Any] = _filled(yaml.safe_load(text))
    return loaded


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _generated().get(value, value) if isinstance(value, str) else value


def sample(resource: Resource) -> dict[str, Any]:
    """A fresh object of the kind that is accepted."""
    obj = copy.deepcopy(_samples()[f"{resource.api_version}/{resource.kind}"])
    meta = {"name": "fuzzed", **obj.pop("metadata", {})}
    if resource.namespaced:
        meta["namespace"] = "default"
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta, **obj}


def collection(resource: Resource) -> str:
    """The path of the kind's objects."""
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    return f"{root}/namespaces/default/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"
