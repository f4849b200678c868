"""Validation of Role, ClusterRole, RoleBinding and ClusterRoleBinding."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.strategies.defaults.rbac import RBAC_GROUP
from apiserver.validation.meta import label_selector, object_meta, object_meta_update
from apiserver.validation.names import dns_subdomain, each_message, path_segment
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object


def role(obj: Object) -> Iterator[FieldError]:
    """A Role about to be stored."""
    yield from object_meta(obj, namespaced=True, name=path_segment)
    for index, rule in enumerate(obj.get("rules") or []):
        yield from _rule(f"rules[{index}]", rule, namespaced=True)


def cluster_role(obj: Object) -> Iterator[FieldError]:
    """A ClusterRole about to be stored."""
    yield from object_meta(obj, namespaced=False, name=path_segment)
    for index, rule in enumerate(obj.get("rules") or []):
        yield from _rule(f"rules[{index}]", rule, namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return
    selectors = aggregation.get("clusterRoleSelectors") or []
    if not selectors:
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield field_required("aggregationRule.clusterRoleSelectors", detail)
    for index, selector in enumerate(selectors):
        yield from label_selector(f"aggregationRule.clusterRoleSelectors[{index}]", selector)


def role_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Role."""
    yield from object_meta_update(new, old)
    yield from role(new)


def cluster_role_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ClusterRole."""
    yield from object_meta_update(new, old)
    yield from cluster_role(new)


def role_binding(obj: Object) -> Iterator[FieldError]:
    """A RoleBinding, to a Role or a ClusterRole."""
    yield from object_meta(obj, namespaced=True, name=path_segment)
    yield from _role_ref(obj.get("roleRef") or {}, ("ClusterRole", "Role"))
    yield from _subjects(obj, namespaced=True)


def cluster_role_binding(obj: Object) -> Iterator[FieldError]:
    """A ClusterRoleBinding, to a ClusterRole."""
    yield from object_meta(obj, namespaced=False, name=path_segment)
    yield from _role_ref(obj.get("roleRef") or {}, ("ClusterRole",))
    yield from _subjects(obj, namespaced=False)


def role_binding_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed RoleBinding, whose role stays."""
    yield from object_meta_update(new, old)
    yield from role_binding(new)
    yield from _same_role(new, old)


def cluster_role_binding_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ClusterRoleBinding, whose role stays."""
    yield from object_meta_update(new, old)
    yield from cluster_role_binding(new)
    yield from _same_role(new, old)


def _same_role(new: Object, old: Object) -> Iterator[FieldError]:
    if new.get("roleRef") != old.get("roleRef"):
        yield field_invalid("roleRef", new.get("roleRef"), "cannot change roleRef")


def _rule(path: str, rule: Object, *, namespaced: bool) -> Iterator[FieldError]:
    if not rule.get("verbs"):
        yield field_required(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            detail = "namespaced rules cannot apply to non-resource URLs"
            yield field_invalid(f"{path}.nonResourceURLs", urls, detail)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            yield field_invalid(f"{path}.nonResourceURLs", urls, detail)
        return
    if not rule.get("apiGroups"):
        yield field_required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield field_required(f"{path}.resources", "resource rules must supply at least one resource")


def _role_ref(reference: Object, kinds: tuple[str, ...]) -> Iterator[FieldError]:
    if reference.get("apiGroup") != RBAC_GROUP:
        yield field_not_supported("roleRef.apiGroup", reference.get("apiGroup") or "", (RBAC_GROUP,))
    if reference.get("kind") not in kinds:
        yield field_not_supported("roleRef.kind", reference.get("kind") or "", kinds)
    name = reference.get("name") or ""
    if not name:
        yield field_required("roleRef.name")
    else:
        yield from each_message("roleRef.name", name, path_segment(name))


def _subjects(obj: Object, *, namespaced: bool) -> Iterator[FieldError]:
    for index, subject in enumerate(obj.get("subjects") or []):
        here, kind, group = f"subjects[{index}]", subject.get("kind") or "", subject.get("apiGroup") or ""
        name = subject.get("name") or ""
        if not name:
            yield field_required(f"{here}.name")
        if kind == "ServiceAccount":
            if name:
                yield from dns_subdomain(f"{here}.name", name)
            if group:
                yield field_not_supported(f"{here}.apiGroup", group, ("",))
            if not namespaced and not subject.get("namespace"):
                yield field_required(f"{here}.namespace")
        elif kind in ("User", "Group"):
            if group != RBAC_GROUP:
                yield field_not_supported(f"{here}.apiGroup", group, (RBAC_GROUP,))
        else:
            yield field_not_supported(f"{here}.kind", kind, ("Group", "ServiceAccount", "User"))
