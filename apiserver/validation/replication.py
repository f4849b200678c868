"""Validation of ReplicationController, PodTemplate and ControllerRevision."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import immutable, object_meta, object_meta_update
from apiserver.validation.names import non_negative
from apiserver.validation.pods import pod_template
from apiserver.validation.workloads import long_running_template, replica_counts
from minikube_py.api.errors import FieldError, field_invalid, field_required
from minikube_py.api.meta import Object, labels_of


def replication_controller(obj: Object) -> Iterator[FieldError]:
    """A ReplicationController about to be stored."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    selector, template = spec.get("selector") or {}, spec.get("template")
    yield from non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    if not selector:
        yield field_required("spec.selector")
    yield from non_negative("spec.replicas", spec.get("replicas"))
    if template is None:
        yield field_required("spec.template")
        return
    if not selector.items() <= labels_of(template).items():
        detail = "`selector` does not match template `labels`"
        yield field_invalid("spec.template.metadata.labels", labels_of(template) or None, detail)
    yield from long_running_template("spec.template", template, "ReplicationController")


def replication_controller_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ReplicationController; even its selector may change."""
    yield from object_meta_update(new, old)
    yield from replication_controller(new)


def replication_controller_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: consistent counts."""
    yield from object_meta_update(new, old)
    yield from replica_counts(new.get("status") or {})


def pod_template_object(obj: Object) -> Iterator[FieldError]:
    """A PodTemplate about to be stored."""
    yield from object_meta(obj, namespaced=True)
    yield from pod_template("template", obj.get("template") or {})


def pod_template_object_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed PodTemplate."""
    yield from object_meta_update(new, old)
    yield from pod_template_object(new)


def controller_revision(obj: Object) -> Iterator[FieldError]:
    """A ControllerRevision about to be stored."""
    yield from object_meta(obj, namespaced=True)
    if obj.get("data") is None:
        yield field_required("data", "data is mandatory")
    yield from non_negative("revision", obj.get("revision"))


def controller_revision_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed ControllerRevision, whose data stays; its number may rise when a revision comes back."""
    yield from object_meta_update(new, old)
    yield from controller_revision(new)
    yield from immutable("data", new.get("data"), old.get("data"))
