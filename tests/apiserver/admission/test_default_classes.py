"""DefaultStorageClass and DefaultIngressClass, over a whole server; the finalizers of storage."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.admission import default_ingress_class, default_storage_class
from apiserver.admission.persistent_volume_claim_resize import grows

STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
HEADERS = {"content-type": "application/merge-patch+json"}


def claim(name: str, **spec: Any) -> Any:
    resources = {"requests": {"storage": "1Gi"}}
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources, **spec}}


async def make_storage_class(api: Any, name: str, **fields: Any) -> None:
    annotations = {default_storage_class.IS_DEFAULT: "true"}
    body = {"metadata": {"name": name, "annotations": annotations}, "provisioner": "example.com/x", **fields}
    await api.ok("POST", STORAGE, body)
    await api.ok("GET", STORAGE)


async def test_a_claim_gets_the_default_class_and_a_finalizer(api: Any) -> None:
    assert "storageClassName" not in (await api.ok("POST", CLAIMS, claim("before")))["spec"]
    await make_storage_class(api, "standard")
    created = await api.ok("POST", CLAIMS, claim("a"))
    assert created["spec"]["storageClassName"] == "standard"
    assert created["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert (await api.ok("POST", CLAIMS, claim("none", storageClassName="")))["spec"]["storageClassName"] == ""


async def test_an_ingress_gets_the_default_class(api: Any) -> None:
    annotations = {default_ingress_class.IS_DEFAULT: "true"}
    body = {"metadata": {"name": "nginx", "annotations": annotations}, "spec": {"controller": "example.com/c"}}
    await api.ok("POST", INGRESS_CLASSES, body)
    await api.ok("GET", INGRESS_CLASSES)
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    created = await api.ok("POST", INGRESSES, {"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}})
    assert created["spec"]["ingressClassName"] == "nginx"


@pytest.mark.parametrize("module", [default_storage_class, default_ingress_class])
def test_the_newest_of_several_defaults_counts(module: Any) -> None:
    made = module.Candidate
    two = [made("b", "2026-01-02", True), made("a", "2026-01-02", True), made("c", "2026-01-01", True)]
    assert module.default_of([*two, made("d", "2026-01-03", False)]) == "a"
    assert module.default_of([made("d", "2026-01-03", False)]) == ""


def test_growth_is_more_storage() -> None:
    small, large = ({"spec": {"resources": {"requests": {"storage": size}}}} for size in ("1Gi", "2Gi"))
    assert grows(large, small)
    assert not grows(small, large)


async def test_a_claim_grows_only_where_its_class_allows_it(api: Any) -> None:
    await make_storage_class(api, "fixed")
    await api.ok("POST", CLAIMS, claim("a"))
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    answer = await api("PATCH", f"{CLAIMS}/a", larger, headers=HEADERS)
    assert answer.status in (403, 422)
    await api.ok("PATCH", f"{CLAIMS}/a/status", {"status": {"phase": "Bound"}}, headers=HEADERS)
    answer = await api("PATCH", f"{CLAIMS}/a", larger, headers=HEADERS)
    assert answer.message == (
        'persistentvolumeclaims "a" is forbidden: only dynamically provisioned pvc can be resized and the storageclass '
        "that provisions the pvc must support resize"
    )
    await api.ok("PATCH", f"{STORAGE}/fixed", {"allowVolumeExpansion": True}, headers=HEADERS)
    await api.ok("GET", STORAGE)
    await api.ok("PATCH", f"{CLAIMS}/a", larger, headers=HEADERS)
