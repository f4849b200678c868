"""A strategic merge patch, and upstream's words for one whose result has values of wrong types.

Upstream converts the patched map to a typed object by reflection (``runtime.DefaultUnstructuredConverter``), so its
messages are others than those of decoding JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minikube_py.api.decode import TypeMismatch
from minikube_py.api.errors import FieldError, Invalid
from minikube_py.api.go_format import go_format
from minikube_py.api.meta import Object
from minikube_py.api.patch import strategic_merge_patch
from minikube_py.api.schema import Schemas

_KINDS = {"number": "int64", "array": "slice", "object": "map"}


@dataclass(frozen=True, slots=True)
class StrategicPatch:
    """A patch in the body of a request; calling it applies it. Raises PatchError."""

    document: Object
    schemas: Schemas
    definition: str
    duplicates: tuple[str, ...] = ()

    def __call__(self, doc: Object) -> Any:
        return strategic_merge_patch(doc, self.document, self.schemas, self.definition)

    def mismatched(self, patched: Any, mismatch: TypeMismatch) -> Invalid:
        """The answer to a patch that leads to a value of a wrong type."""
        return self.refused(patched, _conversion(mismatch))

    def refused(self, patched: Any, complaint: str) -> Invalid:
        """The answer to a patch that is in itself wrong."""
        error = FieldError("patch", "FieldValueInvalid", f'Invalid value: "{go_format(self.document)}": {complaint}')
        return Invalid(f' "" is invalid: {error}', details={"causes": [error.cause()]})


def _conversion(mismatch: TypeMismatch) -> str:
    given, wanted = _KINDS.get(mismatch.given, mismatch.given), mismatch.wanted
    if not wanted:
        return mismatch.message
    if wanted.startswith("[]"):
        return f"cannot restore slice from {given}"
    if wanted.startswith("map["):
        return f"cannot restore map from {given}"
    if "." in wanted:
        return f"cannot restore struct from: {given}"
    return f"unrecognized type: {wanted}"
