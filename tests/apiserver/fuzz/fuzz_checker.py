"""What must hold of every answer and of what is stored, whatever was sent."""

from __future__ import annotations

import asyncio
from typing import Any

from fuzz_samples import ROWS, collection, sample

from minikube_py.api.resources import Resource

SECONDS = 20
"""The most that one request may take, on a machine that does much else."""


class Checker:
    """Sends requests and checks what must hold of every answer and of what is stored."""

    def __init__(self, api: Any) -> None:
        self.api = api

    async def __call__(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """The answer, which came in time and is a success or tells in a ``Status`` what is wrong."""
        headers = {"content-type": content_type}
        shown = (method, path, content_type, body if not isinstance(body, bytes) else body[:4000])
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self.api(method, path, body, headers=headers)
        except TimeoutError:
            raise AssertionError(f"took longer than {SECONDS} s: {shown}") from None
        assert answer.status < 500, (shown, answer.body[:2000])
        if answer.status >= 400:
            status = answer.json
            assert status["kind"] == "Status", shown
            assert status["status"] == "Failure", shown
            assert status["code"] == answer.status, shown
            assert status["message"], shown
            assert status["reason"], shown
        return answer

    async def read(self, method_path: str, **headers: str) -> Any:
        """A read that must succeed."""
        answer = await self.api("GET", method_path, headers=headers)
        assert answer.status == 200, (method_path, headers, answer.body[:2000])
        return answer

    async def write(
        self, resource: Resource, method: str, path: str, body: Any, content_type: str = "application/json"
    ) -> Any:
        """A write of ``fuzzed``: refused, it has changed nothing; accepted, what is stored is as good as any."""
        one = f"{collection(resource)}/{sample(resource)['metadata']['name']}"
        before = await self.api("GET", one)
        answer = await self(method, path, body, content_type)
        after = await self.api("GET", one)
        if answer.status >= 400:
            assert (before.status, before.body if before.status == 200 else b"") == (
                after.status,
                after.body if after.status == 200 else b"",
            ), (method, path, body, answer.body)
        elif after.status == 200:
            await self.stored(resource, one)
        return answer

    async def stored(self, resource: Resource, one: str) -> None:
        """Every read of the object succeeds, and so does a write of what was read, which changes nothing."""
        for form in ("Table", "PartialObjectMetadata"):
            await self.read(one, accept=f"application/json;as={form};v=v1;g=meta.k8s.io")
        await self.read(one, accept="application/yaml")
        await self.read(collection(resource), accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        for row in ROWS:
            if (row.kind, row.persisted) == (resource.kind, True) and row != resource:
                # What another version has no field for may come back in another order, so that one may be a change.
                await self._written_back(one.replace(collection(resource), collection(row)))
        found = await self.read(one)
        before, after = await self._written_back(one)
        if before != after:
            # Labels and annotations that a kind gives to its objects may have been taken off with a status.
            meta, now = found.json["metadata"], (await self.read(one)).json["metadata"]
            assert any(meta.get(key) != now.get(key) for key in ("labels", "annotations")), found.body

    async def _written_back(self, one: str) -> Any:
        found = await self.read(one)
        again = await self("PUT", one, found.body)
        assert again.status == 200, (one, found.body, again.body)
        return found.json["metadata"]["resourceVersion"], again.json["metadata"]["resourceVersion"]

    async def start(self, resource: Resource, obj: dict[str, Any]) -> None:
        """Creates ``fuzzed`` anew, whatever an example that failed has left."""
        await self.remove(resource)
        await self.api.ok("POST", collection(resource), obj)

    async def remove(self, resource: Resource) -> None:
        """Removes ``fuzzed`` whatever holds it."""
        one = f"{collection(resource)}/{sample(resource)['metadata']['name']}"
        for _ in range(3):
            if (await self("DELETE", f"{one}?gracePeriodSeconds=0")).status == 404:
                return
            finalizers = {"metadata": {"finalizers": None}}
            await self("PATCH", one, finalizers, "application/merge-patch+json")
            if resource.kind == "Namespace":
                found = await self.api("GET", one)
                if found.status == 200:
                    await self("PUT", f"{one}/finalize", {**found.json, "spec": {"finalizers": []}})
        assert (await self.api("GET", one)).status == 404, (await self.api("GET", one)).body
