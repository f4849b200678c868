"""Images for containers: pull policy, back-off, credentials and the events that tell of them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kubelet import backoff, image_reference
from kubelet.backoff import Backoff
from kubelet.pod_events import PodEvents
from kubelet.runtime import ContainerRuntime, ImagePullFailed, ImageStatus, RegistryAuth
from minikube_py.api.meta import Object, uid_of
from minikube_py.runtime.clock import Clock

SHOWN_BEFORE_BACK_OFF_SECONDS = 2
"""How long ErrImagePull is shown before it turns into ImagePullBackOff."""
NEVER_PRESENT_RETRY_SECONDS = 10
MOST_PULLS = 4
_DOCKER_HUB_KEYS = ("docker.io", "index.docker.io", "registry-1.docker.io")


class ImageFailure(Exception):
    """An image is not to be had now; ``reason`` and the text are for the waiting state."""

    def __init__(self, reason: str, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_at = retry_at


class Secrets(Protocol):
    """Where pull secrets come from."""

    async def secret(self, namespace: str, name: str) -> Object | None:
        """The Secret, or None where it does not exist."""
        ...


@dataclass(frozen=True, slots=True)
class _Failed:
    backoff: Backoff
    at: datetime
    message: str


class ImageManager:
    """Makes sure that a container's image is present, as upstream's ``EnsureImageExists``."""

    def __init__(self, runtime: ContainerRuntime, clock: Clock, most_pulls: int = MOST_PULLS) -> None:
        self._runtime = runtime
        self._clock = clock
        self._pulls = asyncio.Semaphore(most_pulls)
        self._failed: dict[tuple[str, str], _Failed] = {}

    async def ensure(
        self, pod: Object, container: Object, events: PodEvents, credentials: Iterable[RegistryAuth]
    ) -> ImageStatus:
        """The image to run. Raises ImageFailure, RuntimeUnavailable."""
        reference = container.get("image", "")
        policy = container.get("imagePullPolicy") or "IfNotPresent"
        try:
            image_reference.parse(reference)
        except image_reference.InvalidImageName as error:
            raise self._invalid_name(pod, container, events, str(error)) from error
        present = await self._runtime.image_status(reference)
        if present is not None and policy != "Always":
            events.container(
                pod, container, "Normal", "Pulled", f'Container image "{reference}" already present on machine'
            )
            return present
        if policy == "Never":
            message = f'Container image "{reference}" is not present with pull policy of Never'
            events.container(pod, container, "Warning", "ErrImageNeverPull", message)
            raise self._failure(pod, container, events, "ErrImageNeverPull", message, NEVER_PRESENT_RETRY_SECONDS)
        self._refuse_while_backing_off(pod, container, events)
        return await self._pull(pod, container, events, list(credentials))

    def forget(self, pod_uid: str) -> None:
        """Drops the history of a pod that is gone."""
        for key in [key for key in self._failed if key[0] == pod_uid]:
            del self._failed[key]

    def _refuse_while_backing_off(self, pod: Object, container: Object, events: PodEvents) -> None:
        reference = container.get("image", "")
        failed = self._failed.get((uid_of(pod), reference))
        if failed is None:
            return
        until = backoff.ends_at(failed.backoff, backoff.IMAGE_PULL, failed.at)
        if until is None or until <= self._clock.now():
            return
        text = f'Back-off pulling image "{reference}"'
        events.container(pod, container, "Normal", "BackOff", text)
        events.container(pod, container, "Warning", "Failed", "Error: ImagePullBackOff")
        raise ImageFailure("ImagePullBackOff", f"{text}: {failed.message}", until)

    async def _pull(
        self, pod: Object, container: Object, events: PodEvents, credentials: list[RegistryAuth]
    ) -> ImageStatus:
        reference = container.get("image", "")
        asked = self._clock.monotonic()
        async with self._pulls:
            events.container(pod, container, "Normal", "Pulling", f'Pulling image "{reference}"')
            begun = self._clock.monotonic()
            try:
                image = await self._runtime.pull_image(reference, _matching(reference, credentials))
            except ImagePullFailed as error:
                raise self._pull_failed(pod, container, events, error) from error
        ended = self._clock.monotonic()
        self._failed.pop((uid_of(pod), reference), None)
        took, waited = _shown_duration(ended - begun), _shown_duration(ended - asked)
        events.container(
            pod,
            container,
            "Normal",
            "Pulled",
            f'Successfully pulled image "{reference}" in {took} ({waited} including waiting). '
            f"Image size: {image.size_bytes} bytes.",
        )
        return image

    def _pull_failed(self, pod: Object, container: Object, events: PodEvents, error: ImagePullFailed) -> ImageFailure:
        reference = container.get("image", "")
        if error.reason == "InvalidImageName":
            return self._invalid_name(pod, container, events, str(error))
        events.container(pod, container, "Warning", "Failed", f'Failed to pull image "{reference}": {error}')
        key = (uid_of(pod), reference)
        now = self._clock.now()
        before = self._failed.get(key)
        current = backoff.advance(before.backoff if before else None, backoff.IMAGE_PULL, now, now)
        self._failed[key] = _Failed(current, now, f"{error.reason}: {error}")
        return self._failure(pod, container, events, error.reason, str(error), SHOWN_BEFORE_BACK_OFF_SECONDS)

    def _invalid_name(self, pod: Object, container: Object, events: PodEvents, message: str) -> ImageFailure:
        events.container(pod, container, "Warning", "InspectFailed", message)
        return self._failure(pod, container, events, "InvalidImageName", message, NEVER_PRESENT_RETRY_SECONDS)

    def _failure(
        self, pod: Object, container: Object, events: PodEvents, reason: str, message: str, seconds: float
    ) -> ImageFailure:
        events.container(pod, container, "Warning", "Failed", f"Error: {reason}")
        return ImageFailure(reason, message, self._clock.now() + timedelta(seconds=seconds))


async def pull_credentials(pod: Object, secrets: Secrets) -> tuple[list[RegistryAuth], list[str]]:
    """The credentials in the pod's pull secrets, and the names of secrets that give none."""
    credentials: list[RegistryAuth] = []
    missing: list[str] = []
    for reference in pod["spec"].get("imagePullSecrets") or []:
        name = reference.get("name", "")
        secret = await secrets.secret(pod["metadata"]["namespace"], name) if name else None
        if secret is None:
            missing.append(name)
        else:
            credentials.extend(parse_credentials(secret))
    return credentials, missing


