"""What becomes of an object whose owners have changed; pure.

Follows upstream's ``attemptToDeleteItem``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from controllers.garbage_collector.graph import FOREGROUND, ORPHAN
from minikube_py.api.meta import Object, is_deleting, metadata, owner_references


class OwnerState(enum.Enum):
    """How an owner stands."""

    SOLID = "solid"
    """It is there (or of a kind that is not known here, so that nothing can be said against it)."""
    DANGLING = "dangling"
    """It is gone: nothing of that name there, or another one."""
    WAITING = "waiting for its dependents"
    """It is being deleted in the foreground."""


@dataclass(frozen=True, slots=True)
class Observation:
    """An object as the server has it now, its owners' states by uid, and what the graph knows of its dependents."""

    item: Object
    owners: Mapping[str, OwnerState]
    has_dependents: bool
    dependents_wait: bool
    """Whether a dependent is itself being deleted in the foreground: a cycle of owners that would wait for ever."""


@dataclass(frozen=True, slots=True)
class RewriteOwners:
    """Replace the owner references by these."""

    references: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Delete the object, if it is still as it was observed."""

    policy: Literal["Background", "Foreground", "Orphan"]


def decide(observation: Observation) -> tuple[RewriteOwners | DeleteItem, ...]:
    """Keeps what has a solid owner, though without references to others; deletes the rest."""
    item = observation.item
    references = owner_references(item)
    if is_deleting(item) or not references:
        return ()
    states = [observation.owners.get(reference["uid"], OwnerState.SOLID) for reference in references]
    if OwnerState.SOLID in states:
        kept = tuple(r for r, state in zip(references, states, strict=True) if state is OwnerState.SOLID)
        return (RewriteOwners(kept),) if len(kept) < len(references) else ()
    if OwnerState.WAITING in states and observation.has_dependents:
        # The owner waits for this one, which in turn waits for its own dependents.
        if observation.dependents_wait:
            unblocked = tuple({**reference, "blockOwnerDeletion": False} for reference in references)
            return (RewriteOwners(unblocked), DeleteItem("Foreground"))
        return (DeleteItem("Foreground"),)
    finalizers = metadata(item).get("finalizers") or []
    if ORPHAN in finalizers:
        return (DeleteItem("Orphan"),)
    return (DeleteItem("Foreground" if FOREGROUND in finalizers else "Background"),)
