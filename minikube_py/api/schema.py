"""The schemas of every kind of one Kubernetes version, and the check of an object against them.

The definitions are the data of the PyPI package ``kubernetes-validate``; its code is not imported. They are kept as
one JSON text per definition and compiled on first use, so that a process holds in memory only what it serves.

:meth:`Schemas.decode_check` gives what Go's decoder gives: the same type errors, the same paths of unknown fields,
``null`` and the zero values that Go drops left out, quantities and times in canonical form.
"""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from minikube_py.api.decode import Checked, Decoder
from minikube_py.api.fields import Code, Field, Type, compile_fields, compile_type
from minikube_py.api.meta import Object

DEFAULT_VERSION = "1.32"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_OPTIONS = frozenset({"DeleteOptions", "Status"})
"""Kinds that every group serves as if they were its own."""


class UnknownVersion(ValueError):
    """No schemas are installed for that Kubernetes version."""


class Schemas:
    """The definitions of one version, by name (``io.k8s.api.core.v1.Pod``).

    Raises UnknownVersion where the installed data does not hold ``kubernetes_version`` (``1.25`` … ``1.37``).
    """

    def __init__(self, kubernetes_version: str = DEFAULT_VERSION) -> None:
        self.kubernetes_version = kubernetes_version
        definitions = orjson.loads(_data_file(kubernetes_version).read_bytes())["$defs"]
        self._names: dict[tuple[str, str], str] = {}
        for name, definition in definitions.items():
            self._index(name, definition.get("x-kubernetes-group-version-kind") or ())
        # Compressed they take 2 MB of each process instead of 5, and each is read a few times at most.
        self._texts: dict[str, bytes] = {
            name: zlib.compress(orjson.dumps(definition), 1) for name, definition in definitions.items()
        }
        self._fields: dict[str, Mapping[str, Field]] = {}
        self._types: dict[str, Type] = {}

    def _index(self, name: str, kinds: Sequence[Object]) -> None:
        for kind in kinds:
            api_version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
            self._names[api_version, kind["kind"]] = name

    def names(self) -> Sequence[str]:
        """The names of all definitions, in the order of the published document."""
        return tuple(self._texts)

    def kinds(self) -> Mapping[tuple[str, str], str]:
        """The definition of every ``(apiVersion, kind)``."""
        return self._names

    def definition_name(self, api_version: str, kind: str) -> str | None:
        """The definition of a kind, or None where this version has none."""
        name = self._names.get((api_version, kind))
        if name is None and kind in _OPTIONS:
            return f"{_META}.{kind}"
        return name

    def _text(self, name: str) -> bytes | None:
        packed = self._texts.get(name)
        return zlib.decompress(packed) if packed is not None else None

    def definition(self, name: str) -> Object:
        """The definition as OpenAPI v2 publishes it, a fresh copy; empty where there is none of that name.

        References read ``#/definitions/…``; the ``null`` alternatives and the enumerated ``apiVersion`` and ``kind``
        that the data adds are taken out again.
        """
        text = self._text(name)
        return cast(Object, _as_published(name, orjson.loads(text))) if text is not None else {}

    def fields(self, name: str) -> Mapping[str, Field]:
        """The fields of a definition; empty where it has none."""
        compiled = self._fields.get(name)
        if compiled is None:
            text = self._text(name)
            compiled = compile_fields(name, orjson.loads(text), self.type_of) if text is not None else {}
            self._fields[name] = compiled
        return compiled

    def field(self, name: str, path: str | Sequence[str]) -> Field | None:
        """The field at a dotted path below a definition (``spec.template.spec``), or None.

        Lists and maps are passed through: the next part of the path names a field of their items.
        """
        found: Field | None = None
        for part in path.split(".") if isinstance(path, str) else path:
            found = self.fields(name).get(part)
            if found is None:
                return None
            name = found.type.definition
        return found

    def type_of(self, name: str) -> Type:
        """The type that a reference to a definition stands for."""
        compiled = self._types.get(name)
        if compiled is None:
            text = self._text(name)
            compiled = compile_type(name, orjson.loads(text)) if text is not None else Type(Code.ANY)
            self._types[name] = compiled
        return compiled

    def decode_check(self, api_version: str, kind: str, obj: Any) -> Checked:
        """The object as Go's decoder would leave it; one of a kind without a definition is returned as it is."""
        name = self.definition_name(api_version, kind)
        return self.decode_check_definition(name, obj) if name is not None else Checked([], [], obj)

    def decode_check_definition(self, name: str, value: Any) -> Checked:
        """As :meth:`decode_check`, for a value of a named definition."""
        return Decoder(self.fields).decode(value, self.type_of(name))


def _data_file(version: str) -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise UnknownVersion("the package kubernetes-validate, which holds the schemas, is not installed")
    root = Path(spec.origin).parent / "kubernetes-json-schema"
    found = root / f"v{version}.0-local" / "_definitions.json"
    if not found.is_file():
        held = sorted(
            (path.name.removeprefix("v").removesuffix(".0-local") for path in root.glob("v*-local")),
            key=lambda text: tuple(int(part) for part in text.split(".") if part.isdigit()),
        )
        raise UnknownVersion(f'no schemas of Kubernetes version "{version}"; supported versions: {", ".join(held)}')
    return found


_PUBLISHED: dict[str, Object] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "description": "Quantity is a fixed-point number: a signed decimal number with an optional suffix "
        "(n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei) or a decimal exponent.",
        "type": "string",
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "description": "IntOrString is a type that can hold an int32 or a string.",
        "format": "int-or-string",
        "type": "string",
    },
}


def _as_published(name: str, definition: Any) -> Any:
    return dict(_PUBLISHED[name]) if name in _PUBLISHED else _published(definition)


def _published(node: Any) -> Any:
    if isinstance(node, list):
        return [_published(item) for item in node]
    if not isinstance(node, dict):
        return node
    shown = {key: _published(item) for key, item in node.items()}
    kind = shown.get("type")
    if isinstance(kind, list) and len(kind) == 2 and kind[1] == "null":
        shown["type"] = kind[0]
        # Only apiVersion and kind carry an enumeration, and only in this data.
        shown.pop("enum", None)
    reference = shown.get("$ref")
    if isinstance(reference, str):
        shown["$ref"] = reference.replace("#/$defs/", "#/definitions/")
    return shown


@dataclass(frozen=True, slots=True)
class PatchField:
    """How strategic merge treats a field: its strategies, the merge key of its items, and its type where known."""

    strategies: tuple[str, ...] = ()
    merge_key: str = ""
    type: Type | None = None


_NO_PATCH_FIELD = PatchField()


def patch_field(schemas: Schemas, parent: Type | None, name: str) -> PatchField:
    """The patch metadata of a key below ``parent``; what is not known is merged as plain JSON."""
    if parent is None:
        return _NO_PATCH_FIELD
    if parent.code is Code.MAP:
        return PatchField(type=parent.item)
    field = schemas.fields(parent.definition).get(name) if parent.code is Code.STRUCT else None
    if field is None:
        return _NO_PATCH_FIELD
    return PatchField(field.patch_strategies, field.patch_merge_key, field.type)
