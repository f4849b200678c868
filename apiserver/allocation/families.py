"""IP families: the cluster has IPv4 service addresses only, and says so to a Service that asks for more. Pure."""

from __future__ import annotations

from minikube_py.api.errors import FieldError, field_invalid
from minikube_py.api.meta import Object

_WITHOUT_ADDRESS = ("ExternalName",)


def check_families(service: Object) -> list[FieldError]:
    """What a Service asks of IP families that this cluster does not have, in upstream's words.

    A headless Service without selector may have any families: whoever writes its endpoints decides.
    """
    spec = service.get("spec") or {}
    if spec.get("type") in _WITHOUT_ADDRESS or (spec.get("clusterIP") == "None" and not spec.get("selector")):
        return []
    errors: list[FieldError] = []
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        detail = "this cluster is not configured for dual-stack services"
        errors.append(field_invalid("spec.ipFamilyPolicy", "RequireDualStack", detail))
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family != "IPv4":
            errors.append(field_invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    return errors