def parse_credentials(secret: Object) -> list[RegistryAuth]:
    """The entries of a ``kubernetes.io/dockerconfigjson`` or ``kubernetes.io/dockercfg`` Secret. Pure."""
    data = secret.get("data") or {}
    try:
        if ".dockerconfigjson" in data:
            entries = json.loads(base64.b64decode(data[".dockerconfigjson"])).get("auths") or {}
        elif ".dockercfg" in data:
            entries = json.loads(base64.b64decode(data[".dockercfg"]))
        else:
            return []
        return [_credential(server, entry) for server, entry in entries.items()]
    except (ValueError, AttributeError, binascii.Error):
        return []


def _credential(server: str, entry: Object) -> RegistryAuth:
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth") and not username:
        username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return RegistryAuth(username, password, server, entry.get("identitytoken", ""), entry.get("registrytoken", ""))


def _matching(reference: str, credentials: list[RegistryAuth]) -> RegistryAuth | None:
    registry = image_reference.parse(reference).registry
    for credential in credentials:
        host = credential.server_address.removeprefix("https://").removeprefix("http://").partition("/")[0]
        if host == registry or (registry == image_reference.DEFAULT_REGISTRY and host in _DOCKER_HUB_KEYS):
            return credential
    return None


def _shown_duration(seconds: float) -> str:
    """``234ms``, ``1.234s``, ``1m2.5s``: a duration as Go prints it when cut to milliseconds."""
    milliseconds = int(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    shown = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{shown}"
    return f"{minutes}m{shown}" if minutes else shown
