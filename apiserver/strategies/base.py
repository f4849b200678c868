"""What a kind may say about its own objects, with the behaviour that every kind has unless it says otherwise.

The order in which the engine asks, for a create::

    decode → default → (mutating admission) → prepare_for_create → validate → (validating admission) → store

and for an update or a patch the same with ``prepare_for_update`` and ``validate_update``, for the ``status``
subresource with ``prepare_status_update`` and ``validate_status_update``. The engine itself sets what the system owns
in ``metadata`` (``uid``, ``creationTimestamp``, ``namespace``, ``deletionTimestamp``, a generated name) before it
asks, and keeps it over an update. Every method is pure: it returns a new dictionary and never changes its arguments,
which may be shared with the watch cache (what did not change may be shared between argument and result).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import ClassVar

from apiserver.fields import selectable
from apiserver.validation.meta import object_meta, object_meta_update
from minikube_py.api.errors import FieldError
from minikube_py.api.meta import Object, metadata
from minikube_py.api.resources import Resource


@dataclass(frozen=True, slots=True)
class StrategyContext:
    """What a strategy may know of the request, so that it needs no clock or randomness of its own."""

    now: datetime
    random: Random
    user: str = ""
    subresource: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Strategy:
    """The behaviour of a kind that has none of its own: status split and generation, nothing else.

    A kind with behaviour subclasses this in a file of its own and names it in ``strategies/__init__.py``.
    """

    allow_create_on_update: ClassVar[bool] = False
    """Whether a PUT of an object that does not exist creates it."""
    allow_unconditional_update: ClassVar[bool] = True
    """Whether a PUT without ``metadata.resourceVersion`` is taken."""
    returns_deleted_object: ClassVar[bool] = False
    """Whether a DELETE that removes at once answers with the object, and not with a ``Status`` of success."""
    orphans_dependents: ClassVar[bool] = False
    """Whether a DELETE that names no propagation policy leaves the dependents (the oldest kinds: Jobs among them)."""
    orphan_warning: ClassVar[str] = ""
    """The warning about such a DELETE."""
    ttl_seconds: ClassVar[int | None] = None
    """After how many seconds the store drops an object of this kind (events: one hour); None keeps it."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.has_status = resource.subresource("status") is not None

    def default(self, obj: Object) -> Object:
        """The object with absent fields filled in, as upstream's versioned defaulting does on decode."""
        return obj

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """Drops a status that the client sent and starts ``metadata.generation`` at 1."""
        prepared = dict(obj)
        if self.has_status:
            prepared.pop("status", None)
        if self.resource.has_generation:
            prepared["metadata"] = {**metadata(prepared), "generation": 1}
        return prepared

    def prepare_for_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Keeps the stored status, and counts ``metadata.generation`` up when anything but metadata changed."""
        prepared = dict(new)
        if self.has_status:
            prepared.pop("status", None)
            if "status" in old:
                prepared["status"] = old["status"]
        return self.with_generation(prepared, old)

    def prepare_status_update(self, new: Object, old: Object, ctx: StrategyContext) -> Object:
        """Takes ``status`` from the new object and everything else, labels and annotations too, from the stored one."""
        prepared = {key: value for key, value in old.items() if key != "status"}
        if "status" in new:
            prepared["status"] = new["status"]
        return prepared

    def with_generation(self, new: Object, old: Object) -> Object:
        """``new`` with the stored ``metadata.generation``, one higher if something but metadata and status differs."""
        if not self.resource.has_generation:
            return new
        generation = int(metadata(old).get("generation") or 1)
        changed = any(new.get(key) != old.get(key) for key in {*new, *old} - {"metadata", "status"})
        return {**new, "metadata": {**metadata(new), "generation": generation + changed}}

    def validate(self, obj: Object) -> list[FieldError]:
        """Every field error, metadata included, of an object about to be created."""
        return list(object_meta(obj, namespaced=self.resource.namespaced))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Every field error of ``new``, changes of immutable fields included."""
        return [*object_meta_update(new, old), *self.validate(new)]

    def validate_status_update(self, new: Object, old: Object) -> list[FieldError]:
        """Every field error of a new status."""
        return list(object_meta_update(new, old))

    def warnings(self, obj: Object) -> list[str]:
        """Texts for ``Warning`` headers of a create or an update that is accepted."""
        return []

    def fields(self, obj: Object) -> Mapping[str, str]:
        """Selectable fields beyond ``metadata.name`` and ``metadata.namespace``; all of them, empty where unset."""
        return selectable(self.resource).values(obj)

    def deletion_grace_period(self, obj: Object, requested: int | None) -> int:
        """Seconds between the request to delete and the removal; 0 removes at once (finalizers apart)."""
        return 0

    def begin_deletion(self, obj: Object) -> Object:
        """The object as it is stored when it is marked with ``deletionTimestamp`` (a namespace turns Terminating)."""
        return obj

    def blocks_removal(self, obj: Object) -> bool:
        """Whether something besides ``metadata.finalizers`` keeps a deleted object (a namespace's spec.finalizers)."""
        return False
