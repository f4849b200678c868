"""The least that uvicorn can do over TLS: an app that answers each request with bytes made beforehand.

Usage:  bare_uvicorn.py PORT CERTIFICATE KEY

It speaks just enough of the API for apibench to load it: a POST is answered 201 and 1 KB, a GET of an object 1 KB, a
list with a selector an empty list, and any other list one document of 20 MB.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

OBJECT = b'{"kind":"ConfigMap","metadata":{"resourceVersion":"1"},"pad":"%s"}' % (b"x" * 1100)
EMPTY = b'{"kind":"ConfigMapList","metadata":{},"items":[]}'
LARGE = b'{"kind":"ConfigMapList","metadata":{},"items":[],"pad":"%s"}' % (b"x" * 20_000_000)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers without looking at more than method, path and query."""
    if scope["type"] != "http":
        return
    status, body = 200, OBJECT
    if scope["method"] == "POST":
        status = 201
    elif scope["path"].endswith("/configmaps"):
        body = EMPTY if b"labelSelector" in scope["query_string"] else LARGE
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        ssl_certfile=sys.argv[2],
        ssl_keyfile=sys.argv[3],
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
