"""Validation of Pod, its updates and status, of pod templates and of bindings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.containers import PodContext, containers, ephemeral_containers, init_containers
from apiserver.validation.difference import difference
from apiserver.validation.meta import labels, object_meta, object_meta_update
from apiserver.validation.names import MAX_INT32, dns_label, dns_subdomain, in_range, ip, parsed_ip, qualified_name
from apiserver.validation.operating_systems import operating_system, own_users
from apiserver.validation.resources import resource_list
from apiserver.validation.scheduling import affinity, scheduling_gates, tolerations, topology_spread
from apiserver.validation.security import pod_security_context, profile_annotations
from apiserver.validation.volumes import volumes
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, annotations_of

RESTART_POLICIES = ("Always", "Never", "OnFailure")
_DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")
_MIRROR = "kubernetes.io/config.mirror"
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_INT32 = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_MUTABLE_FIELDS = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)


def pod(obj: Object) -> Iterator[FieldError]:
    """A Pod about to be created."""
    yield from metadata_and_spec(obj)
    spec = obj.get("spec") or {}
    if spec.get("ephemeralContainers"):
        yield field_forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        yield field_forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def pod_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Pod: images, deadline, added tolerations and removed gates are all that may change in its spec."""
    yield from object_meta_update(new, old)
    yield from metadata_and_spec(new)
    yield from _mirror_annotation(new, old)
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    for key in ("containers", "initContainers"):
        if len(new_spec.get(key) or []) != len(old_spec.get(key) or []):
            yield field_forbidden(f"spec.{key}", "pod updates may not add or remove containers")
            return
    yield from _active_deadline_update(new_spec.get("activeDeadlineSeconds"), old_spec.get("activeDeadlineSeconds"))
    yield from _tolerations_update(new_spec.get("tolerations") or [], old_spec.get("tolerations") or [])
    yield from _gates_update(new_spec.get("schedulingGates") or [], old_spec.get("schedulingGates") or [])
    changed = _other_changes(new_spec, old_spec)
    if changed:
        lines = "".join(difference(new_spec.get(key), old_spec.get(key), key) for key in changed)
        yield field_forbidden("spec", f"pod updates may not change fields other than {_MUTABLE_FIELDS}\n{lines}")


