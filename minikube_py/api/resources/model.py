"""What a row of the table of kinds is, and the table with its look-ups."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

OLDEST_MINOR = 25
NEWEST_MINOR = 37
"""The first and the last minor version of Kubernetes 1 that can be presented."""

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def minor_of(kubernetes_version: str) -> int:
    """32 of ``1.32`` or ``v1.32.3``. Raises ValueError for a version that cannot be presented."""
    parts = kubernetes_version.removeprefix("v").split(".")
    if len(parts) < 2 or parts[0] != "1" or not parts[1].isdigit():
        raise ValueError(f"{kubernetes_version!r} is not a Kubernetes version such as 1.32")
    minor = int(parts[1])
    if not OLDEST_MINOR <= minor <= NEWEST_MINOR:
        raise ValueError(
            f"Kubernetes {kubernetes_version} cannot be presented: 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR} can"
        )
    return minor


@dataclass(frozen=True, slots=True)
class Subresource:
    """One subresource of a kind.

    ``kind``/``group``/``version`` name the body it exchanges where that is not the parent (``Scale``, ``Binding``).
    ``since`` and ``until`` are the minor versions that present it, both included.
    """

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""
    since: int = OLDEST_MINOR
    until: int = NEWEST_MINOR


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One row: a kind in its group and version. ``persisted`` is False for kinds that are only answered (reviews).

    Two rows are equal that have the same group, version and plural: what a version presents of a kind (fewer
    subresources, say) is the same kind.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    persisted: bool = True
    has_generation: bool = False
    """Whether ``metadata.generation`` counts changes of ``spec``."""
    stored_as: str = ""
    """The ``apiVersion`` that objects are stored in where it is another one: the row is a second presentation of the
    same objects (events of ``events.k8s.io/v1`` are those of ``v1``)."""
    since: int = OLDEST_MINOR
    until: int = NEWEST_MINOR
    """The minor versions that present the kind, both included."""
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.group, self.version, self.plural)))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Resource):
            return NotImplemented
        return (self.plural, self.group, self.version) == (other.plural, other.group, other.version)

    def __hash__(self) -> int:
        return self._hash

    @property
    def api_version(self) -> str:
        """``v1`` for the core group, ``group/version`` otherwise."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage_version(self) -> str:
        """The ``apiVersion`` that objects are stored in."""
        return self.stored_as or self.api_version

    @property
    def list_kind(self) -> str:
        """``PodList`` for ``Pod``."""
        return f"{self.kind}List"

    @property
    def prefix(self) -> str:
        """``/api/v1`` or ``/apis/group/version``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def qualified(self) -> str:
        """``deployments.apps``, or the bare plural for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, or None."""
        return next((s for s in self.subresources if s.name == name), None)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, object or subresource; no namespace means all of them."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class ResourceTable:
    """The rows that a server presents, with the look-ups that routing, owner references and clients need."""

    rows: tuple[Resource, ...]
    _by_plural: dict[tuple[str, str, str], Resource] = field(init=False, repr=False, compare=False)
    _by_kind: dict[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_plural", {(r.group, r.version, r.plural): r for r in self.rows})
        object.__setattr__(self, "_by_kind", {(r.api_version, r.kind): r for r in self.rows})

    def __hash__(self) -> int:
        return hash(self.rows)

    def by_plural(self, group: str, version: str, plural: str) -> Resource | None:
        """The row served at that group, version and plural, or None."""
        return self._by_plural.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The row of that ``apiVersion`` and ``kind``, or None."""
        return self._by_kind.get((api_version, kind))

    def stored(self, resource: Resource) -> Resource:
        """The row whose presentation is the stored one: the row itself, unless it names another in ``stored_as``."""
        if not resource.stored_as:
            return resource
        return self._by_kind[resource.stored_as, resource.kind]

    @property
    def storage_rows(self) -> tuple[Resource, ...]:
        """The persisted kinds, each stored object under one of them only."""
        return tuple(row for row in self.rows if row.persisted and not row.stored_as)

    def presents(self, resource: Resource) -> bool:
        """Whether the kind is among the rows."""
        return (resource.group, resource.version, resource.plural) in self._by_plural

    def presented(self, minor: int) -> ResourceTable:
        """The table as Kubernetes 1.``minor`` presents it. The same object at every call."""
        return _presented(self, minor)


@lru_cache(maxsize=32)
def _presented(table: ResourceTable, minor: int) -> ResourceTable:
    return ResourceTable(tuple(_row(row, minor) for row in table.rows if row.since <= minor <= row.until))


def _row(row: Resource, minor: int) -> Resource:
    kept = tuple(sub for sub in row.subresources if sub.since <= minor <= sub.until)
    return row if len(kept) == len(row.subresources) else replace(row, subresources=kept)
