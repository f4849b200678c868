"""The cluster's API as plain HTTP, for tests that look at what exactly is answered."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import yaml
from harness import Cluster, eventually

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Rest:
    """Requests with the administrator's certificate; ``user`` and ``groups`` act as somebody else."""

    def __init__(self, cluster: Cluster) -> None:
        config = yaml.safe_load((cluster.data_dir / "admin.conf").read_text())
        server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        self.client = httpx.Client(base_url=server["server"], verify=context, timeout=30)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        user: str = "",
        groups: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, whatever it is."""
        sent = [("accept", accept), *(headers or {}).items()]
        if body is not None:
            sent.append(("content-type", content_type))
        if user:
            sent.append(("impersonate-user", user))
        sent += [("impersonate-group", group) for group in groups]
        content = body if isinstance(body, bytes | None) else orjson.dumps(body)
        return self.client.request(method, path, content=content, headers=sent)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of an answer that must be a success."""
        answer = self(method, path, body, **options)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def refused(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The ``Status`` of an answer that must have that code."""
        answer = self(method, path, body, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def patch(self, path: str, body: Any, content_type: str = MERGE_PATCH) -> Any:
        """The JSON of a patched object."""
        return self.ok("PATCH", path, body, content_type=content_type)

    def gone(self, path: str, *, timeout: float = 60) -> None:
        """Returns when the path answers 404."""
        eventually(lambda: self("GET", path).status_code == 404, f"{path} is gone", timeout=timeout)

    @contextlib.contextmanager
    def watch(self, path: str) -> Iterator[Watched]:
        """Collects the events of a watch until the block ends; ``path`` has its own query."""
        watched = Watched(self.client, path)
        try:
            yield watched
        finally:
            watched.close()


class Watched:
    """A watch that is read in a thread of its own."""

    def __init__(self, client: httpx.Client, path: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.ended = ""
        """Why nothing more is to come; empty while it goes on."""
        joined = "&" if "?" in path else "?"
        self._stack = contextlib.ExitStack()
        self._response = self._stack.enter_context(client.stream("GET", f"{path}{joined}watch=true", timeout=120))
        assert self._response.status_code == 200, self._response.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                self.events.append(orjson.loads(line))
            self.ended = "the server has ended it"
        except Exception as error:
            self.ended = repr(error)

    def types(self) -> list[str]:
        """The types of the events so far, bookmarks left out."""
        return [event["type"] for event in self.events if event["type"] != "BOOKMARK"]

    def until(self, done: Callable[[list[dict[str, Any]]], bool], what: str) -> list[dict[str, Any]]:
        """The events, once they are enough."""
        try:
            eventually(lambda: done(self.events), what, timeout=30, every=0.02)
        except AssertionError as error:
            seen = [(event["type"], event["object"].get("metadata", event["object"])) for event in self.events]
            raise AssertionError(f"{error}; ended: {self.ended!r}; seen: {seen}") from None
        return self.events

    def close(self) -> None:
        """Ends the watch; the connection is cut, since the thread waits for what comes by it."""
        with contextlib.suppress(OSError):
            self._response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._stack.close()
