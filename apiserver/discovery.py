"""The discovery documents: which groups, versions and resources this server has.

Both forms are given: the legacy one (one document per group and version) and the aggregated one that clients since
1.26 prefer (everything in two answers, with an ETag). Shapes, order and omitted fields follow upstream's encoders.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import orjson

from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource, ResourceTable, Subresource

AGGREGATED_VERSIONS = ("v2", "v2beta1")

_GROUP_ORDER = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
)
"""The order in which upstream lists its own groups; groups of custom resources follow, by name."""


@dataclass(frozen=True, slots=True)
class Aggregated:
    """An aggregated discovery answer: its bytes, content type and (quoted) ETag."""

    body: bytes
    content_type: str
    etag: str


class Discovery:
    """The discovery documents of one resource table, each built when first asked for."""

    def __init__(self, table: ResourceTable) -> None:
        self._table = table
        self._aggregated: dict[tuple[bool, str], Aggregated] = {}

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Group name → its versions, most preferred first; groups in upstream's order, without the core group."""
        versions: dict[str, list[str]] = {}
        for resource in self._table.rows:
            if resource.group and resource.version not in versions.setdefault(resource.group, []):
                versions[resource.group].append(resource.version)
        ranks = {name: rank for rank, name in enumerate(_GROUP_ORDER)}
        names = sorted(versions, key=lambda name: (ranks.get(name, len(ranks)), name))
        return {name: tuple(sorted(versions[name], key=version_priority, reverse=True)) for name in names}

    def api_versions(self, server_address: str) -> Object:
        """``GET /api``; ``server_address`` is the ``host:port`` that clients are told to use."""
        return {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
        }

    def api_group_list(self) -> Object:
        """``GET /apis``."""
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(name) for name in self.groups]}

    def api_group(self, group: str) -> Object | None:
        """``GET /apis/<group>``, or None where there is no such group."""
        if group not in self.groups:
            return None
        return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}

    def api_resource_list(self, group: str, version: str) -> Object | None:
        """``GET /api/v1`` (the empty group) or ``/apis/<group>/<version>``, or None where it is not served."""
        rows = self._rows(group, version)
        if not rows:
            return None
        head: Object = {"kind": "APIResourceList"}
        if group:
            head["apiVersion"] = "v1"
        head["groupVersion"] = rows[0].api_version
        return head | {"resources": [entry for row in rows for entry in _legacy_entries(row)]}

    def aggregated(self, *, core: bool, version: str) -> Aggregated:
        """``GET /api`` (``core``) or ``/apis`` as an ``APIGroupDiscoveryList`` of one of AGGREGATED_VERSIONS."""
        cached = self._aggregated.get((core, version))
        if cached is None:
            body = orjson.dumps(self._aggregated_document(core=core, version=version))
            etag = hashlib.sha512(body).hexdigest().upper()
            content_type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            cached = self._aggregated[core, version] = Aggregated(body, content_type, f'"{etag}"')
        return cached

    def root_paths(self, extra: Iterable[str] = ()) -> Object:
        """``GET /``: every path this table answers, merged with ``extra`` (health checks, metrics, …)."""
        paths = {"/api", "/api/v1", "/apis", "/apis/", *extra}
        for group, versions in self.groups.items():
            paths.add(f"/apis/{group}")
            paths.update(f"/apis/{group}/{version}" for version in versions)
        return {"paths": sorted(paths)}

    def _rows(self, group: str, version: str) -> list[Resource]:
        rows = (row for row in self._table.rows if row.group == group and row.version == version)
        return sorted(rows, key=lambda row: row.plural)

    def _group(self, name: str) -> Object:
        versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in self.groups[name]]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _aggregated_document(self, *, core: bool, version: str) -> Object:
        groups = {"": ("v1",)} if core else self.groups
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": [
                {
                    "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
                    "versions": [
                        {
                            "version": group_version,
                            "resources": [_aggregated_entry(row) for row in self._rows(name, group_version)],
                            "freshness": "Current",
                        }
                        for group_version in versions
                    ],
                }
                for name, versions in groups.items()
            ],
        }


def version_priority(version: str) -> tuple[int, int, int, str]:
    """The rank of a version name, higher is more preferred: ``v2`` > ``v1`` > ``v1beta2`` > ``v1alpha1`` > others."""
    digits = ""
    rest = version[1:] if version.startswith("v") else ""
    while rest[:1].isdigit():
        digits, rest = digits + rest[0], rest[1:]
    if digits and not rest:
        return (3, int(digits), 0, "")
    for stage, rank in (("beta", 2), ("alpha", 1)):
        if digits and rest.startswith(stage) and rest[len(stage) :].isdigit():
            return (rank, int(digits), int(rest[len(stage) :]), "")
    return (0, 0, 0, version)


def _storage_version_hash(row: Resource) -> str:
    group, _, version = row.storage_version.rpartition("/")
    text = f"{group}/{version}/{row.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _foreign(row: Resource, subresource: Subresource) -> tuple[str, str]:
    """The group and version of a subresource's body, both empty where they are the parent's."""
    if not subresource.kind or (subresource.group, subresource.version) == (row.group, row.version):
        return "", ""
    return subresource.group, subresource.version


def _legacy_entries(row: Resource) -> Iterable[Object]:
    entry: Object = {
        "name": row.plural,
        "singularName": row.singular,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": sorted(row.verbs),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if row.persisted:
        entry["storageVersionHash"] = _storage_version_hash(row)
    yield entry
    for subresource in sorted(row.subresources, key=lambda item: item.name):
        group, version = _foreign(row, subresource)
        entry = {"name": f"{row.plural}/{subresource.name}", "singularName": "", "namespaced": row.namespaced}
        if version:
            entry |= {"group": group, "version": version}
        yield entry | {"kind": subresource.kind or row.kind, "verbs": sorted(subresource.verbs)}


def _aggregated_entry(row: Resource) -> Object:
    entry: Object = {
        "resource": row.plural,
        "responseKind": {"group": "", "version": "", "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": sorted(row.verbs),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if row.subresources:
        entry["subresources"] = [
            _aggregated_subresource(row, item) for item in sorted(row.subresources, key=lambda item: item.name)
        ]
    return entry


def _aggregated_subresource(row: Resource, subresource: Subresource) -> Object:
    group, version = _foreign(row, subresource)
    return {
        "subresource": subresource.name,
        "responseKind": {"group": group, "version": version, "kind": subresource.kind or row.kind},
        "verbs": sorted(subresource.verbs),
    }
