"""DefaultIngressClass: an Ingress that names no class gets the default one.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/network/defaultingressclass``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import CREATE, Action, Attributes, Plugin
from minikube_py.api.meta import Object, annotations_of, metadata, name_of
from minikube_py.api.resources import INGRESS_CLASSES

IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_OLD_ANNOTATION = "kubernetes.io/ingress.class"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ingress class as far as this plugin looks."""

    name: str
    created: str
    is_default: bool


def read(ingress_class: Object) -> Candidate:
    """Whether an ingress class is a default, and how old it is."""
    marked = annotations_of(ingress_class).get(IS_DEFAULT) == "true"
    return Candidate(name_of(ingress_class), metadata(ingress_class).get("creationTimestamp") or "", marked)


class DefaultIngressClass(Plugin):
    """Changes Ingresses that are created."""

    name = "DefaultIngressClass"
    mutates = True
    kinds = frozenset({("networking.k8s.io", "ingresses")})
    actions: ClassVar[frozenset[Action]] = CREATE

    def __init__(self) -> None:
        self._classes: Derived[Candidate] = Derived(INGRESS_CLASSES, read)

    async def mutate(self, attributes: Attributes) -> None:
        """Sets ``spec.ingressClassName`` where neither the field nor the old annotation names a class."""
        ingress = attributes.obj
        if attributes.operation.subresource or ingress is None or names_class(ingress):
            return
        chosen = default_of(self._classes.list(attributes.operation.core))
        if chosen:
            attributes.obj = {**ingress, "spec": {**(ingress.get("spec") or {}), "ingressClassName": chosen}}


def names_class(ingress: Object) -> bool:
    """Whether an Ingress says which class it is of. Pure."""
    named = (ingress.get("spec") or {}).get("ingressClassName") is not None
    return named or _OLD_ANNOTATION in annotations_of(ingress)


def default_of(classes: Iterable[Candidate]) -> str:
    """The default class's name, of several the newest, of equally new ones the first by name; empty for none. Pure."""
    defaults = sorted((item for item in classes if item.is_default), key=lambda item: item.name)
    return max(defaults, key=lambda item: item.created).name if defaults else ""
