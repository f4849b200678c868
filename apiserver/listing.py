"""The documents of collections: lists of bytes, and lists in other forms."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence

import orjson
from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.negotiation import JSON, Form
from apiserver.presentation import presented_cached
from apiserver.response import partial, table, to_media_type
from apiserver.storage.cached import Cached
from minikube_py.api.meta import Object
from minikube_py.api.resources import Resource

GROUP_BYTES = 256 * 1024
COMPRESSION = 1
"""The level of gzip: upstream's."""
_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_TAIL = b"]}"


def list_metadata(revision: int, continue_token: str = "", remaining: int | None = None) -> Object:
    """The ``metadata`` of a list."""
    meta: Object = {"resourceVersion": str(revision)}
    if continue_token:
        meta["continue"] = continue_token
    if remaining:
        meta["remainingItemCount"] = remaining
    return meta


class ListResponse(Response):
    """A list whose items are bytes of the cache: sent in groups, and joined only for who needs the whole ``body``."""

    _is_compressed = False

    def __init__(self, head: bytes, items: Sequence[bytes]) -> None:
        super().__init__(status_code=200, media_type=JSON)
        self._head = head
        self._items = items
        self._body: bytes | None = None
        commas = max(len(items) - 1, 0)
        self.size = len(head) + sum(map(len, items)) + commas + len(_TAIL)
        self.headers["Content-Length"] = str(self.size)

    @property
    def body(self) -> bytes:
        """The whole document, compressed where that was asked for."""
        if self._body is None:
            self._body = b"".join(self.groups())
        return gzip.compress(self._body, COMPRESSION, mtime=0) if self._is_compressed else self._body

    @body.setter
    def body(self, value: bytes) -> None:
        self._body = value
        self.size = len(value)

    def groups(self) -> Iterator[bytes]:
        """The document in pieces of about 256 KiB, so that no more than that is held twice."""
        if self._body:
            yield self._body
            return
        yield self._head
        begun = size = 0
        for index, item in enumerate(self._items, start=1):
            size += len(item)
            if size >= GROUP_BYTES or index == len(self._items):
                yield (b"," if begun else b"") + b",".join(self._items[begun:index])
                begun, size = index, 0
        yield _TAIL

    def compress(self) -> None:
        """Has the document sent compressed by gzip, and as long as that turns out to be."""
        self._is_compressed = True
        del self.headers["Content-Length"]
        self.headers["Content-Encoding"] = "gzip"
        self.headers["Vary"] = "Accept-Encoding"

    async def pieces(self) -> AsyncIterator[bytes]:
        """What is to be sent; compressed in a thread, so that other requests go on meanwhile."""
        if not self._is_compressed:
            for group in self.groups():
                yield group
            return
        compressor = zlib.compressobj(COMPRESSION, zlib.DEFLATED, _GZIP_FORMAT)
        for group in self.groups():
            if piece := await asyncio.to_thread(compressor.compress, group):
                yield piece
        yield await asyncio.to_thread(compressor.flush)


def list_response(
    resource: Resource, revision: int, items: Sequence[bytes], continue_token: str = "", remaining: int | None = None
) -> ListResponse:
    """A list of items that are already encoded."""
    head = orjson.dumps(
        {
            "kind": resource.list_kind,
            "apiVersion": resource.api_version,
            "metadata": list_metadata(revision, continue_token, remaining),
        }
    )
    return ListResponse(head[:-1] + b',"items":[', items)


def render_list(
    ctx: RequestContext,
    form: Form,
    revision: int,
    items: Sequence[Cached],
    continue_token: str = "",
    remaining: int | None = None,
) -> Response:
    """A page of a collection in the form asked for."""
    if ctx.resource.stored_as:
        items = [presented_cached(ctx.resource, item) for item in items]
    if not form.transform:
        encoded = [item.item for item in items]
        response = list_response(ctx.resource, revision, encoded, continue_token, remaining)
        return response if form.is_plain_json else to_media_type(form, response.body)
    meta = list_metadata(revision, continue_token, remaining)
    objects = (item.object for item in items)
    if form.transform == "Table":
        return to_media_type(form, table(ctx, objects, meta))
    document_of_partials = {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "items": [partial(obj) for obj in objects],
    }
    return to_media_type(form, document_of_partials)
