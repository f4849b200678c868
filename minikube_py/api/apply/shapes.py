"""What of a kind merges and what is owned as a whole, compiled once per definition from the published schemas."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from minikube_py.api.fields import Code, Type
from minikube_py.api.schema import Schemas

DEFAULT_KEYS: Mapping[str, Any] = {"protocol": "TCP"}
"""The value that an absent key of a list's item stands for, where its field has a default."""

_EMBEDDED: Mapping[str, frozenset[str]] = {
    "CronJobSpec": frozenset({"jobTemplate"}),
    "DaemonSetSpec": frozenset({"template", "updateStrategy"}),
    "DeploymentSpec": frozenset({"strategy", "template"}),
    "Event": frozenset({"deprecatedSource", "involvedObject", "regarding", "source"}),
    "FlowSchemaSpec": frozenset({"priorityLevelConfiguration"}),
    "HorizontalPodAutoscalerSpec": frozenset({"scaleTargetRef"}),
    "IngressStatus": frozenset({"loadBalancer"}),
    "JobSpec": frozenset({"template"}),
    "NodeDaemonEndpoints": frozenset({"kubeletEndpoint"}),
    "NodeStatus": frozenset({"daemonEndpoints", "nodeInfo"}),
    "PersistentVolumeClaimSpec": frozenset({"resources"}),
    "PodTemplate": frozenset({"template"}),
    "ReplicaSetSpec": frozenset({"template"}),
    "ResourceClaimSpec": frozenset({"devices"}),
    "ResourceSliceSpec": frozenset({"pool"}),
    "ServiceStatus": frozenset({"loadBalancer"}),
    "StatefulSetSpec": frozenset({"template", "updateStrategy"}),
    "VolumeAttachmentSpec": frozenset({"source"}),
}
"""The fields, besides :data:`_ALWAYS_EMBEDDED`, that Go holds by value: they are there in an object that has nothing.

Only what can be reached from the root of a kind through such fields alone matters.
"""
_ALWAYS_EMBEDDED = frozenset({"metadata", "spec", "status"})


class Form(IntEnum):
    """How a value is taken apart."""

    LEAF = 0
    """Owned as a whole: a scalar, an atomic list, map or struct, or JSON without a schema."""
    STRUCT = 1
    MAP = 2
    LIST = 3
    """Items told apart by the values of some of their fields."""
    SET = 4
    """Scalar items, each told apart by its value."""


class Member(NamedTuple):
    """A field of a struct."""

    key: str
    """``f:`` and the field's name."""
    shape: Shape
    always: bool
    """Whether Go has the field even in an empty object: a struct held by value, or a required list, map or scalar."""


class Shape:
    """The shape of one type. Members of structs are compiled when they are first asked for."""

    __slots__ = ("_compile", "_members", "form", "item", "keys", "type")

    def __init__(
        self,
        form: Form,
        type_: Type,
        *,
        item: Shape | None = None,
        keys: tuple[str, ...] = (),
        compile_members: Callable[[], Mapping[str, Member]] | None = None,
    ) -> None:
        self.form = form
        self.type = type_
        self.item = item
        self.keys = keys
        self._compile = compile_members
        self._members: Mapping[str, Member] | None = None

    @property
    def members(self) -> Mapping[str, Member]:
        """The fields of a struct, atomic or not; empty for everything else."""
        if self._members is None:
            self._members = self._compile() if self._compile is not None else {}
        return self._members


class Shapes:
    """The shapes of one Kubernetes version."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._structs: dict[tuple[str, bool], Shape] = {}
        self._scalars: dict[Type, Shape] = {}

    def of_kind(self, api_version: str, kind: str) -> Shape | None:
        """The shape of a kind, or None where this version has none."""
        definition = self._schemas.definition_name(api_version, kind)
        return self.of_definition(definition) if definition is not None else None

    def of_definition(self, definition: str) -> Shape:
        """The shape of a named definition."""
        return self._of_type(self._schemas.type_of(definition), {})

    def _of_type(self, type_: Type, marks: Mapping[str, Any]) -> Shape:
        match type_.code:
            case Code.STRUCT:
                return self._struct(type_, atomic=marks.get("x-kubernetes-map-type") == "atomic")
            case Code.MAP:
                item = self._of_type(type_.item or Type(Code.ANY), {})
                atomic = marks.get("x-kubernetes-map-type") == "atomic"
                return Shape(Form.LEAF if atomic else Form.MAP, type_, item=item)
            case Code.LIST:
                item = self._of_type(type_.item or Type(Code.ANY), {})
                list_type = marks.get("x-kubernetes-list-type")
                if list_type == "map":
                    keys = tuple(sorted(marks.get("x-kubernetes-list-map-keys") or ()))
                    return Shape(Form.LIST, type_, item=item, keys=keys)
                return Shape(Form.SET if list_type == "set" else Form.LEAF, type_, item=item)
        shape = self._scalars.get(type_)
        if shape is None:
            shape = self._scalars[type_] = Shape(Form.LEAF, type_)
        return shape

    def _struct(self, type_: Type, *, atomic: bool) -> Shape:
        name = type_.definition
        shape = self._structs.get((name, atomic))
        if shape is None:
            definition = self._schemas.definition(name)
            whole = atomic or definition.get("x-kubernetes-map-type") == "atomic"
            form = Form.LEAF if whole else Form.STRUCT
            shape = Shape(form, type_, compile_members=lambda: self._members(name))
            self._structs[name, atomic] = shape
        return shape

    def _members(self, name: str) -> Mapping[str, Member]:
        properties = self._schemas.definition(name).get("properties") or {}
        embedded = _ALWAYS_EMBEDDED | _EMBEDDED.get(name.rpartition(".")[2], frozenset())
        members = {}
        for field, compiled in self._schemas.fields(name).items():
            shape = self._of_type(compiled.type, properties.get(field) or {})
            always = field in embedded if compiled.type.code is Code.STRUCT else compiled.required
            members[field] = Member(f"f:{field}", shape, always)
        return members


def item_values(item: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The values of a list item's keys; an absent one is its default's, or left out."""
    values = {}
    for key in keys:
        value = item.get(key)
        if value is None:
            value = DEFAULT_KEYS.get(key)
        if value is not None:
            values[key] = value
    return values


_SHAPES: weakref.WeakKeyDictionary[Schemas, Shapes] = weakref.WeakKeyDictionary()


def shapes_of(schemas: Schemas) -> Shapes:
    """The shapes that belong to ``schemas``, made once."""
    shapes = _SHAPES.get(schemas)
    if shapes is None:
        shapes = _SHAPES[schemas] = Shapes(schemas)
    return shapes
