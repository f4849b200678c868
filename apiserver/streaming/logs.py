"""``pods/log``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from apiserver.context import RequestContext
from apiserver.streaming.containers import choose_container
from apiserver.streaming.kubelet import kubelet_of, pod_of
from apiserver.streaming.streams import pass_on
from apiserver.streaming.upgrade import upgrade_asked
from minikube_py.api.errors import (
    ApiError,
    BadRequest,
    FieldError,
    InternalError,
    NotFound,
    field_invalid,
    invalid,
)
from minikube_py.api.meta import name_of, namespace_of
from minikube_py.api.times import parse_time

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_PASSED_ON = (
    "follow",
    "previous",
    "sinceSeconds",
    "sinceTime",
    "timestamps",
    "tailLines",
    "limitBytes",
    "stream",
)
_ERROR_BYTES = 4096


async def pod_log(ctx: RequestContext) -> Response:
    """The log of a container, as its kubelet gives it, while it gives it."""
    import aiohttp

    _check_log_options(ctx)
    pod = await pod_of(ctx)
    container = choose_container(pod, ctx.query.get("container"))
    if not (pod.get("spec") or {}).get("nodeName"):
        return Response(b"", media_type="text/plain")
    kubelet = kubelet_of(ctx.core, pod)
    query = [(key, ctx.query.get(key)) for key in _PASSED_ON if ctx.query.get(key)]
    parts = ("containerLogs", namespace_of(pod), name_of(pod), container)
    if upgrade_asked(ctx) == "websocket":
        return await pass_on(ctx, kubelet, kubelet.target(parts, query))
    url = kubelet.url("https", parts, query)
    try:
        answer = await ctx.core.kubelets.session.get(url)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise InternalError(f'Get "{url}": {error}', details={"causes": [{"message": str(error)}]}) from None
    if answer.status != 200:
        async with answer:
            raise await _refusal(answer)
    return StreamingResponse(_chunks(answer), media_type="text/plain")


async def _chunks(answer: ClientResponse) -> AsyncIterator[bytes]:
    import aiohttp

    async with answer:
        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except aiohttp.ClientError:
            # The status has been sent long ago; the client sees the log end.
            return


async def _refusal(answer: ClientResponse) -> ApiError:
    text = (await answer.content.read(_ERROR_BYTES)).decode("utf-8", "replace").strip()
    if answer.status == 400:
        return BadRequest(text)
    if answer.status == 404:
        return NotFound(text or "the server could not find the requested resource", details={})
    return InternalError(f"Internal error occurred: {text}", details={"causes": [{"message": text}]})


def _check_log_options(ctx: RequestContext) -> None:
    """Refuses options that mean nothing. Raises BadRequest, Invalid."""
    errors: list[FieldError] = []
    query = ctx.query
    for key, lowest in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        value = query.integer(key)
        if value is not None and value < lowest:
            errors.append(field_invalid(key, value, f"must be greater than {'or equal to ' if not lowest else ''}0"))
    if query.get("sinceSeconds") and query.get("sinceTime"):
        errors.append(
            field_invalid(
                "sinceTime", query.get("sinceTime"), "at most one of `sinceTime` or `sinceSeconds` may be specified"
            )
        )
    if query.get("sinceTime"):
        try:
            parse_time(query.get("sinceTime"))
        except ValueError:
            raise BadRequest(f'parsing time "{query.get("sinceTime")}": cannot parse as RFC 3339') from None
    if errors:
        raise invalid("", "PodLogOptions", ctx.info.name, errors)
