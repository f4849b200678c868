"""Which objects of a collection a request is about: namespace, label selector, field selector."""

from __future__ import annotations

from dataclasses import dataclass

from apiserver.fields import selectable, unknown_label
from apiserver.storage.cached import Cached
from minikube_py.api.errors import BadRequest
from minikube_py.api.resources import Resource
from minikube_py.api.selectors import FieldSelector, LabelSelector


@dataclass(frozen=True, slots=True)
class Selection:
    """A namespace (empty: all) and two selectors (None: everything)."""

    resource: Resource
    namespace: str = ""
    labels: LabelSelector | None = None
    fields: FieldSelector | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no selector narrows the namespace."""
        return self.labels is None and self.fields is None

    @property
    def exact_name(self) -> str:
        """The one name that can match, or the empty string."""
        return (self.fields.exact("metadata.name") or "") if self.fields is not None else ""

    def matches(self, candidate: Cached) -> bool:
        """Whether the object is selected; its namespace is looked at too."""
        if self.namespace and candidate.namespace != self.namespace:
            return False
        if self.labels is not None and not self.labels.matches(candidate.labels):
            return False
        return self.fields is None or self.fields.matches(lambda path: candidate.fields.get(path, ""))


def parse_selection(resource: Resource, namespace: str, label_selector: str, field_selector: str) -> Selection:
    """The selection of a request. Raises BadRequest for a malformed selector or a field that cannot be selected."""
    labels: LabelSelector | None = None
    fields: FieldSelector | None = None
    if label_selector:
        try:
            labels = LabelSelector.parse(label_selector)
        except ValueError as error:
            raise BadRequest(str(error)) from None
    if field_selector:
        try:
            fields = FieldSelector.parse(field_selector)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        fields = _translated(resource, fields)
    return Selection(resource, namespace, labels, fields)


def _translated(resource: Resource, fields: FieldSelector) -> FieldSelector:
    """The selector with the names that stored objects have for what it names."""
    kind = selectable(resource)
    requirements: list[tuple[str, str, str]] = []
    for label, operator, value in fields.requirements:
        is_metadata = label == "metadata.name" or (label == "metadata.namespace" and resource.namespaced)
        path = label if is_metadata else kind.path(label)
        if path is None:
            raise BadRequest(unknown_label(resource, label))
        requirements.append((path, operator, value))
    return FieldSelector(tuple(requirements))
