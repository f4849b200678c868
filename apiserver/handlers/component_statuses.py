"""GET of ComponentStatuses: asked of the components at each request, never stored."""

from __future__ import annotations

import asyncio
import ssl

import orjson
from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.negotiation import Form, negotiate
from apiserver.response import json_response, partial, render_objects, table, to_media_type
from apiserver.selection import parse_selection
from apiserver.storage.store import StoreError
from minikube_py.api.errors import not_found
from minikube_py.api.meta import Object, name_of

TIMEOUT_SECONDS = 2.0
"""How long a component is given to answer."""
PROBED_PORTS = {"controller-manager": 10257, "scheduler": 10259}
"""Where upstream looks for the components beside the API server: ``https://127.0.0.1:port/healthz``."""
_WARNING = "v1 ComponentStatus is deprecated in v1.19+"
_META_V1 = "meta.k8s.io/v1"


async def component_statuses(ctx: RequestContext) -> Response:
    """One component by its name, or all of them. Raises NotFound."""
    ctx.warn(_WARNING)
    form = negotiate(ctx.header("accept"))
    name = ctx.info.name
    if name:
        if name not in (*PROBED_PORTS, "etcd-0"):
            raise not_found("", ctx.resource.plural, name)
        return render_objects(ctx, form, [await _status(ctx, name)])
    selected = parse_selection(ctx.resource, "", ctx.query.get("labelSelector"), ctx.query.get("fieldSelector"))
    found = await asyncio.gather(*(_status(ctx, name) for name in (*PROBED_PORTS, "etcd-0")))
    shown = [
        item
        for item in found
        if (selected.labels is None or selected.labels.matches({}))
        and (selected.fields is None or selected.fields.matches({"metadata.name": name_of(item)}.get))
    ]
    return _list(ctx, form, shown)


def _list(ctx: RequestContext, form: Form, items: list[Object]) -> Response:
    if form.transform == "Table":
        return to_media_type(form, table(ctx, items, {"resourceVersion": ""}))
    if form.transform:
        kind: Object = {"kind": "PartialObjectMetadataList", "apiVersion": _META_V1}
        return to_media_type(form, {**kind, "metadata": {}, "items": [partial(item) for item in items]})
    bare = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    document: Object = {"kind": ctx.resource.list_kind, "apiVersion": "v1", "metadata": {}, "items": bare}
    return json_response(document) if form.is_plain_json else to_media_type(form, orjson.dumps(document))


async def _status(ctx: RequestContext, name: str) -> Object:
    port = PROBED_PORTS.get(name)
    healthy, text = await (_etcd(ctx) if port is None else _component(port))
    condition = {"type": "Healthy", "status": "True" if healthy else "False", "message": text}
    return {
        "kind": "ComponentStatus",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "conditions": [condition],
    }


async def _etcd(ctx: RequestContext) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await ctx.core.store.status()
    except (StoreError, TimeoutError) as error:
        return False, str(error) or "timed out"
    return True, "ok"


async def _component(port: int) -> tuple[bool, str]:
    """What ``/healthz`` of a component on this host says; its certificate is its own, so it is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    asked, last = f'Get "https://127.0.0.1:{port}/healthz"', ""
    for tls in (context, None):
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await _healthz(port, tls)
        except TimeoutError:
            last = f"{asked}: context deadline exceeded"
        except ConnectionRefusedError:
            return False, f"{asked}: dial tcp 127.0.0.1:{port}: connect: connection refused"
        except (OSError, ValueError) as error:
            last = f"{asked}: {error}"
    return False, last


async def _healthz(port: int, tls: ssl.SSLContext | None) -> tuple[bool, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        writer.write(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        head, _, body = (await reader.read(65536)).partition(b"\r\n\r\n")
        code = head.split(None, 2)[1:2]
        if not code:
            raise ValueError("the answer is not HTTP")
        return code[0] == b"200", body.decode(errors="replace").strip() or code[0].decode()
    finally:
        writer.close()
