"""An informer's local copy of the objects, with indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from minikube_py.api.meta import Object, namespace_of

Indexer = Callable[[Object], Iterable[str]]
"""The values under which an object is found in an index."""


Objects = list[Object]


class IndexedStore:
    """Objects by key, by namespace, and by the value of any index; what it gives out is shared, treat it as frozen."""

    def __init__(self, indexers: Mapping[str, Indexer] | None = None) -> None:
        self._objects: dict[str, Object] = {}
        self._indexers: dict[str, Indexer] = {}
        self._indexes: dict[str, dict[str, dict[str, None]]] = {}
        self._namespaces: dict[str, dict[str, None]] = {}
        self.add_indexers(indexers or {})

    def __len__(self) -> int:
        return len(self._objects)

    def all_keys(self) -> tuple[str, ...]:
        """Every key."""
        return tuple(self._objects)

    def get(self, key: str) -> Object | None:
        """The object, or None."""
        return self._objects.get(key)

    def list(self, namespace: str = "") -> Objects:
        """The objects of the namespace, or all; in no particular order."""
        if not namespace:
            return list(self._objects.values())
        return [self._objects[key] for key in self._namespaces.get(namespace, ())]

    def by_index(self, index: str, value: str) -> Objects:
        """The objects that have ``value`` in the index. Raises KeyError where there is no such index."""
        return [self._objects[key] for key in self._indexes[index].get(value, ())]

    def add_indexers(self, indexers: Mapping[str, Indexer]) -> None:
        """Adds indexes and fills them; an index there already by that name is replaced."""
        for name, indexer in indexers.items():
            self._indexers[name] = indexer
            index: dict[str, dict[str, None]] = {}
            for key, obj in self._objects.items():
                _insert(index, indexer(obj), key)
            self._indexes[name] = index

    def set(self, key: str, obj: Object) -> Object | None:
        """Stores the object; returns what was there."""
        old = self.remove(key)
        self._objects[key] = obj
        _insert(self._namespaces, (namespace_of(obj),), key)
        for name, indexer in self._indexers.items():
            _insert(self._indexes[name], indexer(obj), key)
        return old

    def remove(self, key: str) -> Object | None:
        """Removes the object; returns what was there."""
        old = self._objects.pop(key, None)
        if old is not None:
            _discard(self._namespaces, (namespace_of(old),), key)
            for name, indexer in self._indexers.items():
                _discard(self._indexes[name], indexer(old), key)
        return old


def _insert(index: dict[str, dict[str, None]], values: Iterable[str], key: str) -> None:
    for value in values:
        index.setdefault(value, {})[key] = None


def _discard(index: dict[str, dict[str, None]], values: Iterable[str], key: str) -> None:
    for value in values:
        keys = index.get(value)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del index[value]
