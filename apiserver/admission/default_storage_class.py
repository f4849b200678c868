"""DefaultStorageClass: a claim that names no storage class gets the default one.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/storage/storageclass/setdefault``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import CREATE, Action, Attributes, Plugin
from minikube_py.api.meta import Object, annotations_of, metadata, name_of
from minikube_py.api.quota import BETA_STORAGE_CLASS
from minikube_py.api.resources import STORAGE_CLASSES

IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_IS_DEFAULT_BETA = "storageclass.beta.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A storage class as far as this plugin looks."""

    name: str
    created: str
    is_default: bool


def read(storage_class: Object) -> Candidate:
    """Whether a storage class is a default, and how old it is."""
    annotations = annotations_of(storage_class)
    marked = "true" in (annotations.get(IS_DEFAULT), annotations.get(_IS_DEFAULT_BETA))
    return Candidate(name_of(storage_class), metadata(storage_class).get("creationTimestamp") or "", marked)


class DefaultStorageClass(Plugin):
    """Changes claims that are created."""

    name = "DefaultStorageClass"
    mutates = True
    kinds = frozenset({("", "persistentvolumeclaims")})
    actions: ClassVar[frozenset[Action]] = CREATE

    def __init__(self) -> None:
        self._classes: Derived[Candidate] = Derived(STORAGE_CLASSES, read)

    async def mutate(self, attributes: Attributes) -> None:
        """Sets ``spec.storageClassName`` where neither field nor annotation names a class, not even an empty one."""
        claim = attributes.obj
        if attributes.operation.subresource or claim is None or names_class(claim):
            return
        chosen = default_of(self._classes.list(attributes.operation.core))
        if chosen:
            attributes.obj = {**claim, "spec": {**(claim.get("spec") or {}), "storageClassName": chosen}}


def names_class(claim: Object) -> bool:
    """Whether a claim says which storage class it wants, or that it wants none. Pure."""
    named = (claim.get("spec") or {}).get("storageClassName") is not None
    return named or BETA_STORAGE_CLASS in annotations_of(claim)


def default_of(classes: Iterable[Candidate]) -> str:
    """The default class's name, of several the newest, of equally new ones the first by name; empty for none. Pure."""
    defaults = sorted((item for item in classes if item.is_default), key=lambda item: item.name)
    return max(defaults, key=lambda item: item.created).name if defaults else ""