def pod_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: sound addresses, a constant QoS class, no container that rises from the dead."""
    yield from object_meta_update(new, old)
    status, old_status, spec = new.get("status") or {}, old.get("status") or {}, old.get("spec") or {}
    for key in ("podIPs", "hostIPs"):
        if status.get(key):
            yield from _addresses(f"status.{key}", status[key])
    old_class = old_status.get("qosClass")
    if old_class and status.get("qosClass") != old_class:
        yield field_invalid("status.qosClass", status.get("qosClass") or "", "field is immutable")
    if spec.get("restartPolicy") == "Always":
        return
    for key in ("containerStatuses", "initContainerStatuses"):
        sidecars = {item.get("name") for item in spec.get("initContainers") or [] if item.get("restartPolicy")}
        current = {item.get("name"): item.get("state") or {} for item in status.get(key) or []}
        for index, item in enumerate(old_status.get(key) or []):
            terminated = (item.get("state") or {}).get("terminated")
            state = current.get(item.get("name"))
            if terminated is None or state is None or item.get("name") in sidecars or "terminated" in state:
                continue
            if terminated.get("exitCode") and spec.get("restartPolicy") == "OnFailure":
                continue
            yield field_forbidden(f"status.{key}[{index}].state", "may not be transitioned to non-terminated state")


def _addresses(path: str, addresses: list[Object]) -> Iterator[FieldError]:
    """At most one address of each family."""
    families: set[int] = set()
    seen: set[str] = set()
    for index, address in enumerate(addresses):
        value = address.get("ip") or ""
        yield from ip(f"{path}[{index}]", value)
        if value in seen:
            yield field_duplicate(f"{path}[{index}]", address)
        seen.add(value)
        parsed = parsed_ip(value)
        families |= {parsed.version} if parsed is not None else set()
    if len(addresses) > 1 and len(families) < len(addresses):
        yield field_invalid(path, addresses, "may specify no more than one IP for each IP family")


def pod_template(path: str, template: Object) -> Iterator[FieldError]:
    """The labels, annotations and spec of a ``PodTemplateSpec``."""
    meta = template.get("metadata") or {}
    yield from labels(f"{path}.labels", meta.get("labels"))
    yield from pod_annotations(f"{path}.annotations", template)
    spec = template.get("spec") or {}
    yield from pod_spec(f"{path}.spec", spec, standalone=False)
    if spec.get("ephemeralContainers"):
        yield field_forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def binding(obj: Object) -> Iterator[FieldError]:
    """A Binding of a pod to a node."""
    target = obj.get("target") or {}
    if target.get("kind") and target["kind"] != "Node":
        yield field_not_supported("target.kind", target["kind"], ("Node", "<empty>"))
    if not target.get("name"):
        yield field_required("target.name")


def pod_spec(path: str, spec: Object, *, standalone: bool) -> Iterator[FieldError]:
    """A pod's spec; ``standalone`` tells a Pod from a template."""
    if spec.get("terminationGracePeriodSeconds") is None:
        yield field_required(f"{path}.terminationGracePeriodSeconds")
    yield from volumes(f"{path}.volumes", spec.get("volumes") or [])
    yield from _all_containers(path, spec, standalone=standalone)
    yield from _host_network(path, spec, standalone=standalone)
    yield from _choice(f"{path}.restartPolicy", spec.get("restartPolicy"), RESTART_POLICIES)
    yield from _choice(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES)
    yield from labels(f"{path}.nodeSelector", spec.get("nodeSelector"))
    yield from pod_security_context(f"{path}.securityContext", spec.get("securityContext") or {}, spec)
    yield from affinity(f"{path}.affinity", spec.get("affinity") or {})
    yield from _dns_config(f"{path}.dnsConfig", spec)
    for index, gate in enumerate(spec.get("readinessGates") or []):
        yield from qualified_name(f"{path}.readinessGates[{index}].conditionType", gate.get("conditionType") or "")
    yield from scheduling_gates(f"{path}.schedulingGates", spec.get("schedulingGates") or [])
    yield from topology_spread(f"{path}.topologySpreadConstraints", spec.get("topologySpreadConstraints") or [])
    for key in ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"):
        if spec.get(key):
            yield from dns_subdomain(f"{path}.{key}", spec[key])
    if spec.get("activeDeadlineSeconds") is not None:
        yield from in_range(f"{path}.activeDeadlineSeconds", spec["activeDeadlineSeconds"], 1, MAX_INT32)
    for key in ("hostname", "subdomain"):
        if spec.get(key):
            yield from dns_label(f"{path}.{key}", spec[key])
    yield from tolerations(f"{path}.tolerations", spec.get("tolerations") or [])
    for index, alias in enumerate(spec.get("hostAliases") or []):
        yield from ip(f"{path}.hostAliases[{index}].ip", alias.get("ip") or "")
        for position, hostname in enumerate(alias.get("hostnames") or []):
            yield from dns_subdomain(f"{path}.hostAliases[{index}].hostnames[{position}]", hostname)
    if spec.get("preemptionPolicy") is not None:
        yield from _choice(f"{path}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTION_POLICIES)
    if spec.get("overhead"):
        yield from resource_list(f"{path}.overhead.limits", spec["overhead"])
    if spec.get("hostUsers") is False:
        yield from own_users(path, spec)
    if spec.get("os") is not None:
        yield from operating_system(path, spec)


def pod_annotations(path: str, obj: Object) -> Iterator[FieldError]:
    """The annotations of a Pod or pod template that mean something."""
    annotations = annotations_of(obj)
    if not annotations:
        return
    if _MIRROR in annotations and not (obj.get("spec") or {}).get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        yield field_invalid(f"{path}[{_MIRROR}]", annotations[_MIRROR], detail)
    cost = annotations.get(_DELETION_COST)
    if cost is not None and not (_INT32.fullmatch(cost) and -MAX_INT32 - 1 <= int(cost) <= MAX_INT32):
        yield field_invalid(f"{path}[{_DELETION_COST}]", cost, "must be a 32bit integer")
    yield from profile_annotations(path, annotations, obj.get("spec") or {})


def metadata_and_spec(obj: Object) -> Iterator[FieldError]:
    """What is checked of a pod at every write of its spec."""
    yield from object_meta(obj, namespaced=True)
    yield from pod_annotations("metadata.annotations", obj)
    spec = obj.get("spec") or {}
    yield from pod_spec("spec", spec, standalone=True)
    if spec.get("serviceAccountName"):
        return
    for index, volume in enumerate(spec.get("volumes") or []):
        for position, source in enumerate((volume.get("projected") or {}).get("sources") or []):
            if source.get("serviceAccountToken") is not None:
                here = f"spec.volumes[{index}].projected.sources[{position}].serviceAccountToken"
                yield field_forbidden(here, "must not be specified when serviceAccountName is not set")


def _mirror_annotation(new: Object, old: Object) -> Iterator[FieldError]:
    new_value, old_value = annotations_of(new).get(_MIRROR), annotations_of(old).get(_MIRROR)
    if new_value != old_value:
        verb = "add" if old_value is None else "remove or update"
        yield field_forbidden(f"metadata.annotations[{_MIRROR}]", f"may not {verb} mirror pod annotation")
    for key in {*annotations_of(new), *annotations_of(old)} if annotations_of(new) != annotations_of(old) else ():
        new_value, old_value = annotations_of(new).get(key), annotations_of(old).get(key)
        if key.startswith(_APP_ARMOR) and new_value != old_value:
            verb = "add" if old_value is None else "remove or update"
            yield field_forbidden(f"metadata.annotations[{key}]", f"may not {verb} AppArmor annotations")


def _all_containers(path: str, spec: Object, *, standalone: bool) -> Iterator[FieldError]:
    pod_context = PodContext(
        volumes={volume.get("name") or "": volume for volume in spec.get("volumes") or []},
        grace_period=spec.get("terminationGracePeriodSeconds"),
        standalone=standalone,
        restart_policy=spec.get("restartPolicy") or "",
        claims=frozenset(claim.get("name") or "" for claim in spec.get("resourceClaims") or ()),
        host_users=spec.get("hostUsers") is not False,
    )
    if spec.get("resourceClaims"):
        yield from _resource_claims(f"{path}.resourceClaims", spec["resourceClaims"])
    regular, init = spec.get("containers") or [], spec.get("initContainers") or []
    yield from containers(f"{path}.containers", regular, pod_context)
    yield from init_containers(f"{path}.initContainers", init, regular, pod_context)
    ephemeral = spec.get("ephemeralContainers") or []
    yield from ephemeral_containers(f"{path}.ephemeralContainers", ephemeral, regular + init, pod_context)


def _resource_claims(path: str, claims: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        here, name = f"{path}[{index}]", claim.get("name") or ""
        present = [key for key in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(key) is not None]
        if not name:
            yield field_required(f"{here}.name")
        elif name in seen:
            yield field_duplicate(f"{here}.name", name)
        else:
            yield from dns_label(f"{here}.name", name)
            seen.add(name)
        if len(present) == 2:
            detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            yield field_invalid(here, claim, detail)
        if not present:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            yield field_invalid(here, claim, detail)
        for key in present:
            yield from dns_subdomain(f"{here}.{key}", claim[key])


def _host_network(path: str, spec: Object, *, standalone: bool) -> Iterator[FieldError]:
    if not spec.get("hostNetwork"):
        return
    for index, container in enumerate(spec.get("containers") or []):
        for position, port in enumerate(container.get("ports") or []):
            host_port = port.get("hostPort") or 0
            if (standalone or host_port) and host_port != port.get("containerPort"):
                here = f"{path}.containers[{index}].ports[{position}].hostPort"
                yield field_invalid(here, host_port, "must match `containerPort` when `hostNetwork` is true")


def _choice(path: str, value: str | None, supported: tuple[str, ...]) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
    elif value not in supported:
        yield field_not_supported(path, value, supported)


def _dns_config(path: str, spec: Object) -> Iterator[FieldError]:
    config = spec.get("dnsConfig")
    servers = (config or {}).get("nameservers") or []
    if spec.get("dnsPolicy") == "None":
        if config is None:
            yield field_required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not servers:
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield field_required(f"{path}.nameservers", detail)
            return
    if config is None:
        return
    if len(servers) > 3:
        yield field_invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers")
    for index, server in enumerate(servers):
        yield from ip(f"{path}.nameservers[{index}]", server)
    searches = config.get("searches") or []
    if len(searches) > 32:
        yield field_invalid(f"{path}.searches", searches, "must not have more than 32 search paths")
    if len(" ".join(searches)) > 2048:
        detail = "must not have more than 2048 characters (including spaces) in the search list"
        yield field_invalid(f"{path}.searches", searches, detail)
    for index, search in enumerate(searches):
        if search != ".":
            # An underscore is fine in a search path, unlike in the name of a host.
            yield from dns_subdomain(f"{path}.searches[{index}]", search.removesuffix(".").replace("_", "-"))
    for index, option in enumerate(config.get("options") or []):
        if not option.get("name"):
            yield field_required(f"{path}.options[{index}]", "must not be empty")


def _active_deadline_update(new: int | None, old: int | None) -> Iterator[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        if old is not None:
            yield field_invalid(path, None, "must not update from a positive integer to nil value")
    elif old is not None and old < new:
        yield field_invalid(path, new, "must be less than or equal to previous value")


def _tolerations_update(new: list[Object], old: list[Object]) -> Iterator[FieldError]:
    kept = [_without_seconds(toleration) for toleration in new]
    if any(_without_seconds(toleration) not in kept for toleration in old):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield field_forbidden("spec.tolerations", detail)


def _without_seconds(toleration: Object) -> Object:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _gates_update(new: list[Object], old: list[Object]) -> Iterator[FieldError]:
    known = {gate.get("name") for gate in old}
    for index, gate in enumerate(new):
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield field_forbidden(f"spec.schedulingGates[{index}].name", detail)


def _other_changes(new: Object, old: Object) -> list[str]:
    """The spec's fields that changed although they may not; for containers only the image is free."""
    free = {"activeDeadlineSeconds", "tolerations", "schedulingGates"}
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and new.get("terminationGracePeriodSeconds") == 1:
        free.add("terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        # A gated pod may still be narrowed down to fewer nodes.
        selector = old.get("nodeSelector") or {}
        if selector.items() <= (new.get("nodeSelector") or {}).items():
            free.add("nodeSelector")
    changed = []
    for key in sorted({*new, *old} - free):
        before, after = old.get(key), new.get(key)
        if key in ("containers", "initContainers"):
            before, after = _without_images(before or []), _without_images(after or [])
        if (before or None) != (after or None):
            changed.append(key)
    return changed


def _without_images(items: list[Object]) -> list[Object]:
    return [{key: value for key, value in item.items() if key != "image"} for item in items]
