"""Images: look, pull, load, remove."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from kubelet import image_reference
from kubelet.docker import status
from kubelet.docker.client import DockerClient, DockerError
from kubelet.runtime import (
    ImageInUse,
    ImagePullFailed,
    ImageStatus,
    PullProgress,
    RegistryAuth,
    RuntimeUnavailable,
)

PULL_IDLE_TIMEOUT_SECONDS = 60.0
"""A pull that reports nothing for this long is given up, as upstream's image pull progress deadline."""
_UNTAGGED = "<none>"


class Images:
    """The engine's images. What containers run is remembered by id until a pull or a removal."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._known: dict[str, ImageStatus] = {}

    async def status(self, image: str) -> ImageStatus | None:
        """As :meth:`ContainerRuntime.image_status`."""
        try:
            found = _inspected(await self._client.request("GET", f"/images/{image}/json"))
        except DockerError as error:
            if error.status in (400, 404):  # 400: not a reference at all, so nothing can be there
                return None
            raise
        self._known[found.id] = found
        return found

    async def of_container(self, image_id: str) -> ImageStatus:
        """The image that a container was made from; one that was removed since is known by its id alone."""
        known = self._known.get(image_id) or await self.status(image_id)
        return known or ImageStatus(image_id)

    async def list(self) -> list[ImageStatus]:
        """As :meth:`ContainerRuntime.list_images`."""
        return [
            ImageStatus(
                id=entry["Id"],
                repo_tags=_named(entry["RepoTags"]),
                repo_digests=_named(entry["RepoDigests"]),
                size_bytes=entry["Size"],
                created_at=status.listed_at(entry),
            )
            for entry in await self._client.request("GET", "/images/json")
        ]

    async def pull(
        self, image: str, auth: RegistryAuth | None = None, progress: Callable[[PullProgress], None] | None = None
    ) -> ImageStatus:
        """As :meth:`ContainerRuntime.pull_image`."""
        try:
            reference = image_reference.parse(image)
        except image_reference.InvalidImageName as error:
            raise ImagePullFailed(str(error), "InvalidImageName") from error
        # A digest is pulled by itself: the engine takes either a tag or a digest.
        params = {"fromImage": reference.name, "tag": reference.digest or reference.tag}
        headers = {"X-Registry-Auth": _encoded(auth)} if auth is not None else {}
        try:
            async with self._client.stream(
                "POST", "/images/create", params=params, headers=headers, idle_timeout_seconds=PULL_IDLE_TIMEOUT_SECONDS
            ) as content:
                async for line in content:
                    _report(orjson.loads(line), progress)
        except DockerError as error:
            raise ImagePullFailed(f"Error response from daemon: {error}") from error
        except RuntimeUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                raise ImagePullFailed(f"Cancel pulling image {image} because of no progress for 1m0s") from error
            raise
        except ValueError as error:
            raise ImagePullFailed(f"Docker Engine's report of the pull of {image}: {error}") from error
        self._known.clear()
        pulled = await self.status(image)
        if pulled is None:
            raise ImagePullFailed(f"image {image} is not present after its pull")
        return pulled

    async def load_root_filesystem(self, name: str, tar: bytes, changes: Sequence[str]) -> None:
        """Makes a one-layer image of a tar, with Dockerfile instructions for its configuration."""
        reference = image_reference.parse(name)
        repository = name.rpartition(":")[0] or name
        query = "&".join(f"changes={_quoted(change)}" for change in changes)
        async with self._client.stream(
            "POST",
            f"/images/create?fromSrc=-&repo={_quoted(repository)}&tag={reference.tag}&{query}",
            headers={"Content-Type": "application/x-tar"},
            body=tar,
            idle_timeout_seconds=PULL_IDLE_TIMEOUT_SECONDS,
        ) as content:
            async for line in content:
                _report(orjson.loads(line), None)

    async def remove(self, image: str) -> None:
        """As :meth:`ContainerRuntime.remove_image`; every tag of an image given by id goes with it."""
        self._known.clear()
        found = await self.status(image)
        if found is None:
            return
        names = found.repo_tags if image in (found.id, found.id.removeprefix("sha256:")) else ()
        try:
            for name in names or (image,):
                await self._client.request("DELETE", f"/images/{name}")
        except DockerError as error:
            if error.status == 409:
                raise ImageInUse(str(error)) from error
            if error.status != 404:
                raise
        finally:
            self._known.clear()


def _inspected(detail: dict[str, Any]) -> ImageStatus:
    config = detail.get("Config") or {}
    return ImageStatus(
        id=detail["Id"],
        repo_tags=_named(detail.get("RepoTags")),
        repo_digests=_named(detail.get("RepoDigests")),
        size_bytes=detail.get("Size") or 0,
        user=config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        created_at=status.parse_time(detail.get("Created") or ""),
    )


def _named(names: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(name for name in names or () if not name.startswith(_UNTAGGED))


def _encoded(auth: RegistryAuth) -> str:
    fields = {
        "username": auth.username,
        "password": auth.password,
        "serveraddress": auth.server_address,
        "identitytoken": auth.identity_token,
        "registrytoken": auth.registry_token,
    }
    return base64.urlsafe_b64encode(orjson.dumps({key: value for key, value in fields.items() if value})).decode()


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _report(message: dict[str, Any], progress: Callable[[PullProgress], None] | None) -> None:
    """Hands one line of a pull on; raises ImagePullFailed for the line that tells of its failure."""
    if "error" in message:
        raise ImagePullFailed(str((message.get("errorDetail") or {}).get("message") or message["error"]))
    if progress is not None:
        detail = message.get("progressDetail") or {}
        progress(
            PullProgress(
                message.get("id", ""), message.get("status", ""), detail.get("current") or 0, detail.get("total") or 0
            )
        )
