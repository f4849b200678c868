"""The PersistentVolumeClaims of a StatefulSet's pods, and who owns them; pure.

A claim outlives its pod. ``persistentVolumeClaimRetentionPolicy`` may let it go with the StatefulSet, or with a pod
that is scaled away: the one or the other then owns it, and the garbage collector does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from controllers.stateful_set import spec
from minikube_py.api.meta import (
    Object,
    controller_reference,
    is_deleting,
    labels_of,
    metadata,
    name_of,
    namespace_of,
    owner_references,
    uid_of,
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What is to be done about one pod's claims."""

    create: tuple[Object, ...] = ()
    update: tuple[Object, ...] = ()
    contested: tuple[str, ...] = ()
    """Names of claims that another controller owns, for which the retention policy is ignored."""


def claim_name(stateful_set: Object, template: Object, ordinal: int) -> str:
    """The name of the claim that a template makes for an ordinal."""
    return f"{name_of(template)}-{name_of(stateful_set)}-{ordinal}"


def is_claim_of(stateful_set: Object, name: str) -> bool:
    """Whether a claim of that name belongs to one of the set's ordinals, whether there is a pod of it or not."""
    for template in spec.claim_templates(stateful_set):
        prefix = f"{name_of(template)}-"
        if name.startswith(prefix) and spec.ordinal_of(stateful_set, name.removeprefix(prefix)) is not None:
            return True
    return False


def are_stale(stateful_set: Object, ordinal: int, present: Mapping[str, Object]) -> bool:
    """Whether a claim is about to go with an earlier pod of the ordinal, which has to be waited for."""
    if not spec.claims_go_with_their_pods(stateful_set):
        return False
    pod_name = f"{name_of(stateful_set)}-{ordinal}"
    return any(
        _is_pod(reference, pod_name)
        for claim in _present(stateful_set, ordinal, present)
        for reference in owner_references(claim)
    )


def being_deleted(stateful_set: Object, ordinal: int, present: Mapping[str, Object]) -> list[str]:
    """The names of the ordinal's claims that a new pod can't have because they are being deleted."""
    return [name_of(claim) for claim in _present(stateful_set, ordinal, present) if is_deleting(claim)]


def claims_of(stateful_set: Object, ordinal: int, pod: Object | None, present: Mapping[str, Object]) -> Claims:
    """The claims of an ordinal to create, and those to give other owners; ``pod`` is None before it is created."""
    create, update, contested = [], [], []
    for template in spec.claim_templates(stateful_set):
        claim = present.get(claim_name(stateful_set, template, ordinal))
        if claim is None:
            create.append(_new_claim(stateful_set, template, ordinal))
            continue
        if _is_contested(stateful_set, claim, pod):
            contested.append(name_of(claim))
        owners = owners_to_set(stateful_set, claim, ordinal, pod)
        if owners is not None:
            update.append({**claim, "metadata": {**metadata(claim), "ownerReferences": owners}})
    return Claims(tuple(create), tuple(update), tuple(contested))


def owners_to_set(stateful_set: Object, claim: Object, ordinal: int, pod: Object | None) -> list[Object] | None:
    """The owner references that a claim should have, or None where it has them, or is better left alone.

    It is left alone if it belongs to an earlier object of the same name: the garbage collector deals with it.
    """
    references = owner_references(claim)
    pod_name, pod_uid = f"{name_of(stateful_set)}-{ordinal}", uid_of(pod or {})
    of_set = [reference for reference in references if _is_set(reference, stateful_set)]
    of_pod = [reference for reference in references if _is_pod(reference, pod_name)]
    if any(reference.get("uid") != uid_of(stateful_set) for reference in of_set):
        return None
    if any(reference.get("uid") != pod_uid for reference in of_pod):
        return None
    ours = of_set + of_pod
    others = [reference for reference in references if reference not in ours]
    if _is_contested(stateful_set, claim, pod):
        return others if ours else None
    with_pod = spec.claims_go_with_their_pods(stateful_set) and ordinal not in spec.ordinals(stateful_set)
    with_set = spec.claims_go_with_the_set(stateful_set) and not with_pod
    controls = all(reference.get("controller") for reference in ours)
    if controls and (bool(of_set), bool(of_pod)) == (with_set, with_pod):
        return None
    if with_pod and pod is not None:
        return [*others, controller_reference(pod)]
    return [*others, controller_reference(stateful_set)] if with_set else others


def _new_claim(stateful_set: Object, template: Object, ordinal: int) -> Object:
    given = metadata(template)
    selected = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    meta: Object = {
        "name": claim_name(stateful_set, template, ordinal),
        "namespace": namespace_of(stateful_set),
        "labels": {**labels_of(template), **selected},
    }
    for field in ("annotations", "finalizers"):
        if given.get(field):
            meta[field] = deepcopy(given[field])
    if spec.claims_go_with_the_set(stateful_set):
        meta["ownerReferences"] = [controller_reference(stateful_set)]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": meta,
        "spec": deepcopy(template.get("spec") or {}),
    }


def _present(stateful_set: Object, ordinal: int, present: Mapping[str, Object]) -> Iterator[Object]:
    for template in spec.claim_templates(stateful_set):
        claim = present.get(claim_name(stateful_set, template, ordinal))
        if claim is not None:
            yield claim


def _is_contested(stateful_set: Object, claim: Object, pod: Object | None) -> bool:
    if not spec.claims_go_with_the_set(stateful_set) and not spec.claims_go_with_their_pods(stateful_set):
        return False
    own = {uid_of(stateful_set), uid_of(pod or {})}
    return any(reference.get("controller") and reference.get("uid") not in own for reference in owner_references(claim))


def _is_set(reference: Object, stateful_set: Object) -> bool:
    group = str(reference.get("apiVersion", "")).partition("/")[0]
    return (group, reference.get("kind"), reference.get("name")) == ("apps", "StatefulSet", name_of(stateful_set))


def _is_pod(reference: Object, pod_name: str) -> bool:
    return (reference.get("apiVersion"), reference.get("kind"), reference.get("name")) == ("v1", "Pod", pod_name)
