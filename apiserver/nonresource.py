"""What is not a resource: discovery, OpenAPI, version, health, metrics, the issuer's keys."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.discovery import AGGREGATED_VERSIONS, Discovery
from apiserver.health import HEALTH_PATHS, Health
from apiserver.negotiation import JSON
from apiserver.response import json_response, render_document, text_response
from apiserver.scrape import scraped
from minikube_py import __version__
from minikube_py.api.errors import MethodNotAllowed
from minikube_py.api.meta import Object

if TYPE_CHECKING:
    from apiserver.core import Core
    from apiserver.openapi import Document, OpenApi

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Answer = Callable[[RequestContext], Awaitable[Response] | Response]


class NonResource:
    """Answers by exact path."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._discovery = Discovery(core.table)
        self._health = Health(core)
        self._paths: dict[str, Answer] = {
            "/": self._root,
            "/api": self._api,
            "/apis": self._apis,
            "/version": self._version,
            "/metrics": self._metrics,
            "/metrics/slis": self._slis,
            "/.well-known/openid-configuration": self._openid_configuration,
            "/openid/v1/jwks": self._jwks,
            "/openapi/v2": self._openapi_v2,
            "/openapi/v3": self._openapi_v3,
        }

    @cached_property
    def _openapi(self) -> OpenApi:
        from apiserver.openapi import OpenApi

        return OpenApi(self._core.table, self._core.schemas)

    async def answer(self, ctx: RequestContext) -> Response:
        """The document at the request's path, or ``404 page not found``."""
        path = ctx.info.path.rstrip("/") or "/"
        if path.startswith(HEALTH_PATHS):
            health = await self._health.answer(ctx, path)
            if health is not None:
                return health
        answer = self._paths.get(path) or self._prefixed(path)
        if answer is None:
            return _page_not_found()
        if ctx.request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested resource", details={})
        result = answer(ctx)
        return result if isinstance(result, Response) else await result

    def _prefixed(self, path: str) -> Answer | None:
        parts = path.strip("/").split("/")
        document: Object | None = None
        if parts[0] == "api" and len(parts) == 2:
            document = self._discovery.api_resource_list("", parts[1])
        elif parts[0] == "apis" and len(parts) == 2:
            document = self._discovery.api_group(parts[1])
        elif parts[0] == "apis" and len(parts) == 3:
            document = self._discovery.api_resource_list(parts[1], parts[2])
        elif parts[:2] == ["openapi", "v3"]:
            return self._openapi_group
        if document is None:
            return None
        found = document
        return lambda ctx: render_document(ctx, found)

    def _aggregated(self, ctx: RequestContext, *, core: bool) -> Response | None:
        for clause in ctx.header("accept").split(","):
            parameters = {part.strip() for part in clause.split(";")[1:]}
            if not {"g=apidiscovery.k8s.io", "as=APIGroupDiscoveryList"} <= parameters:
                if JSON in clause:
                    return None
                continue
            for version in AGGREGATED_VERSIONS:
                if f"v={version}" in parameters:
                    found = self._discovery.aggregated(core=core, version=version)
                    headers = {"ETag": found.etag, "Vary": "Accept", "Cache-Control": "public"}
                    if ctx.header("if-none-match") == found.etag:
                        return Response(status_code=304, headers=headers)
                    return Response(found.body, headers=headers, media_type=found.content_type)
        return None

    def _api(self, ctx: RequestContext) -> Response:
        settings = self._core.settings
        address = f"{settings.advertise_address}:{settings.secure_port}"
        return self._aggregated(ctx, core=True) or render_document(ctx, self._discovery.api_versions(address))

    def _apis(self, ctx: RequestContext) -> Response:
        return self._aggregated(ctx, core=False) or render_document(ctx, self._discovery.api_group_list())

    def _root(self, ctx: RequestContext) -> Response:
        return json_response(self._discovery.root_paths((*self._paths, *self._health.paths())))

    def _version(self, ctx: RequestContext) -> Response:
        return json_response(orjson.dumps(version_of(self._core.settings.version), option=orjson.OPT_INDENT_2))

    async def _metrics(self, ctx: RequestContext) -> Response:
        lines = await scraped(self._core, version_of(self._core.settings.version))
        return Response(self._core.metrics.text(lines), headers={"Content-Type": PROMETHEUS})

    def _slis(self, ctx: RequestContext) -> Response:
        return Response(self._health.slis(), headers={"Content-Type": PROMETHEUS})

    def _openid_configuration(self, ctx: RequestContext) -> Response:
        settings = self._core.settings
        return json_response(
            {
                "issuer": settings.service_account_issuer,
                "jwks_uri": f"https://{settings.advertise_address}:{settings.secure_port}/openid/v1/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def _jwks(self, ctx: RequestContext) -> Response:
        keys = orjson.dumps({"keys": self._core.tokens.public_keys()})
        return Response(keys, media_type="application/jwk-set+json")

    async def _openapi_v2(self, ctx: RequestContext) -> Response:
        wants_protobuf = "proto-openapi" in ctx.header("accept").partition(",")[0]
        build = self._openapi.v2_protobuf if wants_protobuf else self._openapi.v2
        return _document(ctx, await asyncio.to_thread(build))

    def _openapi_v3(self, ctx: RequestContext) -> Response:
        return json_response(self._openapi.index())

    async def _openapi_group(self, ctx: RequestContext) -> Response:
        document = await asyncio.to_thread(self._openapi.v3, ctx.info.path.removeprefix("/openapi/v3/").rstrip("/"))
        return _document(ctx, document) if document is not None else _page_not_found()


def _page_not_found() -> Response:
    return text_response("404 page not found\n", 404)


def _document(ctx: RequestContext, document: Document) -> Response:
    headers = {"ETag": document.etag, "Vary": "Accept, Accept-Encoding"}
    if ctx.header("if-none-match") == document.etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in ctx.header("accept-encoding"):
        headers["Content-Encoding"] = "gzip"
        return Response(document.compressed, headers=headers, media_type=document.content_type)
    return Response(document.body, headers=headers, media_type=document.content_type)


def version_of(version: tuple[str, str, str]) -> Object:
    """The ``/version`` document of an API level."""
    major, minor, patch = version
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.{patch}+minikube-py",
        "gitCommit": f"minikube-py-{__version__}",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": sys.implementation.name,
        "platform": f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}",
    }
