"""From a changed dependent to the objects that must be looked at again because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minikube_py.api.meta import Object, controller_of, is_deleting, key_of, labels_of, namespace_of, uid_of
from minikube_py.api.selectors import LabelSelector
from minikube_py.runtime.informer import Informer


class Owners:
    """The objects of one kind that may control dependents of another, found by owner reference or by selector."""

    def __init__(self, informer: Informer, selector: Callable[[Object], LabelSelector]) -> None:
        self._informer = informer
        self._selector = selector

    def of(self, dependent: Object) -> Object | None:
        """The living owner that the controller reference names, by uid; None where it is of another kind or gone."""
        reference = controller_of(dependent)
        if reference is None or reference.get("kind") != self._informer.resource.kind:
            return None
        owner = self._informer.get(f"{namespace_of(dependent)}/{reference['name']}")
        return owner if owner is not None and uid_of(owner) == reference.get("uid") else None

    def concerned(self, old: Object | None, new: Object | None) -> Iterator[str]:
        """The keys of the owners before and after the change and, for an orphan, of whoever might adopt it."""
        for dependent in (old, new):
            if dependent is not None and (owner := self.of(dependent)) is not None:
                yield key_of(owner)
        if new is None or controller_of(new) is not None or is_deleting(new):
            return
        if old is None or labels_of(old) != labels_of(new) or controller_of(old) is not None:
            for owner in self._informer.list(namespace_of(new)):
                if self._selector(owner).matches(labels_of(new)):
                    yield key_of(owner)
