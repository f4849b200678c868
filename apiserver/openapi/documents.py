"""The documents and the index over them, each built on first request and kept gzipped."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from apiserver.memory import give_back
from apiserver.openapi.paths import DOCUMENT_KINDS, Style, paths
from apiserver.openapi.schemas import V2, V3, Dialect, collect
from minikube_py import __version__
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource, ResourceTable

JSON = "application/json"
GNOSTIC = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


class Definitions(Protocol):
    """Where the schemas come from; :class:`minikube_py.api.schema.Schemas` is one."""

    @property
    def kubernetes_version(self) -> str:
        """The API level, ``1.32``."""

    def definition_name(self, api_version: str, kind: str) -> str | None:
        """The name of a kind's definition, or None."""

    def definition(self, name: str) -> Object:
        """The definition of that name."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is kept: compressed, with its content type and (quoted) ETag."""

    compressed: bytes
    content_type: str
    etag: str

    @property
    def body(self) -> bytes:
        """The document itself, unpacked anew at each call."""
        return gzip.decompress(self.compressed)


class OpenApi:
    """The OpenAPI documents of one resource table and API level."""

    def __init__(self, table: ResourceTable, definitions: Definitions) -> None:
        self._table = table
        self._definitions = definitions
        self._documents: dict[str, Document] = {}

    def index(self) -> Object:
        """``GET /openapi/v3``: where the documents are; a hash changes when its document may have."""
        return {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={self.hash(path)}"}
                for path in sorted({row.prefix.removeprefix("/") for row in self._table.rows})
            }
        }

    def hash(self, path: str) -> str:
        """A digest of everything that the document at ``path`` is made of, without making it."""
        parts = (__version__, self._definitions.kubernetes_version, path, *map(repr, self._rows(path)))
        return hashlib.sha512("\n".join(parts).encode()).hexdigest().upper()

    def v3(self, path: str) -> Document | None:
        """``GET /openapi/v3/<path>``, where the path is ``api/v1`` or ``apis/<group>/<version>``, or None."""
        rows = self._rows(path)
        if not rows:
            return None
        return self._kept(path, JSON, lambda: orjson.dumps(self._v3(rows)))

    def v2(self) -> Document:
        """``GET /openapi/v2`` as JSON."""
        return self._kept("v2.json", JSON, lambda: orjson.dumps(self._v2()))

    def v2_protobuf(self) -> Document:
        """``GET /openapi/v2`` as gnostic's ``openapi.v2.Document``."""
        from apiserver.openapi.gnostic import encode_document

        return self._kept("v2.protobuf", GNOSTIC, lambda: encode_document(self._v2()))

    def _kept(self, key: str, content_type: str, build: Callable[[], bytes]) -> Document:
        document = self._documents.get(key)
        if document is None:
            # A fixed time keeps the bytes the same in every worker process.
            compressed = gzip.compress(build(), compresslevel=6, mtime=0)
            document = Document(compressed, content_type, f'"{self.hash(key)}"')
            self._documents[key] = document
            give_back()
        return document

    def _rows(self, path: str) -> list[Resource]:
        if path.startswith("v2."):
            return list(self._table.rows)
        return [row for row in self._table.rows if row.prefix == f"/{path}"]

    def _info(self) -> Object:
        return {"title": "Kubernetes", "version": f"v{self._definitions.kubernetes_version}.0"}

    def _v3(self, rows: list[Resource]) -> Object:
        return {
            "openapi": "3.0.0",
            "info": self._info(),
            "paths": paths(rows, self._definitions.definition_name, Style.V3),
            "components": {"schemas": self._schemas(rows, V3)},
        }

    def _v2(self) -> Object:
        rows = list(self._table.rows)
        return {
            "swagger": "2.0",
            "info": self._info(),
            "paths": paths(rows, self._definitions.definition_name, Style.V2),
            "definitions": self._schemas(rows, V2),
        }

    def _schemas(self, rows: Iterable[Resource], dialect: Dialect) -> dict[str, Any]:
        kinds = set(DOCUMENT_KINDS)
        for row in rows:
            kinds |= {(row.api_version, row.kind), (row.api_version, row.list_kind)}
            for subresource in row.subresources:
                group_version = f"{subresource.group}/{subresource.version}".lstrip("/")
                kinds.add((group_version or row.api_version, subresource.kind or row.kind))
        named = (self._definitions.definition_name(*kind) for kind in sorted(kinds))
        return collect(filter(None, named), self._definitions.definition, dialect)
